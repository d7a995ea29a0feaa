import { signal } from "@signe/reactive";
import { expect } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomCore } from "../../src/room/room.ts";
import { users } from "../../src/app/users.ts";
import { persist } from "../../src/state/fields.ts";
import { MemoryRoom, VirtualClock } from "./memory.ts";
import type { MemorySocket } from "./memory.ts";

class Player {
  name = persist(signal("nobody"));
}
const DAY = 86_400_000;
/** @param isUp whether arriving users are let in; otherwise their hook throws */
const roomOf = (throttleStorage: number, sessionExpiryTime: number, isUp: () => boolean) =>
  defineRoom({
    path: "r",
    throttleStorage,
    sessionExpiryTime,
    state: () => ({ players: users(Player) }),
    actions: {
      name: { run: ({ user }, name) => user.name.set(name as string) },
      go: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
    },
    async onSessionRestore({ userSnapshot }) {
      await Promise.resolve();
      if (!isUp()) throw new Error("Nobody is let in");
      return userSnapshot;
    },
  }).compiled;
/** The possible faults of a room, and the writes that fail with each of them. */
export const TROUBLES: readonly (readonly [
  kind: string,
  fails: (key: string, isDeleted: boolean, nth: number) => boolean,
])[] = [
  ["none", () => false],
  ["full", () => true],
  ["users are too large", (key, isDeleted) => key.startsWith("players.") && !isDeleted],
  // With this fault, the hook for arriving users throws.
  ["closed", () => false],
  ["deletes fail", (_key, isDeleted) => isDeleted],
  ["notes of transfers fail", (key, isDeleted) => /^\$(departed|moved|token):/.test(key) && !isDeleted],
  ["only the first write works", (_key, _isDeleted, nth) => nth > 0],
  ["only every third write works", (_key, _isDeleted, nth) => nth % 3 !== 0],
];
/** Runs everything that only waits for promises. */
async function drain(): Promise<void> {
  for (let step = 0; step < 60; step++) await Promise.resolve();
}

/** A room that only runs after an event or its alarm has woken it. */
class Place {
  readonly room: MemoryRoom<{ players(): Record<string, Player> }>;
  isUp = true;
  #isAlive = true;
  /** Whether the alarm's handler is still running. The platform deletes the alarm only after that. */
  #isRinging = false;

  constructor(id: string, clock: VirtualClock, throttleStorage: number, sessionExpiryTime: number) {
    this.room = new MemoryRoom(
      roomOf(throttleStorage, sessionExpiryTime, () => this.isUp),
      clock,
      id,
    );
  }

  /** Sets the current fault of its storage or its hook. */
  fail(how: number): void {
    const [kind, fails] = TROUBLES[how % TROUBLES.length] as (typeof TROUBLES)[number];
    this.isUp = kind !== "closed";
    let writes = 0;
    this.room.storage.fault = (key, value) => {
      if (fails(key, value === undefined, writes++)) throw new Error("It cannot be written");
    };
  }

