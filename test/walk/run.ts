import { traceSources, walk } from "./trace.ts";
import type { Walk } from "./trace.ts";

/**
 * `npm run walk`: how far one action goes through the code, and a room that wakes, in Node and without `src/objects`.
 * A file counts if one of its functions ran. A jump is a call from a function of one file into a function of another,
 * each time it happens; what a library calls back counts as called by whoever called the library. With `--jumps`,
 * the pairs of files follow. As in a deployed Worker, nothing runs that is for development only.
 */
process.env["NODE_ENV"] = "production";
traceSources();

// After that, so that its imports are traced.
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
