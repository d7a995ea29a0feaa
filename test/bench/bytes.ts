import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CASES } from "./byte-cases.ts";
import type { ByteCase } from "./byte-cases.ts";

/**
 * `npm run bench:bytes`: the number of bytes that clients receive, measured in Node and without sockets. `--publish`
 * writes it into docs/benchmarks.md. The result includes Colyseus if the peers of `npm run bench` are installed.
 */
const DOCUMENT = join(import.meta.dirname, "../../docs/benchmarks.md");
const MARKS = /(<!-- bytes -->\n)[^]*(<!-- end of bytes -->)/;

type Peer = (one: ByteCase) => number | undefined;

async function colyseus(): Promise<Peer> {
  if (!existsSync(join(import.meta.dirname, "peers/node_modules"))) return () => undefined;
  const path = "./peers/colyseus-bytes.ts";
  return ((await import(path)) as { colyseusBytes: Peer }).colyseusBytes;
}

function shown(bytes: number | undefined): string {
  if (bytes === undefined) return "–";
  return bytes < 100 ? bytes.toFixed(1) : Math.round(bytes).toLocaleString("en-US");
}

const peer = await colyseus();
const rows: string[] = [];
for (const one of CASES) {
  const { json, binary } = await one.measure();
  rows.push(`| ${one.title} | ${shown(json)} | ${shown(binary)} | ${shown(peer(one))} | ${shown(one.target)} |`);
}
const head = [
  "| bytes for an entity that moved | JSON | binary | Colyseus 0.18 | at most |",
  "| --- | --- | --- | --- | --- |",
];
const table = [...head, ...rows].join("\n");
console.log(table);
if (process.argv.includes("--publish")) {
  const text = await readFile(DOCUMENT, "utf8");
  if (!MARKS.test(text)) throw new Error("docs/benchmarks.md has no place for bytes");
  await writeFile(
    DOCUMENT,
    text.replace(MARKS, (_, start, end) => `${start}\n${table}\n\n${end}`),
  );
}