  /** Ends all faults, and saves. The room would save again by itself, but later than a journey lasts. */
  mend(): void {
    this.fail(0);
    if (this.#isAlive) void this.room.core.handle.flush();
  }

  kill(): void {
    this.room.kill();
    if (this.#isRinging) this.room.alarmAt = this.room.clock.now();
    this.#isAlive = this.#isRinging = false;
  }

  wake(): this["room"] {
    if (!this.#isAlive) this.room.start();
    this.#isAlive = true;
    return this.room;
  }

  ring(): void {
    if (this.#isRinging || this.room.alarmAt > this.room.clock.now()) return;
    const { instance } = this.wake();
    this.#isRinging = true;
    void this.room.ring().then(() => {
      if (this.room.instance === instance) this.#isRinging = false;
    });
  }

  /** The users of the room, by public id. */
  get users(): [publicId: string, name: string][] {
    return Object.entries(this.wake().state.players()).map(([publicId, { name }]) => [publicId, name()]);
  }

  get sessions(): string[] {
    return [...this.room.storage.rows.keys()].filter((key) => key.startsWith("$session:"));
  }
}

/** A call from one room to another, or the answer to one. */
interface Transmission {
  readonly arrive: () => void;
  readonly lose: () => void;
}
interface Packet {
  readonly value: { readonly id?: string; readonly result?: string };
}
export type Step = readonly [
  kind: "come" | "leave" | "go" | "return" | "arrive" | "lose" | "crash" | "kill" | "fail" | "wait",
  at: number,
];

/** Some rooms, and a user who moves between them and only knows what the rooms told them. */
export class Journey {
  readonly #clock = new VirtualClock();
  readonly #places: readonly Place[];
  #transmissions: Transmission[] = [];
  #at = 0;
  /** The room in which the user was before. */
  #from = 0;
  #token: string | undefined;
  #socket: MemorySocket | undefined;
  #attempts = 0;
  /** The transfer that the user asked for, until it is answered. */
  #hop: { readonly to: number; readonly isSerious: boolean } | undefined;

  constructor(areLazy: readonly boolean[], sessionExpiryTime = DAY) {
    this.#places = areLazy.map(
      (isLazy, index) => new Place(String(index), this.#clock, isLazy ? 400 : 0, sessionExpiryTime),
    );
    for (const { room } of this.#places) {
      room.neighbours.board = (to, passenger) => this.#call(to, (core) => core.board(structuredClone(passenger)));
      room.neighbours.recall = (to, ...transfer) => this.#call(to, (core) => core.recall(...transfer));
      room.neighbours.arrived = (to, ...transfer) => this.#call(to, (core) => core.arrived(...transfer));
    }
  }

  /** The user joins for the first time, and is stored. */
  async begin(): Promise<void> {
    await this.take(["come", 0]);
    await this.#say("name", "Ada");
    await this.take(["wait", 10]);
  }

  async take([kind, number]: Step): Promise<void> {
    const place = this.#places[number % this.#places.length] as Place;
    if (kind === "come") this.#come();
    if (kind === "leave") this.#leave();
    if (kind === "go" || kind === "return") await this.#go(number % this.#places.length, kind === "go");
    if (kind === "arrive") this.#takeTransmission(number)?.arrive();
    if (kind === "lose") this.#takeTransmission(number)?.lose();
    if (kind === "crash") place.kill();
    if (kind === "kill") this.#kill();
    if (kind === "fail") place.fail(Math.floor(number / this.#places.length));
    if (kind === "wait") await this.#wait(number);
    await drain();
    // Ends the turns.
    this.#clock.advance(0);
    await drain();
    this.#hear();
  }

  /** Ends all faults, and waits until the rooms are done. @param isComing whether the user connects meanwhile */
  async settle(isComing: boolean): Promise<void> {
    this.#leave();
    for (const place of this.#places) place.mend();
    for (let second = 0; second < 20; second++) {
      if (isComing) this.#come();
      await this.#deliver();
      await this.#wait(10);
    }
    // A connection that began while the user was leaving belongs to no one.
    this.#leave();
    // The first attempt may end with the information that the transfer was cancelled.
    for (const _attempt of isComing ? ["first", "second"] : []) {
      this.#come();
      await this.#deliver();
    }
    await this.#wait(10);
  }

  /** Checks that the user is in exactly one room, and unchanged. */
  check(isComing: boolean): void {
    const found = this.#places.map(({ users }) => users.map(([, name]) => name));
    expect(found.flat()).toEqual(["Ada"]);
    if (isComing) {
      expect(this.#socket?.isOpen).toBe(true);
      expect(found[this.#at]).toEqual(["Ada"]);
    }
    this.checkSessions();
  }

  /** Checks that each user has a session, and each session a user. */
  checkSessions(): void {
    for (const { sessions, users } of this.#places) expect(sessions).toHaveLength(users.length);
  }

  /** Restarts all rooms, so that only what was stored remains. */
  restart(): void {
    this.#kill();
    for (const place of this.#places) place.wake();
  }

  #come(): void {
    if (this.#socket?.isOpen === true) return;
    const attempt = ++this.#attempts;
    const { room } = this.#places[this.#at] as Place;
    const connecting = (this.#places[this.#at] as Place).wake().connect("ada", null, this.#token);
    void connecting.then((socket) => {
      if (!socket.isOpen && attempt === this.#attempts && socket.closedWith?.code === 4403) this.#turnBack();
      if (!socket.isOpen) return;
      if (attempt === this.#attempts) this.#socket = socket;
      else room.disconnect(socket);
    });
  }

  /** The transfer was cancelled, so the user goes back to the previous room. */
  #turnBack(): void {
    this.#at = this.#from;
    this.#token = undefined;
  }

  #leave(): void {
    this.#attempts++;
    if (this.#socket?.isOpen === true) (this.#places[this.#at] as Place).room.disconnect(this.#socket);
    this.#socket = this.#hop = undefined;
  }

  async #go(to: number, isSerious: boolean): Promise<void> {
    if (this.#hop || this.#socket?.isOpen !== true || to === this.#at) return;
    this.#hop = { to, isSerious };
    await this.#say("go", String(to));
  }

  async #say(action: string, value: string): Promise<void> {
    const { room } = this.#places[this.#at] as Place;
    void room.core.message(this.#socket as MemorySocket, JSON.stringify({ action, value, id: action }));
    await drain();
  }

  /** Reads the answer to the request for a transfer. The user then moves, or stays if the transfer was not serious. */
  #hear(): void {
    const answers = this.#socket?.texts.map((text) => JSON.parse(text) as Packet);
    const answer = answers?.find(({ value }) => value.id === "go");
    const hop = this.#hop;
    if (!hop || !answer) return;
    const token = answer.value.result;
    this.#leave();
    if (token === undefined || !hop.isSerious) return;
    [this.#from, this.#at, this.#token] = [this.#at, hop.to, token];
  }

  #kill(): void {
    this.#transmissions = [];
    for (const place of this.#places) place.kill();
  }

  async #wait(tenths: number): Promise<void> {
    for (let tenth = 0; tenth < tenths; tenth++) {
      this.#clock.advance(100);
      for (const place of this.#places) place.ring();
      await drain();
    }
  }

  async #deliver(): Promise<void> {
    while (this.#transmissions.length > 0) await this.take(["arrive", 0]);
    await drain();
  }

  #takeTransmission(number: number): Transmission | undefined {
    return this.#transmissions.splice(number % Math.max(this.#transmissions.length, 1), 1)[0];
  }

  async #call<T>(to: string, event: (core: RoomCore) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const lose = () => reject(new Error("The other object did not answer"));
    const answer = (arrive: () => void) => this.#transmissions.push({ arrive, lose });
    answer(() => {
      const handled = (this.#places[Number(to)] as Place).wake().during(event);
      handled.then(
        (value) => answer(() => resolve(structuredClone(value))),
        () => answer(lose),
      );
    });
    return promise;
  }
}
