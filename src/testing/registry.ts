import type { createApp } from "../app/app.ts";
import type { AnyRoom, FindRoom } from "../define/room.ts";
import type { Places } from "../objects/places.ts";
import type { CreateWorldParts } from "../objects/world-parts.ts";
import { objectName } from "../protocol/urls.ts";
import type { Log } from "../platform/log.ts";
import type { CreateTransfers } from "../room/transfers/user-transfers.ts";
import type { RoomCore } from "../room/room.ts";
import type { TestClock } from "./test-clock.ts";

export interface ObjectTime {
  readonly clock: TestClock;
  /** When the alarm rings, by that clock. */
  alarmAt: number;
}

/** An object of a service under test, as long as it is in memory. */
export interface TestedObject {
  readonly time: ObjectTime;
  /** Whether it waits for another object to answer. */
  readonly isCalling: boolean;
  /** Rings the alarm now, though the real one is set for later. */
  ring(): Promise<void>;
}

/** A service under test, as its objects know it. */
export interface ServiceParts {
  /** The Worker. */
  readonly app: ReturnType<typeof createApp>;
  readonly find: FindRoom;
  /** Undefined in a service without Worlds. */
  readonly findWorld: FindRoom | undefined;
  readonly createWorldParts: CreateWorldParts | undefined;
  /** Undefined in a service without transfers. */
  readonly createTransfers: CreateTransfers | undefined;
  readonly log: Log;
  readonly places: Places;
  /** How far the clocks of its objects are ahead of the real one, in ms. */
  ahead: number;
  /** Its objects that are in memory, or were last, by their name in the service. */
  readonly objects: Map<string, TestedObject>;
}

/** What tests and the Worker under test share: they may load modules twice, but have one global. */
interface Shared {
  /** Rooms that are served without a service, by their party. */
  readonly rooms: Map<string, AnyRoom>;
  /** Services under test, by the scope that the names of their objects begin with. */
  readonly services: Map<string, ServiceParts>;
  /** How far the clock of an object without a service is ahead of the real one, in ms, by the object's name. */
  readonly ahead: Map<string, number>;
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
    services: new Map(),
    ahead: new Map(),
    times: new WeakMap(),
    messages: new Map(),
    counted: new WeakSet(),
    turn: 0,
  });
}

/** Serves a room in a party of its own, without a service. @returns the party's name */
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

/** Stands between the scope of a service and the name of one of its objects. No party has it. */
const END = "~";

/** The name of an object of a service under test. */
export function scopedName(scope: string, party: string, id: string): string {
  return scope + END + objectName(party, id);
}

/** Takes the name of an object apart: the service that it is of, and its name there. */
export function serviceOf(name: string): { readonly service: ServiceParts | undefined; readonly name: string } {
  const end = name.indexOf(END);
  const service = end < 0 ? undefined : shared().services.get(name.slice(0, end));
  return service ? { service, name: name.slice(end + 1) } : { service: undefined, name };
}

/** An object begins, in place of the one that had its name before. @param name with the scope of its service */
export function register(object: TestedObject, name: string): void {
  const of = serviceOf(name);
  of.service?.objects.set(of.name, object);
}
