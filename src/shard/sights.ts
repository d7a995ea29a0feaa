import type { Clock } from "../platform/ports.ts";
import type { Parts } from "../state/crowd.ts";
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
  deliver: () => NOBODY,
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

/** @param onDue is told what clients are to be sent that waited */
export function createSights(
  clients: Clients,
  clock: Clock,
  onDue: (parts: ReadonlyMap<Client, Parts>) => void,
): Sights {
  const parts = sightParts();
  if (!parts) return NO_SIGHTS;
  const all = {
    get: (id: number) => clients.get(id),
    publicIdOf: ({ identity }: Client) => identity?.publicId ?? "",
    isBinary: ({ protocol }: Client) => protocol === 3,
    onDue,
  };
  return new parts.ToldSights<Client>(all, clock);
}
