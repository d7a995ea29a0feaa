import type { RoomAddress } from "../define/types.ts";
import type { LogEntry } from "../platform/ports.ts";
import type { Build } from "../protocol/build.ts";
import { objectName } from "../protocol/urls.ts";
import type { LocationHint } from "../world/assignment.ts";
import { jurisdictionOfShard } from "../platform/jurisdiction.ts";
import type { Jurisdiction } from "../platform/jurisdiction.ts";
import type { Binding, Namespace, Stubs } from "./bindings.ts";

/** One value for all objects, or a function that returns the value for each. Undefined means none. */
type Choice<T> = T | ((room: RoomAddress) => T | undefined);

/** Where the objects of a service run. */
export interface LocationConfig {
  /**
   * The jurisdiction in which objects run and store their data: `"eu"`, `"us"`, `"fedramp"` or `"fedramp-high"`. It is
   * part of an object's identity: changing it makes new, empty rooms. A function gets `{ party, id }` of a room; the
   * party of a World is `world`. Shards run where their room does. Default: none.
   */
  readonly jurisdiction?: Choice<Jurisdiction>;
  /**
   * The region in which new objects should run, such as `"weur"`. It has no effect on an object that exists. A shard
   * that a World makes for the region of a client runs in that region. A function gets `{ party, id }`. Default: near
   * the first caller.
   */
  readonly locationHint?: Choice<LocationHint>;
}

/** Where one object runs. */
interface Location {
  readonly jurisdiction: Jurisdiction | undefined;
  readonly locationHint: LocationHint | undefined;
}

/** Where objects run, and how to reach them. All stubs are made here. */
export interface Places {
  /** Where a room or a World runs. Shards of a room run there too. */
  locate(party: string, id: string): Location;
  /**
   * Makes a stub of an object. Make a new one for each call, since a stub is broken after an error.
   * @param hint the region for a new object, if it differs from that of the service
   * @throws Error if the Worker does not have the binding; and the platform's errors about a jurisdiction
   */
  stubOf<B extends Binding>(env: object, binding: B, party: string, id: string, hint?: LocationHint): Stubs[B];
}

/** The error of workerd for `jurisdiction()` in local development. Cloudflare does not throw it. */
const NOT_LOCAL = /not implemented in workerd/;

/** @param nameOf returns the name of an object: the test kit separates those of each test */
export function createPlaces(
  { jurisdiction, locationHint }: LocationConfig,
  log: (entry: LogEntry) => void,
  nameOf = objectName,
): Places {
  let isWarned = false;
  const restrict = <T>(namespace: Namespace<T>, wanted: Jurisdiction): Namespace<T> => {
    try {
      return namespace.jurisdiction(wanted);
    } catch (error) {
      const isLocal = (globalThis as Build).process?.env?.NODE_ENV !== "production" && NOT_LOCAL.test(String(error));
      if (!isLocal) throw error;
      const hint = "Local development has no jurisdictions, so objects run without one. Deployed objects have it";
      if (!isWarned) log({ level: "warn", event: "no_jurisdiction", hint });
      isWarned = true;
      return namespace;
    }
  };
  const locate = (party: string, id: string): Location => ({
    jurisdiction: choose(jurisdiction, party, id),
    locationHint: choose(locationHint, party, id),
  });
  return {
    locate,
    stubOf(env, binding, party, id, hint) {
      const namespace = (env as { readonly [B in Binding]?: Namespace<never> })[binding];
      if (!namespace) throw new Error(`Missing Durable Object binding ${binding}`);
      // Only the id of a shard is known.
      const where =
        party === "shard"
          ? { jurisdiction: jurisdiction && jurisdictionOfShard(id), locationHint: undefined }
          : locate(party, id);
      const within = where.jurisdiction ? restrict(namespace, where.jurisdiction) : namespace;
      const region = hint ?? where.locationHint;
      return within.get(within.idFromName(nameOf(party, id)), region && { locationHint: region });
    },
  };
}

/** The places of a service without location options. */
export const ANYWHERE: Places = createPlaces({}, () => {});

function choose<T extends string>(choice: Choice<T> | undefined, party: string, id: string): T | undefined {
  return typeof choice === "function" ? choice({ party, id }) : choice;
}
