import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync, Visitor } from "oxc-parser";

const SOURCES = new URL("../../src/", import.meta.url).href;
const PROBE = "__walkProbe";

/** The files in which a function ran, in the order of their first functions, and the number of calls between files. */
export interface Walk {
  readonly files: readonly string[];
  readonly jumps: number;
  /** The number of calls for each pair of files. */
  readonly pairs: ReadonlyMap<string, number>;
}

let current: { files: Set<string>; jumps: number; pairs: Map<string, number> } | undefined;

/** Records a path: all functions of `src` that are called while `run` runs. */
export async function walk(run: () => unknown): Promise<Walk> {
  const recorded = (current = { files: new Set<string>(), jumps: 0, pairs: new Map<string, number>() });
  try {
    await run();
  } finally {
    current = undefined;
  }
  return { ...recorded, files: [...recorded.files] };
}

/** Instruments the modules of `src` that are loaded from now on, so that each of their functions reports its calls. */
export function traceSources(): void {
  Error.stackTraceLimit = Infinity;
  (globalThis as Record<string, unknown>)[PROBE] = entered;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.startsWith(SOURCES)) return loaded;
      return { ...loaded, source: instrument(url, readFileSync(fileURLToPath(url), "utf8")) };
    },
  });
}

/** Called when a function is entered. If its nearest caller in `src` is in another file, this is a jump. */
function entered(): void {
  if (!current) return;
  const [, own, ...callers] = sourcesOnStack();
  if (own === undefined || own === "") return;
  current.files.add(own);
  const caller = callers.find((file) => file !== "");
  if (caller === undefined || caller === own) return;
  current.jumps++;
  const pair = `${caller} -> ${own}`;
  current.pairs.set(pair, (current.pairs.get(pair) ?? 0) + 1);
}

/** The files of the functions on the stack, the innermost first. Functions outside of `src` have an empty name. */
function sourcesOnStack(): string[] {
  Error.prepareStackTrace = (_error, sites) =>
    sites.filter((site) => !site.isAsync()).map((site) => nameOf(site.getFileName() ?? ""));
  const { stack } = new Error("only for its stack") as unknown as { stack: string[] };
  Reflect.deleteProperty(Error, "prepareStackTrace");
  // Leave out the frame of this function.
  return stack.slice(1);
}

function nameOf(url: string): string {
  return url.startsWith(SOURCES) ? relative(fileURLToPath(SOURCES), fileURLToPath(url)) : "";
}

interface FunctionBody {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Adds a call of the probe at the beginning of every function. */
function instrument(url: string, source: string): string {
  const insertions: [at: number, text: string][] = [];
  const visit = ({ body }: { body: FunctionBody | null }) => {
    if (!body) return;
    if (body.type === "BlockStatement" || body.type === "FunctionBody") {
      insertions.push([body.start + 1, `${PROBE}();`]);
    } else {
      insertions.push([body.start, `(${PROBE}(),(`], [body.end, "))"]);
    }
  };
  new Visitor({
    FunctionDeclaration: visit,
    FunctionExpression: visit,
    ArrowFunctionExpression: visit,
  }).visit(parseSync(fileURLToPath(url), source).program);
  let text = source;
  for (const [at, inserted] of insertions.toSorted(([a], [b]) => b - a)) {
    text = text.slice(0, at) + inserted + text.slice(at);
  }
  return text;
}
