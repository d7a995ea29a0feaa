import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import type { CompiledRoom } from "../../../src/define/room.ts";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { FrameReader } from "../../../src/protocol/binary/frame-reader.ts";
import { quantized } from "../../../src/state/codecs.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { gameState } from "../../support/game-state.ts";
import type { GameState } from "../../support/game-state.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { LoadClient } from "../../support/load-client.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { anyMutation } from "../../support/mutations.ts";

interface Intercepted {
  type: string;
  value?: unknown;
}

/** The packets that a client received, as JSON. */
function packetsOf({ texts }: MemorySocket): unknown[] {
  return texts.map((text) => JSON.parse(text) as unknown);
}
const isBinary = ({ frames }: MemorySocket) => frames.map((frame) => typeof frame !== "string");

it("P4.10: the result of an interceptor is the same in binary frames as in JSON", async () => {
  let binary = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyMutation, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }),
      fc.constantFrom("as it is", "another", "none", "late"),
      async (turns, how) => {
        const seen: Record<string, string[]> = { json: [], binary: [] };
        const interceptorPacket = ({ conn }: { conn: { auth: object | null } }, packet: Intercepted) => {
          const of = conn.auth && "binary" in conn.auth ? "binary" : "json";
          const told = seen[of] as string[];
          told.push(JSON.stringify(packet));
          // The result depends only on the number of packets, so that both clients get the same.
          if (how === "none" && told.length > 1 && told.length % 3 === 0) return null;
          if (how === "another") return { ...packet, value: { ...(packet.value as object), count: told.length } };
          return how === "late" && told.length % 2 === 0 ? Promise.resolve(packet) : packet;
        };
        const state = () => gameState();
        const definition = defineRoom({ path: "r", throttleSync: 0, state, interceptorPacket } as never);
        const room = new MemoryRoom<GameState>(definition.compiled);
        // Both clients belong to the same user, and see the same state.
        const json = await room.connect("ada", { gm: true }, undefined, "protocol=2");
        const other = await room.connect("ada", { gm: true, binary: true }, undefined, "protocol=3");
        for (const turn of turns) {
          room.change((now) => turn.forEach((mutation) => mutation.run(now)));
          await room.advance(1);
        }
        expect(other.malformed).toEqual([]);
        expect(seen["binary"]).toEqual(seen["json"]);
        expect(packetsOf(other)).toEqual(packetsOf(json));
        expect(isBinary(json)).not.toContain(true);
        binary += isBinary(other).filter(Boolean).length;
      },
    ),
    { numRuns: 100 },
  );
  expect(binary).toBeGreaterThan(200);
});

class Player {
  x = sync(signal(0), { as: quantized({ min: 0, max: 1000, bits: 16 }) });
  y = sync(signal(0), { as: quantized({ min: 0, max: 1000, bits: 16 }) });
  hiddenRole = sync(signal("spy"));
}
const state = () => ({
  count: sync(signal(0)),
  hiddenCount: sync(signal(1)),
  players: users(Player),
  cellar: collection(() => ({ wine: sync(signal(1)) })),
});
type State = ReturnType<typeof state>;

function stripped(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !name.startsWith("hidden") && name !== "cellar");
  return Object.fromEntries(kept.map(([name, inner]) => [name, stripped(inner)]));
}
const bytesOf = ({ frames }: MemorySocket) =>
  frames.map((frame) => (typeof frame === "string" ? frame : new TextDecoder().decode(frame))).join("");

it("P13.5: a client does not get names of fields that the interceptor removes, and gets absolute values", async () => {
  const definition = defineRoom({
    path: "r",
    throttleSync: 0,
    state,
    interceptorPacket: (_, packet) => ({ ...packet, value: stripped(packet.value) }),
  });
  const room = new MemoryRoom<State>(definition.compiled);
  const sockets: MemorySocket[] = [];
  for (const session of ["a", "b", "c"]) sockets.push(await room.connect(session, null, undefined, "protocol=3"));
  const change = () =>
    room.change((now) => {
      now.count.update((count) => count + 1);
      now.hiddenCount.set(7);
      now.cellar()["one"] = { wine: sync(signal(2)) };
      for (const player of Object.values(now.players())) {
        player.x.update((x) => x + 1);
        player.hiddenRole.set("thief");
      }
    });
  change();
  await room.evict();
  change();
  for (const socket of sockets) {
    expect(socket.malformed).toEqual([]);
    expect(isBinary(socket)).not.toContain(false);
    for (const name of ["hidden", "spy", "thief", "cellar", "wine"]) expect(bytesOf(socket)).not.toContain(name);
    const has = (socket.clients[0] as LoadClient).state;
    const { players, ...others } = has as { players: Record<string, object> };
    expect(others).toEqual({ count: 2 });
    for (const [key, player] of Object.entries(room.state.players()))
      expect(players[key]).toEqual({ x: player.x(), y: 0 });
  }
  // Without its tables, the frame has three keys of nine bytes, 16 bits for each, and its head.
  for (const { frames } of sockets) frames.length = 0;
  change();
  for (const { frames } of sockets) expect(frames.map(({ length }) => length)).toEqual([expect.any(Number)]);
  for (const { frames } of sockets) expect(frames[0]?.length).toBeLessThan(60);
});

it("other packets, and other forms of sync packets, stay text", async () => {
  const definition = defineRoom({
    path: "r",
    throttleSync: 0,
    state,
    interceptorPacket: (_, packet) => {
      const { count } = (packet.value ?? {}) as { count?: number };
      if (count === 1) return { type: "count", value: count };
      return count === 2 ? { ...packet, extra: true } : packet;
    },
  });
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("ada", null, undefined, "protocol=3");
  for (const count of [1, 2, 3]) room.change((now) => now.count.set(count));
  expect(isBinary(socket)).toEqual([true, false, false, true]);
  expect(packetsOf(socket).slice(1)).toEqual([
    { type: "count", value: 1 },
    { type: "sync", value: { count: 2 }, extra: true },
    { type: "sync", value: { count: 3 } },
  ]);
});

it("P13.5: a client that stays while a deploy adds an interceptor and another one removes it reads the right fields", async () => {
  const plain = defineRoom({ path: "r", throttleSync: 0, state });
  const stripping = defineRoom({
    path: "r",
    throttleSync: 0,
    state,
    interceptorPacket: (_, packet) => ({ ...packet, value: stripped(packet.value) }),
  });
  const reader = new FrameReader();
  let has: Readonly<Record<string, unknown>> = {};
  const visit = async (compiled: CompiledRoom) => {
    const room = new MemoryRoom<State>(compiled);
    const socket = await room.connect(
      "a",
      null,
      undefined,
      `protocol=3&${new URLSearchParams(reader.query).toString()}`,
    );
    room.change((now) => {
      now.count.set(5);
      now.hiddenCount.set(6);
    });
    for (const frame of socket.frames) {
      const { pId, ...patch } = reader.read(frame as Uint8Array, has)["value"] as Record<string, unknown>;
      has = applyPatch(pId === undefined ? has : {}, patch);
    }
  };
  for (const { compiled } of [plain, stripping, plain]) await visit(compiled);
  expect(Object.keys(has).toSorted()).toEqual(["cellar", "count", "hiddenCount", "players"]);
  expect(has).toMatchObject({ count: 5, hiddenCount: 6 });
});
