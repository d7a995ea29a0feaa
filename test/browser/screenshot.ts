import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import { Player } from "./player.ts";

const SOON = { timeout: 20_000, interval: 50 };
/** Who plays, and how many coins each collects before the picture is taken. */
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

it.skipIf(isChromiumMissing())("takes the picture of the demo", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
  const server = await startDevServer({ port: await freePort(), persistTo: folder });
  const browser = await launchChromium();
  try {
    const colorScheme = process.env["SCHEME"] === "dark" ? "dark" : "light";
    const players: Player[] = [];
    for (const [name] of CAST) {
      players.push(
        await Player.join(browser, server.url, name, "meadow", { colorScheme, button: "Join through the World" }),
      );
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
    await ada.page.screenshot({ path: process.env["SCREENSHOT"], animations: "disabled" });
  } finally {
    await browser.close();
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  }
});

async function collect(player: Player, count: number): Promise<void> {
  const id = await player.id();
  for (let index = 0; index < count; index++) {
    const coin = await player.nearestCoin();
    await player.walkTo(coin);
    await expect.poll(() => player.positionOf(id), SOON).toEqual(coin);
  }
}
