import { PARTY } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import type { ShardHost } from "./hosts.ts";
import type { Log } from "../platform/log.ts";
import { logFailure } from "./log.ts";
import type { Registry } from "./registry.ts";
import { isActive, note } from "./state.ts";
import type { Shard } from "./state.ts";

/**
 * Tells shards what they serve. A shard that cannot be told is taken out of the registry again; what was under way
 * when the World lost its memory is done anew by the first client that is to be sent there.
 */
export class Launches {
  readonly #worldId: string;
  readonly #registry: Registry;
  readonly #host: ShardHost;
  readonly #log: Log;
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(worldId: string, registry: Registry, host: ShardHost, log: Log) {
    this.#worldId = worldId;
    this.#registry = registry;
    this.#host = host;
    this.#log = log;
  }

  /** Resolves when a shard knows what it serves: to false if it could not be told. Never rejects. */
  async ready(shard: Shard): Promise<boolean> {
    const { id } = shard.info();
    const underWay = this.#underWay.get(id);
    if (underWay || shard.ledger().isAssigned) return underWay ?? true;
    const launch = this.#launch(shard).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, launch);
    return launch;
  }

  /** Tells a shard that its assignment changed. A failure is logged: the World itself sends nobody there. */
  async tell(shard: Shard): Promise<void> {
    const { id } = shard.info();
    await this.#underWay.get(id);
    if (this.#registry.shard(id) === shard) await this.#try("assign_failed", id, () => this.#assign(shard));
  }

  /** Ends shards that were removed. A failure is logged: nobody is sent there, and what they report is refused. */
  async retire(shardIds: readonly string[]): Promise<void> {
    await Promise.all(shardIds.map((id) => this.#try("retire_failed", id, () => this.#host.retire(id))));
  }

  async #launch(shard: Shard): Promise<boolean> {
    const { id } = shard.info();
    if (await this.#try("assign_failed", id, () => this.#assign(shard))) {
      note(shard, { isAssigned: true });
      return true;
    }
    this.#registry.removeShard(id);
    // The call may have arrived, and only its answer not.
    void this.retire([id]);
    return false;
  }

  #assign(shard: Shard): Promise<void> {
    const { id: shardId, roomId, capacity, hint } = shard.info();
    const draining = !isActive(shard);
    const assignment: Assignment = { shardId, worldId: this.#worldId, party: PARTY, roomId, capacity, draining };
    return this.#host.assign(assignment, hint ?? undefined);
  }

  async #try(event: string, shard: string, call: () => Promise<void>): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (error) {
      logFailure(this.#log, event, this.#worldId, { shard }, error);
      return false;
    }
  }
}
