import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DevServer } from "./dev-server.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) console.warn(`\n*** The browser test is SKIPPED: there is no ${CHROMIUM}. ***\n`);

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

describe.skipIf(!hasBrowser)("the demo, played in two pages", () => {
  const server = new DevServer();
  let browser: Browser;

  beforeAll(async () => {
    await server.start();
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    await server.stop();
  });

  /** A player in a profile of their own. */
  async function join(name: string): Promise<{ page: Page; frames: string[] }> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    const page = await context.newPage();
    const frames: string[] = [];
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(String(payload))));
    await page.goto(server.url);
    await page.fill("#name", name);
    await page.fill("#room", "test");
    await page.click("#join button");
    await page.waitForSelector('#status[data-state="online"]');
    await player(page, name).waitFor();
    return { page, frames };
  }

  const player = (page: Page, name: string) => page.locator(".player", { hasText: name });
  const score = async (page: Page, name: string) =>
    Number(await page.locator("#players li", { hasText: name }).locator("b").textContent());
  const position = (page: Page, name: string) =>
    player(page, name).evaluate((piece) => ["--x", "--y"].map((axis) => piece.style.getPropertyValue(axis)).join());

  async function clickAt(page: Page, x: number, y: number): Promise<void> {
    const box = await page.locator("#stage").boundingBox();
    if (!box) throw new Error("no stage");
    await page.mouse.click(box.x + (x / 900) * box.width, box.y + (y / 540) * box.height);
  }

  /** Walks onto the first coin that it sees. */
  async function collect(page: Page): Promise<void> {
    const [x, y] = await page
      .locator("#field .coin")
      .first()
      .evaluate((coin) => ["--x", "--y"].map((axis) => Number(coin.style.getPropertyValue(axis))));
    await clickAt(page, x as number, y as number);
  }

  it("shows each what the other does, keeps secrets, and goes on after a kill", async () => {
    const ada = await join("Ada");
    const bob = await join("Bob");
    await player(ada.page, "Bob").waitFor();
    await player(bob.page, "Ada").waitFor();

    await clickAt(ada.page, 450, 270);
    await expect.poll(() => position(bob.page, "Ada")).toBe("450,270");

    await ada.page.fill("#text", "<b>hello</b> Bob");
    await ada.page.press("#text", "Enter");
    await bob.page.locator("#messages li", { hasText: "<b>hello</b> Bob" }).waitFor();

    await collect(bob.page);
    await expect.poll(() => score(ada.page, "Bob")).toBeGreaterThan(0);
    await expect.poll(() => bob.page.textContent("#leader")).toContain("leads");

    // A field that only its owner sees never travels to anyone else.
    const secret = (await bob.page.textContent("#secret")) ?? "";
    expect(secret).not.toBe("");
    expect(bob.frames.join()).toContain(`"secret":"${secret}"`);
    const received = ada.frames.filter((frame) => frame.includes('"secret"'));
    expect(received.every((frame) => frame.split('"secret"').length === 2)).toBe(true);

    if (process.env["SCREENSHOT"]) await ada.page.screenshot({ path: process.env["SCREENSHOT"] });

    // The state is saved within a second; then the whole service dies without a word.
    const before = { score: await score(ada.page, "Bob"), position: await position(ada.page, "Ada") };
    await fetch(`${server.url}/health`);
    await savedBefore(async () => {
      await server.kill();
      await server.start();
    });
    await ada.page.waitForSelector('#status[data-state="online"]');
    await bob.page.waitForSelector('#status[data-state="online"]');
    await expect.poll(() => score(ada.page, "Bob")).toBe(before.score);
    expect(await position(ada.page, "Ada")).toBe(before.position);
    expect(await bob.page.textContent("#secret")).toBe(secret);

    await bob.page.context().close();
    await expect.poll(() => player(ada.page, "Bob").getAttribute("class")).toContain("away");
  });

  /** Waits out the second within which a change is saved: there is no event for it outside. */
  async function savedBefore(next: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 2000);
    await promise;
    await next();
  }
});
