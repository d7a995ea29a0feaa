import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { joinShard } from "./bystander.ts";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";
import { Player } from "./player.ts";
import type { JoinOptions } from "./player.ts";
import { Wire } from "./wire.ts";

/** The timeout for what happens after a walk over the field. */
const WALK = { timeout: 20_000, interval: 50 };
const SOON = { timeout: 10_000, interval: 25 };
const ROOM = { button: "Join" } as const;
const WORLD = { button: "Join through the World" } as const;
const WAYS = [
  { place: "room", options: ROOM },
  { place: "shard", options: WORLD },
];
const CONNECT = "**/parties/world/world-default/connect";

let server: DevServer;
let browser: Browser;
let folder: string;
let port: number;

async function serve(envFile?: string): Promise<void> {
  server = await startDevServer({ port, persistTo: join(folder, "state"), envFile });
}

async function enter(name: string, room: string, options?: JoinOptions, url = server.url): Promise<Player> {
  const player = await Player.join(browser, url, name, room, options);
  onTestFinished(() => player.close());
  return player;
}

async function join2(room: string, forAda?: JoinOptions, forBob = forAda): Promise<[ada: Player, bob: Player]> {
  const [ada, bob] = await Promise.all([enter("Ada", room, forAda), enter("Bob", room, forBob)]);
  await expect.poll(() => ada.present(), SOON).toEqual(["Ada online", "Bob online"]);
  await expect.poll(() => bob.present(), SOON).toEqual(["Ada online", "Bob online"]);
  return [ada, bob];
}

/** Walks to the nearest coin, possibly over a hidden treasure. @returns the score after that */
async function collect(player: Player, name: string): Promise<number> {
  const id = await player.id();
  const before = (await player.scoreOf(name)) ?? 0;
  const coin = await player.nearestCoin();
  await player.walkTo(coin);
  await expect.poll(() => player.positionOf(id), WALK).toEqual(coin);
  await expect.poll(() => player.scoreOf(name), SOON).toBeGreaterThan(before);
  return (await player.scoreOf(name)) as number;
}

