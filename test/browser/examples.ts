import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";

const SOON = { timeout: 10_000, interval: 50 };
const FOLDER = process.env["EXAMPLES"] ?? "";

let browser: Browser;

/** Opens an example for two visitors, each with their own browser storage. */
async function visit(example: string): Promise<[ada: Page, bob: Page]> {
  const persistTo = await mkdtemp(join(tmpdir(), "durable-rooms-"));
  // Rooms that are listed need the secret that they show to the World.
  const envFile = example === "quiz" ? ".dev.vars.example" : undefined;
  const server = await startDevServer({ port: await freePort(), persistTo, cwd: join(FOLDER, example), envFile });
  onTestFinished(async () => {
    await server.kill();
    await rm(persistTo, { recursive: true });
  });
  const open = async (name: string) => {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => expect.fail(error.message));
    await page.goto(`${server.url}/#${example === "whiteboard" ? "board-1" : ""}`);
    await page.getByLabel("You are").fill(name);
    await page.getByLabel("You are").press("Enter");
    return page;
  };
  return [await open("Ada"), await open("Bob")];
}

describe.skipIf(isChromiumMissing())("the examples, in two browsers that see each other", () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
  });

  it("whiteboard: a stroke and a pointer are seen while they move, and are there after a reload", async () => {
    const [ada, bob] = await visit("whiteboard");
    const { x = 0, y = 0 } = (await ada.locator(".paper").boundingBox()) ?? {};
    const lengthAtBob = () =>
      bob.evaluate(() => document.querySelector<SVGPolylineElement>(".stroke")?.getTotalLength() ?? 0);
    await ada.mouse.move(x + 100, y + 100);
    await ada.mouse.down();
    await ada.mouse.move(x + 200, y + 100);
    await expect.poll(lengthAtBob, SOON).toBeGreaterThan(50);
    const before = await lengthAtBob();
    await ada.mouse.move(x + 200, y + 300);
    await expect.poll(lengthAtBob, SOON).toBeGreaterThan(before + 100);
    await ada.mouse.up();
    await expect.poll(() => bob.locator(".cursor text").allTextContents(), SOON).toEqual(["Ada"]);
    await bob.reload();
    await expect.poll(lengthAtBob, SOON).toBeGreaterThan(before + 100);
    // After a reload she is still the same guest, so that her strokes still belong to her.
    await ada.reload();
    await ada.getByText("Clear").click();
    await expect.poll(() => bob.locator(".stroke").count(), SOON).toBe(0);
  });

  it("quiz: is found, played and watched, goes on after a reload and at the end of its time, and all see who was best", async () => {
    const [ada, bob] = await visit("quiz");
    const rows = (page: Page, list = "#players") => page.locator(`${list} li`).allTextContents();
    for (const page of [ada, bob]) await expect.poll(() => rows(page), SOON).toHaveLength(2);
    const carol = await (await browser.newContext()).newPage();
    await carol.goto(ada.url().replace(/#.*/, ""));
    await carol.getByRole("button", { name: "Watch" }).click();
    await ada.getByRole("button", { name: "Start" }).click();
    await expect.poll(() => bob.locator(".choice").count(), SOON).toBe(4);
    await bob.locator(".choice").first().click();
    await expect.poll(() => rows(ada), SOON).toContain("Bobanswered0");
    // After a reload he is still the same player, and his answer still counts.
    await bob.reload();
    await expect.poll(() => rows(bob), SOON).toContain("Bobyou, answered0");
    expect(await bob.locator(".choice:enabled").count()).toBe(0);
    await ada.locator(".choice").first().click();
    for (const page of [ada, bob, carol]) await expect.poll(() => page.locator(".right").count(), SOON).toBe(1);
    // Only Ada answers, so the question ends when its time is over.
    await ada.getByRole("button", { name: "Next" }).click();
    await expect.poll(() => bob.locator(".choice:enabled").count(), SOON).toBe(4);
    await ada.locator(".choice").first().click();
    await expect.poll(() => bob.locator(".right").count(), { timeout: 20_000 }).toBe(1);
    await ada.getByRole("button", { name: "Next" }).click();
    for (const page of [ada, bob]) {
      await expect.poll(() => page.locator(".choice:enabled").count(), SOON).toBe(4);
      await page.locator(".choice").last().click();
    }
    for (const page of [ada, bob, carol]) {
      await expect.poll(() => page.locator("#title").textContent(), SOON).toBe("It is over");
      await expect
        .poll(async () => (await rows(page, "#best")).map((text) => text.replace(/\d+$/, "")).toSorted(), SOON)
        .toEqual(["Ada", "Bob"]);
    }
    expect(await carol.locator("#status").textContent()).toBe("You watch");
  });

  it("action: whoever runs is seen to move, smoothly, and has the score after a reload", async () => {
    const [ada, bob] = await visit("action");
    const scores = (page: Page) => page.locator("#scores li").allTextContents();
    await expect.poll(async () => (await scores(bob)).length, SOON).toBe(2);
    // She collects a gem somewhere on her way around the arena.
    await ada.locator("#arena").focus();
    const adaAtBob = async () =>
      Number(
        (await scores(bob))
          .find((text) => text.startsWith("Ada"))
          ?.split(" ")
          .at(-1),
      );
    await expect
      .poll(
        async () => {
          for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]) {
            await ada.keyboard.down(key);
            await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 900));
            await ada.keyboard.up(key);
          }
          return adaAtBob();
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThan(0);
    const before = await adaAtBob();
    await ada.reload();
    await expect.poll(() => scores(ada), SOON).toContain(`Ada ${before}`);
  });
});
