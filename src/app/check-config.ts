import type { AnyRoom } from "../define/room.ts";
import { LEVELS } from "../platform/log.ts";
import { LOCATION_HINTS } from "../world/assignment.ts";
import { JURISDICTIONS } from "../platform/jurisdiction.ts";
import type { Transfers } from "./transfers.ts";
import type { ServiceConfig } from "./service-config.ts";

const OPTIONS: readonly string[] = [
  "rooms",
  "parties",
  "auth",
  "cors",
  "log",
  "logLevel",
  "inspector",
  "world",
  "transfers",
  "jurisdiction",
  "locationHint",
];
const PARTY = /^[A-Za-z0-9_-]{1,64}$/;
/** The names of parties that the service uses itself. */
const RESERVED: ReadonlySet<string> = new Set(["world", "shard"]);

/**
 * Checks the options of `createRooms`, in development and in tests. Deployed Workers do not contain this, since the
 * service was run before.
 * @throws Error that says what to do, if an option is malformed, or exists twice
 */
export function checkConfig(config: ServiceConfig): void {
  for (const name of Object.keys(config)) {
    if (!OPTIONS.includes(name))
      throw new Error(`createRooms: there is no option "${name}". Known: ${OPTIONS.join(", ")}`);
  }
  checkRooms(config);
  const { world, log, logLevel } = config;
  if (world && typeof world.classes !== "function") {
    throw new Error(
      'createRooms: world has to be made with worlds(). Write world: worlds({ … }), and import { worlds } from "durable-rooms/worlds"',
    );
  }
  checkTransfers(config);
  checkPlace("jurisdiction", config.jurisdiction, JURISDICTIONS);
  checkPlace("locationHint", config.locationHint, LOCATION_HINTS);
  if (log !== undefined && typeof log !== "function") throw new Error("createRooms: log has to be a function");
  if (logLevel !== undefined && !LEVELS.includes(logLevel)) {
    throw new Error(`createRooms: logLevel has to be one of ${LEVELS.join(", ")}`);
  }
}

function checkTransfers({ rooms = [], parties = {}, transfers }: ServiceConfig): void {
  if (transfers && typeof (transfers as Partial<Transfers>).parts?.create !== "function") {
    throw new Error(
      'createRooms: transfers has to be that of "durable-rooms": import { transfers } from "durable-rooms"',
    );
  }
  const taker = [...rooms, ...Object.values(parties).flat()].find(
    ({ compiled }) => compiled.definition.onSessionRestore,
  );
  if (!taker || transfers) return;
  throw new Error(
    `createRooms: the room "${taker.compiled.definition.path}" has onSessionRestore, and this service has no transfers. ` +
      'Add transfers, and import { transfers } from "durable-rooms"',
  );
}

function checkPlace(name: string, choice: unknown, known: readonly string[]): void {
  if (choice === undefined || typeof choice === "function" || known.includes(choice as string)) return;
  throw new Error(
    `createRooms: ${name} has to be one of ${known.join(", ")}, or a function of a room that returns one`,
  );
}

function checkRooms({ rooms = [], parties = {}, auth }: ServiceConfig): void {
  if (rooms.length !== 0 && Object.hasOwn(parties, "main")) {
    throw new Error('createRooms: give the rooms of the party "main" in rooms or in parties.main, not in both');
  }
  const all = Object.entries({ main: rooms, ...parties });
  for (const [party, list] of all) checkParty(party, list);
  const everyRoom = all.flatMap(([, list]) => list);
  if (everyRoom.length === 0) throw new Error("createRooms: there is no room. Pass { rooms: [defineRoom(…)] }");
  const closed = everyRoom.find((room) => room.compiled.settings.auth === "required");
  if (closed && !auth) {
    throw new Error(
      `createRooms: the room "${closed.path}" requires authentication. Add auth: jwt({ secret: "AUTH_JWT_SECRET" })`,
    );
  }
}

function checkParty(party: string, rooms: readonly AnyRoom[]): void {
  if (!PARTY.test(party))
    throw new Error(`createRooms: "${party}" is not a valid party name: use up to 64 letters, digits, _ and -`);
  if (RESERVED.has(party)) throw new Error(`createRooms: the party "${party}" is built in. Choose another name`);
  if (!Array.isArray(rooms)) throw new Error(`createRooms: the party "${party}" needs a list of rooms`);
  const paths = new Set<string>();
  for (const room of rooms as readonly AnyRoom[]) {
    if (!room?.compiled)
      throw new Error(`createRooms: the party "${party}" has a room that was not made with defineRoom()`);
    const form = room.path.replace(/\{[^{}]*\}/g, "{}");
    if (paths.has(form)) throw new Error(`createRooms: two rooms of the party "${party}" have the path "${room.path}"`);
    paths.add(form);
  }
}
