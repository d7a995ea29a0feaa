import type { AnyRoom, FindRoom } from "../define/room.ts";
import type { RoomCore } from "../room/room.ts";
import type { TestClock } from "./test-clock.ts";

export interface ObjectTime {
  readonly clock: TestClock;
  /** When the alarm rings, by that clock. */
  alarmAt: number;
}

/** What tests and the Worker under test share: they may load modules twice, but have one global. */
interface Shared {
  readonly rooms: Map<string, AnyRoom>;
  /** Parties whose clients get a mark when a message was handled. */
  readonly watched: Set<string>;
  /** How far the clock of an object is ahead of the real one, in ms, by the object's name. */
  readonly ahead: Map<string, number>;
  /** The rooms that run, by the object's name. */
  readonly running: Map<string, RoomCore>;
  /** The clock and the alarm of each object. Kept here, since an object starts before its own fields are there. */
  readonly times: WeakMap<object, ObjectTime>;
  /** How many messages came in, and how many of them were handled, of each connection. */
  readonly messages: Map<string, { received: number; handled: number }>;
  /** Rooms whose messages are counted. */
  readonly counted: WeakSet<RoomCore>;
  /** How many were handled in all. */
  turn: number;
}

const KEY = Symbol.for("durable-rooms.testing");

export function shared(): Shared {
  const global = globalThis as { [KEY]?: Shared };
  return (global[KEY] ??= {
    rooms: new Map(),
    watched: new Set(),
    ahead: new Map(),
    running: new Map(),
    times: new WeakMap(),
    messages: new Map(),
    counted: new WeakSet(),
    turn: 0,
  });
}

/** Serves a room in a party of its own. @returns the party's name */
export function serve(room: AnyRoom): string {
  const party = `test-${crypto.randomUUID()}`;
  shared().rooms.set(party, room);
  return party;
}

export const findRoom: FindRoom = (party, id) => {
  const room = shared().rooms.get(party);
  const params = room?.compiled.pattern.match(id);
  return room && params ? { room, params } : undefined;
};
