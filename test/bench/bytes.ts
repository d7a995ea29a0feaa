import { PatchEncoder } from "../../src/protocol/binary/patch-encoder.ts";
import { readTables } from "../../src/protocol/binary/tables.ts";
import { quantizing } from "../../src/protocol/binary/codecs.ts";
let seed = 1;
const random = () => ((seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647);
const q = quantizing(0, 1000, 16);
function movers(count: number, codec: boolean, value: () => number, key = 12) {
  const enc = new PatchEncoder(readTables([[["players"], 1, [[["x"], ...(codec ? [{ quantized: [0, 1000, 16] }] : [])], [["y"], ...(codec ? [{ quantized: [0, 1000, 16] }] : [])], [["name"]]]]]));
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const id = (n: number) => Array.from({ length: n }, () => letters[Math.floor(random() * 64)]).join("");
  const keys = Array.from({ length: count }, () => id(key));
  const at: Record<string, {x:number,y:number}> = {};
  const whole = () => Object.fromEntries(keys.map((k) => [k, { x: value(), y: value(), name: id(8) }]));
  const w = whole();
  const first = enc.whole({ players: w });
  return { enc, keys, first, json: JSON.stringify({players: w}), w };
}
for (const [name, codec, value] of [["q", true, () => q.round(random() * 1000)], ["int", false, () => Math.floor(random() * 1000)], ["float", false, () => random() * 1000]] as const) {
  const { enc, keys } = movers(100, codec, value);
  const patch = () => ({ players: Object.fromEntries(keys.map((k) => [k, { x: value(), y: value() }])) });
  console.log(name, "first", enc.shared(patch()).length / 100, "next", enc.shared(patch()).length / 100, "json", JSON.stringify(patch()).length/100);
  // half of them
  const sub = (n: number) => ({ players: Object.fromEntries(keys.filter(() => random() < n / 100).map((k) => [k, { x: value(), y: value() }])) });
  const p = sub(30); console.log(" 30 of 100:", enc.shared(p).length / Object.keys(p.players).length);
  const one = sub(3); console.log(" 3 of 100:", enc.shared(one).length / Object.keys(one.players).length);
}
{
  const { enc, keys } = movers(100, true, () => 0);
  const pos = new Map(keys.map((k) => [k, [random() * 1000, random() * 1000]]));
  const step = (v: number) => q.round(Math.min(1000, Math.max(0, v + (random() * 2 - 1) * 1.9)));
  const move = () => ({ players: Object.fromEntries(keys.map((k) => { const [x, y] = pos.get(k)!; const n = [step(x!), step(y!)]; pos.set(k, n); return [k, { x: n[0], y: n[1] }]; })) });
  enc.shared(move());
  console.log("small steps", enc.shared(move()).length / 100);
}
const f = movers(500, true, () => q.round(random() * 1000));
console.log("first packet", f.first.length, "json", f.json.length);
