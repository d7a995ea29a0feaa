import { expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/index.ts";
import { actionsOf } from "../../src/inspector/actions.ts";

const room = (actions: object) => actionsOf(defineRoom({ path: "r", state: () => ({}), actions }));
const run = () => {};

it("200 actions at most are shown, and none that only rooms may call", () => {
  const names = Array.from({ length: 201 }, (_, index) => `action-${index}`);
  const { actions } = room(
    Object.fromEntries([["ofRooms", { from: "rooms", run }], ...names.map((name) => [name, { run }])]),
  );
  expect(actions.map(({ name }) => name)).toEqual(names.slice(0, 200));
});

it("a schema of more than 20,000 characters is left out", () => {
  const choices = (count: number) => z.enum(Array.from({ length: count }, (_, index) => `choice ${index}`));
  const { actions } = room({ short: { input: choices(10), run }, long: { input: choices(2000), run } });
  expect(actions).toEqual([{ name: "short", input: expect.objectContaining({ type: "string" }) }, { name: "long" }]);
});
