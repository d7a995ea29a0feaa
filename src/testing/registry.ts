import type { createApp } from "../app/app.ts";
import type { AnyRoom, FindRoom } from "../define/room.ts";
import type { Places } from "../objects/places.ts";
import type { CreateWorldParts } from "../objects/world-parts.ts";
import { objectName } from "../protocol/urls.ts";
import type { Log } from "../platform/log.ts";
import type { ObjectReport } from "../platform/object-report.ts";
import type { TransferParts } from "../room/transfers/user-transfers.ts";
import type { RoomCore } from "../room/room.ts";
import type { TestClock } from "./test-clock.ts";

export interface ObjectTime {
  readonly clock: TestClock;
  /** When the alarm rings, in the time of that clock. */
  alarmAt: number;
}

/** An object of a service under test that is in memory. */
export interface TestedObject {
  readonly time: ObjectTime;
  /** Whether it waits for the answer of another object. */
  readonly isCalling: boolean;
  /** Rings the alarm now, although the real one is set for later. */
  ring(): Promise<void>;
}

/** A service under test, as its objects use it. */
export interface ServiceParts {
  /** The Worker. */
  readonly app: ReturnType<typeof createApp>;
  readonly find: FindRoom;
  /** Undefined in a service without Worlds. */
  readonly findWorld: FindRoom | undefined;
  readonly createWorldParts: CreateWorldParts | undefined;
  /** Undefined in a service without transfers. */
  readonly transfers: TransferParts | undefined;
  /** Undefined in a service without operators. */
  readonly createReport: (() => ObjectReport) | undefined;
  readonly log: Log;
  readonly places: Places;
  /** How far the clocks of its objects are ahead of the real time, in ms. */
  ahead: number;
  /** Its objects by their names in the service. They are in memory, or were last. */
  readonly objects: Map<string, TestedObject>;
}

/** Data that tests and the Worker under test share: they may load modules twice, but have one global object. */
interface Shared {
  /** Rooms that are served without a service, by party. */
  readonly rooms: Map<string, AnyRoom>;
  /** Services under test, by the scope with which the names of their objects begin. */
  readonly services: Map<string, ServiceParts>;
  /** How far the clock of an object without a service is ahead of the real time, in ms, by name. */
  readonly ahead: Map<string, number>;
  /** The clock and the alarm of each object. They are here, since an object starts before its own fields exist. */
  readonly times: WeakMap<object, ObjectTime>;
  /** The number of received and handled messages of each connection. */
  readonly messages: Map<string, { received: number; handled: number }>;
  /** Rooms whose messages are counted. */
  readonly counted: WeakSet<RoomCore>;
  /** The number of all handled messages. */
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

/** Serves a room in its own party, without a service. @returns the party's name */
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

/** Separates the scope of a service from the name of an object. No party contains it. */
const END = "~";

/** The name of an object of a service under test. */
export function scopedName(scope: string, party: string, id: string): string {
  return scope + END + objectName(party, id);
}

/** Splits the name of an object: its service, and its name there. */
export function serviceOf(name: string): { readonly service: ServiceParts | undefined; readonly name: string } {
  const end = name.indexOf(END);
  const service = end < 0 ? undefined : shared().services.get(name.slice(0, end));
  return service ? { service, name: name.slice(end + 1) } : { service: undefined, name };
}

/** An object starts, and replaces an earlier one with its name. @param name with the scope of its service */
export function register(object: TestedObject, name: string): void {
  const of = serviceOf(name);
  of.service?.objects.set(of.name, object);
}
