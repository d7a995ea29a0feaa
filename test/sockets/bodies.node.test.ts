import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Wire } from "../fuzz/long/raw.ts";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";

let workerd: Workerd;
const folder = mkdtempSync(join(tmpdir(), "bodies-"));

beforeAll(async () => {
  await bundleInto(folder, join(import.meta.dirname, "worker.ts"));
  workerd = await startWorkerd(folder, { SHARD_SECRET: "a secret of shards" });
}, 60_000);
afterAll(async () => {
  await workerd.kill();
  rmSync(folder, { recursive: true });
});

it.each([
  ["GET", "/who", 200],
  ["HEAD", "/who", 200],
  ["GET", "/who?token=x", 200],
  ["HEAD", "/missing", 404],
])("a body that comes with %s %s is ignored", async (method, path, status) => {
  const wire = new Wire(workerd.port);
  const body = '{"a":1}';
  const head = [`${method} /parties/main/door-body${path} HTTP/1.1`, "Host: x", "Connection: close"];
  wire.write([...head, `Content-Length: ${body.length}`, "", body].join("\r\n"));
  await wire.ended;
  expect(wire.text.split("\r\n", 1)[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});
