import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSyncFrame } from "../../src/protocol/binary/frames.ts";
import { Collection } from "../../src/protocol/binary/collection.ts";
import { PatchEncoder } from "../../src/protocol/binary/patch-encoder.ts";
import { readTables } from "../../src/protocol/binary/tables.ts";
import type { TableSpec } from "../../src/protocol/binary/tables.ts";
import { runBin } from "./bin.ts";

const codec = { quantized: [0, 655.35, 16] };
const specs: TableSpec[] = [
  [[], 0, [[["turn"]]]],
  [["players"], 1, [[["x"], codec], [["y"], codec], [["name"]]]],
];
const tables = JSON.stringify(specs);
const encoder = new PatchEncoder(readTables(specs), Collection);
const hex = (frame: Uint8Array) => Buffer.from(frame).toString("hex");
const players = {
  ann: { x: 3, y: 4, name: "Ann" },
  bob: { x: 5, y: 6, name: "Bob" },
  cat: { x: 7, y: 8, name: "Cat" },
};
const moved = { ann: { x: 3.02, y: 9 }, bob: "$delete", cat: { x: 6.99, y: 8.5 } };

const blocks = encoder.shared({ turn: 1, players });
const first = writeSyncFrame({ seq: 299, publicId: "me", tablesHash: "k3.f", tables, run: "r1" }, blocks);
const untold = writeSyncFrame({ seq: 299, tablesHash: "k3.f", run: "r1" }, blocks);
const second = writeSyncFrame({ seq: 300, mark: 290 }, encoder.shared({ players: moved, note: "hi" }));
const ack = Uint8Array.from([2, 7, ...new TextEncoder().encode('{"id":"a"}')]);

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "durable-rooms-decode-"));
  writeFileSync(
    join(cwd, "captured.txt"),
    `${Buffer.from(first).toString("base64")}\n\n0x${hex(second)}\n${hex(ack)}\n`,
  );
  writeFileSync(join(cwd, "second.bin"), second);
  writeFileSync(join(cwd, "tables.json"), tables);
});
afterAll(() => rmSync(cwd, { recursive: true }));

const SECOND = `44 bytes
  seq 300
  mark 290
  players: 1 removal (6 bytes)
    bob #1
  players: 2 rows (15 bytes)
    ann #0, cat #2
    x 3.02, 6.99 (differences of its codec, 3 bytes)
    y 9, 8.5 (uint16 of its codec, 5 bytes)
  JSON (15 bytes)
    {"note":"hi"}
  packet {"type":"sync","seq":300,"mark":290,"value":{"players":${JSON.stringify({ bob: "$delete", ann: moved.ann, cat: moved.cat })},"note":"hi"}}
`;

describe("durable-rooms decode", () => {
  it("prints the head, the blocks and the packet of each frame of a connection, using earlier frames", async () => {
    const { code, stdout, stderr } = await runBin(["decode", "captured.txt"], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const value = JSON.stringify({ pId: "me", players, turn: 1 });
    expect(stdout).toBe(`frame 1: ${first.length} bytes
  seq 299
  publicId me
  tablesHash k3.f
  tables ${tables}
  run r1
  players: 3 rows (38 bytes)
    ann #0, bob #1, cat #2
    x 3, 5, 7 (uint16 of its codec, 7 bytes)
    y 4, 6, 8 (uint16 of its codec, 7 bytes)
    name "Ann", "Bob", "Cat" (ids, 9 bytes)
  state: 1 row (6 bytes)
    turn 1 (uint8, 2 bytes)
  packet {"type":"sync","seq":299,"value":${value}}
frame 2: ${SECOND}frame 3: 12 bytes
  packet {"type":"ack","seq":7,"value":{"id":"a"}}
`);
  });

  it("accepts frames as arguments and in binary files, and tables that no frame contains", async () => {
    const args = ["decode", "--tables", "tables.json", hex(untold), "second.bin"];
    const { code, stdout, stderr } = await runBin(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`frame 2: ${SECOND}`);
    const asText = await runBin(["decode", "--tables", tables, hex(untold), hex(second)], { cwd });
    expect(asText.stdout).toBe(stdout);
  });

  it("prints a table that is sent later, and rows that are written one by one", async () => {
    const told = '[["near"],1,[[["x"],{"quantized":[0,655.35,16]}],[["hp"]]]]';
    const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
    const pieces = [4, 9, 3, 0x42, 1, 2, 5, 44, 1, 7, 6, 144, 1, 8];
    const frame = [1, 2, 0, 3, 9, ...text(told), 1, 9, 4, 2, 10, ...text("ann"), ...text("bob"), 5, 0, ...pieces];
    const { code, stdout, stderr } = await runBin(["decode", hex(Uint8Array.from(frame))]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`frame 1: ${frame.length} bytes
  seq 1
  table 9 (62 bytes)
    ${told}
  near: 2 rows (15 bytes)
    ann #5, bob #6
  near: 2 rows of x (uint16 of its codec), hp (uint8) (14 bytes)
    ann #5 3, 7
    bob #6 4, 8
  packet {"type":"sync","seq":1,"value":{"near":{"ann":{"x":3,"hp":7},"bob":{"x":4,"hp":8}}}}
`);
  });

  it.each([
    ["a frame without those before it", ["--tables", "tables.json", hex(second)], "give all frames of the connection"],
    ["a frame whose tables are not there", [hex(untold)], "unknown table"],
    ["a frame that ends too early", ["captured.txt", hex(second.slice(0, -1))], "frame 4: A binary frame is malformed"],
  ])("reports why %s cannot be read, after the readable part, and ends with 1", async (_, args, why) => {
    const { code, stdout, stderr } = await runBin(["decode", ...args], { cwd });
    expect(code).toBe(1);
    expect(stdout).toMatch(/seq (?:299|300)/);
    expect(stderr).toContain(why);
    expect(stderr).not.toContain("    at ");
  });
});
