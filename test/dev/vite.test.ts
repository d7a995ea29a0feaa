import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../browser/dev-server.ts";
import { connectRoom, connectWorld } from "../../src/client/index.ts";
import type { DefinedRoom } from "../../src/define/room.ts";
import { startVite } from "./vite-server.ts";
import type { ViteServer } from "./vite-server.ts";

const EDITS = 3;

let server: ViteServer;
let version = 0;
beforeAll(async () => {
  server = await startVite(join(import.meta.dirname, "vite"), await freePort());
});
afterAll(() => server?.kill());

/** Saves the Worker's code with a new version number. @returns this number */
function save(): number {
  version++;
  server.edit("version.ts", `export const VERSION = ${version};\n`);
  return version;
}

interface Beat {
  readonly version: number;
  readonly count: number;
}

/** Connects a client, and records the beats that it receives. */
function enter(room: string, via: "room" | "world") {
  const connect = via === "world" ? connectWorld : connectRoom;
  const socket = { minReconnectionDelay: 1, maxReconnectionDelay: 50 };
  const client = connect<DefinedRoom<unknown, Record<string, unknown>>>({
    host: server.host,
    room,
    socket,
    callTimeout: 2000,
  });
  const beats: (Beat & { readonly at: number })[] = [];
  client.on("beat" as never, (beat: Beat) => void beats.push({ ...beat, at: performance.now() }));
  onTestFinished(() => client.close());
  return {
    beats,
    call: (action: string) => client.call(action),
    get state() {
      return client.state as { readonly count?: number; readonly version?: number };
    },
  };
}

describe.each([
  ["a room", "room-1", "room"],
  ["a room that stays awake", "awake-1", "room"],
  ["a room behind shards", "room-2", "world"],
] as const)("%s under vite dev", (_, room, via) => {
  it(`runs once after ${EDITS} edits, and keeps its state`, async () => {
    const clients = [enter(room, via), enter(room, via)];
    const [first, second] = clients as [(typeof clients)[0], (typeof clients)[0]];
    for (let edit = 1; edit <= EDITS; edit++) {
      // The room has not saved this change yet when its code changes.
      expect(await first.call("add"), server.log()).toBe(edit);
      const expected = save();
      await expect.poll(() => first.call("version"), { timeout: 10_000 }).toBe(expected);
      for (const client of clients) {
        await expect.poll(() => client.state, { timeout: 10_000 }).toMatchObject({ count: edit, version: expected });
        // Beats must come only from the newest code, four per second.
        client.beats.length = 0;
      }
      await expect.poll(() => second.beats.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(7);
      for (const { beats } of clients) {
        for (const beat of beats) expect(beat).toMatchObject({ version: expected, count: edit });
        const seven = beats.slice(0, 7);
        expect((seven.at(-1)?.at ?? 0) - (seven[0]?.at ?? 0)).toBeGreaterThan(1200);
      }
    }
    expect(server.log()).not.toMatch(/_failed/);
  });
});
