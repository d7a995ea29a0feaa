import type { CompiledRoom } from "../../src/define/room.ts";
import type { Claims } from "../../src/define/types.ts";
import type { ShardBatch } from "../../src/relay/messages.ts";
import type { Alarm, Clock } from "../../src/platform/ports.ts";
import type { ShardReport } from "../../src/shard/ports.ts";
import { ShardCore } from "../../src/shard/shard.ts";
import type { Assignment } from "../../src/world/assignment.ts";
import { InstanceClock, MemoryRoom, MemorySocket, MemoryStorage, VirtualClock, whileCurrent } from "./memory.ts";

/** What happens to one call between two objects. */
export type Fate = "fine" | "lost" | "answer lost" | "twice";

export class MemoryShard {
  readonly storage = new MemoryStorage();
  sockets: MemorySocket[] = [];
  core: ShardCore;
  alarmAt = Infinity;
  time: InstanceClock;
  readonly #tree: MemoryTree<unknown>;

  constructor(tree: MemoryTree<unknown>, shardId: string, capacity: number) {
    this.#tree = tree;
    this.time = new InstanceClock(tree.clock);
    this.core = this.#start();
    this.core.assign({ shardId, worldId: "r", party: "main", roomId: "r", capacity, draining: false });
  }

  connect(sessionId: string, auth: Claims | null = null, query = ""): MemorySocket {
    this.core.check(auth);
    this.core.checkSpace();
    const socket = new MemorySocket(this.#tree.room.clientInstance());
    socket.onAsked = (token) => this.send(socket, { confirm: token });
    this.sockets.push(socket);
    const request = { url: `http://room/?${query}`, headers: [], cf: undefined };
    void this.core.join(socket, { request, auth, sessionId, transferToken: undefined });
    return socket;
  }

  send(socket: MemorySocket, message: unknown): void {
    this.core.message(socket, typeof message === "string" ? message : JSON.stringify(message));
  }

  disconnect(socket: MemorySocket): void {
    socket.isOpen = false;
    this.core.closed(socket);
  }

  /** Whether the platform could evict it. */
  get isIdle(): boolean {
    return this.time.pending === 0 && this.core.isIdle;
  }

  /** Clears its memory and keeps its sockets. The platform does this only while the object is idle. */
  evict(): void {
    this.core = this.#start();
  }

  crash(): void {
    for (const socket of this.sockets) socket.isOpen = false;
    this.core = this.#start();
  }

  async ring(): Promise<void> {
    this.alarmAt = Infinity;
    await this.core.alarm();
  }

  #start(): ShardCore {
    this.time?.clear();
    const time = (this.time = new InstanceClock(this.#tree.clock));
    const isCurrent = () => this.time === time;
    this.sockets = this.sockets.filter((socket) => socket.isOpen);
    return new ShardCore(
      {
        storage: whileCurrent(this.storage, isCurrent),
        clock: time,
        alarm: this.#tree.alarm((at) => (this.alarmAt = at), time),
        end: async () => {
          for (const key of this.storage.rows.keys()) this.storage.delete(key);
          this.alarmAt = Infinity;
        },
        sockets: () => this.sockets,
        relay: (_assignment, batch) => this.#tree.call(isCurrent, () => this.#tree.relay(batch)),
        report: (assignment, report) => this.#tree.call(isCurrent, () => this.#tree.report(assignment, report)),
        log: () => {},
        counts: { relayed: 0 },
      },
      () => this.#tree.compiled.settings,
    );
  }
}

/** A room with shards in memory, on one virtual clock, with an unreliable network. */
export class MemoryTree<S> {
  readonly clock: VirtualClock;
  readonly compiled: CompiledRoom;
  readonly room: MemoryRoom<S>;
  readonly shards = new Map<string, MemoryShard>();
  /** Decides the fate of each call, and how long each direction takes, in ms. */
  fate: () => Fate = () => "fine";
  delay: () => number = () => 1;
  /** Receives the reports to the World. By default there is no World. */
  report: (assignment: Assignment, report: ShardReport) => Promise<boolean> = async () => true;
  /** Creates the port of a shard's alarm. */
  alarm: (set: (at: number) => void, clock: Clock) => Alarm = (set) => ({ set });
  /** Other objects that have an alarm. */
  others: { alarmAt: number; ring(): Promise<void> }[] = [];
  /** The calls from the room to shards, and their total bytes. */
  readonly delivered = { calls: 0, bytes: 0 };

  constructor(compiled: CompiledRoom, clock = new VirtualClock()) {
    this.clock = clock;
    this.compiled = compiled;
    this.room = new MemoryRoom<S>(compiled, this.clock);
    const from = (instance: unknown) => () => this.room.instance === instance;
    this.room.shards = {
      introduce: (shardId, boot) =>
        this.call(from(this.room.instance), async () => this.shards.get(shardId)?.core.introduce(boot)),
      deliver: (shardId, batch) => {
        this.delivered.calls++;
        this.delivered.bytes += JSON.stringify(batch).length;
        return this.call(
          from(this.room.instance),
          async () => this.shards.get(shardId)?.core.deliver(batch) ?? { verdict: "unknown" as const },
        );
      },
    };
  }

  add(shardId: string, capacity = 1000): MemoryShard {
    const shard = new MemoryShard(this, shardId, capacity);
    this.shards.set(shardId, shard);
    return shard;
  }

  relay(batch: ShardBatch) {
    return this.room.during((core) => core.relay(batch));
  }

  /** Makes a call between two objects. If its caller dies, the call never ends. */
  async call<T>(isAlive: () => boolean, run: () => Promise<T>): Promise<T> {
    const fate = this.fate();
    await this.#pass();
    if (fate === "lost") throw new Error("The call was lost");
    const answer = structuredClone(await run());
    if (fate === "twice") {
      await this.#pass();
      structuredClone(await run());
    }
    await this.#pass();
    if (!isAlive()) await new Promise(() => {});
    if (fate === "answer lost") throw new Error("The answer was lost");
    return answer;
  }

  /** Advances the time of all objects. Due events run in order, each after the promises of the previous one. */
  async advance(ms: number): Promise<void> {
    const end = this.clock.time + ms;
    for (;;) {
      await idle();
      const sleepers = [this.room, ...this.shards.values(), ...this.others];
      const next = Math.min(this.clock.next, ...sleepers.map(({ alarmAt }) => alarmAt));
      if (next > end) break;
      this.clock.advance(Math.max(next - this.clock.time, 0));
      for (const sleeper of sleepers) if (sleeper.alarmAt <= this.clock.time) void sleeper.ring();
    }
    this.clock.advance(end - this.clock.time);
    await idle();
  }

  #pass(): Promise<void> {
    return new Promise((resolve) => this.clock.after(this.delay(), resolve));
  }
}

/**
 * Waits until all promises have settled: the body of a response is read in a task after all of them. A timer would be
 * one too, but takes more than a millisecond.
 */
async function idle(): Promise<void> {
  await new Response(new Blob(["."]).stream()).arrayBuffer();
}
