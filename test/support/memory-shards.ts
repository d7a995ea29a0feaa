import type { CompiledRoom } from "../../src/define/room.ts";
import type { Claims } from "../../src/define/types.ts";
import type { ShardBatch } from "../../src/relay/messages.ts";
import type { Alarm, Clock } from "../../src/platform/ports.ts";
import type { ShardReport } from "../../src/shard/ports.ts";
import { ShardCore } from "../../src/shard/shard.ts";
import type { Assignment } from "../../src/world/assignment.ts";
import { InstanceClock, MemoryRoom, MemorySocket, MemoryStorage, VirtualClock, whileCurrent } from "./memory.ts";

/** What becomes of one call between two objects. */
export type Fate = "fine" | "lost" | "answer lost" | "twice";

/** One shard in memory. */
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

  /** Whether the platform could put it to sleep. */
  get isIdle(): boolean {
    return this.time.pending === 0 && this.core.isIdle;
  }

  /** Memory goes, sockets stay. The platform does this only where nothing goes on. */
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

/** A room with shards in memory, on one virtual clock, over a network that can fail. */
export class MemoryTree<S> {
  readonly clock: VirtualClock;
  readonly compiled: CompiledRoom;
  readonly room: MemoryRoom<S>;
  readonly shards = new Map<string, MemoryShard>();
  /** Decides about each call, and how long each way takes, in ms. */
  fate: () => Fate = () => "fine";
  delay: () => number = () => 1;
  /** What reaches the World: nothing, where there is none. */
  report: (assignment: Assignment, report: ShardReport) => Promise<boolean> = async () => true;
  /** Makes the port of a shard's alarm. */
  alarm: (set: (at: number) => void, clock: Clock) => Alarm = (set) => ({ set });
  /** What else has an alarm. */
  others: { alarmAt: number; ring(): Promise<void> }[] = [];
  /** Calls from the room to shards, and the bytes of what they carry. */
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

  /** A call between two objects. It never ends for a caller that is dead. */
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

  /** Lets time pass everywhere: what is due runs in its order, and what it promised is done before the next. */
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

/** The real one, also where a test moves the time of its clients itself. */
const { setTimeout: later } = globalThis;

/** Until no promise is left to be run: a macrotask comes after all of them. */
function idle(): Promise<void> {
  return new Promise((resolve) => later(resolve, 0));
}
