import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Store } from "../../src/client/store.ts";
import { scripted } from "./scripted-socket.ts";
import type { ScriptedClient, ScriptedSocket } from "./scripted-socket.ts";

const script = scripted();
let game: ScriptedClient;
let socket: ScriptedSocket;
let counts: number[];

beforeEach(async () => {
  game = script.connect();
  socket = (await script.next()).open();
  socket.sync({ pId: "p", count: 0, name: "a", config: { map: { width: 1 } } }, { seq: 1, epoch: "e" });
  counts = [];
  game.select(
    (state) => state.count,
    (count) => counts.push(count),
  );
});
afterEach(() => {
  game.close();
});

type Apply = Parameters<typeof game.optimistic<"set">>[2];
/** Some tests close the client before the answer arrives. Nobody awaits the promise then. */
function expects(apply: Apply, value = 0): Promise<unknown> {
  const answer = game.optimistic("set", value, apply);
  answer.catch(() => {});
  return answer;
}
const set = (count: number) => expects((state) => ({ ...state, count }), count);

describe("optimistic", () => {
  it("shows the expected state at once, and shares the rest", () => {
    const { config } = game.state;
    void set(5);
    expect(game.state).toEqual({ count: 5, name: "a", config });
    expect(game.state.config).toBe(config);
    expect(counts).toEqual([5]);
    expect(socket.messages).toEqual([{ action: "set", value: 5, id: expect.any(String) as string }]);
  });

  it("does not flicker if the change arrives before the acknowledgement", async () => {
    const done = set(5);
    socket.sync({ count: 5 });
    const { state } = game;
    socket.ack(0, "done");
    expect(await done).toBe("done");
    await vi.advanceTimersByTimeAsync(200);
    expect(game.state).toBe(state);
    expect(counts).toEqual([5]);
  });

  it("does not flicker if the change arrives after the acknowledgement, and ends with it", async () => {
    const done = set(5);
    socket.ack(0, "done");
    await done;
    expect(game.state.count).toBe(5);
    await vi.advanceTimersByTimeAsync(50);
    socket.sync({ count: 5 });
    socket.sync({ count: 6 });
    expect(game.state.count).toBe(6);
    expect(counts).toEqual([5, 6]);
  });

  it("ends with the next packet in the same turn as the acknowledgement", () => {
    void set(5);
    socket.ack(0);
    socket.sync({ count: 4 });
    expect(game.state.count).toBe(4);
  });

  it("ends with the acknowledgement if the state includes it already", async () => {
    const done = set(5);
    socket.ack(0, "done", 1);
    expect(game.state.count).toBe(0);
    expect(await done).toBe("done");
    expect(counts).toEqual([5, 0]);
  });

  it.each([
    ["the next packet", { seq: 2 }],
    ["one that only this client is sent", undefined],
  ])("stays however late the announced packet is, and ends with it (%s)", async (_, head) => {
    const done = set(5);
    socket.ack(0, "done", 2);
    await done;
    socket.text("pong");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(game.state.count).toBe(5);
    socket.sync({ name: "b" }, head);
    expect(game.state).toMatchObject({ count: 0, name: "b" });
    expect(counts).toEqual([5, 0]);
  });

  it("stays after the answer of an old server until a packet arrives, however late", async () => {
    const done = set(5);
    socket.ack(0, "done");
    await done;
    socket.text("pong");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(game.state.count).toBe(5);
    socket.sync({ count: 5 }, { seq: 2 });
    socket.sync({ count: 6 }, { seq: 3 });
    expect(counts).toEqual([5, 6]);
  });

  it.each([
    ["what changed", { count: 5 }, { seq: 2, resumed: true }],
    ["the whole state", { pId: "p", count: 5 }, { seq: 0, epoch: "f", reset: true }],
  ])("stays through a lost connection, and ends with %s of the next one", async (_, value, head) => {
    const done = set(5);
    socket.ack(0, "done", 2);
    await done;
    socket.drop();
    socket = (await script.next()).open();
    expect(game.state.count).toBe(5);
    socket.sync(value, head);
    socket.sync({ count: 6 }, { seq: head.seq + 1 });
    expect(counts).toEqual([5, 6]);
  });

  it("does not end with a number of the previous connection", () => {
    void set(5);
    socket.drop();
    return script.next().then((next) => {
      next.open();
      next.ack(0, "done", 1);
      expect(game.state.count).toBe(5);
      next.sync({ pId: "p", count: 5 }, { seq: 1, epoch: "f", reset: true });
      next.sync({ count: 6 }, { seq: 2 });
      expect(counts).toEqual([5, 6]);
    });
  });

  it("also ends if packets have no numbers", async () => {
    const plain = script.connect();
    const other = (await script.next()).open();
    other.sync({ pId: "p", count: 0 });
    const first = plain.optimistic("set", 5, (state) => ({ ...state, count: 5 }));
    const second = plain.optimistic("rename", "b", (state) => ({ ...state, name: "b" }));
    other.ack(0, "done", 0);
    other.ack(1, undefined, 1);
    await Promise.all([first, second]);
    expect(plain.state).toEqual({ count: 0, name: "b" });
    other.sync({ name: "c" });
    expect(plain.state).toEqual({ count: 0, name: "c" });
    plain.close();
  });

  it("ends at once when it is refused, before the caller is told", async () => {
    const seen: number[] = [];
    const refused = set(5).catch(({ code }: { code: string }) => {
      seen.push(game.state.count);
      return code;
    });
    socket.refuse(0);
    expect(game.state.count).toBe(0);
    expect(await refused).toBe("forbidden");
    expect(seen).toEqual([0]);
  });

  it("stacks in order, each on the server's state until it is answered", async () => {
    void expects((state) => ({ ...state, count: state.count + 1 }));
    const failed = expects((state) => ({ ...state, count: state.count * 10 })).catch(() => "failed");
    void expects((state) => ({ ...state, name: "b" }));
    expect(game.state).toMatchObject({ count: 10, name: "b" });
    const { config } = game.state;
    socket.sync({ count: 4 });
    expect(game.state).toMatchObject({ count: 50, name: "b" });
    socket.refuse(1);
    expect(game.state).toMatchObject({ count: 5, name: "b" });
    expect(await failed).toBe("failed");
    socket.ack(0);
    socket.sync({ name: "c", config: { map: { width: 2 } } });
    expect(game.state).toEqual({ count: 4, name: "b", config: { map: { width: 2 } } });
    expect(game.state.config).not.toBe(config);
    socket.ack(2);
    socket.sync({ count: 7 });
    expect(game.state).toMatchObject({ count: 7, name: "c" });
  });

  it("stays through a lost connection, and ends with the call", async () => {
    const late = set(5).catch(({ code }: { code: string }) => code);
    socket.drop();
    expect(game.state.count).toBe(5);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await late).toBe("timeout");
    expect(game.state.count).toBe(0);
    const other = set(6).catch(({ code }: { code: string }) => code);
    game.close();
    expect(await other).toBe("closed");
    expect(game.state.count).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("sends nothing if it cannot be applied, or cannot be sent", async () => {
    const fail = () => {
      throw new TypeError("no such coin");
    };
    await expect(game.optimistic("set", 1, fail)).rejects.toThrow("no such coin");
    await expect(game.optimistic("set", 1n as never, (state) => ({ ...state, count: 1 }))).rejects.toThrow(TypeError);
    expect(socket.messages).toEqual([]);
    expect(counts).toEqual([]);
  });

  it("is left out of a state to which it no longer applies", () => {
    void expects((state) => ({ ...state, name: state.config.map.width > 0 ? "x" : "y" }));
    void set(3);
    socket.sync({ config: "$delete" });
    expect(game.state).toEqual({ count: 3, name: "a" });
    socket.sync({ config: { map: { width: 2 } } });
    expect(game.state.name).toBe("x");
  });
});

it("the first state is reported even if it is empty, later ones only if they differ", () => {
  const store = new Store();
  const told = vi.fn();
  store.subscribe(told);
  store.replace({});
  expect(told).toHaveBeenCalledTimes(1);
  store.replace({});
  store.patch({});
  expect(told).toHaveBeenCalledTimes(1);
  store.replace({ count: 1 });
  expect(told).toHaveBeenCalledTimes(2);
});

it("the shown state is always that of the server plus predictions, and shares equal parts", () => {
  const key = fc.constantFrom("a", "b", "c");
  const event = fc.oneof(
    fc.record({ kind: fc.constant("patch"), key, value: fc.nat(3) }),
    fc.record({ kind: fc.constant("whole"), key, value: fc.nat(3) }),
    fc.record({ kind: fc.constant("predict"), key, value: fc.nat(3) }),
    fc.record({ kind: fc.constantFrom("drop", "confirm"), key, value: fc.nat(3) }),
  );
  vi.useFakeTimers();
  fc.assert(
    fc.property(fc.array(event, { minLength: 5, maxLength: 30 }), (events) => {
      const store = new Store();
      store.replace({});
      let server: Record<string, unknown> = {};
      let pending: { apply: (state: Readonly<Record<string, unknown>>) => Record<string, unknown>; done: boolean }[] =
        [];
      for (const { kind, key, value } of events) {
        const before = store.state;
        const part = { [key]: { value, deep: { same: true } } };
        const oldest = pending[0];
        if (kind === "patch") store.patch(part);
        if (kind === "whole") store.replace(part);
        if (kind === "patch") server = Object.assign({}, server, part);
        if (kind === "whole") server = part;
        if (kind === "patch" || kind === "whole") pending = pending.filter(({ done }) => !done);
        if (kind === "predict") {
          const prediction = { apply: (state: object) => ({ ...state, ...part }), done: false };
          pending.push(prediction);
          store.predict(prediction);
        }
        if (kind === "drop" && oldest) store.drop(pending.shift() as never);
        if (kind === "confirm" && oldest) {
          oldest.done = true;
          store.confirm(oldest, false);
        }
        expect(store.state).toEqual(pending.reduce((state, { apply }) => apply(state), server));
        for (const name of Object.keys(store.state)) {
          if (JSON.stringify(before[name]) === JSON.stringify(store.state[name]))
            expect(store.state[name]).toBe(before[name]);
        }
      }
      vi.clearAllTimers();
    }),
  );
  vi.useRealTimers();
});
