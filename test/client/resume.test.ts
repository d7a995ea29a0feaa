import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { jsonBlocks } from "../../src/protocol/binary/blocks.ts";
import { writeSyncFrame } from "../../src/protocol/binary/frames.ts";
import { Script, scripted } from "./scripted-socket.ts";

const script = scripted();

const coins = { old: { worth: 1 }, kept: { worth: 2 } };
const whole = { pId: "p1", count: 1, config: { map: { width: 1 } }, coins };

describe("P13.10: a binary frame", () => {
  const tables = JSON.stringify([[[], 0, [[["count"]]]]]);
  const first = () =>
    writeSyncFrame(
      { seq: 4, epoch: "e1", publicId: "p1", tablesHash: "h", tables, run: "r" },
      jsonBlocks({ count: 1 }, false),
    );
  const next = (seq: number, count: number) => writeSyncFrame({ seq }, jsonBlocks({ count }, false));

  it.each([
    ["of an unknown kind", () => Uint8Array.of(9)],
    ["that is empty", () => new Uint8Array(0)],
    ["that is cut off", () => next(6, 2).slice(0, -3)],
    ["with a table that nobody sent", () => writeSyncFrame({ seq: 6 }, Uint8Array.of(1, 7, 0, 1, 9, 1))],
    ["with more rows than bytes", () => writeSyncFrame({ seq: 6 }, Uint8Array.of(1, 0, 2, 255, 255, 255, 255, 1))],
  ])("%s is reported and not applied, closes the connection with 4400, and the whole state follows", async (_, bad) => {
    const game = script.connect();
    const errors: unknown[] = [];
    game.on("error", (error) => errors.push(error));
    const socket = (await script.next()).open();
    socket.binary(first());
    expect(game.state.count).toBe(1);
    socket.binary(next(5, 2));
    socket.binary(bad());
    expect(game.state.count).toBe(2);
    expect(errors).toEqual([
      { code: "bad_frame", message: expect.stringMatching(/^A binary frame is malformed: /) as string },
    ]);
    expect(socket.closedWith).toBe(4400);
    expect(game.status).toBe("reconnecting");
    const again = (await script.next()).open();
    for (const name of ["since", "epoch", "tables", "run"]) expect(again.query).not.toHaveProperty(name);
    again.binary(first());
    again.binary(next(5, 3));
    expect(game).toMatchObject({ status: "open", state: { count: 3 } });
    // Whoever sends them again and again is asked less and less often.
    again.binary(bad());
    expect(script.sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(900);
    expect(script.sockets).toHaveLength(2);
    await script.next(200);
    game.close();
  });
});

describe("resuming with protocol 2", () => {
  it("returns to the state right after a packet, not to later changes without a number", async () => {
    const game = script.connect({ token: "jwt" });
    const first = (await script.next()).open();
    first.sync(whole, { seq: 4, epoch: "e1", mark: 4 });
    first.drop();
    const second = (await script.next()).open();
    second.sync({ count: 7 }, { seq: 4, resumed: true, mark: 4 });
    expect(game.state.count).toBe(7);
    second.drop();
    const third = (await script.next()).open();
    expect(third.query).toMatchObject({ since: "4", mark: "4" });
    third.sync({}, { seq: 9, epoch: "e2", resumed: true, from: 4 });
    expect(game.state.count).toBe(1);
  });

  it("first deletes the values that objects replace, and passes the packet to listeners unchanged", async () => {
    const game = script.connect();
    const packets: unknown[] = [];
    game.on("packet", (packet) => packets.push(packet));
    const first = (await script.next()).open();
    expect(first.url.searchParams.get("clear")).toBe("1");
    first.sync(whole, { seq: 4, epoch: "e1" });
    first.drop();
    const second = (await script.next()).open();
    const clear = { config: { map: "$delete" } };
    second.sync({ config: { map: { height: 2 } } }, { seq: 5, resumed: true, clear });
    expect(game.state.config).toEqual({ map: { height: 2 } });
    expect(packets.at(-1)).toMatchObject({ clear, value: { config: { map: { height: 2 } } } });
    game.close();
  });

  it("asks only for later changes, and applies them to its state", async () => {
    const game = script.connect({ token: "jwt" });
    const first = (await script.next()).open();
    expect(first.query).toEqual({ id: "me", clear: "1", protocol: "3", token: "jwt" });
    first.sync(whole, { seq: 4, epoch: "e1" });
    first.sync({ count: 2 }, { seq: 5 });
    const { config } = game.state;
    const kept = game.state.coins["kept"];
    first.drop();
    expect(game.status).toBe("reconnecting");

    const second = (await script.next()).open();
    expect(second.query).toEqual({ id: "me", clear: "1", protocol: "3", token: "jwt", since: "5", epoch: "e1" });
    second.sync({ coins: { old: "$delete", "a.b": { worth: 3 } } }, { seq: 9, resumed: true });
    expect(game).toMatchObject({ status: "open", publicId: "p1", resyncs: 0 });
    expect(game.state).toEqual({
      ...whole,
      pId: undefined,
      count: 2,
      coins: { kept: coins.kept, a: { b: { worth: 3 } } },
    });
    expect(game.state.config).toBe(config);
    expect(game.state.coins["kept"]).toBe(kept);

    second.sync({ count: 3 }, { seq: 10 });
    second.drop();
    expect((await script.next()).query).toMatchObject({ since: "10", epoch: "e1" });
    game.close();
  });

  it("resumes even without changes, and again if a connection ended before its first packet", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    first.sync(whole, { seq: 4, epoch: 7 });
    first.drop();
    (await script.next()).open().drop();
    const third = (await script.next()).open();
    expect(third.query).toMatchObject({ since: "4", epoch: "7" });
    const { state } = game;
    third.sync({}, { seq: 4, resumed: true });
    expect(game.status).toBe("open");
    expect(game.state).toBe(state);
    game.close();
  });

  it("replaces its state by a whole one, and continues", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    first.sync(whole, { seq: 4, epoch: "e1" });
    const { config } = game.state;
    first.drop();
    const second = (await script.next()).open();
    second.sync(
      { pId: "p2", count: 0, config: { map: { width: 1 } }, coins: {} },
      { seq: 2, epoch: "e2", reset: true },
    );
    expect(game.publicId).toBe("p2");
    expect(game.state).toEqual({ count: 0, config, coins: {} });
    expect(game.state.config).toBe(config);
    second.drop();
    const third = (await script.next()).open();
    expect(third.query).toMatchObject({ since: "2", epoch: "e2" });
    // Even with the same number, the server tells the client that its log cannot be continued.
    third.sync({ pId: "p2", count: 8 }, { seq: 2, epoch: "e2", reset: true });
    expect(game.state).toEqual({ count: 8 });
    expect(game.status).toBe("open");
    game.close();
  });

  it("replaces its state on each connection to a server without numbers", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    first.sync(whole);
    first.sync({ count: 2 });
    first.sync({ count: 2 });
    first.drop();
    const second = (await script.next()).open();
    expect(second.query).toEqual({ id: "me", clear: "1", protocol: "3" });
    second.sync({ count: 3 });
    expect(game.status).toBe("reconnecting");
    second.sync({ pId: "p1", count: 5, coins: { kept: { worth: 2 } } });
    expect(game.state).toEqual({ count: 5, coins: { kept: { worth: 2 } } });
    expect(game.resyncs).toBe(0);
    game.close();
  });

  it("ignores repeated packets, including first packets", async () => {
    const game = script.connect();
    const socket = (await script.next()).open();
    socket.sync(whole, { seq: 4, epoch: "e1" });
    socket.sync({ count: 2 }, { seq: 5 });
    socket.sync({ count: 3 }, { seq: 6 });
    socket.sync({ count: 2 }, { seq: 5 });
    socket.sync(whole, { seq: 4, epoch: "e1" });
    expect(game.state.count).toBe(3);
    expect(script.sockets).toHaveLength(1);
    expect(game.resyncs).toBe(0);
    // A server with a new epoch can send the whole state over the same connection.
    socket.sync({ pId: "p1", count: 9 }, { seq: 1, epoch: "e2", reset: true });
    expect(game.state).toEqual({ count: 9 });
    game.close();
  });

  it("P4.11: takes a whole state with the number of its last packet, since that includes changes without a number", async () => {
    const game = script.connect();
    const socket = (await script.next()).open();
    socket.sync(whole, { seq: 4, epoch: "e1" });
    socket.sync({ name: "mine" });
    socket.sync({ pId: "p1", count: 1 }, { seq: 4, epoch: "e1", reset: true });
    expect(game.state).toEqual({ count: 1 });
    socket.sync({ count: 2 }, { seq: 5 });
    expect(game).toMatchObject({ state: { count: 2 }, resyncs: 0 });
    game.close();
  });

  it("applies packets without a number as they arrive", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    first.sync(whole, { seq: 4, epoch: "e1" });
    first.sync({ name: "mine" });
    first.sync({ count: 2 }, { seq: 5 });
    expect(game.state).toMatchObject({ name: "mine", count: 2 });
    first.drop();
    const second = (await script.next()).open();
    expect(second.query["since"]).toBe("5");
    second.sync({ name: "still mine" });
    second.sync({}, { seq: 5, resumed: true });
    expect(game.state).toMatchObject({ name: "still mine", count: 2 });
    expect(game).toMatchObject({ status: "open", resyncs: 0 });
    game.close();
  });

  it("asks again from its position when a number is missing, and counts that", async () => {
    const game = script.connect();
    const first = (await script.next()).open();
    first.sync(whole, { seq: 4, epoch: "e1" });
    first.sync({ count: 7 }, { seq: 6 });
    expect(game).toMatchObject({ status: "reconnecting", resyncs: 1 });
    expect(first.closedWith).toBe(4000);
    expect(game.state.count).toBe(1);
    // Packets that still arrive over the old socket are ignored.
    first.sync({ count: 8 }, { seq: 5 });
    expect(game.state.count).toBe(1);

    const second = (await script.next()).open();
    expect(second.query).toMatchObject({ since: "4", epoch: "e1" });
    second.sync({ count: 7 }, { seq: 6, resumed: true });
    expect(game.state.count).toBe(7);
    game.close();
  });

  it("takes the whole state if resuming does not help, and waits longer each time", async () => {
    const game = script.connect();
    (await script.next()).open().sync(whole, { seq: 4, epoch: "e1" });
    script.sockets[0]?.sync({ count: 7 }, { seq: 6 });
    // This packet neither has the whole state nor continues the old one.
    (await script.next()).open().sync({ count: 7 }, { seq: 6 });
    expect(game.resyncs).toBe(2);
    await vi.advanceTimersByTimeAsync(900);
    expect(script.sockets).toHaveLength(2);
    const afresh = (await script.next(200)).open();
    expect(afresh.query).not.toHaveProperty("since");
    afresh.sync(whole, { seq: 10, epoch: "e1" });
    // After a lost connection there is no extra delay.
    afresh.drop();
    const third = (await script.next()).open();
    third.sync({}, { seq: 10, resumed: true });
    third.sync({ count: 8 }, { seq: 12 });
    await vi.advanceTimersByTimeAsync(1900);
    expect(script.sockets).toHaveLength(4);
    const fourth = (await script.next(200)).open();
    fourth.sync(whole, { seq: 12, epoch: "e1" });
    // After a quiet period, the client answers a gap with a simple reconnect again.
    await vi.advanceTimersByTimeAsync(6000);
    fourth.sync({ count: 8 }, { seq: 14 });
    expect((await script.next()).query).toMatchObject({ since: "12" });
    game.close();
  });

  it("equals the server after any losses, repetitions and disconnections", async () => {
    const event = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant("change" as const), key: fc.nat(5), value: fc.nat(9) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("lose", "repeat", "drop", "forget") }) },
    );
    let resumes = 0;
    let resyncs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 20, maxLength: 60, size: "max" }), async (events) => {
        const run = new Script();
        const server = new ScriptedServer();
        const game = run.connect();
        const follow = () => {
          const socket = run.sockets.at(-1);
          if (socket?.readyState === 0) server.greet(socket.open());
          return socket;
        };
        const settle = async () => {
          for (let turn = 0; turn < 4; turn++) {
            await vi.advanceTimersByTimeAsync(20_000);
            follow();
          }
        };
        for (const next of events) {
          await vi.advanceTimersByTimeAsync(10);
          const socket = follow();
          if (next.kind === "change") server.change(next);
          if (next.kind === "lose") server.lose();
          if (next.kind === "repeat") server.repeat();
          if (next.kind === "forget") server.forget();
          if (next.kind === "drop" && socket?.readyState === 1) socket.drop();
        }
        await settle();
        server.change({ key: 0, value: 1 });
        await settle();
        expect(game.state).toEqual({ coins: server.coins });
        resumes += server.resumes;
        resyncs += game.resyncs;
        game.close();
      }),
      { numRuns: 40 },
    );
    expect(resumes).toBeGreaterThan(80);
    expect(resyncs).toBeGreaterThan(20);
  });
});

