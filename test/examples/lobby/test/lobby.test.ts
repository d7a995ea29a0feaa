import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { MatchListing } from "../src/match-room";

interface Listed {
  roomId: string;
  metadata: MatchListing;
  locked: boolean;
  users: number;
  maxUsers: number;
}

const WORLD = "http://lobby.test/parties/world/world-default";

async function ask<T>(route: string, body: object): Promise<T & { status: number }> {
  const init = { method: "POST", body: JSON.stringify({ room: "match-{mode}-{skill}-{id}", ...body }) };
  const response = await exports.default.fetch(`${WORLD}/${route}`, init);
  return { status: response.status, ...(await response.json<T>()) };
}

/** What the button "Quick match" asks. */
const quickMatch = (mode: string, skill: number) =>
  ask<Listed>("find-room", {
    filter: { mode, skill: { gte: skill - 1, lte: skill + 1 } },
    create: { mode, skill: String(skill) },
  });
const listed = async (mode: string) => (await ask<{ rooms: Listed[] }>("list-rooms", { filter: { mode } })).rooms;

/** A player on a real socket. */
async function join(roomId: string, id: string) {
  const url = `http://lobby.test/parties/main/${roomId}?id=${id}`;
  const { webSocket } = await exports.default.fetch(url, { headers: { upgrade: "websocket" } });
  if (!webSocket) throw new Error("There is no socket");
  const seen: { phase?: string; closed?: number } = {};
  webSocket.addEventListener("message", ({ data }: MessageEvent) => {
    const { type, value } = JSON.parse(data as string) as { type: string; value: { phase?: string } };
    if (type === "sync" && value.phase) seen.phase = value.phase;
  });
  webSocket.addEventListener("close", ({ code }: CloseEvent) => void (seen.closed = code));
  webSocket.accept();
  const send = (action: string, value?: unknown) => webSocket.send(JSON.stringify({ action, value }));
  return { seen, send, close: () => webSocket.close() };
}

it("strangers of about the same skill meet, and others get a room of their own", async () => {
  const first = await quickMatch("sprint", 3);
  expect(first).toMatchObject({ status: 200, metadata: { mode: "sprint", skill: 3 }, users: 0, maxUsers: 4 });
  expect((await quickMatch("sprint", 4)).roomId).toBe(first.roomId);
  expect((await quickMatch("sprint", 1)).roomId).not.toBe(first.roomId);
  expect((await quickMatch("marathon", 3)).roomId).not.toBe(first.roomId);
});

it("a race that has begun is locked, lets its players back in, and nobody else", async () => {
  const { roomId } = await quickMatch("marathon", 5);
  const ada = await join(roomId, "ada");
  const bob = await join(roomId, "bob");
  await expect.poll(() => ada.seen.phase).toBe("waiting");
  await expect.poll(() => bob.seen.phase).toBe("waiting");
  ada.send("ready", true);
  bob.send("ready", true);
  await expect.poll(() => bob.seen.phase).toBe("racing");
  const entry = async () => (await listed("marathon")).find((room) => room.roomId === roomId);
  await expect.poll(entry, { timeout: 5000 }).toMatchObject({ locked: true, users: 2 });
  expect((await quickMatch("marathon", 5)).roomId).not.toBe(roomId);
  const late = await join(roomId, "cleo");
  await expect.poll(() => late.seen.closed).toBe(4503);
  bob.close();
  const back = await join(roomId, "bob");
  await expect.poll(() => back.seen.phase).toBe("racing");
  for (let tap = 0; tap < 60; tap++) back.send("tap");
  await expect.poll(() => ada.seen.phase).toBe("over");
  ada.send("again");
  await expect.poll(entry, { timeout: 5000 }).toMatchObject({ locked: false, users: 2 });
});

it("no room is made of a kind that there is not", async () => {
  expect((await quickMatch("chess", 3)).status).toBe(400);
  expect((await quickMatch("sprint", 99)).status).toBe(400);
  const stray = await join("match-chess-3-x", "ada");
  await expect.poll(() => stray.seen.closed).toBe(4403);
});
