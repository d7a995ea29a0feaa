import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The tables of docs/README.md become the index of the site. */
const [guides, references] = readFileSync(`${root}docs/README.md`, "utf8")
  .split(/^\| --- \| --- \|$/m)
  .slice(1)
  .map((table) =>
    [...table.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\.md\)/gm)].map(([, title, page]) => ({
      text: title.replaceAll("`", ""),
      link: `/docs/${page.replace(/README$/, "index")}.html`,
    })),
  );

const CODE = /^(\.\.?\/)*(src|test|examples|LICENSE)\b/;

/** Replaces links to code by their text, because the site does not contain the code. */
function unlinkCode(md) {
  md.core.ruler.push("unlink-code", ({ tokens }) => {
    for (const { children } of tokens) {
      let isInside = false;
      for (const token of children ?? []) {
        isInside ||= token.type === "link_open" && CODE.test(token.attrGet("href"));
        if (!isInside || !token.type.startsWith("link_")) continue;
        if (token.type === "link_close") isInside = false;
        Object.assign(token, { type: "text", tag: "", nesting: 0, attrs: null, content: "" });
      }
    }
  });
}

/** Prevents VitePress from treating code such as `{{ }}` as a template. */
function keepBraces(md) {
  md.renderer.rules.code_inline = (tokens, index) => `<code v-pre>${md.utils.escapeHtml(tokens[index].content)}</code>`;
}

/**
 * Normalizes a word for the search; null for words without meaning. It runs in the browser too, with nothing of this
 * file.
 */
function processTerm(word) {
  const isCommon =
    /^(an?|and|are|as|at|be|by|do|does|for|from|happens|how|i|in|is|it|my|of|on|or|that|the|to|what|where|with)$/i;
  return isCommon.test(word) ? null : word.toLowerCase();
}

/** Ranks guides above pages that mention everything. It also runs in the browser. */
function boostDocument(id) {
  if (/CHANGELOG|CONTRIBUTING|architecture|threat-model|upstream-cases/.test(id)) return 0.2;
  return /protocol|reference|benchmarks|SKILL/.test(id) ? 0.5 : 1;
}

export default defineConfig({
  title: "durable-rooms",
  description: "Real-time multiplayer rooms on Cloudflare Workers and Durable Objects",
  // A copy of the pages, because they must be inside of the folder that has the site's packages.
  srcDir: "pages",
  outDir: "../../dist-site",
  cacheDir: "node_modules/.cache/vitepress",
  // Links to pages of wrangler dev.
  ignoreDeadLinks: [/^http:\/\/localhost/],
  // Do not read the project's configuration, which is too new for the compiler that the site uses.
  vite: { esbuild: { tsconfigRaw: "{}" } },
  markdown: {
    config(md) {
      unlinkCode(md);
      keepBraces(md);
    },
  },
  themeConfig: {
    search: {
      provider: "local",
      options: { miniSearch: { options: { processTerm }, searchOptions: { boostDocument } } },
    },
    outline: [2, 3],
    nav: [
      { text: "Documentation", link: "/docs/index.html" },
      { text: "Reference", link: "/docs/reference/index.html" },
      { text: "Changelog", link: "/CHANGELOG.html" },
    ],
    sidebar: [
      { text: "Start", link: "/" },
      { text: "Guides", items: guides },
      { text: "Reference", items: references },
    ],
  },
});
