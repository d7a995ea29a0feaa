import { PARTY } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import { unreachable } from "./error-answer.ts";
import type { ErrorAnswer } from "./error-answer.ts";
import type { ShardHost } from "./hosts.ts";
import { Calls } from "./calls.ts";
import type { Log } from "../platform/log.ts";
import type { Clock } from "../platform/ports.ts";
import { logFailure } from "./log.ts";
import type { Registry } from "./registry.ts";
import { changeRecord, isActive } from "./state.ts";
import type { Shard } from "./state.ts";

/**
 * Starts shards: sends them their assignments. A shard that cannot be reached is removed from the registry. If a crash
 * of the World interrupts a start, it is repeated for the next client of the shard.
 */
export class ShardStarter {
  readonly #worldId: string;
  readonly #registry: Registry;
  readonly #host: ShardHost;
  readonly #log: Log;
  readonly #starts: Calls;
  readonly #ends: Calls;
  readonly #starting = new Map<string, Promise<ErrorAnswer | undefined>>();

  constructor(worldId: string, registry: Registry, host: ShardHost, log: Log, clock: Clock) {
    this.#starts = new Calls(clock);
    this.#ends = new Calls(clock);
    this.#worldId = worldId;
    this.#registry = registry;
    this.#host = host;
    this.#log = log;
  }

  /** Resolves when a shard has its assignment. The result is the answer if it could not be reached. Never rejects. */
  async ensureStarted(shard: Shard): Promise<ErrorAnswer | undefined> {
    const { id } = shard.info();
    const starting = this.#starting.get(id);
    if (starting || shard.ledger().isAssigned) return starting;
    const start = this.#start(shard).finally(() => this.#starting.delete(id));
    this.#starting.set(id, start);
    return start;
  }

  /** Sends a shard its changed assignment. A failure is logged: the World itself assigns no clients to it. */
  async sendAssignment(shard: Shard): Promise<void> {
    const { id } = shard.info();
    await this.#starting.get(id);
    if (this.#registry.shard(id) === shard) await this.#try("assign_failed", id, () => this.#assign(shard));
  }

  /** Retires removed shards. A failure is logged: no clients are assigned to them, and their reports are refused. */
  async retire(shardIds: readonly string[]): Promise<void> {
    const end = (id: string) => this.#ends.make(() => this.#host.retire(id));
    await Promise.all(shardIds.map((id) => this.#try("retire_failed", id, () => end(id))));
  }

  async #start(shard: Shard): Promise<ErrorAnswer | undefined> {
    const { id } = shard.info();
    const problem = await this.#try("assign_failed", id, () => this.#assign(shard));
    if (!problem) {
      changeRecord(shard, { isAssigned: true });
      return undefined;
    }
    this.#registry.removeShard(id);
    // The call may have arrived even if its answer did not.
    void this.retire([id]);
    return problem;
  }

  #assign(shard: Shard): Promise<void> {
    const { id: shardId, roomId, capacity, hint } = shard.info();
    const draining = !isActive(shard);
    const assignment: Assignment = { shardId, worldId: this.#worldId, party: PARTY, roomId, capacity, draining };
    return this.#starts.make(() => this.#host.assign(assignment, hint ?? undefined));
  }

  async #try(event: string, shard: string, call: () => Promise<void>): Promise<ErrorAnswer | undefined> {
    try {
      await call();
      return undefined;
    } catch (error) {
      logFailure(this.#log, event, this.#worldId, { shard }, error);
      return unreachable("shard", error);
    }
  }
}
