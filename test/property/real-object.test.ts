import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { expectedView } from "../../src/testing/expected-view.ts";
import { gameState } from "../support/game-state.ts";
import { testRoom, token } from "../support/harness.ts";
import { anyMutation } from "../support/mutations.ts";

const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: gameState,
  actions: { ping: { run: () => "pong" } },
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.array(anyMutation, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constant("evict" as const) },
);

it("P5: the same over real sockets to a real object that is evicted in between", async () => {
  const gm = await token({ gm: true });
  let turns = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 25 }), async (steps) => {
      const room = testRoom(definition);
      const clients = [await room.connect(), await room.connect(), await room.connect({ token: gm })];
      for (const next of steps) {
        if (next === "evict") await room.evict();
        else {
          turns++;
          await room.change((state) => next.forEach((mutation) => mutation.run(state)));
        }
      }
      for (const [index, client] of clients.entries()) {
        // Everything that was sent before the ack has arrived when the ack arrives.
        await client.call("ping");
        // A removed user gets an error instead, and no more state.
        if (await room.inside((state) => !state.players()[client.publicId])) continue;
        const auth = index === 2 ? { gm: true } : null;
        const expected = await room.inside((state) =>
          expectedView(state, { publicId: client.publicId, auth, user: state.players()[client.publicId] }),
        );
        expect(client.state, `client ${index}`).toEqual(expected);
      }
    }),
    { numRuns: 40 },
  );
  expect(turns).toBeGreaterThan(300);
});
