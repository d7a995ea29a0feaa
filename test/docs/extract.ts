/**
 * The code blocks of the documents, as modules in `test/docs/extracted`: `npm run build:examples`. A fence says which one
 * it belongs to, and so does a comment with lines that a reader need not see:
 *
 *     <!-- ts file=chat.ts
 *     import { defineRoom } from "durable-rooms";
 *     -->
 *     ```ts file=chat.ts
 *     export const chat = defineRoom({ path: "chat" });
 *     ```
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** Where modules are compiled: code for other libraries has the tag `typescript`, and is where these are installed. */
const FOLDERS = { ts: "test/docs/extracted", tsx: "test/docs/extracted", typescript: "test/bench/peers" };
const EXTRACTED = ["test/docs/extracted/**/*.{ts,tsx}", "test/bench/peers/{,agents/}before-*.ts"];

/** What may have code, besides the reference, whose examples are those of the docstrings. */
export const PAGES = ["*.md", "docs/*.md", "docs/skill/*.md"];

const BEGIN = /^( *)(```|<!-- )(tsx?|typescript)\b(.*)$/;
const END = { "```": /^ *```$/, "<!-- ": /^ *-->$/ };

interface Module {
  readonly page: string;
  /** Its path, from the root of the project. */
  readonly file: string;
  /** Those of the page. What belongs to no block of this module is empty, so errors have the line numbers of the page. */
  readonly lines: string[];
}

interface Examples {
  /** Where a block says of no module that it is a part of it, or says so of two. */
  readonly problems: string[];
  readonly modules: Module[];
}

/** @returns the modules of one page, in the order in which they begin */
export function modulesOf(page: string, text: string): Examples {
  const problems: string[] = [];
  const modules = new Map<string, Module>();
  let block: { readonly end: RegExp; readonly indent: number; readonly lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (block) {
      if (block.end.test(line)) block = undefined;
      else block.lines[index] = line.slice(block.indent);
      continue;
    }
    const [, indent = "", mark, language, info = ""] = BEGIN.exec(line) ?? [];
    if (!mark) continue;
    const name = /^ file=([\w./-]+\.tsx?)$/.exec(info)?.[1];
    if (!name)
      problems.push(`${page}:${index + 1}: ${line.trim()} has to name its module, as in \`\`\`ts file=chat.ts`);
    const file = `${FOLDERS[language as keyof typeof FOLDERS]}/${name ?? ""}`;
    const module = modules.get(file) ?? { page, file, lines: [] };
    if (name) modules.set(file, module);
    block = { end: END[mark as keyof typeof END], indent: indent.length, lines: module.lines };
  }
  return { problems, modules: [...modules.values()] };
}

function plain({ lines }: Module): string {
  return lines.filter((line) => line.trim() !== "").join("\n");
}

/** Pages may repeat one another's modules, or parts of them: the longest counts. */
export function merge(pages: readonly Examples[]): Examples {
  const problems = pages.flatMap((page) => page.problems);
  const files = Map.groupBy(
    pages.flatMap((page) => page.modules),
    ({ file }) => file,
  );
  const modules = [...files.values()].map((same) => {
    const longest = same.reduce((one, other) => (plain(other).length > plain(one).length ? other : one));
    for (const module of same) {
      if (plain(longest).includes(plain(module))) continue;
      problems.push(`${module.page}: ${module.file} is no part of ${module.file} in ${longest.page}`);
    }
    return longest;
  });
  return { problems, modules };
}

export function readExamples(): Examples {
  const paths = globSync(PAGES, { cwd: root }).toSorted();
  return merge(paths.map((path) => modulesOf(path, readFileSync(join(root, path), "utf8"))));
}

/** The sources of the package's entry points, by what users import. */
function entryPoints(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, { types: string }>;
  };
  const sources = Object.entries(exports).map(
    ([path, { types }]) =>
      [path.replace(".", "durable-rooms"), types.replace("./dist", "src").replace(".d.ts", ".ts")] as const,
  );
  return new Map(sources);
}

function codeOf({ page, file, lines }: Module, entries: ReadonlyMap<string, string>): string {
  const code = lines.join("\n").replaceAll(/(?<=\b(?:from |import\()")durable-rooms[\w/-]*(?=")/g, (path) => {
    const source = entries.get(path);
    return source === undefined ? path : relative(dirname(file), source);
  });
  return `// ${page}${code}\n`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Writes what has changed, and removes what is in no page any more. */
export function writeExamples(): Examples {
  const examples = readExamples();
  const entries = entryPoints();
  const files = new Set(examples.modules.map(({ file }) => file));
  for (const file of globSync(EXTRACTED, { cwd: root })) if (!files.has(file)) rmSync(join(root, file));
  for (const module of examples.modules) {
    const path = join(root, module.file);
    const code = codeOf(module, entries);
    mkdirSync(dirname(path), { recursive: true });
    if (read(path) !== code) writeFileSync(path, code);
  }
  return examples;
}

if (import.meta.main) {
  const { problems } = writeExamples();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
