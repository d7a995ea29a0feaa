import type { Ports } from "../room/room-ports.ts";

/** One life of a room: from its start until it is destroyed. */
export interface Life {
  isOver: boolean;
}

/**
 * Makes the ports for one life of a room. Code that still runs afterwards cannot store anything, and has no timers and
 * no alarm.
 */
export function mortal({ storage, clock, alarm, ...rest }: Ports, life: Life): Ports {
  return {
    ...rest,
    storage: {
      get: (key) => (life.isOver ? undefined : storage.get(key)),
      put: (key, value) => life.isOver || storage.put(key, value),
      delete: (key) => life.isOver || storage.delete(key),
      list: (range) => (life.isOver ? [] : storage.list(range)),
      transaction: (run) => life.isOver || storage.transaction(run),
      sync: () => storage.sync(),
    },
    clock: {
      now: () => clock.now(),
      after: (ms, run, why) => (life.isOver ? () => {} : clock.after(ms, () => life.isOver || run(), why)),
    },
    alarm: { set: (at) => life.isOver || alarm.set(at) },
  };
}
