import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeFrame, upgrade, Wire } from "../fuzz/long/raw.ts";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";

const SECRETS = { AUTH_JWT_SECRET: "a secret of the tests, 32 bytes or more", SHARD_SECRET: "a secret of shards" };

let workerd: Workerd;
const folder = mkdtempSync(join(tmpdir(), "refusals-"));

beforeAll(async () => {
  await bundleInto(folder, join(import.meta.dirname, "worker.ts"));
  workerd = await startWorkerd(folder, SECRETS);
}, 60_000);
afterAll(async () => {
  console.log(workerd.log().slice(-1500));
  await workerd.kill();
  rmSync(folder, { recursive: true });
});

function pathTo(room: string, query: Record<string, string> = {}): string {
  return `/parties/main/${room}?${new URLSearchParams(query).toString()}`;
}

function open(room: string, query: Record<string, string> = {}, headers: [string, string][] = []): Wire {
  const wire = new Wire(workerd.port);
  wire.write(upgrade(pathTo(room, query), headers));
  return wire;
}

interface Who {
  readonly connections: number;
  readonly players: number;
  readonly joins: number;
  readonly left: number;
}

async function ask<T>(room: string, path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${workerd.port}/parties/main/${room}${path}`, init);
  return (await response.json()) as T;
}

/** Repeats the request until its answer fulfils a condition. */
async function untilWho(room: string, holds: (who: Who) => boolean): Promise<Who> {
  for (;;) {
    const who = await ask<Who>(room, "/who");
    if (holds(who)) return who;
  }
}

/** Whether a text contains a close code, as bytes. */
function closeFrame(code: number): (text: string) => boolean {
  const bytes = Buffer.from([code >> 8, code & 255]).toString("latin1");
  return (text) => text.includes(bytes);
}

/** Answers a close frame as any client does. @returns whether the server then ended the TCP connection */
async function hasEnded(wire: Wire): Promise<boolean> {
  wire.write(encodeFrame({ opcode: 8, payload: Buffer.from([3, 232]) }));
  await wire.ended;
  return wire.socket.readableEnded;
}

describe("a client that a room refuses", () => {
  it.each([
    ["by a guard", "guarded-1", {}, 4403],
    ["by a guard that takes 300 ms", "guarded-2", { wait: "300" }, 4403],
    ["by its onJoin", "door-1", { password: "wrong" }, 1011],
    ["by an onJoin that takes 300 ms", "door-2", { password: "wrong", wait: "300" }, 1011],
  ])("%s is closed, and its TCP connection ends", async (_, room, query, code) => {
    const wire = open(room, query);
    expect(await wire.until(closeFrame(code))).toBe(true);
    expect(await hasEnded(wire)).toBe(true);
  });

  it("since it is full is closed, and its TCP connection ends", async () => {
    const first = open("full-1");
    await first.until((text) => text.includes('"pId"'));
    const second = open("full-1");
    expect(await second.until(closeFrame(4503))).toBe(true);
    expect(await hasEnded(second)).toBe(true);
    first.destroy();
  });
});

describe("a join that takes longer than a second", () => {
  it("is answered meanwhile, runs onJoin once, and sends the first packet when it is done", async () => {
    const wire = open("door-slow", { wait: "1800", protocol: "2" });
    await wire.until((text) => text.includes("101 Switching"));
    expect(wire.text).not.toContain('"pId"');
    expect(await wire.until((text) => text.includes('"joining"'))).toBe(true);
    expect(await wire.until((text) => text.includes('"pId"'))).toBe(true);
    expect(await ask<Who>("door-slow", "/who")).toMatchObject({ joins: 1, players: 1 });
    wire.destroy();
  });

  it("that is refused then reports it before it closes the connection", async () => {
    const wire = open("door-late", { wait: "1500", password: "wrong", protocol: "2" });
    expect(await wire.until((text) => text.includes('"close":1011'))).toBe(true);
    expect(await wire.until(closeFrame(1011))).toBe(true);
    wire.destroy();
  });
});

describe("a client that is kicked from an HTTP handler", () => {
  it("is told before its connection is closed, and no longer counts", async () => {
    const wire = open("door-kick", { protocol: "2" });
    await wire.until((text) => text.includes('"pId"'));
    expect(await ask("door-kick", "/kick", { method: "POST" })).toEqual({ connections: 0 });
    expect(await wire.until((text) => text.includes('"message":"Kicked","close":4001'))).toBe(true);
    expect(await wire.until(closeFrame(4001))).toBe(true);
    wire.destroy();
  });
});

describe("a client whose connection is reset", () => {
  it.each([
    ["as it is", "door-reset", []],
    // The Worker forwards a changed copy of a request with such headers, and also of one with a token.
    ["changed by the Worker", "door-reset-changed", [["x-durable-rooms-forged", "1"]] as [string, string][]],
  ])("while its join waits, with a request %s, is not online afterwards", async (_, room, headers) => {
    const wire = open(room, { wait: "600" }, headers);
    await untilWho(room, ({ joins }) => joins === 1);
    wire.socket.resetAndDestroy();
    const { connections } = await untilWho(room, ({ left }) => left === 1);
    expect(connections).toBe(0);
  });

  it("while its join waits for long is not online afterwards", async () => {
    const wire = open("door-reset-late", { wait: "2500" });
    await wire.until((text) => text.includes("101 Switching"));
    wire.socket.resetAndDestroy();
    const { connections } = await untilWho("door-reset-late", ({ left }) => left === 1);
    expect(connections).toBe(0);
  });
});
