import type { Clock } from "../platform/ports.ts";
import type { Parts } from "../state/part.ts";
import { sightParts } from "../state/sight-parts.ts";
import type { ToldSights } from "../state/told-sights.ts";
import type { Client, Clients } from "./clients.ts";

/** The visible entries of keyed collections, by client. */
export type Sights = Pick<ToldSights<Client>, keyof ToldSights<Client>>;

const NO_BLOCKS = new Uint8Array(0);
const NOBODY: ReadonlyMap<Client, never> & ReadonlySet<Client> = new Map() as never;

/** For services without such collections. Their rooms never send any of this. */
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

/** Whether shards of this service compute the visibility of keyed entries themselves. */
export function takesSights(): boolean {
  return sightParts() !== undefined;
}

/** @param onDue called with the waiting changes of clients */
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
