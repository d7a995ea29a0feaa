import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overviewOf } from "../../src/platform/object-report.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { near } from "../../src/state/near.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import { withoutEmpty } from "../../src/testing/expected-view.ts";
import { ResumingClient } from "../room/sync/resuming-client.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { MemoryShard } from "../support/memory-shards.ts";
import type { MemorySocket } from "../support/memory.ts";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  hand = sync(signal("nothing"), { visibleTo: "owner" });
}
const stateOf = () => ({ count: sync(signal(0)), text: sync(signal("")), players: users(Player) });
const crowdOf = () => ({
  count: sync(signal(0)),
  text: sync(signal("")),
  players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 20 }) }),
});
type State = ReturnType<typeof stateOf>;
const LARGE = "x".repeat(300);

function treeOf(state: () => State = stateOf, rateLimit = { messages: 1e6, per: 1 }) {
  const done: string[] = [];
  const { compiled } = defineRoom({
    path: "r",
    throttleSync: 0,
    maxUnconfirmedBytes: 20_000,
    rateLimit,
    state,
    actions: {
      act: { run: ({ conn }, id) => done.push(`${conn.sessionId} ${id as number}`) },
      deal: { run: ({ user }, hand) => user.hand.set(hand as string) },
      walk: {
        run({ user }, to) {
          const [x, y] = to as [number, number];
          user.x.set(x);
          user.y.set(y);
        },
      },
      write: { run: ({ state, room }) => state.text.set(LARGE + String(room.connections.length + state.count())) },
      count: { run: ({ state }) => state.count.update((value) => value + 1) },
    },
  });
  const tree = new MemoryTree<State>(compiled);
  return { tree, shard: tree.add("s"), done };
}

/** A client that reads and confirms, except while a test stops it. */
class Reader {
  readonly client = new ResumingClient();
  readonly acks: unknown[] = [];
  readonly socket: MemorySocket;
  calls = 0;
  readonly #shard: MemoryShard;
  #token: number | undefined;
  #acksRead = 0;

  constructor(shard: MemoryShard, name: string, protocol = "protocol=2&clear=1") {
    this.#shard = shard;
    this.socket = shard.connect(name, null, protocol);
    this.client.connected(this.socket);
    this.socket.onAsked = (token) => {
      const isUrgent = this.#token !== undefined;
      this.#token = isUrgent ? undefined : token;
      if (isUrgent) shard.send(this.socket, `{"confirm":${token}}`);
    };
  }

  call(action = "act", value: unknown = this.calls): void {
    const token = this.#token === undefined ? "" : `"confirm":${this.#token},`;
    this.#token = undefined;
    const id = action === "act" ? `,"id":${this.calls++}` : "";
    this.#shard.send(this.socket, `{${token}"action":"${action}","value":${JSON.stringify(value)}${id}}`);
  }

  read(): void {
    this.client.read();
    for (const text of this.socket.texts.slice(this.#acksRead)) {
      const { type, value } = JSON.parse(text) as { type: string; value: { id: unknown } };
      if (type === "ack") this.acks.push(value.id);
    }
    this.#acksRead = this.socket.texts.length;
  }
}

async function change({ tree }: ReturnType<typeof treeOf>, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    tree.room.change((state) => {
      state.count.update((value) => value + 1);
      state.text.set(LARGE + String(state.count()));
    });
    await tree.advance(20);
  }
}

it("P14.2: a client of a shard that does not read gets a limited amount, and one merged patch when it reads again", async () => {
  const scene = treeOf();
  const [ada, slow] = [new Reader(scene.shard, "ada"), new Reader(scene.shard, "slow")];
  await scene.tree.advance(100);
  ada.read();
  slow.read();
  slow.socket.stall();
  await change(scene, 50);
  slow.call("deal", "ace");
  for (let call = 0; call < 5; call++) slow.call();
  await scene.tree.advance(100);
  expect(slow.socket.unreadBytes).toBeLessThan(6000);
  expect(scene.shard.core.flow.behind).toBe(1);
  expect(overviewOf(scene.tree.room.core.parts).behind).toBe(0);
  slow.socket.read();
  await scene.tree.advance(100);
  ada.read();
  slow.read();
  expect(slow.client.how).toEqual(["whole", "went back"]);
  expect(slow.client.state["text"]).toBe(ada.client.state["text"]);
  expect(slow.client.state).toMatchObject({ players: { [slow.client.publicId]: { hand: "ace" } } });
  expect(slow.acks).toEqual([0, 1, 2, 3, 4]);
  await change(scene, 1);
  slow.read();
  expect(slow.client.state["count"]).toBe(51);
});

