import type { Ports } from "../room/room-ports.ts";

/** One memory of a room: from its start until the room is destroyed. */
export interface Life {
  isOver: boolean;
}

/** Ports for one life of a room. Whatever still runs of it afterwards stores nothing, and no timer or alarm comes. */
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
