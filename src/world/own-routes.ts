import { checkRoutes, compileRoutes } from "../define/routes.ts";
import type { AnyRoute } from "../define/routes.ts";
import type { Metadata, Route, RouteName } from "../define/types.ts";
import type { Build } from "../protocol/build.ts";
import { infosOf } from "./state.ts";
import type { RoomInfo, ShardInfo, WorldState } from "./state.ts";

/** A room of a World's list, as `listRooms` of the client returns it. */
export interface ListedRoom {
  /** The party of the room. */
  readonly party: string;
  /** The id of the room. */
  readonly roomId: string;
  /** The metadata that the room gave to `room.setListing`. */
  readonly metadata: Metadata;
  /** Whether searches skip the room. */
  readonly locked: boolean;
  /** Distinct users online. */
  readonly users: number;
  /** The maximum number of users online. Null for no limit. */
  readonly maxUsers: number | null;
}

/** What a World knows, as `state` of your own routes. It is read anew each time. */
export interface WorldView {
  /** The rooms that are distributed over shards. */
  readonly rooms: readonly RoomInfo[];
  /** The shards of these rooms. */
  readonly shards: readonly ShardInfo[];
  /** The rooms that called `room.setListing`. */
  readonly listings: readonly ListedRoom[];
}

/** Your own routes of a World. R: the schemas of bodies, by method and path. */
export type WorldRequests<R> = {
  [P in keyof R]: Route<WorldView, P & string, R[P]> & (P extends RouteName ? unknown : RouteName);
};

/** The World's own paths: for clients, for shards and rooms, and for operators. */
const TAKEN: ReadonlySet<string> = new Set([
  "/connect",
  "/find-room",
  "/list-rooms",
  "/update-shard",
  "/update-listing",
  "/register-room",
  "/scale-room",
  "/registry",
  "/metrics",
]);

/**
 * Makes the function that tells whether a request is for one of your own routes of a World.
 * @throws Error that names the route, in development and in tests, if it is malformed or is one of the World's own
 */
export function matcherOf(requests: Readonly<Record<string, AnyRoute>>): (method: string, path: string) => boolean {
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") checkOwn(requests);
  const routes = compileRoutes(requests);
  return (method, path) => !TAKEN.has(path) && routes.match(method, path).kind !== "unknown path";
}

function checkOwn(requests: Readonly<Record<string, AnyRoute>>): void {
  checkRoutes(requests);
  const taken = Object.keys(requests).find((key) => TAKEN.has(key.slice(key.indexOf(" ") + 1)));
  if (taken !== undefined)
    throw new Error(`createRooms: world.requests has "${taken}", which is a path of the World itself`);
}

/** Makes these routes work like those of a room whose state is the registry. */
export function ownRoutes(requests: Readonly<Record<string, AnyRoute>>): Readonly<Record<string, AnyRoute>> {
  return Object.fromEntries(Object.entries(requests).map(([key, route]) => [key, withView(route)]));
}

function withView(route: AnyRoute): AnyRoute {
  const { guards = [] } = route;
  return {
    ...route,
    guards: guards.map((guard) => (context, value) => guard(seen(context), value)),
    run: (context) => route.run(seen(context)),
  };
}

function seen<C extends { readonly state: object }>(context: C): C {
  return { ...context, state: viewOf(context.state as WorldState) };
}

function viewOf(state: WorldState): WorldView {
  return {
    get rooms() {
      return infosOf(state.rooms());
    },
    get shards() {
      return infosOf(state.shards());
    },
    get listings() {
      return infosOf(state.listings()).map(({ party, roomId, metadata, locked, users, maxUsers }) => ({
        party,
        roomId,
        metadata: JSON.parse(metadata) as Metadata,
        locked,
        users,
        maxUsers,
      }));
    },
  };
}
