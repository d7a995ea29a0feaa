import { computed, signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { quantized } from "../../../src/state/codecs.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import { MemoryRoom } from "../../support/memory.ts";
import { spoken } from "../../support/spoken.ts";
import type { MemorySocket } from "../../support/memory.ts";

const HZ = 20;
class Player {
  x = sync(signal(0));
  fine = sync(signal(0), { as: quantized({ min: 0, max: 100, bits: 8 }) });
  shots = sync(signal(0));
  secret = sync(signal(0), { visibleTo: "owner" });
  hidden = signal(7);
  double = sync(computed(() => this.x() * 2));
}
const made: unknown[] = [];
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({
    players: users(Player),
    walls: collection(() => ({ x: sync(signal(3)) })),
    closed: sync(signal(false), { visibleTo: () => false }),
  }),
  actions: { noop: { run: () => "done" } },
  tick: { hz: HZ },
  inputs: {
    move: {
      input: z.object({ by: z.number() }),
      step(me, { by }, { dt, state }) {
        made.push({ me, dt, walls: Object.keys(state.walls), state });
        if (by === 666) throw new Error("no such step");
        return Object.keys(state.walls).length > 0 ? {} : { x: me.x + by, fine: me.fine + by };
      },
    },
    shoot: {
      step: () => ({}),
      run({ user, tick, seen }) {
        made.push({ tick, seen });
        user.shots.update((shots) => shots + 1);
      },
    },
  },
});

interface Told {
  readonly input?: number;
  readonly tick?: number;
  readonly seq?: number;
  readonly value: { readonly players?: Readonly<Record<string, Partial<Record<keyof Player, unknown>>>> };
}
const packetsOf = (socket: MemorySocket) => socket.texts.map((text) => JSON.parse(text) as Told);
const told = (socket: MemorySocket) => packetsOf(socket).flatMap(({ input }) => input ?? []);
const move = (input: number, by = 1) => JSON.stringify({ action: "move", input, value: { by } });

async function start(query = "protocol=2") {
  const room = new MemoryRoom<{ players: () => Record<string, Player> }>(definition.compiled);
  const ada = await room.connect("ada", null, undefined, query);
  const send = (...messages: string[]) => room.core.message(ada, `[${messages.join(",")}]`);
  const ticks = (count = 1) => room.clock.advance((count * 1000) / HZ);
  const player = () => Object.values(room.state.players())[0] as Player;
  ticks(10);
  return { room, ada, send, ticks, player };
}

