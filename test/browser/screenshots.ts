import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { expect, it } from "vitest";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import { Player } from "./player.ts";

const DOCS = resolve(import.meta.dirname, "../../docs");
const SOON = { timeout: 20_000, interval: 50 };
/** The players, and the number of coins that each collects before the picture is taken. */
const CAST = [
  ["Margaret", 3],
  ["Linus", 1],
  ["Grace", 2],
  ["Ada", 2],
] as const;
const TALK: [who: number, text: string][] = [
  [0, "That gem in the corner is mine!"],
  [2, "Only if you get there first :)"],
  [1, "Has anybody seen my compass?"],
  [0, "No – only you can see where it is."],
  [3, "Nobody tell Linus, but there is a coin behind him."],
];

it.skipIf(isChromiumMissing())("takes the pictures of the README and the documents", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
  const server = await startDevServer({ port: await freePort(), persistTo: folder });
  const browser = await launchChromium();
  try {
    const players: Player[] = [];
    for (const [name] of CAST) {
      players.push(await Player.join(browser, server.url, name, "meadow", { button: "Join through the World" }));
    }
    const gone = await Player.join(browser, server.url, "Alan", "meadow");
    await gone.close();
    await Promise.all(players.map((player, index) => collect(player, CAST[index]?.[1] ?? 0)));
    const ada = players.at(-1) as Player;
    for (const [index, [who, text]] of TALK.entries()) {
      await players[who]?.say(text);
      await expect.poll(async () => (await ada.texts()).length, SOON).toBe(index + 1);
    }
    await expect.poll(() => ada.present(), SOON).toContain("Alan offline");
    await ada.page.locator(".toast, .taken").last().waitFor({ state: "detached" });
    await take(ada.page, "demo");
    const alan = await Player.join(browser, server.url, "Alan", "meadow");
    await take(await inspect(browser, `${server.url}/inspector#/room/main/game-meadow`, alan), "inspector");
  } finally {
    await browser.close();
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  }
});

async function take(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(DOCS, `${name}.png`), animations: "disabled" });
}

/**
 * The inspector, after it has watched a busy room. @param player is connected to the room itself, which counts messages
 */
async function inspect(browser: Browser, url: string, player: Player): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  await page.goto(url);
  await page.getByRole("group", { name: "State" }).getByText("players").first().waitFor();
  for (let look = 0; look < 25; look++) {
    for (let step = 0; step < 3 + 3 * Math.sin(look); step++)
      await player.page.keyboard.press(look % 2 === 0 ? "ArrowRight" : "ArrowLeft");
    await page.waitForResponse((response) => response.url().includes("$inspect"));
  }
  return page;
}

async function collect(player: Player, count: number): Promise<void> {
  const id = await player.id();
  for (let index = 0; index < count; index++) {
    const coin = await player.nearestCoin();
    await player.walkTo(coin);
    await expect.poll(() => player.positionOf(id), SOON).toEqual(coin);
  }
}
