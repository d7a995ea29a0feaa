import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort, startDevServer } from "../browser/dev-server.ts";
import type { DevServer } from "../browser/dev-server.ts";
import { connectRoom } from "../../src/client/index.ts";
import type { DefinedRoom } from "../../src/define/room.ts";

const ROOT = resolve(import.meta.dirname, "../..");

const CONFIG = `name = "errors"
main = "worker.ts"
compatibility_date = "2026-10-01"
compatibility_flags = ["no_web_socket_compression", "enable_request_signal"]

[alias]
"durable-rooms" = ${JSON.stringify(join(ROOT, "src/index.ts"))}

[[durable_objects.bindings]]
name = "ROOMS"
class_name = "RoomObject"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["RoomObject"]
`;
const WORKER = `import { createRooms, defineRoom } from "durable-rooms";
import { room } from "./room.ts";

const pending = defineRoom({ path: "pending-{id}", state: async () => ({}) });
const rooms = createRooms({ rooms: [room, pending] });
export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
`;
/** The code of a room. Its definition begins on line 3, and line 7 throws. */
const roomWith = (path: string) => `import { defineRoom, signal, sync } from "durable-rooms";

export const room = defineRoom({
  path: "${path}",
  state: () => ({ count: sync(signal(0)), list: sync(signal([{ a: { b: 0 } }])) }),
  actions: {
    fail: { run: () => { throw new Error("on purpose") } },
    add: { run: ({ state }) => state.count.update((count) => count + 1) },
    change: { run: ({ state }) => void (state.list()[0].a.b += 1) },
  },
});
`;

const cwd = mkdtempSync(join(tmpdir(), "durable-rooms-errors-"));
let server: DevServer;

/** Replaces a file atomically, as editors do when they save. */
function save(name: string, text: string): void {
  const saved = join(cwd, `${name}.saved`);
  writeFileSync(saved, text);
  renameSync(saved, join(cwd, name));
}

beforeAll(async () => {
  symlinkSync(join(ROOT, "node_modules"), join(cwd, "node_modules"));
  save("package.json", '{ "type": "module" }');
  save("wrangler.toml", CONFIG);
  save("worker.ts", WORKER);
  save("room.ts", roomWith("/game-{id}"));
  server = await startDevServer({ port: await freePort(), persistTo: join(cwd, "state"), cwd, health: 500 });
});
afterAll(async () => {
  await server?.kill();
  rmSync(cwd, { recursive: true, force: true });
});

const PROBLEM = 'The room path "/game-{id}" has to begin without /: write "game-{id}"';

function connect() {
  const client = connectRoom<DefinedRoom<unknown, Record<string, unknown>>>({
    host: server.url,
    room: "game-1",
    socket: { minReconnectionDelay: 50, maxReconnectionDelay: 200 },
  });
  onTestFinished(() => client.close());
  const errors: string[] = [];
  client.on("error", ({ message }) => void errors.push(message));
  return { client, errors };
}

describe("wrangler dev", () => {
  it("starts with a wrong definition, and shows the error with its line in the log, in answers and to clients", async () => {
    expect(server.log()).toContain(PROBLEM);
    expect(server.log()).toMatch(/room\.ts:3:\d+/);
    expect(server.log()).not.toMatch(/not exported|failed to start/);
    for (const path of ["/", "/parties/main/game-1"]) {
      const answer = await fetch(server.url + path);
      const text = await answer.text();
      expect(answer.status).toBe(500);
      expect(text).toContain(PROBLEM);
      expect(text).toMatch(/room\.ts:3:\d+/);
    }
    const { errors } = connect();
    await expect.poll(() => errors, { timeout: 10_000 }).toContainEqual(expect.stringContaining(PROBLEM));
  });

  it("continues with the next edit, and keeps its clients", async () => {
    const { client } = connect();
    save("room.ts", roomWith("game-{id}"));
    await expect.poll(() => client.status, { timeout: 20_000 }).toBe("open");
    await client.call("add");
    expect(client.state).toMatchObject({ count: 1 });
  });

  it("logs errors of handlers with their lines, and values that were changed in place, as text", async () => {
    const { client } = connect();
    await client.call("add");
    await expect(client.call("fail")).rejects.toMatchObject({ code: "internal" });
    await client.call("change");
    await expect.poll(() => server.log()).toContain("list was changed in place");
    const answer = await fetch(`${server.url}/parties/main/pending-1`);
    expect(await answer.json()).toMatchObject({
      error: expect.stringContaining("The room cannot start: state() cannot be async"),
    });
    const log = server.log();
    expect(log).toMatch(
      /durable-rooms: action_failed in main\/game-1 .*\n\s*Error: on purpose\n\s+at .*room\.ts:7:\d+/,
    );
    expect(log).not.toContain('"level":"error"');
  });
});
