import fc from "fast-check";
import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { users } from "../../src/app/users.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { bytesOf, countAscii } from "../../src/protocol/text-size.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { near } from "../../src/state/near.ts";
import { MemoryRoom } from "../support/memory.ts";

const encoder = new TextEncoder();

it("counts the bytes of any text, whatever was counted before", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), (texts) => {
      for (const text of texts) {
        if (encoder.encode(text).length === text.length) countAscii(text);
        expect(bytesOf(text)).toBe(encoder.encode(text).length);
      }
    }),
  );
});

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  name = sync(signal(""));
}
const state = () => ({
  title: sync(signal("")),
  players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
  größen: collection(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
});

it("counts the bytes of each packet of a crowd", async () => {
  const text = fc.oneof(fc.constantFrom("", "plain", "größer", "漢字"), fc.string());
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, text, text), { maxLength: 8 }), async (changes) => {
      const room = new MemoryRoom<ReturnType<typeof state>>(defineRoom({ path: "r", state }).compiled);
      const sockets = [await room.connect("ada"), await room.connect("bob")];
      const counted: number[] = [];
      const sizes: number[] = [];
      for (const socket of sockets) {
        const send = socket.send.bind(socket);
        socket.send = (frame) => {
          // The room takes an error here for a closed socket, so the sizes are compared later.
          counted.push(bytesOf(frame));
          sizes.push(typeof frame === "string" ? encoder.encode(frame).length : frame.length);
          return send(frame);
        };
      }
      for (const [title, name, size] of changes) {
        room.change(({ title: shared, players, größen }) => {
          shared.set(title);
          for (const player of Object.values(players())) player.name.set(name);
          if (size === "") return;
          const entry = new Player();
          entry.name.set(size);
          größen()["one"] = entry;
        });
        await room.advance(100);
      }
      expect(counted).toEqual(sizes);
      if (changes.length > 0) expect(counted.length).toBeGreaterThan(0);
    }),
    { numRuns: 30 },
  );
});
