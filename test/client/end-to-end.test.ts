import { signal } from "@signe/reactive";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { CallError, connectRoom } from "../../src/client/index.ts";
import type { ReceivedPacket, RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { expectedView, withoutEmpty } from "../../src/testing/expected-view.ts";
import { gameState } from "../support/game-state.ts";
import type { GameState } from "../support/game-state.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import { anyMutation } from "../support/mutations.ts";
import type { Mutation } from "../support/mutations.ts";
import { WireSocket } from "./wire.ts";
import type { Fate, Service } from "./wire.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const stateOf = () => ({ ...gameState(), done: sync(signal<string[]>([])) });
type State = GameState & { done: ReturnType<typeof stateOf>["done"] };
const define = (throttleSync: number | "auto", throttleStorage: number) =>
  defineRoom({
    path: "r",
    throttleSync,
    throttleStorage,
    rateLimit: { messages: 1e6, per: 1 },
    state: stateOf,
    actions: {
      act: {
        input: z.string(),
        run: ({ state }, id) => {
          state.done.update((done) => [...done, id]);
          return id;
        },
      },
    },
  });
type Room = ReturnType<typeof define>;

/** A room that clients connect to, or a room whose clients connect to shards. */
interface Server {
  readonly room: MemoryRoom<State>;
  connect(who: number, query: string): Promise<MemorySocket>;
  send(socket: MemorySocket, text: string): void;
  disconnect(socket: MemorySocket): void;
  advance(ms: number): Promise<void>;
  evict(): Promise<void>;
}

const authOf = (who: number) => (who === 1 ? { sub: "gm", gm: true } : null);

function direct(room: Room): Server {
  const server = new MemoryRoom<State>(room.compiled);
  return {
    room: server,
    connect: (who, query) => server.connect(`session-${who}`, authOf(who), undefined, query),
    send: (socket, text) => void server.core.message(socket, text),
    disconnect: (socket) => server.disconnect(socket),
    advance: (ms) => server.advance(ms),
    evict: () => server.evict(),
  };
}

function sharded(room: Room): Server {
  const tree = new MemoryTree<State>(room.compiled);
  const shards = [tree.add("s0"), tree.add("s1")] as const;
  const homes = new Map<MemorySocket, (typeof shards)[number]>();
  return {
    room: tree.room,
    async connect(who, query) {
      const shard = shards[who % 2] as (typeof shards)[number];
      const socket = shard.connect(`session-${who}`, authOf(who), query);
      homes.set(socket, shard);
      return socket;
    },
    send: (socket, text) => homes.get(socket)?.send(socket, text),
    disconnect: (socket) => homes.get(socket)?.disconnect(socket),
    advance: (ms) => tree.advance(ms),
    async evict() {
      for (let tries = 0; !(tree.room.isIdle && tree.room.core.parts.shardLinks.isAcknowledged) && tries < 50; tries++)
        await tree.advance(500);
      await tree.room.evict();
    },
  };
}

type Step =
  | { kind: "turn"; mutations: Mutation[] }
  | { kind: "wait"; ms: number }
  | { kind: "act" | "burst" | "drop" | "mute"; who: number }
  | { kind: "evict" | "crash" };

/** Two clients with protocol 2, and a third one whose server speaks only protocol 1. */
const PLAYERS = 3;
const who = fc.nat({ max: PLAYERS - 1 });
const step = fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
  {
    weight: 8,
    arbitrary: fc
      .array(anyMutation, { minLength: 1, maxLength: 3 })
      .map((mutations) => ({ kind: "turn" as const, mutations })),
  },
  { weight: 6, arbitrary: fc.nat({ max: 60 }).map((ms) => ({ kind: "wait" as const, ms })) },
  { weight: 6, arbitrary: who.map((who) => ({ kind: "act" as const, who })) },
  { weight: 1, arbitrary: who.map((who) => ({ kind: "burst" as const, who })) },
  { weight: 3, arbitrary: who.map((who) => ({ kind: "drop" as const, who })) },
  { weight: 1, arbitrary: who.map((who) => ({ kind: "mute" as const, who })) },
  { weight: 1, arbitrary: fc.constant({ kind: "evict" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "crash" as const }) },
);

class Player {
  readonly who: number;
  readonly client: RoomClient<Room>;
  readonly calls = new Map<string, string>();
  /** Parts of the state that no patch names and that did not change, but have a new identity. */
  readonly renewed: string[] = [];
  resumes = 0;
  wire: WireSocket | undefined;
  #shown: Readonly<Record<string, unknown>> = {};
  /** The fields that the last patch names. */
  #named: string[] = [];

