// Writes docs/reference from the docstrings in the declaration files of `dist`, with a page for each entry point of
// package.json. Also updates docs/options.md and docs/limits.md, as far as they come from docstrings and defaults. With
// --check, it writes nothing, and fails if a page is out of date. Needs a build.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, ReflectionKind } from "typedoc";
import { checkDefaults, writeLimits } from "./limits.mjs";
import { writeOptions } from "./options.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const docs = join(root, "docs");
const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The entry points, with the names of their pages. */
const entries = Object.entries(exports).map(([path, { types }]) => ({
  page: path === "." ? "index" : path.slice("./".length),
  specifier: path.replace(".", name),
  file: join(root, types),
}));

const INTRO = `# API reference

Each exported name, from its docstring. \`npm run docs:reference\` writes these pages; do not edit them.

${entries.map(({ page, specifier }) => `- [\`${specifier}\`](${page}.md)`).join("\n")}

Options and their defaults are together on [one page](../options.md), and the [guides](../README.md) say how it all is
used. Some types have no name to import. \`S\` is the state of a room, \`Context<S>\` is \`{ state: S, room: RoomHandle }\`,
\`UserOf<S>\` the type of its users, \`Awaitable<T>\` is \`T | Promise<T>\`, and \`Parsed<Z>\` what a schema makes of a value.
`;

/** The name that typedoc gives to the module of a declaration file. */
function moduleIn(file) {
  return relative(join(root, "dist"), file).replace(/(\/index)?\.d\.ts$/, "");
}

async function convert(folder) {
  const app = await Application.bootstrapWithPlugins({
    entryPoints: entries.map(({ file }) => file),
    tsconfig: join(root, ".ci/reference/tsconfig.json"),
    plugin: ["typedoc-plugin-markdown"],
    outputs: [{ name: "markdown", path: folder }],
    outputFileStrategy: "modules",
    readme: "none",
    logLevel: "Error",
    // The build has already checked the types with the project's TypeScript.
    skipErrorChecking: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    disableSources: true,
    sort: ["alphabetical"],
    kindSortOrder: ["Function", "Class", "Interface", "TypeAlias", "Variable"],
    groupOrder: ["Functions", "Classes", "Interfaces", "Type Aliases", "Variables"],
    hideBreadcrumbs: true,
    hidePageHeader: true,
    hideGroupHeadings: true,
    useHTMLAnchors: false,
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
    classPropertiesFormat: "table",
    typeAliasPropertiesFormat: "table",
    propertyMembersFormat: "table",
    tableColumnSettings: { hideModifiers: true, hideDefaults: true, hideInherited: true, hideOverrides: true },
    typeDeclarationFormat: "table",
    pageTitleTemplates: { module: ({ name: page }) => entries.find((entry) => entry.page === page)?.specifier ?? page },
  });
  const project = await app.convert();
  if (!project || app.logger.hasErrors()) throw new Error("The reference cannot be made");
  // Typedoc names modules after their files. Rename them after their pages.
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    module.name = entries.find(({ file }) => moduleIn(file) === module.name)?.page ?? module.name;
  }
  const found = new Set(project.getChildrenByKind(ReflectionKind.Module).map((module) => module.name));
  const missing = entries.filter(({ page }) => !found.has(page));
  if (missing.length > 0) throw new Error(`There is nothing of ${missing.map(({ file }) => file).join(", ")}`);
  return { app, project };
}

/** The anchors that GitHub creates for a page, by the text of the headings. */
function anchorsOf(text) {
  const seen = new Map();
  const anchors = new Map();
  for (const [, heading] of text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    if (!anchors.has(heading)) anchors.set(heading, count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

/** Repairs links to types. The plugin numbers headings in another way than GitHub if names only differ in case. */
function repairLinks(pages) {
  const anchors = new Map([...pages].map(([file, text]) => [file, anchorsOf(text)]));
  for (const [file, text] of pages) {
    const repaired = text.replaceAll(/\[(`?)(\w+)\1\]\(([\w.]*)#[\w-]+\)/g, (link, tick, type, other) => {
      const headings = anchors.get(other || file);
      // The heading of a type that can be called has the form of a function's.
      const anchor = headings?.get(type) ?? headings?.get(`${type}()`);
      return anchor === undefined ? link : `[${tick}${type}${tick}](${other}#${anchor})`;
    });
    pages.set(file, repaired);
  }
  return pages;
}

/** @returns the pages by their paths in `docs` */
async function generate() {
  const folder = mkdtempSync(join(tmpdir(), "reference-"));
  try {
    const { app, project } = await convert(folder);
    // Do this before the plugin changes the texts for its output.
    checkDefaults(project);
    const tables = [
      ["options.md", writeOptions(read("options.md") ?? "", project)],
      ["limits.md", writeLimits(read("limits.md") ?? "")],
    ];
    await app.generateOutputs(project);
    const pages = entries.map(({ page }) => [`${page}.md`, readFileSync(join(folder, `${page}.md`), "utf8")]);
    const reference = repairLinks(new Map([["README.md", INTRO], ...pages]));
    return new Map([...tables, ...[...reference].map(([page, text]) => [`reference/${page}`, text])]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(page) {
  const path = join(docs, page);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

const pages = await generate();
const gone = readdirSync(join(docs, "reference")).filter((page) => !pages.has(`reference/${page}`));
const stale = [...[...pages].filter(([page, text]) => read(page) !== text).map(([page]) => page), ...gone];
if (process.argv.includes("--check")) {
  if (stale.length > 0) {
    console.error(
      `Not as the docstrings and defaults are: ${stale.join(", ")}. npm run build && npm run docs:reference`,
    );
    process.exitCode = 1;
  }
} else {
  for (const page of gone) rmSync(join(docs, "reference", page));
  for (const [page, text] of pages) writeFileSync(join(docs, page), text);
}
