import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const documents = globSync(["*.md", "docs/**/*.md", "test/examples/README.md", "src/templates/*/README.md"], {
  cwd: root,
});

/** A document without its code, in which brackets have another meaning. */
function prose(path: string): string {
  return readFileSync(path, "utf8")
    .replaceAll(/^ *```[\s\S]*?^ *```$/gm, "")
    .replaceAll(/`[^`\n]*`/g, "code");
}

/** The anchors of a document: those that GitHub generates from headings, and explicit ones. */
function anchorsOf(path: string): ReadonlySet<string> {
  const text = readFileSync(path, "utf8").replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  const seen = new Map<string, number>();
  const ofHeadings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
  return new Set([...ofHeadings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id)]);
}

/** Describes what is wrong with a link. Undefined if the link is right. */
function problemOf(document: string, link: string): string | undefined {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? join(root, document) : join(root, dirname(document), decodeURIComponent(file));
  if (relative(root, target).startsWith("..")) return `${link} leads out of the project`;
  if (!existsSync(target)) return `${link}: there is no such file`;
  if (anchor === undefined || !target.endsWith(".md")) return undefined;
  return anchorsOf(target).has(anchor) ? undefined : `${link}: there is no such heading`;
}

/** Describes what GitHub does not show as a table, or shows with a row that is cut. Tables are read line by line. */
function* tableProblems(document: string): Generator<string> {
  const lines = prose(join(root, document)).split("\n");
  const isRow = (line = "") => /^ *\|/.test(line);
  const isDelimiter = (line = "") => /^ *\|( *:?-+:? *\|)+$/.test(line);
  const cells = (line = "") => line.replaceAll(/\\\|/g, "").split("|").length;
  for (const [index, line] of lines.entries()) {
    if (!isRow(line)) continue;
    const isFirst = !isRow(lines[index - 1]);
    if (isFirst && !isDelimiter(lines[index + 1])) yield `${line}: no delimiter row follows`;
    if (isDelimiter(line) && (isFirst || isRow(lines[index - 2]))) yield `${line}: a delimiter row in the wrong place`;
    if (!isFirst && cells(line) !== cells(lines[index - 1])) yield `${line}: another number of cells`;
  }
}

describe("links between the documents", () => {
  it.each(documents)("%s", (document) => {
    const links = [...prose(join(root, document)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const own = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(own.map((link) => problemOf(document, link)).filter(Boolean)).toEqual([]);
  });

  it("lead to all pages from the index", () => {
    const index = prose(join(root, "docs/README.md"));
    const pages = globSync("docs/*.md", { cwd: root }).map((path) => relative("docs", path));
    for (const page of pages.filter((name) => name !== "README.md")) expect(index).toContain(`(${page})`);
  });
});

describe("tables of the documents", () => {
  it.each(documents)("%s", (document) => {
    expect([...tableProblems(document)]).toEqual([]);
  });
});