  constructor(who: number, service: Service, fate: () => Fate) {
    this.who = who;
    const isOld = who === PLAYERS - 1;
    const adopt = (wire: WireSocket) => (this.wire = wire);
    class Socket extends WireSocket {
      constructor(url: string) {
        const old = new URL(url);
        for (const name of isOld ? ["protocol", "since", "epoch", "tables", "run"] : []) old.searchParams.delete(name);
        super(old.href, service, isOld ? () => "fine" : fate);
        adopt(this);
      }
    }
    this.client = connectRoom<Room>({
      host: "h",
      room: "r",
      id: String(who),
      binary: who === 0,
      socket: { WebSocket: Socket, protocol: "ws", minReconnectionDelay: 1 },
    });
    this.client.on("packet", (packet) => this.#watch(packet));
    this.client.subscribe((state) => this.#changed(state));
  }

  act(id: string): void {
    this.calls.set(id, "waits");
    this.client.call("act", id).then(
      (result) => this.calls.set(id, result === id ? "done" : `answered ${result}`),
      (error: unknown) => this.calls.set(id, error instanceof CallError ? error.code : String(error)),
    );
  }

  #watch({ type, resumed, value = {} }: ReceivedPacket): void {
    if (resumed) this.resumes++;
    const isPatch = type === "sync" && !resumed && !("pId" in (value as object));
    this.#named = isPatch ? Object.keys(value as object).map((key) => key.split(".", 1)[0] ?? "") : [];
  }

  /** Checks that values that did not change keep their identity. */
  #changed(state: Readonly<Record<string, unknown>>): void {
    if (state === this.#shown) this.renewed.push("the state");
    for (const [name, value] of Object.entries(state)) {
      const before = this.#shown[name];
      if (before === value || this.#named.includes(name)) continue;
      if (JSON.stringify(before) === JSON.stringify(value)) this.renewed.push(name);
    }
    this.#shown = state;
  }
}

class Run {
  readonly #server: Server;
  readonly players: Player[];
  /** A plain client of protocol 1. It is only used while the room does not crash. */
  #plain: MemorySocket | undefined;
  /** The ids of clients whose session ended when their user was removed. */
  readonly #forgotten = new Set<string>();
  #acts = 0;

  constructor(server: Server, fate: () => Fate) {
    this.#server = server;
    const service: Service = {
      connect: (query) => server.connect(Number(query.get("id")), query.toString()),
      send: (socket, text) => server.send(socket, text),
      disconnect: (socket) => server.disconnect(socket),
    };
    this.players = Array.from({ length: PLAYERS }, (_, who) => new Player(who, service, fate));
  }

  async advance(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    for (const { wire } of this.players) wire?.pump();
    await this.#server.advance(ms);
    for (const { wire } of this.players) wire?.pump();
    await vi.advanceTimersByTimeAsync(0);
  }

  async take(step: Step): Promise<void> {
    const { room } = this.#server;
    const player = "who" in step ? (this.players[step.who] as Player) : undefined;
    this.#plain ??= await this.#server.connect(9, "");
    switch (step.kind) {
      case "turn":
        if (!room.core.started) this.#change(step.mutations);
        break;
      case "wait":
        await this.advance(step.ms);
        break;
      case "act":
        player?.act(`act-${this.#acts++}`);
        break;
      case "burst":
        // More messages than a room remembers.
        for (let count = 0; count < 80; count++) player?.act(`act-${this.#acts++}`);
        break;
      case "drop":
        player?.wire?.drop();
        break;
      case "mute":
        if (player?.wire) player.wire.isMute = true;
        break;
      case "evict":
        await this.#server.evict();
        break;
      case "crash":
        if (this.#plain.isOpen) this.#server.disconnect(this.#plain);
        this.#plain = undefined;
        room.crash();
    }
    for (const { wire } of this.players) wire?.pump();
  }

  #change(mutations: readonly Mutation[]): void {
    const { room } = this.#server;
    const sessions = [...room.core.sessions.all()];
    room.change((state) => mutations.forEach((mutation) => mutation.run(state)));
    for (const { id, clientId } of sessions) if (!room.core.sessions.find(id)) this.#forgotten.add(clientId);
  }

  async finish(): Promise<void> {
    for (let round = 0; round < 35; round++) await this.advance(round < 20 ? 100 : 4000);
  }

  check(throttleStorage: number): void {
    const { state } = this.#server.room;
    const done = state.done();
    const twice = done.filter((id, index) => done.indexOf(id) !== index);
    // A user who was removed while they were away returns as a new user, of whom the room remembers nothing.
    const known = this.players.filter(({ who }) => !this.#forgotten.has(`session-${who}`));
    expect(
      twice.filter((id) => known.some(({ calls }) => calls.has(id))),
      "nothing is done twice",
    ).toEqual([]);
    for (const { who, client, calls, renewed } of this.players) {
      expect(renewed).toEqual([]);
      const publicId = client.publicId ?? "";
      const user = state.players()[publicId];
      // A client whose user was removed while it was connected is closed for good. With protocol 1 it gets nothing
      // more, not even its first packet if that was not sent yet.
      const isSilent = user === undefined && who === PLAYERS - 1;
      if (isSilent) expect(client.status, `client ${who}`).toMatch(/^(open|reconnecting)$/);
      else expect(client.status, `client ${who}`).toBe(user ? "open" : "closed");
      const view = expectedView(state, { publicId, auth: authOf(who), user });
      if (user) expect(withoutEmpty(client.state), `client ${who}`).toEqual(view);
      for (const [id, outcome] of calls) {
        if (outcome === "done" && throttleStorage === 0) expect(done).toContain(id);
        // Calls of removed users are refused. Calls that a server forgot together with its memory are not repeated.
        expect(["done", "forbidden", "closed", "timeout"], id).toContain(outcome);
      }
    }
    const [first] = this.#plain?.clients ?? [];
    const welcome = JSON.parse(this.#plain?.texts[0] ?? "null") as { value: { pId: string } } | null;
    if (!first || !welcome) return;
    const { pId } = welcome.value;
    const user = state.players()[pId];
    if (user) expect(first.state).toMatchObject(expectedView(state, { publicId: pId, auth: null, user }) as object);
  }
}

const FATES: Fate[] = ["twice", "lost", "late"];

/** Packets get lost, and a client is away while something changes, and acts: these steps are part of each run. */
const wait: Step = { kind: "wait", ms: 60 };
const count: Step = {
  kind: "turn",
  mutations: [{ name: "count", run: (state) => state.count.update((count) => count + 1) }],
};
const LOST_AND_AWAY: [Step[], number, fc.Stream<Fate>] = [
  [wait, count, wait, { kind: "drop", who: 0 }, count, wait, { kind: "act", who: 0 }, wait, count, wait],
  0,
  fc.stream(Array.from({ length: 1000 }, (_, index): Fate => (index % 3 === 0 ? "lost" : "fine")).values()),
];

describe.each([
  ["at a room", direct, 20],
  ["at shards", sharded, 6],
])("P3.6, P4.11: the client and the server together, %s", (_, make, runs) => {
  it.each([0, 1000])(
    "agree after any interruptions (throttleStorage %i)",
    async (throttleStorage) => {
      const counts = { resumes: 0, resyncs: 0, done: 0 };
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 10, maxLength: 50 }),
          fc.constantFrom(0, "auto" as const, 50),
          fc.infiniteStream(fc.oneof({ weight: 12, arbitrary: fc.constant<Fate>("fine") }, fc.constantFrom(...FATES))),
          async (steps, throttleSync, fates) => {
            const server = make(define(throttleSync, throttleStorage));
            let isCalm = false;
            const run = new Run(server, () => (isCalm ? "fine" : fates.next().value));
            while (run.players.some(({ client }) => client.status !== "open")) await run.advance(10);
            for (const next of steps) await run.take(next);
            isCalm = true;
            await run.finish();
            // If the last packet was lost, the client notices it with the next one.
            server.room.change((state) => state.turn.update((turn) => turn + 1));
            await run.finish();
            run.check(throttleStorage);
            for (const { client, resumes, calls } of run.players) {
              counts.resumes += resumes;
              counts.resyncs += client.resyncs;
              counts.done += [...calls.values()].filter((outcome) => outcome === "done").length;
              client.close();
            }
          },
        ),
        { numRuns: runs, examples: [LOST_AND_AWAY] },
      );
      for (const [name, count] of Object.entries(counts)) expect(count, name).toBeGreaterThan(0);
    },
    600_000,
  );
});
