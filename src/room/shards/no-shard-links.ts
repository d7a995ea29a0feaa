import type { ShardLink } from "./shard-link.ts";
import type { Receipt } from "../../relay/messages.ts";
import type { ShardLinks } from "./shard-links.ts";

/** The links of a room in a service without shards. */
export class NoShardLinks implements ShardLinks {
  readonly size = 0;
  readonly didSleep = false;
  readonly isAcknowledged = true;
  readonly isUnsaved = false;

  all(): Iterable<ShardLink> {
    return [];
  }

  async relay(): Promise<Receipt> {
    return { verdict: "unknown" };
  }

  async learn(): Promise<void> {}
  load(): void {}
  resume(): void {}
  async acknowledged(): Promise<void> {}
  write(): void {}
  saved(): void {}
}
