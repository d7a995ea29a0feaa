// Prints the size of the demo's Worker, and fails above the limit of the project.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 120;
const folder = new URL("../dist-worker/", import.meta.url);
const code = readdirSync(folder).filter((name) => name.endsWith(".js"));
const bytes = Buffer.concat(code.map((name) => readFileSync(new URL(name, folder))));
const gzipped = gzipSync(bytes, { level: 9 }).length / 1024;
console.log(`Worker: ${(bytes.length / 1024).toFixed(1)} KB, gzipped ${gzipped.toFixed(1)} KB (limit ${LIMIT_KB} KB)`);
if (gzipped > LIMIT_KB) process.exit(1);
