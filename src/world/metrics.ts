import { objectName } from "../protocol/urls.ts";
import { sum, zero } from "../platform/counts.ts";
import type { Counts } from "../platform/counts.ts";
import type { ListingPlace } from "../room/listing/report.ts";
import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import type { Log } from "../platform/log.ts";
import { CallLimit } from "../platform/call-limit.ts";
import { within } from "../platform/timeout.ts";
import { PARTY } from "./assignment.ts";
import type { MetricsHost } from "./hosts.ts";
import type { Listings } from "./listings.ts";
import { logFailure } from "./log.ts";
import type { Registry } from "./registry.ts";

type Answer = Promise<RoomMetrics | ShardMetrics>;

/** The answer of `GET /parties/world/:world/metrics` for operators. */
export interface WorldMetrics {
  /** The id of the World. */
  readonly world: string;
  /** How many rooms, shards and connections the World knows. */
  readonly known: { readonly rooms: number; readonly shards: number; readonly connections: number };
  /** The rooms that answered. Their errors are left out: ask the room for them. */
  readonly rooms: readonly Omit<RoomMetrics, "errors">[];
  /** The shards that answered, without their errors. */
  readonly shards: readonly Omit<ShardMetrics, "errors">[];
  /** The objects that did not answer: rooms as `party/id`, shards by id. */
  readonly silent: readonly string[];
  /** How many objects with clients were not asked, since there are more than 500. */
  readonly unasked: number;
  /** The sum of the counts of all that answered. */
  readonly totals: Counts;
  /** The average cost in dollars per hour. */
  readonly costPerHour: number;
}

/** The maximum number of objects that are asked. Each question is a call. */
export const MOST_ASKED = 500;
const AT_ONCE = 20;
/** How long an object may take to answer, in ms. */
const PATIENCE = 5000;

/**
 * Asks the rooms and shards of a World that have clients, fullest first. The others would only be woken by it. An
 * object that does not answer is listed in `silent`.
 */
export async function gather(
  world: string,
  registry: Registry,
  listings: Listings,
  host: MetricsHost,
  log: Log,
): Promise<WorldMetrics> {
  const all = registry.shards().map((shard) => shard.info());
  const busy = all.filter(({ connections }) => connections > 0);
  const rooms = new Map<string, { readonly place: ListingPlace; readonly size: number }>();
  const add = (party: string, roomId: string, size: number): void => {
    const id = objectName(party, roomId);
    rooms.set(id, { place: { party, roomId }, size: Math.max(size, rooms.get(id)?.size ?? 0) });
  };
  for (const { roomId, connections } of busy) add(PARTY, roomId, connections);
  for (const { entry } of listings.all()) {
    const { party, roomId, users } = entry.info();
    if (users > 0) add(party, roomId, users);
  }
  const questions = [
    ...Array.from(rooms, ([id, { place, size }]) => ({ id, size, ask: (): Answer => host.room(place) })),
    ...busy.map(({ id, connections: size }) => ({ id, size, ask: (): Answer => host.shard(id) })),
  ].toSorted((a, b) => b.size - a.size);
  const silent: string[] = [];
  const ofRooms: WorldMetrics["rooms"][number][] = [];
  const ofShards: WorldMetrics["shards"][number][] = [];
  const asked = questions.slice(0, MOST_ASKED);
  const limit = new CallLimit(AT_ONCE);
  const askOne = async ({ id, ask }: (typeof asked)[number]) => {
    try {
      const { errors: _errors, ...answer } = await within(PATIENCE, ask(), () => new Error("It takes too long"));
      if ("shard" in answer) ofShards.push(answer);
      else ofRooms.push(answer);
    } catch (error) {
      logFailure(log, "metrics_failed", world, { object: id }, error);
      silent.push(id);
    }
  };
  await Promise.all(asked.map((question) => limit.run(() => askOne(question))));
  const answered = [...ofRooms, ...ofShards];
  return {
    world,
    known: {
      rooms: registry.rooms().length,
      shards: all.length,
      connections: all.reduce((total, { connections }) => total + connections, 0),
    },
    rooms: ofRooms,
    shards: ofShards,
    silent,
    unasked: questions.length - asked.length,
    totals: answered.reduce((total, { totals }) => sum(total, totals), zero()),
    costPerHour: answered.reduce((total, { cost }) => total + cost.average.total, 0),
  };
}
