import type { AnyRoom, FindRoom } from "../define/room.ts";

/** The rooms that a Worker serves. */
export interface RoomsConfig {
  /** The rooms of the party `main`. */
  readonly rooms?: readonly AnyRoom[];
  /** The rooms of other parties, by the party's name. */
  readonly parties?: Readonly<Record<string, readonly AnyRoom[]>>;
}

const PARTY = /^[A-Za-z0-9_-]{1,64}$/;
/** Parties of the service itself. */
const RESERVED: ReadonlySet<string> = new Set(["world", "shard"]);

/**
 * Makes the directory of rooms. The first definition whose path matches serves a room.
 * @throws Error that says what to do, if a party or a room is malformed, or exists twice
 */
export function createDirectory({ rooms = [], parties = {} }: RoomsConfig): {
  find: FindRoom;
  all: readonly AnyRoom[];
} {
  if (rooms.length !== 0 && Object.hasOwn(parties, "main")) {
    throw new Error('createRooms: give the rooms of the party "main" in rooms or in parties.main, not in both');
  }
  const directory = new Map(Object.entries({ main: rooms, ...parties }));
  for (const [party, list] of directory) checkParty(party, list);
  const all = [...directory.values()].flat();
  if (all.length === 0) throw new Error("createRooms: there is no room. Pass { rooms: [defineRoom(…)] }");
  return {
    all,
    find(party, id) {
      for (const room of directory.get(party) ?? []) {
        const params = room.compiled.pattern.match(id);
        if (params) return { room, params };
      }
      return undefined;
    },
  };
}

function checkParty(party: string, rooms: readonly AnyRoom[]): void {
  if (!PARTY.test(party))
    throw new Error(`createRooms: "${party}" is no name for a party: use letters, digits, _ and -`);
  if (RESERVED.has(party)) throw new Error(`createRooms: the party "${party}" is built in. Choose another name`);
  if (!Array.isArray(rooms)) throw new Error(`createRooms: the party "${party}" needs a list of rooms`);
  const paths = new Set<string>();
  for (const room of rooms as readonly AnyRoom[]) {
    if (!room?.compiled)
      throw new Error(`createRooms: the party "${party}" holds something that defineRoom did not make`);
    const form = room.path.replace(/\{[^{}]*\}/g, "{}");
    if (paths.has(form)) throw new Error(`createRooms: two rooms of the party "${party}" have the path "${room.path}"`);
    paths.add(form);
  }
}
