import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomObjectBase } from "../../src/objects/room-object.ts";
import { sync } from "../../src/state/fields.ts";
import { shardStub, testRoom } from "../support/harness.ts";
import type { TestRoom } from "../support/harness.ts";

const delayOf = ({ url }: Request) => Number(new URL(url).searchParams.get("in"));
/** How often a schedule ran. It is counted here, because asking the room would wake it. */
let runs = 0;
const room = defineRoom({
  path: "alarm-{id}",
  state: () => ({ runs: sync(signal(0)) }),
  requests: {
    "POST /later": { run: ({ room, request }) => room.schedule("later", delayOf(request)) },
    "GET /runs": { run: ({ state }) => state.runs() },
  },
  schedules: {
    later: {
      run({ state }) {
        state.runs.update((count) => count + 1);
        runs++;
      },
    },
  },
});

interface Inside {
  readonly storage: DurableObjectStorage;
  readonly alarms: number;
}

/** An object's count of alarms, and its storage, which is a new one after each start. */
function look(of: TestRoom): Promise<Inside> {
  return runInDurableObject(of.stub as DurableObjectStub<RoomObjectBase>, (instance, { storage }) => {
    const { alarms } = (instance as unknown as { monitor: { counts: { alarms: number } } }).monitor.counts;
    return { storage, alarms };
  });
}

const alarmOf = (stub: DurableObjectStub) => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());

/** Records calls of the platform's alarm. @returns a function that lists the calls by the object with a storage */
async function countCalls(of: TestRoom) {
  const { storage } = await look(of);
  const prototype = Object.getPrototypeOf(storage) as DurableObjectStorage;
  const calls: { readonly name: string; readonly storage: unknown }[] = [];
  for (const name of ["setAlarm", "deleteAlarm"] as const) {
    const original = prototype[name] as (...args: unknown[]) => Promise<void>;
    prototype[name] = function (this: DurableObjectStorage, ...args: unknown[]) {
      calls.push({ name, storage: this });
      return original.apply(this, args);
    };
    restore.push(() => (prototype[name] = original));
  }
  return (by: unknown) => calls.filter((call) => call.storage === by).map(({ name }) => name);
}

const restore: (() => void)[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const undo of restore.splice(0)) undo();
});

describe("a room that hibernates until its schedule", () => {
  it("sets the alarm once, and handles it once", async () => {
    const sleeper = testRoom(room, "alarm-once");
    await (await sleeper.fetch("/runs")).text();
    const calls = await countCalls(sleeper);
    const before = await look(sleeper);
    await sleeper.fetch("/later?in=300", { method: "POST" });
    await evictDurableObject(sleeper.stub);
    await vi.waitFor(() => expect(runs).toBe(1), { timeout: 5000 });
    const after = await look(sleeper);
    expect(after.storage === before.storage).toBe(false);
    expect(calls(before.storage)).toEqual(["setAlarm"]);
    expect(calls(after.storage)).toEqual([]);
    expect(after.alarms).toBe(1);
    expect(await (await sleeper.fetch("/runs")).json()).toBe(1);
  });

  it("keeps its alarm if a request wakes it, and does not pay for it again", async () => {
    const sleeper = testRoom(room, "alarm-request");
    await sleeper.fetch("/later?in=3600000", { method: "POST" });
    const at = await alarmOf(sleeper.stub);
    const calls = await countCalls(sleeper);
    await evictDurableObject(sleeper.stub);
    await (await sleeper.fetch("/runs")).text();
    const { storage } = await look(sleeper);
    expect(calls(storage)).toEqual([]);
    expect(await alarmOf(sleeper.stub)).toBe(at);
    // A time that is earlier than the current alarm sets the alarm.
    await sleeper.fetch("/later?in=1800000", { method: "POST" });
    expect(calls(storage)).toEqual(["setAlarm"]);
    expect(await alarmOf(sleeper.stub)).toBeLessThan(Date.now() + 1_900_000);
  });

  it("sets its alarm again if a request wakes it after the platform lost the alarm", async () => {
    const sleeper = testRoom(room, "alarm-lost");
    await sleeper.fetch("/later?in=3600000", { method: "POST" });
    await runInDurableObject(sleeper.stub, (_, { storage }) => storage.deleteAlarm());
    const calls = await countCalls(sleeper);
    await evictDurableObject(sleeper.stub);
    await (await sleeper.fetch("/runs")).text();
    expect(calls((await look(sleeper)).storage)).toEqual(["setAlarm"]);
    expect(await alarmOf(sleeper.stub)).toBeGreaterThan(Date.now() + 3_000_000);
  });
});

/** Lets the platform refuse to set the alarm a number of times, by throwing or by rejecting. */
function refuse(storage: DurableObjectStorage, times: number, how: "throws" | "rejects") {
  const setAlarm = storage.setAlarm.bind(storage);
  const failure = () => new Error("Internal error in Durable Object storage");
  let refused = 0;
  storage.setAlarm = (...args) => {
    if (refused++ >= times) return setAlarm(...args);
    if (how === "throws") throw failure();
    return Promise.reject(failure());
  };
}

describe.each(["throws", "rejects"] as const)("if setting the alarm %s", (how) => {
  it("a room keeps its schedule, logs the failure, and sets its alarm later", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const refused = testRoom(room, `alarm-${how}`);
    await (await refused.fetch("/runs")).text();
    const { storage } = await look(refused);
    await runInDurableObject(refused.stub, () => refuse(storage, 1, how));
    expect((await refused.fetch("/later?in=3600000", { method: "POST" })).status).toBeLessThan(300);
    expect(await alarmOf(refused.stub)).toBeNull();
    expect(log.mock.calls.join()).toContain("save_failed");
    await vi.waitFor(async () => expect(await alarmOf(refused.stub)).not.toBeNull(), { timeout: 5000 });
  });

  it("a shard keeps its assignment, and reports itself later", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const shardId = `alarm-shard-${how}`;
    const stub = shardStub(shardId);
    await runInDurableObject(stub, (_, { storage }) => refuse(storage, 1, how));
    const place = { party: "none", roomId: "none", capacity: 1, draining: false };
    await stub.assign({ shardId, worldId: "none", ...place });
    expect(await alarmOf(stub)).toBeNull();
    await vi.waitFor(async () => expect(await alarmOf(stub)).not.toBeNull(), { timeout: 5000 });
    await stub.retire();
  });
});
