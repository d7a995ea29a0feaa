import type { AnyRoom } from "../define/room.ts";
import type { RoomClient, SyncEvent } from "../client/room-client.ts";
import { ServerClock } from "./server-clock.ts";

/** The part of a client that the netcode uses. */
export type AnyClient = Pick<RoomClient<AnyRoom>, "on" | "sendInputs" | "latency" | "publicId" | "status"> & {
  readonly state: unknown;
};

/** The data of one client that all parts of the netcode share. */
export interface Link {
  readonly clock: ServerClock;
  /**
   * The number of the next input.
   * @@// // Another page of the same user Another page of the same user may send inputs too, or this page did before it
   * was reloaded.
   */
  next: number;
  /** The last packet. */
  last: SyncEvent | undefined;
  readonly listeners: Set<(sync: SyncEvent, now: number) => void>;
}

const links = new WeakMap<object, Link>();

/** The link of a client. It lives as long as the client. */
export function linkOf(game: AnyClient): Link {
  const known = links.get(game);
  if (known) return known;
  const link: Link = { clock: new ServerClock(() => game.latency), next: 1, last: undefined, listeners: new Set() };
  game.on("sync", (sync) => {
    const now = performance.now();
    link.last = sync;
    link.clock.take(sync, now);
    // Another page of the same user may send inputs too, or this page did before it was loaded anew.
    link.next = Math.max(link.next, (sync.input ?? 0) + 1);
    for (const listener of link.listeners) listener(sync, now);
  });
  links.set(game, link);
  return link;
}

/**
 * Returns what a client knows about the clock of its room. It starts to measure with the first call.
 *
 * @param game the client of {@link connectRoom}
 * @example
 * import { serverClock } from "durable-rooms/netcode";
 * const clock = serverClock(game);
 * setInterval(() => console.log(clock.tickAt(performance.now()), clock.jitter, clock.roundTrip), 1000);
 */
export function serverClock(game: AnyClient): ServerClock {
  return linkOf(game).clock;
}
