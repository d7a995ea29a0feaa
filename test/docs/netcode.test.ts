import { expect, it } from "vitest";
import { testRoom } from "../support/harness.ts";
import { duel } from "./extracted/netcode-duel.ts";
import { arena } from "./extracted/netcode-room.ts";

it.each([
  ["the room of the guide", arena, "arena-1", {}],
  ["the room that rewinds", duel, "duel-1", { fires: false }],
])("%s moves its users by their inputs", async (_, definition, id, more) => {
  const room = testRoom<unknown>(definition, id);
  const ada = await room.connect({ query: "protocol=2" });
  const x = (state: { players?: Record<string, { x: number }> }) => state.players?.[ada.publicId]?.x ?? 0;
  const before = x(ada.state as never);
  for (let input = 1; input <= 3; input++) ada.send({ action: "move", input, value: { x: 1, y: 0, ...more } });
  await ada.until((packet) => (packet as { input?: number }).input === 3);
  // The speed is 300 per second, and three inputs last three of 30 ticks per second.
  expect(x(ada.state as never) - before).toBeCloseTo(30, 1);
});
