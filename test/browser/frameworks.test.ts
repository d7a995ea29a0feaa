import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { isOpen, servePages } from "./clients-page.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";

const SOON = { timeout: 10_000, interval: 25 };

let server: DevServer;
let browser: Browser;
let folder: string;

/** @returns the page, and its errors and warnings */
async function open(name: string, room: string): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  await servePages(context);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (["warning", "error"].includes(message.type()) && !message.location().url.includes("favicon"))
      problems.push(message.text());
  });
  page.on("pageerror", ({ message }) => problems.push(message));
  await page.goto(`${server.url}/pages/${name}.html?room=${room}`);
  return { page, problems };
}

describe.skipIf(isChromiumMissing())("frameworks in a browser", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
    const cwd = join(import.meta.dirname, "../dev/pages");
    server = await startDevServer({ port: await freePort(), persistTo: join(folder, "state"), cwd });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it.each(["vue", "svelte", "solid", "signals"])("%s shows a part of the state, and nothing else", async (name) => {
    const { page, problems } = await open(name, `room-${name}`);
    const shown = () => page.locator("#out").textContent();
    const counts = () => page.evaluate(() => ({ ...window.counts }));
    await page.waitForFunction(() => window.mount !== undefined);
    // Mount whether or not the first packet has arrived.
    await page.evaluate(() => {
      window.mount();
    });
    await expect.poll(shown, SOON).toBe("0");
    await isOpen(page);

    const { renders } = await counts();
    expect(await page.evaluate(() => window.game.call("add", 5))).toBe(5);
    await expect.poll(shown, SOON).toBe("5");
    expect((await counts()).renders).toBe(renders + 1);
    // The state changes, and the selector returns a new object, which isEqual treats as equal.
    await page.evaluate(() => window.game.call("touch"));
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    expect((await counts()).renders).toBe(renders + 1);

    await page.evaluate(() => window.pick("other"));
    await expect.poll(shown, SOON).toBe("1");
    await page.evaluate(() => window.game.call("touch"));
    await expect.poll(shown, SOON).toBe("2");
    await page.evaluate((room) => window.enter(room), `room-${name}-2`);
    await expect.poll(shown, SOON).toBe("0");
    // This room does not exist, so that a first packet never arrives.
    await page.evaluate(() => window.enter("nowhere"));
    await expect.poll(shown, SOON).toBe("nothing");
    await page.evaluate((room) => window.enter(room), `room-${name}`);
    await expect.poll(shown, SOON).toBe("2");

    await page.evaluate(() => window.unmount());
    const { selections } = await counts();
    await page.evaluate(() => window.game.call("touch"));
    expect((await counts()).selections).toBe(selections);
    // The error of the room that does not exist.
    expect(problems).toEqual([expect.stringMatching(/^durable-rooms: .* 4404/)]);
  });

  it("React's StrictMode opens one connection, and there are no warnings", async () => {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    await servePages(context);
    const page = await context.newPage();
    const sockets: string[] = [];
    const problems: string[] = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    page.on("console", (message) => {
      if (["warning", "error"].includes(message.type())) problems.push(message.text());
    });
    await page.goto(`${server.url}/pages/react.html?room=room-strict`);
    await expect.poll(() => page.locator("#out").textContent(), SOON).toBe("open 0 open 0 ");
    expect(sockets).toHaveLength(1);
    await page.reload();
    await expect.poll(() => page.locator("#out").textContent(), SOON).toBe("open 0 open 0 ");
    const ids = sockets.map((url) => new URL(url).searchParams.get("id"));
    expect(ids).toHaveLength(2);
    expect(ids[1]).toBe(ids[0]);
    expect(problems.filter((text) => !text.includes("favicon"))).toEqual([]);
  });
});
