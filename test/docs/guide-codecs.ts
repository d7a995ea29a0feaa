import { collection, defineRoom, float32, integer, oneOf, quantized, signal, sync } from "../../src/index.ts";
import * as z from "zod";

const coordinate = () => sync(signal(0), { as: quantized({ min: 0, max: 1000, bits: 16 }) });

class Ship {
  x = coordinate();
  y = coordinate();
  angle = sync(signal(0), { as: float32 });
  hull = sync(signal(100), { as: integer });
  side = sync(signal<"red" | "blue">("red"), { as: oneOf("red", "blue") });
}

export const sea = defineRoom({
  path: "sea-{id}",
  state: () => ({ ships: collection(Ship) }),
  actions: {
    launch: { run: ({ state }) => void (state.ships()["s1"] ??= new Ship()) },
    sail: { input: z.number(), run: ({ state }, x) => state.ships()["s1"]?.x.set(x) },
  },
});
