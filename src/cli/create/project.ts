import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { Failure, UsageError } from "../failure.ts";

export interface ProjectOptions {
  /** Default: made from that of the folder. */
  readonly name?: string | undefined;
  /** What to install as durable-rooms. Default: the version that this is. */
  readonly packageSpec?: string | undefined;
  readonly template: Template;
}

/** What a project is made from. */
export const TEMPLATES = ["vanilla", "vite-react", "action"] as const;
export type Template = (typeof TEMPLATES)[number];

/** As true from `dist/cli/create` as from `src/cli/create`. */
const FOLDER = join(import.meta.dirname, "../../../src/templates");
/** The folders that a template is made of: most share the room, and what belongs to that. */
const PARTS: Readonly<Record<Template, readonly string[]>> = {
  vanilla: ["shared", "vanilla"],
  "vite-react": ["shared", "vite-react"],
  action: ["action"],
};
/** The name of the project in a template. */
const PLACEHOLDER = "my-app";
/** What both npm and Cloudflare take. */
const NAME = /^[a-z]([a-z0-9-]{0,52}[a-z0-9])?$/;

/**
 * Makes a project in a folder that is empty, or not there yet.
 * @returns its name
 * @throws UsageError if it cannot have that name, or there is no such template or tarball; Failure if something is there already
 */
export async function createProject(
  directory: string,
  { name, packageSpec, template }: ProjectOptions,
): Promise<string> {
  const chosen = name ?? nameFrom(basename(directory));
  if (!NAME.test(chosen)) {
    throw new UsageError(
      `"${chosen}" is not a valid project name: use up to 54 small letters, digits and dashes. Choose one with --name`,
    );
  }
  const tarball = packageSpec === undefined ? undefined : pathOf(packageSpec);
  if (tarball !== undefined && !existsSync(tarball))
    throw new UsageError(`There is no file ${tarball}. --package takes a version, a URL, or the path of a tarball`);
  await makeEmpty(directory);
  for (const folder of PARTS[template]) await copy(join(FOLDER, folder), directory, chosen);
  // npm leaves files of that name out of packages.
  await rename(join(directory, "_gitignore"), join(directory, ".gitignore"));
  if (packageSpec !== undefined) await usePackage(directory, packageSpec);
  await writeFile(join(directory, ".dev.vars"), devVars(), { mode: 0o600 });
  return chosen;
}

function nameFrom(folder: string): string {
  return folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[-0-9]+|-+$/g, "");
}

async function makeEmpty(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    const others = (await readdir(directory)).filter((file) => file !== ".git");
    if (others.length === 0) return;
  } catch (thrown) {
    throw new Failure(`${directory} cannot be made: ${(thrown as Error).message}`);
  }
  throw new Failure(`${directory} is not empty. Nothing was changed`);
}

/** Copies a part of a template, with the name of the project. */
async function copy(from: string, to: string, name: string): Promise<void> {
  await cp(from, to, { recursive: true });
  const files = await readdir(from, { recursive: true, withFileTypes: true });
  for (const file of files.filter((one) => one.isFile())) {
    const path = join(to, relative(from, file.parentPath), file.name);
    await edit(path, (text) => text.replaceAll(PLACEHOLDER, name));
  }
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, "utf8")));
}

/** Where a package is on this machine; undefined where npm has to find it. */
function pathOf(spec: string): string | undefined {
  if (spec.startsWith("file:")) return spec.slice("file:".length);
  const isPath = isAbsolute(spec) || spec.startsWith(".") || (spec.endsWith(".tgz") && !spec.includes("://"));
  return isPath ? spec : undefined;
}

/** A path is meant from where the command runs, and npm looks from the project. */
async function usePackage(directory: string, spec: string): Promise<void> {
  const path = pathOf(spec);
  const used = path === undefined ? spec : `file:${relative(directory, resolve(path)).replaceAll("\\", "/")}`;
  await edit(join(directory, "package.json"), (text) => {
    const content = JSON.parse(text) as { dependencies: Record<string, string> };
    content.dependencies["durable-rooms"] = used;
    return `${JSON.stringify(content, undefined, 2)}\n`;
  });
}

function devVars(): string {
  return `# For development only. Generated for this folder and not committed. A deployed Worker has its own secret.
AUTH_JWT_SECRET="${randomBytes(32).toString("base64url")}"
# /inspector is open to everyone.
INSPECTOR="open"
`;
}