/** A minimal server of protocol 2 with a short log. */
class ScriptedServer {
  coins: Record<string, { worth: number }> = {};
  resumes = 0;
  #epoch = 1;
  #log: { seq: number; patch: unknown }[] = [];
  #seq = 1;
  #socket: { sync: (value: unknown, head: Record<string, unknown>) => void; readyState: number } | undefined;

  greet(socket: {
    sync: (value: unknown, head: Record<string, unknown>) => void;
    query: Record<string, string>;
    readyState: number;
  }): void {
    this.#socket = socket;
    const { since, epoch } = socket.query;
    const missed = this.#log.filter(({ seq }) => seq > Number(since));
    const isKnown = since !== undefined && epoch === String(this.#epoch) && missed.length === this.#seq - Number(since);
    if (!isKnown) {
      const again = since === undefined ? {} : { reset: true };
      return socket.sync({ pId: "p", coins: this.coins }, { seq: this.#seq, epoch: this.#epoch, ...again });
    }
    this.resumes++;
    const patches = missed.map(({ patch }) => patch as { coins: object });
    const merged = { coins: Object.assign({}, ...patches.map(({ coins }) => coins)) as unknown };
    socket.sync(merged, { seq: this.#seq, resumed: true });
  }

  /** Adds, changes or removes a coin. */
  change({ key, value }: { key: number; value: number }, isLost = false): void {
    const patch = { coins: { [`c${key}`]: value > 6 ? "$delete" : { worth: value } } };
    if (value > 6) delete this.coins[`c${key}`];
    else this.coins = { ...this.coins, [`c${key}`]: { worth: value } };
    this.#log = [...this.#log, { seq: ++this.#seq, patch }].slice(-6);
    if (!isLost && this.#socket?.readyState === 1) this.#socket.sync(patch, { seq: this.#seq });
  }

  /** Makes a change whose packet does not arrive. */
  lose(): void {
    this.change({ key: this.#seq % 5, value: this.#seq % 9 }, true);
  }

  repeat(): void {
    const last = this.#log.at(-1);
    if (last && this.#socket?.readyState === 1) this.#socket.sync(last.patch, { seq: last.seq });
  }

  /** Starts a new epoch, and sends the whole state to the connected client. */
  forget(): void {
    this.#epoch++;
    this.#log = [];
    this.#seq = 1;
    if (this.#socket?.readyState !== 1) return;
    this.#socket.sync({ pId: "p", coins: this.coins }, { seq: 1, epoch: this.#epoch, reset: true });
  }
}
