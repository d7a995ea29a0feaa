import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { FrameReader } from "../../src/protocol/binary/frame-reader.ts";
import { writeSyncFrame } from "../../src/protocol/binary/frames.ts";
import { Collection } from "../../src/protocol/binary/collection.ts";
import { PatchEncoder } from "../../src/protocol/binary/patch-encoder.ts";
import { readTables } from "../../src/protocol/binary/tables.ts";
import type { Plain } from "../../src/protocol/values.ts";

const document = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8");
const section = document.slice(document.indexOf("### A frame, byte by byte"));
const [tables = "", json = ""] = [...section.matchAll(/```json\n([^]*?)```/g)].map(([, block = ""]) => block.trim());
const bytes = [...section.matchAll(/^\| `([0-9a-f ]+)` \|/gm)].map(([, cells]) => cells).join(" ");

it("docs/protocol.md explains each byte of a frame that a room sends, and its form as JSON", () => {
  const encoder = new PatchEncoder(readTables(JSON.parse(tables)), Collection);
  const before = { players: { ann: { x: 3, y: 4 }, bob: { x: 5, y: 6 }, cat: { x: 7, y: 8 } } };
  const told = encoder.shared(before);
  const { type, value, ...head } = JSON.parse(json) as Plain;
  const frame = writeSyncFrame(head, encoder.shared(value as Plain));
  expect(
    Buffer.from(frame)
      .toString("hex")
      .replaceAll(/..(?!$)/g, "$& "),
  ).toBe(bytes);

  const reader = new FrameReader();
  const first = reader.read(writeSyncFrame({ seq: 299, tablesHash: "t", tables, run: "r" }, told), {});
  const state = applyPatch({}, first["value"] as Plain);
  expect(state).toEqual(before);
  expect(reader.read(frame, state)).toEqual({ type, value, ...head });
});

it("docs/protocol.md has the length of this frame", () => {
  const [, inJson, inBytes] = /this packet has (\d+) bytes[^]*The binary frame has (\d+):/.exec(section) ?? [];
  expect([inJson, inBytes]).toEqual([`${json.length}`, `${bytes.split(" ").length}`]);
});
