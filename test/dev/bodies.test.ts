import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { freePort, startDevServer } from "../browser/dev-server.ts";
import type { DevServer } from "../browser/dev-server.ts";

const folder = mkdtempSync(join(tmpdir(), "durable-rooms-bodies-"));
let server: DevServer;
let shard = "";

beforeAll(async () => {
  const cwd = join(import.meta.dirname, "bodies");
  server = await startDevServer({ port: await freePort(), persistTo: folder, cwd });
  const body = JSON.stringify({ roomId: "room-1", autoCreate: true });
  const headers = { "content-type": "application/json" };
  const found = await fetch(`${server.url}/parties/world/w/connect`, { method: "POST", headers, body });
  ({ url: shard } = z.object({ url: z.string() }).parse(await found.json()));
});
afterAll(async () => {
  await server?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const SIZES = [1, 1000, 100_000, 1_000_000];
const ROOM = "/parties/main/room-1";

/** Requests that are answered without reading their bodies. */
const CASES: readonly [about: string, status: number, path: string, init?: RequestInit][] = [
  ["a route that is not the service's", 404, "/nothing"],
  ["an unknown room", 404, "/parties/main/nothing"],
  ["an unknown World", 404, "/parties/world/nothing/connect"],
  ["no token", 401, "/parties/main/closed"],
  ["a token that is none", 401, `${ROOM}/text?token=x`],
  ["an operator's path without a token", 401, `${ROOM}/$metrics`],
  ["an unknown path of a room", 404, `${ROOM}/nothing`],
  ["a wrong method", 405, `${ROOM}/text`, { method: "PUT" }],
  ["a guard of the room", 403, `${ROOM}/text`, { headers: { "x-guest": "no" } }],
  ["a guard of the route", 403, `${ROOM}/denied`],
  ["a handler that throws", 500, `${ROOM}/broken`],
  ["a handler that ignores the body", 200, `${ROOM}/ignored`],
  ["an unknown path of a World", 404, "/parties/world/w/nothing"],
  ["a World's guard", 401, "/parties/world/w/update-shard"],
  ["a shard that nobody assigned", 404, "/parties/shard/nothing/text"],
];

let start = 0;
beforeEach(() => {
  start = server.log().length;
});

/** The errors and warnings of wrangler and the runtime in this test. */
const complaints = () =>
  server
    .log()
    .slice(start)
    .split("\n")
    .filter((line) => /ERROR|rror:/.test(line));

describe("P8.3: an unread body", () => {
  it.each(CASES)("%s is answered with %i, and nothing is thrown", async (_, status, path, init) => {
    for (const size of SIZES) {
      const answer = await fetch(server.url + path, { method: "POST", body: "x".repeat(size), ...init });
      expect(answer.status).toBe(status);
      await answer.text();
    }
    // An error that was thrown after a response is in the log before the next response.
    await fetch(`${server.url}${ROOM}/nothing`);
    expect(complaints()).toEqual([]);
  });

  it("does not matter to the shard", async () => {
    const paths = ["nothing", "ignored", "denied"].map((path) => `/parties/shard/${shard}/${path}`);
    for (const path of paths) {
      for (const size of SIZES) {
        const answer = await fetch(server.url + path, { method: "POST", body: "x".repeat(size) });
        expect(answer.status).toBe({ nothing: 404, ignored: 200, denied: 403 }[path.split("/")[4] ?? ""]);
        await answer.text();
      }
    }
    expect(complaints()).toEqual([]);
  });

  it("is read up to the room's limit: 413", async () => {
    for (const size of [1025, 100_000, 1_000_000]) {
      const body = JSON.stringify("x".repeat(size));
      const answer = await fetch(`${server.url}${ROOM}/text`, { method: "POST", body });
      expect(answer.status).toBe(413);
      await answer.text();
    }
    expect(complaints()).toEqual([]);
  });
});

describe("P8.3: a body that is read", () => {
  it.each([1, 1000, 100_000, 5_000_000])("of %i bytes reaches a handler, and is streamed back", async (size) => {
    const body = "x".repeat(size);
    for (const place of [ROOM, `/parties/shard/${shard}`]) {
      const echo = await fetch(`${server.url}${place}/echo`, { method: "POST", body });
      expect(await echo.text()).toBe(body);
    }
    expect(complaints()).toEqual([]);
  });
});

describe("P8.3: a body that never ends", () => {
  it("does not delay an answer that does not need it", async () => {
    const { hostname, port, host } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write(`POST ${ROOM}/nothing HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 100000\r\n\r\nbegun`);
    const answer = await new Promise<Buffer>((resolve) => void socket.once("data", resolve));
    expect(answer.toString()).toContain(" 404 ");
    socket.destroy();
  });
});
