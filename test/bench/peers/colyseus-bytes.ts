import { Encoder, MapSchema, schema, t } from "@colyseus/schema";
import type { ByteCase } from "../byte-cases.ts";

const exact = schema({ x: t.number(), y: t.number() });
const coded = schema({
  x: t.quantized({ min: 0, max: 1000, bits: 16 }),
  y: t.quantized({ min: 0, max: 1000, bits: 16 }),
});
const player = schema({ x: t.number(), y: t.number(), score: t.number() });

/** What the encoder of Colyseus writes for the same movement: bytes per moved entity, or all of the first packet. */
export function colyseusBytes({ movement, isQuantized }: ByteCase): number | undefined {
  const [first, ...later] = movement ?? [];
  if (!first) return undefined;
  const Entity = later.length === 0 ? player : isQuantized ? coded : exact;
  const State = schema({ round: t.number(), last: t.string(), entities: t.map(Entity) });
  const entities = new MapSchema(
    Object.fromEntries(Object.entries(first).map(([key, at]) => [key, new Entity({ score: 0, ...at })])),
  );
  const state = new State({ round: 0, last: "", entities });
  const encoder = new Encoder(state);
  const whole = encoder.encodeAll().length;
  if (later.length === 0) return whole;
  encoder.discardChanges();
  let bytes = 0;
  for (const positions of later) {
    for (const [key, at] of Object.entries(positions)) Object.assign(state.entities.get(key) as object, at);
    bytes += encoder.encode().length;
    encoder.discardChanges();
  }
  return bytes / later.length / Object.keys(first).length;
}
