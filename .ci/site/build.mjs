// Builds the documents as a site into dist-site. Needs `npm ci` in this folder.
import { cpSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vitepress";

const site = fileURLToPath(new URL(".", import.meta.url));
const pages = `${site}pages`;

rmSync(pages, { recursive: true, force: true });
for (const name of ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs"]) {
  cpSync(`${site}../../${name}`, `${pages}/${name}`, { recursive: true });
}
for (const path of globSync(`${pages}/**/*.md`)) {
  // The site calls the page of a folder index.md.
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(/(\]\([^)]*)README\.md/g, "$1index.md"));
  renameSync(path, path.replace(/README\.md$/, "index.md"));
}
await build(site);
for (const name of ["llms.txt", "llms-full.txt"])
  cpSync(`${site}../../docs/${name}`, `${site}../../dist-site/docs/${name}`);
rmSync(pages, { recursive: true });
