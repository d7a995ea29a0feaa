import { expect } from "vitest";
import type { TransferAnswer, TransferredUser, RecallAnswer } from "../../src/room/transfers/messages.ts";
import { expectedView } from "../../src/testing/expected-view.ts";
import { LoadClient } from "./load-client.ts";
import { MemoryRoom } from "./memory.ts";
import type { MemorySocket } from "./memory.ts";
import { roomOf, Waiting } from "./overlapping-room.ts";
import type { State } from "./overlapping-room.ts";

export const WHO = ["ada", "bob", "eve"] as const;

export const KINDS = ["act", "act", "wait", "close", "drop", "go", "come", "come", "leave", "board", "recall"] as const;
export type Step = readonly [
  kind: (typeof KINDS)[number] | "continue" | "pass" | "evict" | "deploy" | "crash" | "fail",
  number: number,
];
async function drain(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

interface Client {
  readonly socket: MemorySocket;
  readonly who: string;
  /** The public id before it resumed, which a resumed client is not told again. */
  readonly publicId: string | undefined;
}

/** A room whose events overlap in any order, and three users with up to two connections each. */
export class Scene {
  readonly #waiting = new Waiting();
  readonly room = new MemoryRoom<State>(roomOf(this.#waiting, 1));
  readonly acked = new Set<string>();
  readonly #sockets: Client[] = [];
  readonly #readUntil = new Map<MemorySocket, number>();
  #version = 1;
  #count = 0;
  #isFailing = false;

  constructor() {
    const outcomeOf = async <T>(outcomes: readonly (() => T)[]): Promise<T> => {
      const outcome = outcomes[(await this.#waiting.for()) % outcomes.length];
      if (!outcome) throw new Error("The other room did not answer");
      return outcome();
    };
    this.room.neighbours.board = async () =>
      outcomeOf<TransferAnswer>([
        () => ({ ok: false, code: "room_full", message: "The room is full" }),
        () => ({ ok: true, token: "t" }),
        () => {
          throw new Error("The other room did not answer");
        },
      ]);
    this.room.neighbours.recall = async (_to, transferId, sessionId) =>
      outcomeOf<RecallAnswer>([
        () => ({ arrived: true, passenger: null }),
        () => ({ arrived: false, passenger: this.#passenger(transferId, sessionId) }),
      ]);
  }

  async take([kind, number]: Step): Promise<void> {
    const { room } = this;
    const who = WHO[number % WHO.length] as string;
    if (kind === "come") this.#come(who, number > 2);
    else if (kind === "leave") this.#leave(number);
    else if (kind === "board") this.#call(() => room.core.board(this.#passenger(`t-${number}`, who)));
    else if (kind === "recall") this.#call(() => room.core.recall(`t-${number}`, who));
    else if (kind === "continue") this.#waiting.go(number, number);
    else if (kind === "pass") await this.#pass(number);
    else if (kind === "evict" && (await this.#isIdle())) await room.evict();
    else if (kind === "deploy" && (await this.#isIdle())) await room.deploy(roomOf(this.#waiting, ++this.#version));
    else if (kind === "crash") this.#crash();
    else if (kind === "fail") this.#fail(number);
    else if (kind !== "evict" && kind !== "deploy") this.#say(kind, number);
    await drain();
    room.clock.advance(0);
    await drain();
    this.#read();
  }

  /** Ends all faults, and lets everything that waits continue. @param seconds to pass; sessions expire after 20 */
  async settle(seconds: number): Promise<void> {
    this.#fail(5);
    for (let second = 0; second < seconds; second++) {
      this.#waiting.goAll();
      await this.#pass(500);
    }
    this.#read();
  }

  check(): void {
    const { state, core } = this.room;
    const { sessions } = core;
    const known = [...sessions.all()];
    expect(Object.keys(state.players()).toSorted()).toEqual(
      known
        .map(({ publicId }) => publicId)
        .filter((id) => state.players()[id])
        .toSorted(),
    );
    const open = this.#sockets.filter(({ socket }) => socket.isOpen);
    expect(core.handle.connections).toHaveLength(open.length);
    for (const { publicId, id, transferId } of known) {
      const isHere = open.some((client) => client.who === id && publicIdOf(client) === publicId);
      const player = state.players()[publicId];
      // A connection from before a transfer brought its user back does not count as the arrival of the user.
      const mayBeOld = isHere && transferId !== undefined;
      if (player && !mayBeOld) expect([id, player.online()]).toEqual([id, isHere]);
    }
    for (const client of open) {
      const { socket } = client;
      const publicId = publicIdOf(client) as string;
      expect(publicId).toBeDefined();
      const viewer = { publicId, auth: null, user: state.players()[publicId] };
      expect(socket.clients[0]?.state, socket.texts.join("\n")).toEqual(expectedView(state, viewer));
    }
    for (const id of this.acked) expect(state.done()).toContain(id);
  }

  /** Checks that the state in memory is stored. */
  checkStored(): void {
    const seen = () => JSON.stringify([this.room.state.done(), this.#persisted()]);
    const before = seen();
    this.room.crash();
    expect(seen()).toBe(before);
  }

  #persisted(): unknown[] {
    const players = Object.entries(this.room.state.players()).map(([id, { moves, secret }]) => [id, moves(), secret()]);
    return [players.toSorted(([a], [b]) => String(a).localeCompare(String(b))), this.room.state.versions()];
  }

  /** Lets time pass. Everything that waits for a step continues to wait. */
  async #pass(ms: number): Promise<void> {
    const { room } = this;
    for (let passed = 0; passed <= ms; passed += 500) {
      room.clock.advance(500);
      if (room.alarmAt <= room.clock.now()) this.#call(() => room.ring());
      await drain();
    }
  }

  /** An object is not evicted while something runs, or while it has changes that it cannot store. */
  async #isIdle(): Promise<boolean> {
    this.#fail(5);
    await this.#pass(3000);
    return this.room.isIdle && this.#waiting.size === 0;
  }

  #come(who: string, doesResume: boolean): void {
    if (this.#sockets.filter((one) => one.who === who && one.socket.isOpen).length > 1) return;
    const last = doesResume ? this.#sockets.findLast((one) => one.who === who)?.socket : undefined;
    const heads = (last?.texts ?? []).map((text) => JSON.parse(text) as { seq?: number; epoch?: string });
    const [seq, epoch] = [heads.findLast((head) => head.seq !== undefined)?.seq, heads[0]?.epoch];
    const query = `protocol=2${epoch === undefined ? "" : `&since=${seq}&epoch=${epoch}`}`;
    const known = new LoadClient(structuredClone(last?.clients[0]?.instance ?? {}));
    const publicId = last && publicIdOf(this.#sockets.find(({ socket }) => socket === last));
    const { instance } = this.room;
    void this.room.connect(who, null, undefined, query).then((socket) => {
      const one: Client = { socket, who, publicId };
      // The room has died meanwhile.
      if (this.room.instance !== instance) this.#lose(socket);
      if (socket.texts[0]?.includes('"resumed":true')) {
        for (const text of socket.texts) known.receive(text);
        socket.clients.splice(0, 1, known);
      }
      this.#sockets.push(one);
    });
  }

  /** Crashes the room without faults: a real object would try to start at each event until its storage works again. */
  #crash(): void {
    this.#fail(5);
    this.room.crash();
  }

  #lose(socket: MemorySocket): void {
    socket.isOpen = false;
    this.room.sockets = this.room.sockets.filter((other) => other !== socket);
  }

  #leave(number: number): void {
    const open = this.#sockets.filter(({ socket }) => socket.isOpen);
    const one = open[number % Math.max(open.length, 1)];
    if (one) this.room.disconnect(one.socket);
  }

  #say(action: string, number: number): void {
    const open = this.#sockets.filter(({ socket }) => socket.isOpen);
    const socket = open[number % Math.max(open.length, 1)]?.socket;
    const id = `${action}-${this.#count++}`;
    const value = action === "close" ? number : id;
    if (socket) void this.room.core.message(socket, JSON.stringify({ action, value, id }));
  }

  #call(run: () => Promise<unknown>): void {
    run().catch(() => {});
  }

  #fail(kind: number): void {
    this.#isFailing = kind < 3;
    this.room.storage.fault = (key) => {
      if (kind === 0 || (kind === 1 && key === "done") || (kind === 2 && key.startsWith("players.")))
        throw new Error("full");
    };
    // The room would store later what failed. Store it now: acknowledgements before that promise nothing.
    // nothing.
    if (!this.#isFailing) this.#call(() => this.room.core.handle.flush());
  }

  /** Records acknowledged messages. While nothing can be stored, an acknowledgement promises nothing. */
  #read(): void {
    for (const { socket } of this.#sockets) {
      const texts = socket.texts.slice(this.#readUntil.get(socket) ?? 0);
      this.#readUntil.set(socket, socket.texts.length);
      for (const text of texts) {
        const { type, value } = JSON.parse(text) as { type: string; value: { id?: string } };
        if (type === "ack" && /^(act|wait)-/.test(value.id ?? "") && !this.#isFailing)
          this.acked.add(value.id as string);
      }
    }
  }

  #passenger(transferId: string, sessionId: string): TransferredUser {
    return {
      transferId,
      sessionId,
      publicId: `P${sessionId}`,
      sub: undefined,
      user: { moves: 7, secret: 8 },
      state: undefined,
    };
  }
}

function publicIdOf(client: Client | undefined): string | undefined {
  const packets = client?.socket.texts.map((text) => JSON.parse(text) as { value?: { pId?: string } });
  return packets?.find(({ value }) => value?.pId !== undefined)?.value?.pId ?? client?.publicId;
}
