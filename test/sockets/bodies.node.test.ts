import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Wire } from "../fuzz/long/raw.ts";
import { memoryOf } from "../fuzz/long/workerd.ts";
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
])("a body with %s %s is ignored", async (method, path, status) => {
  const wire = new Wire(workerd.port);
  const body = '{"a":1}';
  const head = [`${method} /parties/main/door-body${path} HTTP/1.1`, "Host: x", "Connection: close"];
  wire.write([...head, `Content-Length: ${body.length}`, "", body].join("\r\n"));
  await wire.ended;
  expect(wire.text.split("\r\n", 1)[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

/** Sends a request whose body breaks off: the size of its second chunk is not a number. */
async function breakOff(path: string): Promise<void> {
  const wire = new Wire(workerd.port);
  const head = [`POST ${path} HTTP/1.1`, "Host: x", "Connection: close", "Transfer-Encoding: chunked"];
  wire.write([...head, "", "1", "{", "zz", ""].join("\r\n"));
  await wire.ended;
  expect(wire.text).toMatch(/^HTTP\/1.1 4\d\d /);
}

it.each([
  ["that the service refuses", "/parties/none/x"],
  ["that a room refuses", "/parties/main/door-body/who"],
  ["that a room reads", "/parties/main/door-body/note"],
  ["that a World reads", "/parties/world/w/connect"],
])("of requests %s nothing stays in memory if their bodies break off", async (_, path) => {
  const send = async (count: number) => {
    for (let index = 0; index < count; index += 5) await Promise.all(Array.from({ length: 5 }, () => breakOff(path)));
  };
  await send(50);
  const { heap: before } = await memoryOf(workerd);
  await send(300);
  const { heap: after } = await memoryOf(workerd);
  // In MB. A leaked request would take more than a kilobyte. Some caches fill.
  expect(after - before).toBeLessThan(0.15);
});
