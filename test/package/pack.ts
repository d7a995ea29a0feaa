import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { exec, ROOT } from "./exec.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A temporary folder for the tests. */
    readonly folder: string;
    /** The paths of the tarballs of the two published packages. */
    readonly tarball: string;
    readonly createTarball: string;
  }
}

export default async function pack(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "durable-rooms-package-"));
  const packFrom = async (source: string) => {
    const printed = await exec("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: join(ROOT, source) });
    return join(folder, printed.trim());
  };
  project.provide("folder", folder);
  project.provide("tarball", await packFrom("."));
  project.provide("createTarball", await packFrom("src/create"));
  return () => rmSync(folder, { recursive: true, force: true });
}
