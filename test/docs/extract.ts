/**
 * Extracts the code blocks of the documents as modules into `test/docs/extracted`: `npm run build:examples`. The fence
 * of a block names its module. So does a comment with lines that a reader need not see:
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

/** The folder of a module, by the language of its blocks. Code for other libraries goes to where they are installed. */
const EXAMPLES = "test/docs/extracted";
const FOLDERS = { ts: EXAMPLES, tsx: EXAMPLES, vue: EXAMPLES, svelte: EXAMPLES, typescript: "test/bench/peers" };
const EXTRACTED = ["test/docs/extracted/**/*.{ts,tsx}", "test/bench/peers/{,agents/}before-*.ts"];

/** The pages with examples. The reference is generated, and its examples are those of the docstrings. */
export const PAGES = ["*.md", "docs/*.md", "docs/skill/*.md"];

const BEGIN = /^( *)(```|<!-- )(tsx?|vue|svelte|typescript)\b(.*)$/;
/** Only the script of a Vue or Svelte component is compiled. */
const SCRIPT = /^<\/?script\b/;
const END = { "```": /^ *```$/, "<!-- ": /^ *-->$/ };

interface Module {
  readonly page: string;
  /** The module's path from the root of the project. */
  readonly file: string;
  /**
   * The lines of the page, which are empty outside of this module's blocks, so that errors have the page's line
   * numbers.
   */
  readonly lines: string[];
}

interface Examples {
  /** Errors such as blocks without a module, and modules that differ between pages. */
  readonly problems: string[];
  readonly modules: Module[];
}

/** @returns the modules of one page, in the order of their first blocks */
export function modulesOf(page: string, text: string): Examples {
  const problems: string[] = [];
  const modules = new Map<string, Module>();
  let block: { readonly end: RegExp; readonly indent: number; readonly lines: string[]; isCode: boolean } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (block) {
      if (block.end.test(line)) block = undefined;
      else if (SCRIPT.test(line)) block.isCode = line.startsWith("<script");
      else if (block.isCode) block.lines[index] = line.slice(block.indent);
      continue;
    }
    const [, indent = "", mark, language = "", info = ""] = BEGIN.exec(line) ?? [];
    if (!mark) continue;
    const name = /^ file=([\w./-]+\.tsx?)$/.exec(info)?.[1];
    if (!name)
      problems.push(`${page}:${index + 1}: ${line.trim()} has to name its module, as in \`\`\`ts file=chat.ts`);
    const file = `${FOLDERS[language as keyof typeof FOLDERS]}/${name ?? ""}`;
    const module = modules.get(file) ?? { page, file, lines: [] };
    if (name) modules.set(file, module);
    block = {
      end: END[mark as keyof typeof END],
      indent: indent.length,
      lines: module.lines,
      isCode: !/vue|svelte/.test(language),
    };
  }
  return { problems, modules: [...modules.values()] };
}

function plain({ lines }: Module): string {
  return lines.filter((line) => line.trim() !== "").join("\n");
}

/** Merges the modules of all pages. Pages may repeat a module of another page, or a part of it: the longest is used. */
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
      problems.push(`${module.page}: ${module.file} differs from the one of ${longest.page}`);
    }
    return longest;
  });
  return { problems, modules };
}

export function readExamples(): Examples {
  const paths = globSync(PAGES, { cwd: root }).toSorted();
  return merge(paths.map((path) => modulesOf(path, readFileSync(join(root, path), "utf8"))));
}

/** The source files of the package's entry points, by the names that users import. */
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

/** Writes modules that changed, and removes modules that no page has any more. */
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
