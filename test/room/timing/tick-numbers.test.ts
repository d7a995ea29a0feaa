import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryRoom, VirtualClock } from "../../support/memory.ts";

const HOUR = 3_600_000;

/** A clock whose time can jump, as when an object moves to another machine. */
class JumpingClock extends VirtualClock {
  override time = 1_700_000_000_000;
  offset = 0;
  override now(): number {
    return this.time + this.offset;
  }
}

const seen: number[] = [];
const roomAt = (hz: number) =>
  defineRoom({
    path: "r",
    state: () => ({ count: sync(signal(0)) }),
    actions: { add: { run: ({ state }) => state.count.update((count) => count + 1) } },
    tick: {
      hz,
      run({ state, tick }) {
        seen.push(tick);
        state.count.update((count) => count + 1);
      },
    },
  });

interface SyncPacket {
  readonly seq?: number;
  readonly tick?: number;
  readonly hz?: number;
  readonly value: Record<string, unknown>;
}
const packetsOf = ({ texts }: { texts: readonly string[] }) => texts.map((text) => JSON.parse(text) as SyncPacket);

describe("P15.1 the numbers of ticks", () => {
  it("are sent with the packets, with the rate in the first one", async () => {
    const room = new MemoryRoom(roomAt(10).compiled);
    const socket = await room.connect("ada", null, undefined, "protocol=2");
    room.clock.advance(1000);
    const [first, ...others] = packetsOf(socket);
    expect(first?.hz).toBe(10);
    expect(others).toHaveLength(10);
    const ticks = others.map(({ tick }) => tick);
    expect(ticks).toEqual(Array.from({ length: 10 }, (_, index) => (ticks[0] ?? 0) + index));
    expect(others.every(({ hz }) => hz === undefined)).toBe(true);
  });

  it("are the same in binary frames", async () => {
    const hz = 1000 / 60;
    const room = new MemoryRoom(roomAt(hz).compiled);
    const socket = await room.connect("ada", null, undefined, "protocol=2&protocol=3");
    room.clock.advance(1000);
    const other = await room.connect("bob", null, undefined, "protocol=2&protocol=3");
    expect(socket.frames.at(-1)).toBeInstanceOf(Uint8Array);
    expect(packetsOf(other)[0]).toMatchObject({ hz, tick: packetsOf(socket).at(-1)?.tick });
  });

  it("are not sent to clients of protocol 1, nor by a room without ticks", async () => {
    const room = new MemoryRoom(roomAt(10).compiled);
    const old = await room.connect("old");
    room.clock.advance(300);
    expect(old.texts.join("")).not.toContain("tick");
    const quiet = new MemoryRoom(defineRoom({ path: "r", state: () => ({ count: sync(signal(0)) }) }).compiled);
    const socket = await quiet.connect("ada", null, undefined, "protocol=2");
    expect(socket.texts.join("")).not.toMatch(/"(tick|hz)"/);
    expect([...quiet.storage.rows.keys()]).not.toContain("$tick");
  });

  it("follow the time while no client is connected, and if ticks are skipped", async () => {
    const room = new MemoryRoom(roomAt(10).compiled);
    const socket = await room.connect("ada");
    room.clock.advance(1000);
    const before = seen.at(-1) ?? 0;
    room.disconnect(socket);
    room.clock.advance(5000);
    await room.connect("ada");
    room.clock.advance(1000);
    expect((seen.at(-1) ?? 0) - before).toBe(60);
  });

  it("cost one write an hour", async () => {
    // A rate of one tick every ten seconds.
    const room = new MemoryRoom(roomAt(0.1).compiled);
    await room.connect("ada");
    let writes = 0;
    room.storage.fault = (key) => void (writes += key === "$tick" ? 1 : 0);
    room.clock.advance(HOUR * 3);
    expect(writes).toBeLessThanOrEqual(4);
    expect(writes).toBeGreaterThanOrEqual(3);
  });

  it("are left out while they cannot be reserved, and the ticks continue", async () => {
    const room = new MemoryRoom(roomAt(10).compiled);
    room.storage.fault = (key) => {
      if (key === "$tick") throw new Error("no");
    };
    const socket = await room.connect("ada", null, undefined, "protocol=2");
    room.clock.advance(3000);
    expect(packetsOf(socket).length).toBeGreaterThan(20);
    expect(socket.texts.join("")).not.toMatch(/"tick":[1-9]/);
    expect(room.log.filter(({ event }) => event === "save_failed").length).toBeLessThanOrEqual(4);
    room.storage.fault = () => {};
    room.clock.advance(1100);
    expect(socket.texts.at(-1)).toContain('"tick"');
  });

  const usual = [
    fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 2000 }) }),
    fc.record({ kind: fc.constant("crash" as const) }),
    fc.record({ kind: fc.constant("leave" as const) }),
    fc.record({ kind: fc.constant("fail" as const) }),
  ];
  const sleeps = [
    fc.record({ kind: fc.constant("sleep" as const) }),
    fc.record({ kind: fc.constant("deploy" as const), hz: fc.constantFrom(1, 10, 30, 1000 / 60) }),
  ];
  const jumps = [fc.record({ kind: fc.constant("jump" as const), ms: fc.integer({ min: -HOUR, max: HOUR }) })];
  it.each([
    ["sleep, and deploys with another rate", sleeps],
    ["clocks that jump", jumps],
  ])("never repeat and never decrease: after crashes, failing writes, %s", async (_, own) => {
    const event = fc.oneof(...usual, ...own);
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 3, maxLength: 25 }), async (events) => {
        const clock = new JumpingClock();
        const room = new MemoryRoom(roomAt(20).compiled, clock);
        const told: number[] = [];
        const connect = async () => {
          const socket = await room.connect("ada", null, undefined, "protocol=2");
          const send = socket.send.bind(socket);
          socket.send = (frame) => {
            const { tick } = JSON.parse(String(frame)) as SyncPacket;
            if (tick !== undefined) told.push(tick);
            return send(frame);
          };
        };
        await connect();
        for (const what of events) {
          if (what.kind === "pass") clock.advance(what.ms);
          else if (what.kind === "jump") clock.offset += what.ms;
          else if (what.kind === "fail") {
            let left = 2;
            room.storage.fault = () => {
              if (left-- > 0) throw new Error("no");
            };
          } else if (what.kind === "leave") {
            for (const socket of room.sockets) room.disconnect(socket);
            await connect();
          } else {
            if (what.kind !== "crash") for (const socket of room.sockets) room.disconnect(socket);
            if (what.kind === "crash") room.crash();
            else if (what.kind === "sleep") await room.evict();
            else await room.deploy(roomAt(what.hz).compiled);
            await connect();
          }
        }
        clock.advance(1000);
        for (const [index, tick] of told.entries()) expect(tick).toBeGreaterThanOrEqual(told[index - 1] ?? 0);
        // The same number only appears again in packets between two ticks.
        const changes = told.filter((tick, index) => tick !== told[index - 1]);
        expect(new Set(changes).size).toBe(changes.length);
      }),
      { numRuns: 60 },
    );
  });
});
