import { expect, it } from "vitest";
import { near } from "../../src/index.ts";

const rings = (count: number) => Array.from({ length: count }, (_, index) => ({ radius: index + 1 }));

it.each<[string, object, string]>([
  ["a field that is not a name", { x: 1, radius: 5 }, "the names of fields"],
  ["no radius", {}, "a radius or rings"],
  ["a radius and rings", { radius: 5, rings: rings(1) }, "a radius or rings"],
  ["a radius of 0", { radius: 0 }, "a radius above 0"],
  ["no ring", { rings: [] }, "a radius above 0"],
  ["rings that do not grow", { rings: [{ radius: 2 }, { radius: 1 }] }, "rings with the smallest radius first"],
  ["a ring that is never sent", { rings: [{ radius: 1, hz: 0 }] }, "a number above 0 as hz"],
  ["nine rings", { rings: rings(9) }, "at most 8 rings"],
  ["half an entry", { radius: 1, nearest: 0.5 }, "a whole number above 0 as nearest"],
])("near() refuses %s", (_, options, message) => {
  expect(() => near({ x: "x", y: "y", ...options })).toThrow(`near() takes ${message}`);
  expect(() => near({ x: "x", y: "y", rings: rings(8) })).not.toThrow();
});
