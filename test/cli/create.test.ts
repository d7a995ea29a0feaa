import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runBin } from "./bin.ts";

type Manifest = Record<"dependencies" | "devDependencies", Record<string, string>> & { name: string; version: string };
const read = (path: string) => readFileSync(path, "utf8");
const readManifest = (folder: string) => JSON.parse(read(join(folder, "package.json"))) as Manifest;

describe("durable-rooms create", () => {
  let cwd: string;
  beforeEach(() => void (cwd = mkdtempSync(join(tmpdir(), "durable-rooms-create-"))));
  afterEach(() => rmSync(cwd, { recursive: true }));

  it("creates a project with its name and its own secret", async () => {
    const { code, stdout, stderr } = await runBin(["create", "Tic Tac Toe!"], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain('cd "Tic Tac Toe!"');
    const folder = join(cwd, "Tic Tac Toe!");
    expect(readManifest(folder).name).toBe("tic-tac-toe");
    for (const file of ["wrangler.toml", "README.md", "public/index.html"]) {
      expect(read(join(folder, file))).toContain("tic-tac-toe");
      expect(read(join(folder, file))).not.toContain("my-app");
    }
    expect(read(join(folder, ".gitignore"))).toContain(".dev.vars\n");
    expect(existsSync(join(folder, "_gitignore"))).toBe(false);
    expect(statSync(join(folder, ".dev.vars")).mode & 0o777).toBe(0o600);
    const token = await runBin(["token", "--sub", "ada"], { cwd: folder });
    expect(token).toMatchObject({ code: 0, stdout: expect.stringContaining(".") });

    await runBin(["create", "other"], { cwd });
    expect(read(join(cwd, "other/.dev.vars"))).not.toBe(read(join(folder, ".dev.vars")));
  });

  it("creates one with Vite and React, which has the common files", async () => {
    const { code, stdout } = await runBin(["create", "my-game", "--template", "vite-react"], { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("http://localhost:5173") });
    for (const file of ["index.html", "src/page/app.tsx", "wrangler.toml", "README.md"]) {
      expect(read(join(cwd, "my-game", file))).not.toContain("my-app");
    }
    for (const file of ["src/room.ts", "test/room.test.ts", "src/page/style.css"])
      expect(read(join(cwd, "my-game", file))).toBe(read(join("src/templates/shared", file)));
    const unknown = await runBin(["create", "other", "--template", "angular"], { cwd });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("vanilla, vite-react, action") });
  });

  it("creates a game from another template", async () => {
    expect(await runBin(["create", "arena", "--template", "action"], { cwd })).toMatchObject({ code: 0, stderr: "" });
    expect(readManifest(join(cwd, "arena")).name).toBe("arena");
    expect(read(join(cwd, "arena/wrangler.toml"))).toContain('name = "arena"');
    expect(read(join(cwd, "arena/src/arena-room.ts"))).toContain("room.rewind(seen");
    expect(read(join(cwd, "arena/.gitignore"))).toContain("dist/\n");
  });

  it("accepts an empty folder, also with a repository, and a given name", async () => {
    mkdirSync(join(cwd, ".git"));
    expect(await runBin(["create", ".", "--name", "my-game"], { cwd })).toMatchObject({ code: 0 });
    expect(readManifest(cwd).name).toBe("my-game");
  });

  it("does not change a folder that is not empty", async () => {
    writeFileSync(join(cwd, "precious.txt"), "precious");
    const { code, stdout, stderr } = await runBin(["create", ".", "--name", "my-game"], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("is not empty");
    expect(readdirSync(cwd)).toEqual(["precious.txt"]);
  });

  it("reports that a folder cannot be created", async () => {
    writeFileSync(join(cwd, "file"), "");
    expect(await runBin(["create", "file"], { cwd })).toMatchObject({ code: 1, stdout: "" });
  });

  it("creates nothing if the tarball does not exist", async () => {
    const { code, stderr } = await runBin(["create", "app", "--package", "./none.tgz"], { cwd });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("There is no file ./none.tgz") });
    expect(existsSync(join(cwd, "app"))).toBe(false);
  });

  it.each(["./some.tgz", "some.tgz", "file:some.tgz"])(
    "uses the tarball %s with its path from the project",
    async (spec) => {
      writeFileSync(join(cwd, "some.tgz"), "");
      await runBin(["create", "deep/in/my-app", "--package", spec], { cwd });
      const { dependencies } = readManifest(join(cwd, "deep/in/my-app"));
      expect(dependencies["durable-rooms"]).toBe("file:../../../some.tgz");
    },
  );

  it.each(["1.2.3", "next", "https://example.com/durable-rooms-1.2.3.tgz", "https://example.com/durable-rooms@abc"])(
    "passes %s to npm unchanged",
    async (spec) => {
      expect(await runBin(["create", "app", "--package", spec], { cwd })).toMatchObject({ code: 0, stderr: "" });
      expect(readManifest(join(cwd, "app")).dependencies["durable-rooms"]).toBe(spec);
    },
  );
});

describe("the templates", () => {
  it.each(["vanilla", "vite-react", "action"])(
    "%s keeps URLs out of the log, and deploys a minified Worker",
    (name) => {
      const file = (path: string) => read(join("src/templates", name, path));
      expect(file("wrangler.toml")).toMatch(/^\[observability.logs\]\ninvocation_logs = false$/m);
      expect(file("wrangler.toml")).toMatch(/^upload_source_maps = true$/m);
      expect(name === "vite-react" ? file("vite.config.ts") : file("package.json")).toContain("minify");
    },
  );
});

describe("the versions", () => {
  const own = readManifest(".");

  it.each(["vanilla", "vite-react", "action"])(
    "of the template %s are those that this project is tested with",
    (template) => {
      const { dependencies, devDependencies } = readManifest(join("src/templates", template));
      // Only projects of that template install it. `npm run test:package` tests them.
      delete devDependencies["@vitejs/plugin-react"];
      expect(dependencies["durable-rooms"]).toBe(own.version);
      // The library accepts a range of zod versions. Compare with the version that is installed.
      const [zod, vite] = ["zod", "vite"].map((name) => readManifest(join("node_modules", name)).version);
      // This project installs the plugin under its former name.
      const [, plugin] = (own.devDependencies["@cloudflare/vitest-pool-workers"] ?? "").split("vitest-plugin@");
      const others = { zod, vite, "@cloudflare/vitest-plugin": plugin, "durable-rooms": own.version };
      const versions = { ...own.devDependencies, ...own.dependencies, ...others };
      expect(versions).toMatchObject({ ...dependencies, ...devDependencies });
    },
  );

  it("of create-durable-rooms is that of this package", () => {
    const { version, dependencies } = readManifest("src/create");
    expect({ version, dependencies }).toEqual({
      version: own.version,
      dependencies: { "durable-rooms": own.version },
    });
  });
});
