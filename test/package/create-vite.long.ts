import { spawn } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { isChromiumMissing, launchChromium } from "../browser/chromium.ts";
import { freePort } from "../browser/dev-server.ts";
import { exec, ROOT } from "./exec.ts";

const EDITS = 10;
const START_TIMEOUT = 60_000;

describe("a project of the template vite-react", () => {
  const folder = inject("folder");
  const cwd = join(folder, "my-vite-app");
  const npm = (...args: string[]) => exec("npm", args, { cwd });

  beforeAll(async () => {
    const command = ["src/cli/bin.ts", "create", cwd, "--template", "vite-react", "--package", inject("tarball")];
    await exec(process.execPath, command, { cwd: ROOT });
    await npm("install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline");
  });

  it("type-checks and passes its test", async () => {
    await npm("run", "typecheck");
    expect(await npm("test")).toContain("4 passed");
  });

  it("is built for a deploy: minified, without what is for development, and without public source maps", async () => {
    await npm("run", "build", "--", "--mode", "staging");
    const config = readFileSync(join(cwd, "dist/worker/wrangler.json"), "utf8");
    expect(JSON.parse(config)).toMatchObject({ name: "my-vite-app-staging", vars: { INSPECTOR: "closed" } });
    await npm("run", "build");
    const worker = readFileSync(join(cwd, "dist/worker/index.js"), "utf8");
    expect(/NODE_ENV|was changed in place/.exec(worker)).toBeNull();
    expect(worker.split("\n").length).toBeLessThan(worker.length / 200);
    expect(await exec("find", ["dist/client", "-name", "*.map"], { cwd })).toBe("");
    expect(await exec("npx", ["wrangler", "deploy", "--dry-run"], { cwd })).toContain("env.ROOMS (RoomObject)");
  });

  describe.skipIf(isChromiumMissing())("under vite dev, in Chromium", () => {
    let server: { readonly url: string; stop(): Promise<void>; log(): string };
    beforeAll(async () => void (server = await startVite(cwd)));
    afterAll(() => server?.stop());

    it(`keeps pages, state and sessions over ${EDITS} edits of the room`, async () => {
      const browser = await launchChromium();
      onTestFinished(() => browser.close());
      const open = async () => {
        const page = await (await browser.newContext()).newPage();
        await page.goto(`${server.url}/?room=hot`);
        await expect.poll(() => page.textContent("#status"), { timeout: 20_000 }).toContain("here");
        // A marker that a reload of the page would remove.
        await page.evaluate(() => Object.assign(globalThis, { isSame: true }));
        return page;
      };
      const [ada, bob] = [await open(), await open()];
      await ada.fill("#name", "Ada");
      await ada.press("#name", "Enter");
      await expect.poll(() => bob.textContent("#visitors")).toContain("Ada");
      const original = readFileSync(join(cwd, "src/room.ts"), "utf8");
      for (let edit = 1; edit <= EDITS; edit++) {
        save(join(cwd, "src/room.ts"), original.replace("cheers + 1", `cheers + ${edit}`));
        const before = Number(await bob.textContent("#cheers"));
        // Until the new code runs, a cheer still counts as before.
        await expect
          .poll(
            async () => {
              const from = Number(await ada.textContent("#cheers"));
              await ada.click("#cheer");
              await expect
                .poll(async () => Number(await ada.textContent("#cheers")) > from, { timeout: 10_000 })
                .toBe(true);
              return Number(await ada.textContent("#cheers")) - from;
            },
            { timeout: 20_000, interval: 100 },
          )
          .toBe(edit);
        await expect.poll(() => bob.textContent("#cheers")).toBe(await ada.textContent("#cheers"));
        expect(Number(await bob.textContent("#cheers"))).toBeGreaterThanOrEqual(before + edit);
      }
      for (const page of [ada, bob]) {
        expect(await page.evaluate(() => "isSame" in globalThis)).toBe(true);
        expect(await page.textContent("#status")).toBe("2 here");
        expect(await page.textContent("#visitors")).toContain("Ada");
      }
      expect(server.log()).not.toMatch(/_failed/);
    }, 180_000);

    it("replaces a component of the page without loading it again", async () => {
      const browser = await launchChromium();
      onTestFinished(() => browser.close());
      const page = await browser.newPage();
      await page.goto(server.url);
      await page.evaluate(() => Object.assign(globalThis, { isSame: true }));
      const app = join(cwd, "src/page/app.tsx");
      save(app, readFileSync(app, "utf8").replace("Cheer\n", "Hooray\n"));
      await expect.poll(() => page.textContent("#cheer"), { timeout: 10_000 }).toContain("Hooray");
      expect(await page.evaluate(() => "isSame" in globalThis)).toBe(true);
    });
  });
});

/** Replaces a file atomically, as editors do when they save. */
function save(path: string, text: string): void {
  writeFileSync(`${path}.saved`, text);
  renameSync(`${path}.saved`, path);
}

/** Starts `npm run dev`. Resolves when it accepts requests. */
async function startVite(cwd: string) {
  const port = await freePort();
  const child = spawn(process.execPath, ["node_modules/vite/bin/vite.js", "--port", String(port), "--strictPort"], {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "", CI: "true", NO_COLOR: "1", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  let output = "";
  const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const stop = async () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await exited;
  };
  const ready = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("ready in")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void exited.then(() => reject(new Error(`vite ended:\n${output}`)));
    setTimeout(() => reject(new Error(`vite is not ready:\n${output}`)), START_TIMEOUT).unref();
  });
  await ready.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url: `http://localhost:${port}`, stop, log: () => output };
}
