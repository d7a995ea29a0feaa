import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { nameOf } from "../../src/objects/object-name.ts";
import { sync } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";

it("an object that an alarm wakes without its name still knows its room", async () => {
  const definition = defineRoom({ path: "room-{id}", state: () => ({ count: sync(signal(0)) }) });
  const room = testRoom(definition);
  await room.connect();
  await room.inside((_state, _core, { id, storage }) => {
    expect(nameOf({ id, storage })).toBe(`${room.party}/room-1`);
    expect(nameOf({ id: {}, storage })).toBe(`${room.party}/room-1`);
  });
  const other = testRoom(definition);
  await other.inside((_state, _core, { storage }) => expect(nameOf({ id: {}, storage })).toBe(""));
});
