// Writes the rows that this version stores, as a fixture: node test/compatibility/write.ts > test/compatibility/1.2.3.json
import { play } from "./play.ts";

console.log(JSON.stringify(await play(), null, 2));
