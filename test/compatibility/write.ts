// Writes the rows that this version stores, as a fixture:
// node test/compatibility/write.ts > test/compatibility/1.2.3.json
// With --busy, writes those of a room that has a journal: test/compatibility/1.2.3-busy.json
import { play } from "./play.ts";

console.log(JSON.stringify(await play(process.argv.includes("--busy")), null, 2));