/** Lists the problems of the header's layout in a window of this width. */
async function headerProblems(page: Page, width: number): Promise<string[]> {
  await page.setViewportSize({ width, height: 844 });
  const all = await page
    .locator("header > *")
    .evaluateAll((parts) => parts.map((part) => part.getBoundingClientRect().toJSON() as DOMRect));
  const boxes = all.filter((box) => box.width > 0);
  const middles = boxes.map(({ top, height }) => top + height / 2);
  const isAside = boxes.every(({ left, right }, index) => left >= (boxes[index - 1]?.right ?? 0) && right <= width);
  const isScrolled = (await page.evaluate(() => document.documentElement.scrollWidth)) > width;
  return [
    Math.max(...middles) - Math.min(...middles) > 2 ? `${width}: several rows` : "",
    isAside ? "" : `${width}: parts lie over each other, or outside`,
    isScrolled ? `${width}: the page scrolls to the side` : "",
  ].filter(Boolean);
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

  it("sends chat to the others, as text", async () => {
    const [ada, bob] = await join2("chat");
    const text = '<img src=x onerror="document.title=1"> hello & welcome';
    await ada.say(text);
    await expect.poll(() => bob.texts(), SOON).toEqual([text]);
    await bob.say("hi");
    await expect.poll(() => ada.texts(), SOON).toEqual([text, "hi"]);
    expect(await bob.page.locator("#chat img").count()).toBe(0);
  });

  it.each(WAYS)("reports at $place why something was refused", async ({ place, options }) => {
    const ada = await enter("Ada", `refused-${place}`, options);
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

  it.each(WAYS)("shows a hidden treasure to its owner only, at $place", async ({ place, options }) => {
    const [ada, bob] = await join2(`secrets-${place}`, options);
    const secret = await ada.treasure();
    expect(secret).toMatch(/^The \w+ \w+$/);
    // Walk to the treasure: that hides the next one, and so changes the hidden field together with public ones.
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

  it("shows a player who closed the tab as offline", async () => {
    const [ada, bob] = await join2("leaving");
    await ada.page.close();
    await expect.poll(() => bob.present(), SOON).toEqual(["Ada offline", "Bob online"]);
  });

  it("has a header of one row at every width, with each status text", async () => {
    const ada = await enter("Ada", "a-room-with-a-name-of-32-letters", WORLD);
    await expect.poll(() => ada.latency(), SOON).toMatch(/^\d+ ms$/);
    for (const width of [1280, 900, 600, 390, 320]) expect(await headerProblems(ada.page, width)).toEqual([]);
    await ada.page.route(CONNECT, (route) => route.abort());
    await ada.page.reload();
    await ada.status("Connecting … The World does not answer");
    for (const width of [1280, 900, 600, 390, 320]) expect(await headerProblems(ada.page, width)).toEqual([]);
  });

  it("keeps names inside the field on a phone, also in a corner", async () => {
    const ada = await enter("Wilhelmina the 2nd", "corner");
    await ada.page.setViewportSize({ width: 390, height: 844 });
    const id = await ada.id();
    const corner = { x: (await ada.positionOf(id)).x < 12 ? 0 : 23, y: 15 };
    await ada.walkTo(corner);
    await expect.poll(() => ada.positionOf(id), WALK).toEqual(corner);
    const boxOf = async (selector: string) => (await ada.page.locator(selector).boundingBox()) ?? expect.fail(selector);
    const [field, name] = [await boxOf("#field"), await boxOf(".me .label")];
    expect(name.x).toBeGreaterThanOrEqual(field.x);
    expect(name.x + name.width).toBeLessThanOrEqual(field.x + field.width);
    expect(name.y + name.height).toBeLessThanOrEqual(field.y + field.height);
  });

  it("keeps the player after a reload", async () => {
    const [ada, bob] = await join2("reload");
    const id = await ada.id();
    await ada.page.reload();
    await ada.status("Online");
    await expect.poll(() => ada.id(), SOON).toBe(id);
    await expect.poll(() => bob.present(), SOON).toEqual(["Ada online", "Bob online"]);
  });

  it.each(WAYS)("ends a connection to $place permanently if trying again cannot help", async ({ place, options }) => {
    const ada = await enter("Ada", `token-${place}`, options);
    await ada.page.evaluate(() => {
      const session = JSON.parse(sessionStorage.getItem("durable-rooms.session") as string);
      sessionStorage.setItem("durable-rooms.session", JSON.stringify({ ...session, token: "forged" }));
    });
    await ada.page.reload();
    await ada.status("Offline");
    await ada.page.getByText("The token is not valid (4401)").waitFor();
    // The page has dropped the refused token: the next attempt logs in again.
    await ada.page.getByRole("button", { name: options.button, exact: true }).click();
    await ada.status("Online");
  });

  it("is the same game at the room and at a shard", async () => {
    const [ada, bob] = await join2("both", ROOM, WORLD);
    await expect.poll(() => bob.ownShard(), SOON).toMatchObject({ count: "1 of 4" });
    expect(await ada.ownShard()).toBeUndefined();
    for (const [player, other] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      const id = await player.id();
      const { x, y } = await other.positionOf(id);
      const [key, dx] = x < 12 ? (["ArrowRight", 1] as const) : (["ArrowLeft", -1] as const);
      await player.page.keyboard.press(key);
      await expect.poll(() => other.positionOf(id), SOON).toEqual({ x: x + dx, y });
      await player.say(`${id} was here`);
      await expect.poll(() => other.texts(), SOON).toContain(`${id} was here`);
    }
    await bob.close();
    await expect.poll(() => ada.present(), SOON).toEqual(["Ada online", "Bob offline"]);
  });

  it("fills a shard before it opens another", async () => {
    const crowd = await Promise.all(["Ada", "Bob", "Cid", "Dot"].map((name) => joinShard(server.url, name, "many")));
    onTestFinished(() => crowd.forEach((player) => player.close()));
    expect(new Set(crowd.map(({ shard }) => shard)).size).toBe(1);
    const eve = await enter("Eve", "many", WORLD);
    const counts = async () => (await eve.shards()).map(({ count }) => count).toSorted();
    await expect.poll(counts, SOON).toEqual(["1 of 4", "4 of 4"]);
    expect(await eve.ownShard()).toMatchObject({ count: "1 of 4" });
    await eve.say("hello");
    for (const { frames } of crowd) await expect.poll(() => frames.join("\n"), SOON).toContain('"hello"');
    // A client that joins the room itself also sees the shards, but is at none of them.
    const fay = await enter("Fay", "many");
    await expect.poll(() => fay.shards(), SOON).toHaveLength(2);
    expect(await fay.ownShard()).toBeUndefined();
  });

  it("asks again if a World does not answer", async () => {
    const ada = await enter("Ada", "unreachable", WORLD);
    await ada.page.route(CONNECT, (route) => route.abort());
    await ada.page.reload();
    await ada.status("Connecting … The World does not answer");
    await ada.page.unroute(CONNECT);
    await ada.status("Online");
  });

  it("does not join after the player has left", async () => {
    const ada = await enter("Ada", "changed-mind", WORLD);
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    await ada.page.route(CONNECT, async (route) => {
      await left;
      await route.continue();
    });
    await ada.page.reload();
    const ended = ada.page.waitForEvent("requestfailed", (request) => request.url().endsWith("/connect"));
    await ada.page.getByRole("button", { name: "Leave" }).click();
    const { length } = ada.frames;
    await ended;
    leave();
    await ada.page.waitForTimeout(300);
    await ada.status("Offline – You have left");
    expect(ada.frames).toHaveLength(length);
  });

  it.each(WAYS)(
    "goes offline and online again at $place, and asks only for what it missed",
    async ({ place, options }) => {
      const wire = await Wire.to(port);
      onTestFinished(() => wire.cut());
      const room = `offline-${place}`;
      const [ada, bob] = await Promise.all([enter("Ada", room, options, wire.url), enter("Bob", room)]);
      await expect.poll(() => ada.present(), SOON).toEqual(["Ada online", "Bob online"]);
      await expect.poll(() => ada.latency(), SOON).toMatch(/^\d+ ms$/);
      const [whole = ""] = ada.frames;

      wire.cut();
      await ada.status("Reconnecting");
      await expect.poll(() => bob.present(), SOON).toEqual(["Ada offline", "Bob online"]);
      const { length } = ada.frames;
      const [id, { x, y }] = [await bob.id(), await bob.positionOf(await bob.id())];
      await bob.page.keyboard.press(x < 12 ? "ArrowRight" : "ArrowLeft");
      await bob.say("where are you?");
      await expect.poll(() => bob.texts(), SOON).toEqual(["where are you?"]);
      // A key that is pressed without a connection has no effect later.
      const at = await ada.positionOf(await ada.id());
      await ada.page.keyboard.press("ArrowUp");

      await wire.mend();
      await ada.status("Online");
      await expect.poll(() => ada.texts(), SOON).toEqual(["where are you?"]);
      await expect.poll(() => ada.positionOf(id), SOON).toEqual({ x: x < 12 ? x + 1 : x - 1, y });
      await expect.poll(() => ada.present(), SOON).toEqual(["Ada online", "Bob online"]);
      expect(await ada.positionOf(await ada.id())).toEqual(at);
      const [resumed = "{}"] = ada.frames.slice(length);
      expect(JSON.parse(resumed)).toMatchObject({ type: "sync", resumed: true });
      expect(resumed.length).toBeLessThan(whole.length / 2);
      expect(ada.problems).toEqual([]);
    },
  );

  it("continues after the server was killed", async () => {
    const [ada, bob] = await join2("crash", ROOM, WORLD);
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
    await expect.poll(() => bob.ownShard(), SOON).toMatchObject({ count: "1 of 4" });
  });

  it("refuses everyone without a real secret", async () => {
    await server.kill();
    const envFile = join(folder, "short.env");
    await writeFile(envFile, "AUTH_JWT_SECRET=short\n");
    await serve(envFile);
    const response = await fetch(`${server.url}/login`, { method: "POST", body: JSON.stringify({ name: "Ada" }) });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ error: expect.stringContaining("wrangler secret put AUTH_JWT_SECRET") });
  });
});
