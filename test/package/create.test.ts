import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import type { Summary } from "../../src/cli/load/summary.ts";
import { isChromiumMissing, launchChromium } from "../browser/chromium.ts";
import { freePort, startDevServer } from "../browser/dev-server.ts";
import type { DevServer } from "../browser/dev-server.ts";
import { connect } from "./connect.ts";
import { exec } from "./exec.ts";

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dependencies?: Readonly<Record<string, string>> }>>;
}

const SOON = { timeout: 20_000, interval: 200 };
const INSTALL = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];

describe("a newly created project", () => {
  const folder = inject("folder");
  const tarball = inject("tarball");
  const cwd = join(folder, "my-app");
  const npm = (...args: string[]) => exec("npm", args, { cwd });
  const command = (...args: string[]) => exec("npx", ["durable-rooms", ...args], { cwd });
  let server: DevServer;

  beforeAll(async () => {
    const npx = [
      "exec",
      "--yes",
      "--package",
      tarball,
      "--",
      "durable-rooms",
      "create",
      "my-app",
      "--package",
      tarball,
    ];
    expect(await exec("npm", npx, { cwd: folder })).toContain("my-app was created");
    await npm(...INSTALL);
    server = await startDevServer({ port: await freePort(), persistTo: join(folder, "state"), cwd });
  });
  afterAll(() => server?.kill());

  it("can be created by create-durable-rooms too", async () => {
    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    await exec("npm", [...INSTALL, tarball, inject("createTarball")], { cwd: elsewhere });
    await exec(join(elsewhere, "node_modules/.bin/create-durable-rooms"), ["made"], { cwd: elsewhere });
    expect(readdirSync(join(elsewhere, "made")).toSorted()).toEqual(
      readdirSync(cwd)
        .filter((name) => !["node_modules", "package-lock.json", ".wrangler"].includes(name))
        .toSorted(),
    );
  });

  it("type-checks, passes its test, and can be deployed", async () => {
    await npm("run", "typecheck");
    expect(await npm("test")).toContain("4 passed");
    const deploy = await npm("run", "deploy", "--", "--dry-run");
    expect(deploy).toContain("env.ROOMS (RoomObject)");
    // The public script is minified, and has no source map.
    expect(readdirSync(join(cwd, "public")).toSorted()).toEqual(["index.html", "main.js", "style.css"]);
    const script = readFileSync(join(cwd, "public/main.js"), "utf8");
    expect(/sourceMappingURL|NODE_ENV/.exec(script)).toBeNull();
    expect(script.split("\n").length).toBeLessThan(script.length / 500);
    expect(await npm("run", "deploy:staging", "--", "--dry-run")).toContain("env.ROOMS (RoomObject)");
  });

  it("serves its page, and its room over a socket", async () => {
    expect(await (await fetch(server.url)).text()).toContain("<title>my-app</title>");
    expect((await fetch(`${server.url}/main.js`)).status).toBe(200);
    const client = connect(server.url, "lobby-socket");
    onTestFinished(() => client.close());
    await client.call("cheer");
    await expect.poll(() => client.read("cheers")).toBe(1);
  });

  it("shows its inspector to the developer", async () => {
    expect(await (await fetch(`${server.url}/inspector`)).text()).toContain("<title>Inspector</title>");
    const service: unknown = await (await fetch(`${server.url}/inspector/service`)).json();
    expect(service).toMatchObject({ rooms: [{ party: "main", path: "lobby-{id}" }], isOpen: true });
    const seen = await (await fetch(`${server.url}/parties/main/lobby-seen/$inspect`)).json();
    expect(seen).toMatchObject({ path: "lobby-{id}", state: { kind: "object" } });
  });

  it("can be reset by an admin, with a token from durable-rooms token", async () => {
    const reset = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${server.url}/parties/main/lobby-1/reset`, { method: "POST", headers })).status;
    };
    expect(await reset((await command("token", "--claim", "role=admin")).trim())).toBe(200);
    expect(await reset((await command("token", "--claim", "role=user")).trim())).toBe(403);
  });

  it("can be measured by durable-rooms load, as its README says", async () => {
    const [, text = ""] = /load (--room .*)\n/.exec(readFileSync(join(cwd, "README.md"), "utf8")) ?? [];
    const args = text.replaceAll("'", "").split(" ");
    const here = ["--host", server.url, "--duration", "2s", "--json"];
    const summary = JSON.parse(await command("load", ...args, ...here)) as Summary;
    expect(summary).toMatchObject({ clients: { connected: 50 }, errors: {}, closes: {}, actions: { unanswered: 0 } });
    expect(summary.actions.answered).toBeGreaterThan(400);
    expect(summary.latencyMs.p99).toBeGreaterThan(0);
  });

  it("does not install packages that only the commands need", () => {
    const installed = readdirSync(join(cwd, "node_modules"));
    expect(installed).toEqual(expect.arrayContaining(["durable-rooms", "hono", "jose", "partysocket"]));
    expect(installed).not.toContain("commander");
    const { packages } = JSON.parse(readFileSync(join(cwd, "package-lock.json"), "utf8")) as Lock;
    expect(packages["node_modules/durable-rooms"]?.dependencies).not.toHaveProperty("ws");
  });

  it.skipIf(isChromiumMissing())("shows each window the changes of the other", async () => {
    const browser = await launchChromium();
    onTestFinished(() => browser.close());
    const open = async (viewport = { width: 900, height: 600 }) => {
      const page = await (await browser.newContext({ viewport })).newPage();
      const problems: string[] = [];
      page.on("pageerror", ({ message }) => problems.push(message));
      page.on("console", (message) => void (message.type() === "error" && problems.push(message.text())));
      await page.goto(`${server.url}/?room=browser`);
      return { page, problems };
    };
    const [ada, bob] = [await open(), await open()];
    await expect.poll(() => ada.page.textContent("#status")).toBe("2 here");
    await ada.page.fill("#name", "Ada");
    await ada.page.press("#name", "Enter");
    await ada.page.mouse.move(200, 300, { steps: 5 });
    await bob.page.mouse.move(650, 420, { steps: 5 });
    await bob.page.click("#cheer");
    await expect.poll(() => ada.page.textContent("#cheers")).toBe("1");
    await expect.poll(() => bob.page.textContent("#visitors")).toContain("Ada");
    await ada.page.context().close();
    await expect.poll(() => bob.page.textContent("#status")).toBe("1 here");
    expect([...ada.problems, ...bob.problems]).toEqual([]);
  });

  it.skipIf(isChromiumMissing())("keeps names inside of the stage, and off the button, on a phone", async () => {
    const browser = await launchChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    await page.goto(`${server.url}/?room=phone`);
    await expect.poll(() => page.textContent("#status")).toBe("1 here");
    await page.fill("#name", "W".repeat(20));
    await page.press("#name", "Enter");
    await expect.poll(() => page.textContent(".me")).toContain("WW");
    const boxOf = async (name: string) => (await page.locator(name).boundingBox()) ?? expect.fail(`no ${name}`);
    const [stage, button] = [await boxOf("#stage"), await boxOf("#cheer")];
    for (const [x, y] of [
      [0.01, 0.01],
      [0.5, 0.5],
      [0.51, 0.6],
      [0.01, 0.99],
      [0.99, 0.99],
    ] as const) {
      await page.mouse.move(stage.x + x * stage.width, stage.y + y * stage.height);
      await expect
        .poll(() =>
          page
            .locator(".me")
            .evaluate(({ style }) => [style.left, style.top].map((part) => Math.round(parseFloat(part)))),
        )
        .toEqual([x, y].map((part) => Math.round(100 * part)));
      const name = await boxOf(".me span");
      expect(name.x).toBeGreaterThanOrEqual(stage.x);
      expect(name.x + name.width).toBeLessThanOrEqual(stage.x + stage.width);
      // The part of the name that leaves the stage is cut off.
      expect(Math.min(name.y + name.height, stage.y + stage.height)).toBeLessThanOrEqual(button.y);
    }
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    await page.click("#cheer");
    await expect.poll(() => page.textContent("#cheers")).toBe("1");
  });

  describe.skipIf(isChromiumMissing())("with the code of a page of the documents", () => {
    const PAGES = [
      { page: "README.md", files: ["src/worker.ts", "src/page/main.ts"], first: "0 clicks", second: "1 clicks" },
      {
        page: "docs/first-game.md",
        files: ["src/game-room.ts", "src/worker.ts", "src/page/main.ts"],
        first: "waiting: 1 of 4 players",
        second: "playing: 2 of 4 players",
      },
    ];

    it.each(PAGES)(
      "works as $page says, while `wrangler dev` keeps running",
      async ({ page, files, first, second }) => {
        const text = readFileSync(join(import.meta.dirname, "../..", page), "utf8");
        const blocks = [...text.matchAll(/^```ts.*\n(\/\/ (src\/[\w/-]+\.ts)\b[\s\S]*?)^```$/gm)];
        expect(blocks.map(([, , path]) => path)).toEqual(files);
        cpSync(join(cwd, "src"), join(folder, "src"), { recursive: true });
        onTestFinished(() => cpSync(join(folder, "src"), join(cwd, "src"), { recursive: true }));
        for (const [, code = "", path = ""] of blocks) writeFileSync(join(cwd, path), code);
        await npm("run", "typecheck");
        const browser = await launchChromium();
        onTestFinished(() => browser.close());
        const [ada, bob] = [await browser.newPage(), await (await browser.newContext()).newPage()];
        const shows = (window: Page, words: string) =>
          window
            .getByText(words)
            .waitFor({ timeout: 2000 })
            .then(
              () => true,
              () => false,
            );
        // Vite notices the change a moment later.
        await expect.poll(() => ada.goto(server.url).then(() => shows(ada, first)), SOON).toBe(true);
        await bob.goto(server.url);
        await bob.mouse.click(100, 10);
        expect(await shows(ada, second)).toBe(true);
        expect(await npm("test")).toContain("4 passed");
        expect(await npm("run", "deploy", "--", "--dry-run")).toContain("env.ROOMS (RoomObject)");
      },
    );
  });

  // This test is the last one, because it changes the project.
  it.each(["4.0.0", "3.25.76"])("type-checks and passes its test with zod %s", async (version) => {
    await npm(...INSTALL, "--save-exact", `zod@${version}`);
    const { version: installed } = JSON.parse(readFileSync(join(cwd, "node_modules/zod/package.json"), "utf8")) as {
      version: string;
    };
    expect(installed).toBe(version);
    await npm("run", "typecheck");
    expect(await npm("test")).toContain("4 passed");
  });
});
