// Writes docs/llms.txt, an index of the documents for language models (https://llmstxt.org), and docs/llms-full.txt,
// which contains all guides. Each build creates both. They are published, but not committed.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const docs = fileURLToPath(new URL("../docs/", import.meta.url));
const index = readFileSync(`${docs}README.md`, "utf8");
const about = readFileSync(`${docs}../README.md`, "utf8").split("\n\n")[1];

/** The rows of the tables in docs/README.md, by the heading of their table. */
const sections = ["guide", "reference"].map((heading) => {
  const table = index.split(`| ${heading} | |`)[1].split("\n\n")[0];
  return [heading, [...table.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| (.*) \|$/gm)]];
});

const list = sections.map(([heading, rows]) => {
  const lines = rows.map(([, title, page, what]) => `- [${title}](${page}): ${what}`);
  return `## ${heading === "guide" ? "Guides" : "Reference"}\n\n${lines.join("\n")}\n`;
});
writeFileSync(`${docs}llms.txt`, `# durable-rooms\n\n> ${about.replaceAll("\n", "\n> ")}\n\n${list.join("\n")}`);

/** Pages that do not describe how to use the package: comparisons and internals would only take space. */
const LEFT_OUT = /^(coming-from|upstream|architecture|benchmarks|threat|reference\/|protocol)/;
const pages = sections.flatMap(([, rows]) => rows.map(([, , page]) => page)).filter((page) => !LEFT_OUT.test(page));
/** A page as readers see it, without the comments that complete its examples or name the source of a number. */
const shown = (page) => readFileSync(docs + page, "utf8").replaceAll(/^ *<!--[^]*?-->\n|<!--.*?-->/gm, "");
writeFileSync(`${docs}llms-full.txt`, pages.map((page) => shown(page).trim()).join("\n\n---\n\n"));
