import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";
import { Player } from "./player.ts";

/** What needs a walk over the field first. */
const WALK = { timeout: 20_000, interval: 50 };
const SOON = { timeout: 10_000, interval: 25 };

let server: DevServer;
let browser: Browser;
let folder: string;
let port: number;

async function serve(envFile?: string): Promise<void> {
  server = await startDevServer({ port, persistTo: join(folder, "state"), envFile });
}

async function join2(room: string): Promise<[ada: Player, bob: Player]> {
  const ada = await Player.join(browser, server.url, "Ada", room);
  const bob = await Player.join(browser, server.url, "Bob", room);
  onTestFinished(async () => void (await Promise.all([ada.close(), bob.close()])));
  await expect.poll(() => ada.present(), SOON).toEqual(["Ada online", "Bob online"]);
  await expect.poll(() => bob.present(), SOON).toEqual(["Ada online", "Bob online"]);
  return [ada, bob];
}

/** Walks to the nearest coin. A hidden treasure may be on the way. @returns the score after it */
async function collect(player: Player, name: string): Promise<number> {
  const id = await player.id();
  const before = (await player.scoreOf(name)) ?? 0;
  const coin = await player.nearestCoin();
  await player.walkTo(coin);
  await expect.poll(() => player.positionOf(id), WALK).toEqual(coin);
  await expect.poll(() => player.scoreOf(name), SOON).toBeGreaterThan(before);
  return (await player.scoreOf(name)) as number;
}

