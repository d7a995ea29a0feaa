import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Claims } from "../../src/define/types.ts";
import { AddressLimit, MOST_NETWORKS } from "../../src/platform/address-limit.ts";
import { persist, sync, users } from "../../src/state/fields.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import { MemoryRoom, MemorySocket } from "../support/memory.ts";

class Player {
  name = sync(signal("somebody"));
  score = persist(signal(0));
}
const stateOf = () => ({ players: users(Player) });
type State = ReturnType<typeof stateOf>;
const MOST_AWAY = 50;
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  throttleStorage: 0,
  maxOfflineSessions: MOST_AWAY,
  state: stateOf,
  actions: { score: { run: ({ user }) => user.score.update((score) => score + 1) } },
});

/** Comes from an address, as Cloudflare tells it. */
async function from(
  room: MemoryRoom<State>,
  address: string | undefined,
  sessionId?: string,
  auth: Claims | null = null,
): Promise<MemorySocket> {
  const socket = new MemorySocket(undefined);
  const headers: HeadersInit = address === undefined ? {} : { "cf-connecting-ip": address };
  await room.core.connect({
    request: new Request("http://room/", { headers }),
    auth,
    sessionId,
    transferToken: undefined,
    socket,
  });
  if (socket.isOpen) room.sockets.push(socket);
  return socket;
}
async function many(room: MemoryRoom<State>, count: number, address: (index: number) => string | undefined) {
  const sockets = await Promise.all(Array.from({ length: count }, (_, index) => from(room, address(index))));
  return { open: sockets.filter(({ isOpen }) => isOpen), refused: sockets.filter(({ isOpen }) => !isOpen) };
}

describe("P7.9: joins from one address", () => {
  it("are refused with 4503, after which a client tries again, when there are too many, while those from other addresses come in", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const flood = await many(room, 1000, () => "192.0.2.1");
    expect(flood.open.length).toBeGreaterThanOrEqual(200);
    expect(flood.open.length).toBeLessThan(300);
    for (const { closedWith } of flood.refused) expect(closedWith?.code).toBe(4503);
    expect((await from(room, "192.0.2.2")).isOpen).toBe(true);
    // Who was refused made no user and no session.
    expect(Object.keys(room.state.players())).toHaveLength(flood.open.length + 1);
  });

  it("are let in 200 at once, as from a school, and again after a while", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    expect((await many(room, 200, () => "192.0.2.1")).refused).toEqual([]);
    await room.advance(60_000);
    expect((await many(room, 200, () => "192.0.2.1")).refused).toEqual([]);
  });

  it("of IPv6 are counted for the whole network, whose owner may choose the rest of the address", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const flood = await many(room, 1000, (index) => `2001:db8:1:2::${index.toString(16)}`);
    expect(flood.open.length).toBeLessThan(300);
    expect((await from(room, "2001:db8:1:3::1")).isOpen).toBe(true);
    expect((await from(room, "2001:0DB8:0001:0002:ffff::1")).isOpen).toBe(false);
  });

  it("are not counted where no address is known", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    expect((await many(room, 1000, () => undefined)).refused).toEqual([]);
  });

  it("are counted at a shard as well, and those who stay there are not disturbed", async () => {
    const tree = new MemoryTree<State>(definition.compiled);
    const shard = tree.add("s", 5000);
    const good = shard.connect("good");
    const join = () => {
      const socket = new MemorySocket(undefined);
      shard.sockets.push(socket);
      const request = { url: "http://room/", headers: [["cf-connecting-ip", "192.0.2.1"]] as const, cf: undefined };
      shard.core.join(socket, { request, auth: null, sessionId: undefined, transferToken: undefined });
      return socket;
    };
    const flood = Array.from({ length: 1000 }, join);
    await tree.advance(2000);
    const refused = flood.filter(({ isOpen }) => !isOpen);
    expect(refused.length).toBeGreaterThan(700);
    for (const { closedWith } of refused) expect(closedWith?.code).toBe(4503);
    expect(good.isOpen).toBe(true);
  });
});

it("the memory of a rate is bounded: of 10,000 networks, the one that was quiet for longest is forgotten", () => {
  const limit = new AddressLimit({ messages: 1, per: 60_000 });
  const from = (address: string) => limit.wait(new Headers({ "cf-connecting-ip": address }), 1000);
  expect(from("192.0.2.1")).toBe(0);
  expect(from("192.0.2.1")).toBeGreaterThan(0);
  for (let index = 0; index < MOST_NETWORKS - 1; index++)
    from(`2001:db8:${(index >> 8).toString(16)}:${index & 255}::1`);
  expect(limit.size).toBe(MOST_NETWORKS);
  expect(from("192.0.2.1")).toBeGreaterThan(0);
  for (let index = 0; index < MOST_NETWORKS; index++) from(`2001:db9:${(index >> 8).toString(16)}:${index & 255}::1`);
  expect(limit.size).toBe(MOST_NETWORKS);
  expect(from("192.0.2.1")).toBe(0);
});