it("P14.4, P14.5: messages of a stopped client wait if many answers do, and the latest packet of a name is kept", async () => {
  const scene = treeOf();
  const slow = new Reader(scene.shard, "slow");
  await scene.tree.advance(100);
  slow.socket.stall();
  await change(scene, 50);
  for (let call = 0; call < 400; call++) {
    slow.call();
    if (call % 20 === 0) await scene.tree.advance(50);
  }
  await scene.tree.advance(500);
  expect(scene.done.length).toBeLessThan(200);
  for (let at = 0; at < 5; at++) scene.tree.room.core.handle.broadcast({ type: "at", value: at }, { latest: "at" });
  await scene.tree.advance(100);
  slow.socket.read();
  await scene.tree.advance(3000);
  slow.read();
  expect(scene.done).toHaveLength(400);
  expect(slow.acks).toEqual(Array.from({ length: 400 }, (_, index) => index));
  expect(slow.socket.texts.filter((text) => text.startsWith('{"type":"at"'))).toEqual(['{"type":"at","value":4}']);
});

it("P14.7: a client of a shard that confirms nothing for 90 seconds is closed", async () => {
  const scene = treeOf();
  const slow = new Reader(scene.shard, "slow");
  await scene.tree.advance(100);
  slow.socket.stall();
  await change(scene, 50);
  await scene.tree.advance(100_000);
  expect(slow.socket.closedWith?.code).toBe(4504);
  expect(overviewOf(scene.tree.room.core.parts).connections).toBe(0);
  // Its bytes count until its socket has closed.
  expect(scene.shard.core.flow.unconfirmedBytes).toBeGreaterThan(5000);
  scene.shard.disconnect(slow.socket);
  expect(scene.shard.core.flow.unconfirmedBytes).toBe(0);
});

it("P14.10: a client of a shard that sent too much before it was accepted is asked to confirm as usual", async () => {
  const scene = treeOf(stateOf, { messages: 5, per: 1000 });
  scene.tree.delay = () => 400;
  const slow = new Reader(scene.shard, "slow");
  for (let call = 0; call < 8; call++) slow.call();
  expect(slow.socket.texts.join()).toContain("rate_limited");
  await scene.tree.advance(2000);
  scene.tree.delay = () => 1;
  slow.socket.stall();
  await change(scene, 50);
  expect(slow.socket.unreadBytes).toBeLessThan(6000);
  expect(scene.shard.core.flow.behind).toBe(1);
});

it("P14.9: if the room loses its memory while a client of a shard is stopped, the client reconnects", async () => {
  const scene = treeOf();
  const [slow, ada] = [new Reader(scene.shard, "slow"), new Reader(scene.shard, "ada")];
  await scene.tree.advance(100);
  slow.socket.stall();
  await change(scene, 50);
  scene.tree.room.crash();
  ada.call("count");
  await scene.tree.advance(5000);
  expect(slow.socket.closedWith?.code).toBe(1012);
  expect(ada.socket.isOpen).toBe(true);
});

const who = fc.nat({ max: 2 });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("write", "count", "call"), who }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("walk"), who, to: fc.tuple(fc.nat(50), fc.nat(50)) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("deal"), who }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("stall", "stall", "read"), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("burst"), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait"), who }) },
);

describe.each([
  ["a simple room", stateOf],
  ["a crowd", crowdOf],
] as const)("P14: at a shard of %s", (_, state) => {
  it("stalls never leave a wrong state, acknowledgements keep their order, and each message is handled once", async () => {
    let merges = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 30, maxLength: 80 }),
        fc.constantFrom("protocol=2&clear=1", "protocol=2&clear=1&protocol=3"),
        async (steps, protocol) => {
          const scene = treeOf(state);
          const { tree, shard, done } = scene;
          const readers = ["a", "b", "c"].map((name) => new Reader(shard, name, protocol));
          await tree.advance(100);
          for (const each of steps) {
            const reader = readers[each.who] as Reader;
            if (each.kind === "stall") reader.socket.stall();
            else if (each.kind === "read") reader.socket.read();
            else if (each.kind === "call") reader.call();
            else if (each.kind === "wait") await tree.advance(50);
            else if (each.kind === "burst") {
              for (let packet = 0; packet < 20; packet++)
                tree.room.core.handle.broadcast({ type: "noise", value: packet });
            } else reader.call(each.kind, "to" in each ? each.to : "ace");
            await tree.advance(5);
          }
          for (const { socket } of readers) socket.read();
          await tree.advance(1000);
          merges += shard.core.flow.merges ?? 0;
          expect(new Set(done).size).toBe(done.length);
          expect(done.length).toBe(readers.reduce((sum, { calls }) => sum + calls, 0));
          for (const [index, reader] of readers.entries()) {
            const fresh = new Reader(shard, ["a", "b", "c"][index] as string, protocol);
            await tree.advance(200);
            fresh.read();
            reader.read();
            expect(withoutEmpty(reader.client.state), reader.client.how.join(", ")).toEqual(
              withoutEmpty(fresh.client.state),
            );
            expect(reader.acks).toEqual(Array.from({ length: reader.calls }, (_each, id) => id));
          }
        },
      ),
      { numRuns: 15 },
    );
    expect(merges).toBeGreaterThan(5);
  });
});