describe.skipIf(isChromiumMissing())("the demo in a browser", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
    port = await freePort();
    await serve();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("shows a player's steps to the others", async () => {
    const [ada, bob] = await join2("steps");
    const id = await ada.id();
    const before = await bob.positionOf(id);
    const [key, dx] = before.x < 12 ? (["ArrowRight", 1] as const) : (["KeyA", -1] as const);
    await ada.page.keyboard.press(key);
    await expect.poll(() => bob.positionOf(id), SOON).toEqual({ x: before.x + dx, y: before.y });
    await expect.poll(() => ada.positionOf(id), SOON).toEqual({ x: before.x + dx, y: before.y });
  });

  it("brings chat to the others, as text", async () => {
    const [ada, bob] = await join2("chat");
    const text = '<img src=x onerror="document.title=1"> hello & welcome';
    await ada.say(text);
    await expect.poll(() => bob.texts(), SOON).toEqual([text]);
    await bob.say("hi");
    await expect.poll(() => ada.texts(), SOON).toEqual([text, "hi"]);
    expect(await bob.page.locator("#chat img").count()).toBe(0);
  });

  it("says why something was refused", async () => {
    const [ada] = await join2("refused");
    await ada.say("$delete");
    await ada.page.locator(".toast.bad").waitFor();
    expect(await ada.texts()).toEqual([]);
  });

  it("counts the coins that a player walks over", async () => {
    const [ada, bob] = await join2("coins");
    const score = await collect(ada, "Ada");
    await expect.poll(() => bob.scoreOf("Ada"), SOON).toBe(score);
    expect(await bob.scoreOf("Bob")).toBe(0);
    expect((await bob.coins()).length).toBe(14);
  });

  it("shows a hidden treasure to its owner only", async () => {
    const [ada, bob] = await join2("secrets");
    const secret = await ada.treasure();
    expect(secret).toMatch(/^The \w+ \w+$/);
    // Something that changes it, and everything else: a walk to the treasure, which hides the next one.
    const { players } = JSON.parse(ada.frames[0] as string).value;
    const id = await ada.id();
    await ada.walkTo(players[id].treasure);
    await expect.poll(() => ada.treasure(), WALK).not.toBe(secret);
    const next = await ada.treasure();
    await ada.say("found it");
    await expect.poll(() => bob.texts(), SOON).toEqual(["found it"]);

    const page = await bob.page.content();
    for (const name of [secret, next].map((text) => text.slice("The ".length))) {
      expect(page).not.toContain(name);
      expect(bob.frames.filter((frame) => frame.includes(name))).toEqual([]);
    }
    const patches = bob.frames.map((frame) => JSON.parse(frame).value.players?.[id]).filter(Boolean);
    expect(patches.length).toBeGreaterThan(1);
    expect(patches.filter((patch) => "treasure" in patch)).toEqual([]);
    expect(bob.frames[0]).toContain("treasure");
  });

  it("shows who closed the tab as offline", async () => {
    const [ada, bob] = await join2("leaving");
    await ada.page.close();
    await expect.poll(() => bob.present(), SOON).toEqual(["Ada offline", "Bob online"]);
  });

  it("is the same player after a reload", async () => {
    const [ada, bob] = await join2("reload");
    const id = await ada.id();
    await ada.page.reload();
    await ada.status("Online");
    await expect.poll(() => ada.id(), SOON).toBe(id);
    await expect.poll(() => bob.present(), SOON).toEqual(["Ada online", "Bob online"]);
  });

  it("ends a connection for good where trying again changes nothing", async () => {
    const [ada] = await join2("token");
    await ada.page.evaluate(() => {
      const session = JSON.parse(sessionStorage.getItem("durable-rooms.session") as string);
      sessionStorage.setItem("durable-rooms.session", JSON.stringify({ ...session, token: "forged" }));
    });
    await ada.page.reload();
    await ada.status("Offline");
    await ada.page.getByText("The token is not valid (4401)").waitFor();
  });

  it("is the same game through the World, on several shards", async () => {
    const ada = await Player.join(browser, server.url, "Ada", "world");
    const others: Player[] = [];
    for (const name of ["Bob", "Cid", "Dot", "Eve", "Fay"]) {
      others.push(await Player.join(browser, server.url, name, "world", { button: "Join through the World" }));
    }
    await expect.poll(async () => (await ada.board()).length, SOON).toBe(6);
    const fay = others.at(-1) as Player;
    await fay.say("hello from a shard");
    await expect.poll(() => ada.texts(), SOON).toEqual(["hello from a shard"]);
    await ada.say("hello from the room");
    for (const player of others) await expect.poll(() => player.texts(), SOON).toHaveLength(2);
    const score = await collect(fay, "Fay");
    await expect.poll(() => ada.scoreOf("Fay"), SOON).toBe(score);
    // Four at the first, who filled it, and one more at the next.
    await expect
      .poll(async () => (await fay.shards()).map(({ count }) => count).toSorted(), SOON)
      .toEqual(["1 of 4", "4 of 4"]);
    expect((await fay.shards()).filter(({ isOwn }) => isOwn)).toHaveLength(1);
    expect((await ada.shards()).filter(({ isOwn }) => isOwn)).toHaveLength(0);

    await server.kill();
    await Promise.all([ada.status("Reconnecting"), fay.status("Reconnecting")]);
    await serve();
    await Promise.all([ada.status("Online"), fay.status("Online")]);
    await expect.poll(() => ada.scoreOf("Fay"), SOON).toBe(score);
    await fay.say("still here");
    await expect.poll(async () => (await ada.texts()).at(-1), SOON).toBe("still here");
    expect([...ada.problems, ...fay.problems]).toEqual([]);
    await Promise.all([ada, ...others].map((player) => player.close()));
  });

  it("goes on where it was after the server was killed", async () => {
    const [ada, bob] = await join2("crash");
    const scores = [await collect(ada, "Ada"), await collect(bob, "Bob")];
    const ids = [await ada.id(), await bob.id()];
    await expect.poll(() => ada.scoreOf("Bob"), SOON).toBe(scores[1]);
    const places = await Promise.all(ids.map((id) => ada.positionOf(id)));

    await server.kill();
    await Promise.all([ada.status("Reconnecting"), bob.status("Reconnecting")]);
    await serve();
    await Promise.all([ada.status("Online"), bob.status("Online")]);

    for (const player of [ada, bob]) {
      await expect.poll(() => player.present(), SOON).toEqual(["Ada online", "Bob online"]);
      expect([await player.scoreOf("Ada"), await player.scoreOf("Bob")]).toEqual(scores);
      expect(await Promise.all(ids.map((id) => player.positionOf(id)))).toEqual(places);
      expect(player.problems).toEqual([]);
    }
    await ada.say("still here");
    await expect.poll(() => bob.texts(), SOON).toEqual(["still here"]);
  });

  it("lets nobody in without a real secret", async () => {
    await server.kill();
    const envFile = join(folder, "short.env");
    await writeFile(envFile, "AUTH_JWT_SECRET=short\n");
    await serve(envFile);
    const response = await fetch(`${server.url}/login`, { method: "POST", body: JSON.stringify({ name: "Ada" }) });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ error: expect.stringContaining("wrangler secret put AUTH_JWT_SECRET") });
  });
});
