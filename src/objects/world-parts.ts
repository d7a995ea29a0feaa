import type { Shards } from "../relay/messages.ts";
import { Listing, LISTING_ROW } from "../room/listing/listing.ts";
import type { Worlds } from "../room/listing/report.ts";
import { LiveShardLinks } from "../room/shards/live-shard-links.ts";
import { LINK_ROW } from "../room/shards/shard-link.ts";
import type { WorldParts } from "../room/optional-parts.ts";
import { createShards, createWorlds } from "./peers.ts";
import type { Reach } from "./peers.ts";
import type { Places } from "./places.ts";

export type CreateWorldParts = (places: Places, env: object, reach: Reach) => WorldParts;

/** Makes the parts of a room that belong to Worlds: its links to shards, and its listing. */
export function createWorldParts(places: Places, env: object, reach: Reach): WorldParts {
  const ofShards = createShards(places, env);
  const ofWorlds = createWorlds(places, env);
  const shards: Shards = {
    introduce: (...asked) => reach("shard", () => ofShards.introduce(...asked)),
    deliver: (...batch) => reach("shard", () => ofShards.deliver(...batch)),
  };
  const worlds: Worlds = { report: (...told) => reach("report", () => ofWorlds.report(...told)) };
  return {
    links: (scope) => new LiveShardLinks({ ...scope, shards }),
    listing: (scope) => new Listing({ ...scope, worlds }),
    rowChecks: { link: LINK_ROW, listing: LISTING_ROW },
  };
}
