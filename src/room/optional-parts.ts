import type { Inputs } from "./actions/inputs.ts";
import type { Listing, ListingScope } from "./listing/listing.ts";
import type { RemovedUsers } from "./sessions/removed-users.ts";
import type { ShardLinks, ShardLinksScope } from "./shards/shard-links.ts";
import type { RowChecks } from "./storage/runtime-rows.ts";
import type { TransferParts } from "./transfers/user-transfers.ts";

/** The parts of a room that belong to Worlds. A Worker without Worlds does not contain their code. */
export interface WorldParts {
  links(scope: Omit<ShardLinksScope, "shards">): ShardLinks;
  listing(scope: Omit<ListingScope, "worlds">): Listing;
  readonly rowChecks: RowChecks;
}

/** The parts that a room has only if its service has them. */
export interface OptionalParts {
  readonly world?: WorldParts | undefined;
  readonly transfers?: TransferParts | undefined;
}

/** The parts that a room has only if its state has users. The field brings them. */
export interface UserParts {
  readonly Inputs: typeof Inputs;
  readonly RemovedUsers: typeof RemovedUsers;
}
