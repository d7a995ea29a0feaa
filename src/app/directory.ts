import type { AnyRoom, FindRoom } from "../define/room.ts";

/** The rooms that a Worker serves. */
export interface RoomsConfig {
  /** The rooms of the party `main`. */
  readonly rooms?: readonly AnyRoom[];
  /** The rooms of other parties, by the party's name. */
  readonly parties?: Readonly<Record<string, readonly AnyRoom[]>>;
}

/** The rooms of a service. */
export interface Directory {
  readonly find: FindRoom;
  /** By their party. */
  readonly all: ReadonlyMap<string, readonly AnyRoom[]>;
}

/** Makes the directory of rooms. The first definition whose path matches serves a room. */
export function createDirectory({ rooms = [], parties = {} }: RoomsConfig): Directory {
  const directory = new Map(Object.entries({ main: rooms, ...parties }));
  return {
    all: directory,
    find(party, id) {
      for (const room of directory.get(party) ?? []) {
        const params = room.compiled.pattern.match(id);
        if (params) return { room, params };
      }
      return undefined;
    },
  };
}
