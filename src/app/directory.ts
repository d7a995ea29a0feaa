import type { AnyRoom, FindRoom } from "../define/room.ts";

/** The rooms that a Worker serves. */
export interface RoomsConfig {
  /** The room definitions of the party `main`. Default: none. */
  readonly rooms?: readonly AnyRoom[];
  /** The room definitions of other parties, by the name of the party. Default: none. */
  readonly parties?: Readonly<Record<string, readonly AnyRoom[]>>;
}

/** The rooms of a service. */
export interface Directory {
  readonly find: FindRoom;
  /** By party. */
  readonly all: ReadonlyMap<string, readonly AnyRoom[]>;
}

/** Makes the directory of rooms. A room is served by the first definition whose path matches. */
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