describe("inputs", () => {
  it("P15.3 are applied in ticks, in order, and once each", async () => {
    const { ada, send, ticks, player } = await start();
    await send(move(1), move(2));
    expect(player().x()).toBe(0);
    ticks();
    expect(player().x()).toBe(2);
    expect(told(ada)).toEqual([2]);
    // One input is repeated, and one arrives too late.
    await send(move(2), move(1), move(5), move(4));
    ticks();
    expect(player().x()).toBe(3);
    expect(told(ada)).toEqual([2, 5]);
  });

  it("P15.3 move no user faster than real time, however many are sent", async () => {
    const { send, ticks, player } = await start();
    let number = 0;
    const flood = () => send(...Array.from({ length: 9 }, () => move(++number)));
    for (let tick = 0; tick < 60; tick++) {
      await flood();
      ticks();
    }
    // A client may catch up a quarter of a second.
    expect(player().x()).toBeLessThanOrEqual(60 + HZ / 4);
    expect(player().x()).toBeGreaterThanOrEqual(60);
    // At most two seconds of inputs wait.
    ticks(200);
    expect(player().x()).toBeLessThanOrEqual(60 + HZ / 4 + 2 * HZ);
  });

  it("P15.3 of different kinds are applied in one tick", async () => {
    const { send, ticks, player, room } = await start();
    // Use up the quarter of a second that a client may catch up.
    await send(...Array.from({ length: HZ / 4 + 1 }, (_, index) => move(index + 1)));
    ticks();
    await send(move(11), '{"action":"shoot","input":12,"seen":3.5}', move(13), '{"action":"shoot","input":14}');
    ticks();
    expect([player().x(), player().shots()]).toEqual([HZ / 4 + 1, 0]);
    ticks();
    expect([player().x(), player().shots()]).toEqual([HZ / 4 + 2, 1]);
    ticks();
    expect([player().x(), player().shots()]).toEqual([HZ / 4 + 3, 2]);
    expect(room.log.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("P15.4 are acknowledged with the packet whose state includes them, and only to their client", async () => {
    const { room, ada, send, ticks } = await start();
    const bob = await room.connect("bob", null, undefined, "protocol=2");
    await send(move(1));
    ticks();
    expect(packetsOf(ada).at(-1)).toMatchObject({ input: 1, seq: packetsOf(bob).at(-1)?.seq });
    const [own, other] = [ada.texts.at(-1), bob.texts.at(-1)];
    if (spoken.query("protocol=2") === "protocol=2") expect(own).toBe(`${other?.slice(0, -1)},"input":1}`);
    else expect(JSON.parse(own as string)).toEqual({ ...(JSON.parse(other as string) as object), input: 1 });
    // Nothing changes, but the client still gets the acknowledgement. Others get nothing.
    const { length } = bob.texts;
    await send(move(2, 0));
    ticks();
    expect(packetsOf(ada).at(-1)).toEqual({ type: "sync", tick: expect.any(Number), value: {}, input: 2 });
    expect(bob.texts).toHaveLength(length);
  });

  it("P15.4 are acknowledged in binary frames, which otherwise do not differ", async () => {
    const { room, ada, send, ticks } = await start("protocol=2&protocol=3");
    const bob = await room.connect("bob", null, undefined, "protocol=2&protocol=3");
    await send(move(1));
    ticks();
    const [own, other] = [ada.frames.at(-1), bob.frames.at(-1)] as Uint8Array[];
    expect(own).toBeInstanceOf(Uint8Array);
    expect((own?.length ?? 0) - (other?.length ?? 0)).toBe(3);
    expect(packetsOf(ada).at(-1)).toMatchObject({ input: 1, value: packetsOf(bob).at(-1)?.value });
    await send(move(2, 0));
    ticks();
    expect(packetsOf(ada).at(-1)).toMatchObject({ input: 2, value: {} });
  });

  it("P15.4 are acknowledged in the first packet of a new connection, and after a crash with the stored state", async () => {
    const { room, ada, send, ticks, player } = await start();
    const id = packetsOf(ada)[0]?.value as { pId: string };
    await send(move(1), move(2));
    ticks();
    const again = await room.connect("ada", null, undefined, "protocol=2");
    expect(packetsOf(again)[0]).toMatchObject({ input: 2, hz: HZ });
    await room.advance(3000);
    await send(move(3));
    ticks();
    expect(player().x()).toBe(3);
    room.crash();
    const after = await room.connect("ada", null, undefined, "protocol=2");
    expect(packetsOf(after)[0]).toMatchObject({ input: 2, value: { players: { [id.pId]: { x: 2 } } } });
    // Inputs that are sent again are not applied again.
    await room.core.message(after, `[${move(2)},${move(4)}]`);
    ticks();
    expect(player().x()).toBe(3);
  });

  it("P15.5 give steps plain values: what their client may see, with the same rounding", async () => {
    const { send, ticks, player, room } = await start();
    made.length = 0;
    await send(move(1, 0.3));
    ticks();
    expect(made).toEqual([
      {
        me: { x: 0, fine: 0, shots: 0, secret: 0, double: 0 },
        dt: 1 / HZ,
        walls: [],
        state: expect.objectContaining({ walls: {} }),
      },
    ]);
    expect(Object.keys((made[0] as { state: object }).state)).toEqual(["players", "walls", "closed"]);
    expect((made[0] as { state: { closed?: boolean } }).state.closed).toBeUndefined();
    expect(player().fine()).toBe(100 / 255);
    room.change(
      (state) =>
        (((state as unknown as { walls(): object }).walls() as Record<string, unknown>)["w"] = { x: sync(signal(3)) }),
    );
    await send(move(2));
    ticks();
    expect(player().x()).toBe(0.3);
    expect(made.at(-1)).toMatchObject({ walls: ["w"] });
  });

  it("a step that throws changes nothing, and stops nothing", async () => {
    const { ada, send, ticks, player, room } = await start();
    await send(move(1, 666), move(2));
    ticks();
    expect(player().x()).toBe(1);
    expect(told(ada)).toEqual([2]);
    expect(room.log.filter(({ event }) => event === "input_failed")).toHaveLength(1);
  });

  it("an async step is an error, and so is a rejection of an async run", async () => {
    const inputs: Readonly<Record<string, { step(): object; run?(): Promise<never> }>> = {
      late: { step: async () => ({ x: 1 }) },
      later: { step: () => ({}), run: async () => Promise.reject(new Error("too late")) },
      wrong: { step: () => ({ x: 7, nothing: 2 }) },
    };
    const odd = defineRoom({
      path: "r",
      state: () => ({ players: users(Player) }),
      tick: { hz: HZ },
      inputs,
    });
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(odd.compiled);
    const ada = await room.connect("ada", null, undefined, "protocol=2");
    for (const [index, action] of Object.keys(inputs).entries())
      await room.core.message(ada, JSON.stringify({ action, input: index + 1 }));
    room.clock.advance(200);
    for (let promises = 0; promises < 5; promises++) await Promise.resolve();
    const errors = room.log.filter(({ event }) => event === "input_failed").map(({ error }) => String(error));
    expect(errors.join()).toMatch(
      /A step cannot be async.*"nothing", which is not a writable field of the entry.*too late/s,
    );
    expect(Object.values(room.state.players())[0]?.x()).toBe(0);
    expect(told(ada)).toEqual([3]);
  });

  it("P15.2 are refused without a number, and if the value does not match", async () => {
    const { ada, send, ticks, player } = await start();
    const refused = async (message: string) => {
      await send(message);
      return (JSON.parse(ada.texts.at(-1) as string) as { value: { code: string } }).value.code;
    };
    for (const number of ["0", "-1", "1.5", '"1"', "null", "1e300"])
      expect(await refused(`{"action":"move","input":${number},"value":{"by":1}}`)).toBe("bad_message");
    expect(await refused('{"action":"move","value":{"by":1}}')).toBe("bad_message");
    expect(await refused('{"action":"move","input":1,"value":{"by":"far"}}')).toBe("invalid_input");
    expect(await refused('{"action":"constructor","input":1}')).toBe("unknown_action");
    const spectator = '{"action":"noop","input":3,"id":1}';
    await send(spectator);
    expect(ada.texts.at(-1)).toContain('"result":"done"');
    ticks(3);
    expect(player().x()).toBe(0);
  });

  it("of a client of protocol 1 are applied, and the client gets no other packets than before", async () => {
    const { ada, send, ticks, player } = await start("");
    await send(move(1));
    ticks();
    expect(player().x()).toBe(1);
    expect(ada.texts.join("")).not.toMatch(/"(tick|input|hz)"/);
  });

  it("defineRoom reports what is wrong with them", () => {
    const state = () => ({ players: users(Player) });
    const tick = { hz: 20 };
    const step = () => ({});
    const define = (more: object) => () => defineRoom({ path: "a", state, ...more });
    expect(define({ inputs: { move: { step } } })).toThrow(/inputs need a tick/);
    expect(define({ tick, inputs: { move: {} } })).toThrow(/the input "move" step has to be a function/);
    expect(define({ tick, inputs: { move: { step, run: 5 } } })).toThrow(/the input "move" run has to be a function/);
    expect(define({ tick, inputs: { move: { step, input: 5 } } })).toThrow(
      /the input "move" has an input that is not a schema/,
    );
    expect(define({ tick, inputs: { a: { step } }, actions: { a: { run() {} } } })).toThrow(
      /has the name of an action/,
    );
    expect(define({ tick, inputs: { move: { step } }, interceptorPacket: () => null })).toThrow(/interceptorPacket/);
    expect(define({ tick: { hz: 20, run: 5 } })).toThrow(/tick run has to be a function/);
    const noUsers = defineRoom({ path: "a", state: () => ({}), tick, inputs: { move: { step } } });
    expect(() => new MemoryRoom(noUsers.compiled)).toThrow(/users field/);
  });
});

describe("inputs over real sockets", () => {
  it("P15.4 are acknowledged with the state that includes them", async () => {
    const room = testRoom(definition);
    const ada = await room.connect({ id: "ada", query: "protocol=2" });
    const bob = await room.connect({ query: "protocol=2" });
    for (let input = 1; input <= 5; input++) ada.send({ action: "move", input, value: { by: 1 } });
    await ada.until((packet) => (packet as { input?: number }).input === 5);
    const x = (state: { players?: Record<string, { x: number }> }) => state.players?.[ada.publicId]?.x;
    expect(x(ada.state as never)).toBe(5);
    await bob.sees((state: never) => x(state) === 5);
    expect(bob.texts.join("")).not.toContain('"input"');
    ada.close();
    const again = await room.connect({ id: "ada", query: "protocol=2" });
    expect(again.packets[0]).toMatchObject({ input: 5, hz: HZ, tick: expect.any(Number) });
  });
});
