import { sightParts } from "../state/sight-parts.ts";
import type { ToldSights } from "../state/told-sights.ts";
import type { Client, Clients } from "./clients.ts";

/** What clients see of collections whose entries are seen by keys. */
export type Sights = Pick<ToldSights<Client>, keyof ToldSights<Client>>;

const NO_BLOCKS = new Uint8Array(0);
const NOBODY: ReadonlyMap<Client, never> & ReadonlySet<Client> = new Map() as never;

/** In a service whose rooms have no such collections, of which a room never tells anything. */
const NO_SIGHTS: Sights = {
  isUsed: false,
  knows: () => true,
  take: () => NOBODY,
  encoder: () => () => {
    throw new Error("There is nothing to encode");
  },
  whole: () => [],
  plain: () => undefined,
  replacements: () => [],
  seersOf: () => NOBODY,
  tablesFor: () => undefined,
  slotsFor: () => NO_BLOCKS,
  forget: () => {},
};

/** Whether shards of this service find out by themselves which of their clients see what by keys. */
export function takesSights(): boolean {
  return sightParts() !== undefined;
}

export function createSights(clients: Clients): Sights {
  const parts = sightParts();
  if (!parts) return NO_SIGHTS;
  return new parts.ToldSights<Client>({
    get: (id) => clients.get(id),
    publicIdOf: ({ identity }) => identity?.publicId ?? "",
    isBinary: ({ protocol }) => protocol === 3,
  });
}
