import { traceSources, walk } from "./trace.ts";
import type { Walk } from "./trace.ts";

/**
 * `npm run walk`: measures the path of one action and of a waking room through the code, in Node and without
 * `src/objects`.
 * A file counts if one of its functions ran. A jump is a call from a function of one file to a function of another, and
 * counts each time. A call by a library counts as a call by the code that called the library. With `--jumps`, the pairs
 * of files follow. As in a deployed Worker, code for development does not run.
 */
process.env["NODE_ENV"] = "production";
traceSources();

// Import it after `traceSources`, so that the modules that it imports are traced.
const { createRoom } = await import("./room.ts");

const room = await createRoom();
const action = await walk(() => room.act());
await room.rest();
const wake = await walk(() => room.wake());

const ways = { action, wake };
for (const [name, { files, jumps }] of Object.entries(ways)) {
  console.log(`${name}: ${files.length} files, ${jumps} jumps`);
}
for (const [name, way] of Object.entries(ways)) print(name, way);

function print(name: string, { files, pairs }: Walk): void {
  console.log(`\n${name}:`);
  for (const file of files) console.log(`  ${file}`);
  if (!process.argv.includes("--jumps")) return;
  for (const [pair, count] of [...pairs].toSorted((a, b) => b[1] - a[1])) console.log(`  ${count} × ${pair}`);
}
