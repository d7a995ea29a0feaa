import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { RoomError } from "../../src/protocol/errors.ts";
import { sync } from "../../src/state/fields.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { MemorySocket } from "../support/memory.ts";

const { compiled } = defineRoom({
  path: "r",
  throttleSync: 0,
  maxMessageBytes: 2000,
  rateLimit: { messages: 20, per: 1000 },
  state: () => ({ log: sync(signal<unknown[]>([])) }),
  actions: {
    add: { run: ({ state }, value) => state.log.update((log) => [...log, value]) },
    slow: {
      async run({ state }, value) {
        await Promise.resolve();
        state.log.update((log) => [...log, value]);
        return value;
      },
    },
    fail: {
      run() {
        throw new RoomError("forbidden", "No");
      },
    },
  },
});

const message = fc.record(
  { action: fc.constantFrom("add", "slow", "fail", "none", ""), value: fc.nat(9), id: fc.nat(30) },
  { requiredKeys: ["action"] },
);
const text = fc.oneof(
  { weight: 9, arbitrary: message.map((one) => JSON.stringify(one)) },
  fc.constantFrom("1", "null", "{}", '"a"', "no JSON", ""),
);
/** Messages, grouped by the frames in which they are sent, and the time that the client waits after each frame. */
const frames = fc.array(fc.record({ texts: fc.array(text, { minLength: 1, maxLength: 15 }), wait: fc.nat(400) }), {
  maxLength: 8,
});

/** What a client received, and what the room's state is, after some frames were sent with pauses between them. */
async function play(via: "room" | "shard", sent: readonly { frames: readonly string[]; wait: number }[]) {
  const tree = new MemoryTree<{ log(): unknown[] }>(compiled);
  const shard = via === "shard" ? tree.add("s") : undefined;
  const socket: MemorySocket = shard?.connect("a") ?? (await tree.room.connect("a"));
  await tree.advance(100);
  for (const { frames: batch, wait } of sent) {
    for (const frame of batch) {
      if (shard) shard.core.message(socket, frame);
      else void tree.room.core.message(socket, frame);
    }
    await tree.advance(wait);
  }
  await tree.advance(5000);
  const { texts, closedWith } = socket;
  return { texts: texts.slice(1), closedWith, log: tree.room.state.log() };
}

it.each(["room", "shard"] as const)("P3.7: through a %s, arrays do what their messages do one by one", async (via) => {
  await fc.assert(
    fc.asyncProperty(frames, async (batches) => {
      const alone = await play(
        via,
        batches.map(({ texts, wait }) => ({ frames: texts, wait })),
      );
      const joined = await play(
        via,
        batches.map(({ texts, wait }) => ({ frames: [`[${texts.join(",")}]`], wait })),
      );
      expect(joined).toEqual(alone);
    }),
    { numRuns: 60 },
  );
});
