import { bytesOf } from "../../src/protocol/text-size.ts";
import type { CompiledRoom } from "../../src/define/room.ts";
import { transfers } from "../../src/app/transfers.ts";
import type { Claims } from "../../src/define/types.ts";
import type { Alarm, Clock, LogEntry, SentFrame, Socket, Storage } from "../../src/platform/ports.ts";
import type { Ports } from "../../src/room/room-ports.ts";
import { Listing, LISTING_ROW } from "../../src/room/listing/listing.ts";
import type { Worlds } from "../../src/room/listing/report.ts";
import { LiveShardLinks } from "../../src/room/shards/live-shard-links.ts";
import { LINK_ROW } from "../../src/room/shards/shard-link.ts";
import type { Shards } from "../../src/relay/messages.ts";
import { Journal } from "../../src/room/storage/journal.ts";
import { requestIn } from "../../src/protocol/packets.ts";
import { RoomCore } from "../../src/room/room.ts";
import type { WorldParts } from "../../src/room/optional-parts.ts";
import { BinaryTexts } from "./binary-texts.ts";
import { spoken } from "./spoken.ts";
import { LoadClient } from "./load-client.ts";

/** A clock that only advances when a test says so. */
export class VirtualClock {
  time = 1_000_000;
  readonly #timers = new Map<number, { at: number; run: () => void }>();
  #next = 0;

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const key = this.#next++;
    this.#timers.set(key, { at: this.time + ms, run });
    return () => this.#timers.delete(key);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due. */
  get next(): number {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at));
  }

  /** Advances, and runs due timers in order. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= end)
        .toSorted((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].run();
    }
    this.time = end;
  }
}

/** The clock of one instance of an object. Its timers end with the instance. */
export class InstanceClock implements Clock {
  readonly #clock: VirtualClock;
  readonly #timers = new Set<() => void>();
  #isOver = false;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, run: () => void): () => void {
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(stop);
      run();
    });
    const stop = () => {
      this.#timers.delete(stop);
      cancel();
    };
    if (this.#isOver) stop();
    else this.#timers.add(stop);
    return stop;
  }

  clear(): void {
    this.#isOver = true;
    for (const stop of this.#timers) stop();
  }
}

/** The rows in a journal, or in one of its slots. */
export function journalOf(rows: ReadonlyMap<string, unknown>, key = "$version"): ReadonlyMap<string, unknown> {
  const slot = rows.get(key);
  const inner = slot instanceof Map ? slot : (slot as { rows?: unknown } | undefined)?.rows;
  // Older journals have no groups.
  const found = new Map<string, unknown>();
  for (const [name, value] of inner instanceof Map ? (inner as Map<string, unknown>) : []) {
    if (!(value instanceof Map)) found.set(name, value);
    else for (const [own, packed] of value as Map<string, unknown>) found.set(own, packed);
  }
  return found;
}

/** Storage with transactions, and faults on demand. */
export class MemoryStorage {
  /** The rows as they are stored. Rows that the journal replaces have older values here. */
  raw = new Map<string, unknown>();
  writes = 0;
  /**
   * Called for each write, and makes it fail by throwing. There is no value if a row is deleted. For a journal it is
   * called for each row in it.
   */
  fault: (key: string, value?: unknown) => void = () => {};

  /** Called with each row that is read. */
  onRead: (value: unknown) => void = () => {};

  /** The rows as a room sees them. This is the same map, unless there is a journal. */
  get rows(): Map<string, unknown> {
    if (journalOf(this.raw).size === 0) return this.raw;
    const { raw, onRead } = this;
    this.onRead = () => {};
    try {
      return new Map(new Journal(this, 0).list());
    } finally {
      this.onRead = onRead;
      this.raw = raw;
    }
  }
  set rows(rows: Map<string, unknown>) {
    this.raw = rows;
  }

  get(key: string): unknown {
    const value = this.raw.get(key);
    this.onRead(value);
    return structuredClone(value);
  }
  put(key: string, value: unknown): void {
    this.fault(key, value);
    const before = journalOf(this.raw, key);
    this.raw.set(key, structuredClone(value));
    for (const [inner, own] of journalOf(this.raw, key)) {
      if (JSON.stringify(own) !== JSON.stringify(before.get(inner)))
        this.fault(inner, typeof own === "string" ? JSON.parse(own) : (own as { value?: unknown } | undefined)?.value);
    }
    this.writes++;
  }
  delete(key: string): void {
    this.fault(key);
    this.writes++;
    this.raw.delete(key);
  }
  *list({ start = "", end }: { start?: string; end?: string } = {}): Iterable<[string, unknown]> {
    const isInRange = (key: string) => key >= start && (end === undefined || key < end);
    for (const key of [...this.raw.keys()].filter(isInRange).toSorted()) yield [key, this.get(key)];
  }
  transaction(run: () => void): void {
    const before = new Map(this.raw);
    try {
      run();
    } catch (error) {
      this.raw = before;
      throw error;
    }
  }
  async sync(): Promise<void> {}
}

/** The storage of one instance. It refuses to work when the instance is dead. */
export function whileCurrent(storage: MemoryStorage, isCurrent: () => boolean): Storage {
  const check = <T>(run: () => T): T => {
    if (!isCurrent()) throw new Error("This instance is dead");
    return run();
  };
  return {
    get: (key) => check(() => storage.get(key)),
    put: (key, value) => check(() => storage.put(key, value)),
    delete: (key) => check(() => storage.delete(key)),
    list: (range) => check(() => storage.list(range)),
    transaction: (run) => check(() => storage.transaction(run)),
    sync: () => storage.sync(),
  };
}

/** A socket whose client is in the same memory. */
export class MemorySocket implements Socket {
  isOpen = true;
  isAccepted = false;
  closedWith: { code: number; reason: string } | undefined;
  /** What was sent to it, as frames and as JSON. */
  readonly frames: SentFrame[] = [];
  readonly texts: string[] = [];
  /** Errors of frames that no client could read. */
  readonly malformed: unknown[] = [];
  /** Reads binary frames. A client that reconnects continues with what it knows. */
  binary: BinaryTexts;
  get endsLate(): boolean {
    return this.isAccepted;
  }
  /** The clients at the other end: one with a plain object, and one with signals if the test has an instance. */
  readonly clients: LoadClient[];
  #attachment: unknown;

  /** @param takesObjects whether its client uses protocol 2 or later */
  constructor(instance: object | undefined, binary = new BinaryTexts(), takesObjects = false) {
    this.binary = binary;
    this.clients = [{}, ...(instance ? [instance] : [])].map((own) => new LoadClient(own, takesObjects));
  }

  pingedAt = 0;
  /** Frames that the client has not read yet; undefined while it reads. */
  #unread: SentFrame[] | undefined;
  /** Requests for a confirmation that arrived before `onAsked` was set. */
  readonly #early: number[] = [];
  #onAsked: ((token: number) => void) | undefined;
  /** The last request for a confirmation, as JSON. */
  lastRequest = "";

  /** Called for each request for a confirmation that the client reads. */
  set onAsked(onAsked: (token: number) => void) {
    this.#onAsked = onAsked;
    for (const token of this.#early.splice(0)) onAsked(token);
  }

  send(frame: SentFrame): number {
    if (!this.isOpen) throw new Error("closed");
    if (this.#unread) this.#unread.push(frame);
    else this.#read(frame);
    return frame.length;
  }
  /** Lets the client stop reading. */
  stall(): void {
    this.#unread ??= [];
  }
  /** Lets the client read all waiting frames, and continue reading. */
  read(): void {
    // Frames that reading causes are queued after the waiting ones.
    for (let frame = this.#unread?.shift(); frame !== undefined; frame = this.#unread?.shift()) this.#read(frame);
    this.#unread = undefined;
  }
  get isStalled(): boolean {
    return this.#unread !== undefined;
  }
  /** The size of the frames that wait for the client. */
  get unreadBytes(): number {
    return (this.#unread ?? []).reduce((sum, frame) => sum + bytesOf(frame), 0);
  }
  #read(frame: SentFrame): void {
    const text = this.#textOf(frame);
    const request = text.includes('"confirm"') ? requestIn(text) : undefined;
    if (request !== undefined) this.lastRequest = text;
    if (request !== undefined && !this.#onAsked) this.#early.push(request);
    if (request !== undefined) return this.#onAsked?.(request);
    this.frames.push(frame);
    this.texts.push(text);
    for (const client of this.clients) client.receive(text);
  }

  #textOf(frame: SentFrame): string {
    try {
      return this.binary.textOf(frame);
    } catch (error) {
      this.malformed.push(error);
      throw error;
    }
  }

  accept(): void {
    this.isAccepted = true;
  }
  close(code: number, reason: string): void {
    this.isOpen = false;
    this.closedWith = { code, reason };
  }
  attachment(): unknown {
    return structuredClone(this.#attachment);
  }
  attach(value: unknown): void {
    if (JSON.stringify(value).length > 16_384) throw new Error("too large");
    this.#attachment = structuredClone(value);
  }
}

/** A whole room in memory on a virtual clock: the real code, but thousands of times faster than in real time. */
export class MemoryRoom<S> {
  readonly clock: VirtualClock;
  readonly storage = new MemoryStorage();
  readonly log: LogEntry[] = [];
  alarmAt = Infinity;
  /** How often the alarm was set. Each time costs a row. */
  alarmsSet = 0;
  neighbours: Ports["neighbours"] = {
    board: async () => ({ ok: false, code: "not_found", message: "There is no such room" }),
    recall: async () => ({ arrived: false, passenger: null }),
    arrived: async () => {},
    fetch: async () => new Response(null, { status: 404 }),
    call: async () => ({ ok: false, code: "not_found", message: "There is no such room", issues: undefined }),
  };
  /** The room's port to its shards. `MemoryTree` of memory-shards.ts replaces it. */
  shards: Shards = {
    introduce: async () => undefined,
    deliver: async () => ({ verdict: "unknown" }),
  };
  /** The room's port to Worlds, for reports about its listing. */
  worlds: Worlds = { report: async () => undefined };
  /** Whether the service has Worlds. Read when the room starts. */
  hasWorlds = true;
  /** Whether the service has transfers. Read when the room starts. */
  hasTransfers = true;
  sockets: MemorySocket[] = [];
  core: RoomCore;
  /** Creates the signals in which a client keeps its state, besides the plain object. */
  clientInstance: () => object | undefined = () => undefined;
  #compiled: CompiledRoom;
  #time: InstanceClock | undefined;
  #die: () => void = () => {};
  /** The number of events that are being handled. */
  #busy = 0;

  readonly #id: string;

  /** @param clock may be shared with other rooms */
  constructor(compiled: CompiledRoom, clock = new VirtualClock(), id = "r") {
    this.#compiled = compiled;
    this.#id = id;
    this.clock = clock;
    this.core = this.#start();
  }

  get state(): S {
    return this.core.state as S;
  }

  async connect(
    sessionId: string | undefined,
    auth: Claims | null = null,
    transferToken?: string,
    query = "",
    binary = new BinaryTexts(),
  ): Promise<MemorySocket> {
    const socket = new MemorySocket(this.clientInstance(), binary, spoken.query(query).includes("protocol="));
    await this.core.connect({
      request: new Request(`http://room/?${spoken.query(query)}`),
      auth,
      sessionId,
      transferToken,
      socket,
    });
    socket.onAsked = (token) => void this.core.message(socket, `{"confirm":${token}}`);
    if (socket.isOpen) this.sockets.push(socket);
    return socket;
  }

  disconnect(socket: MemorySocket): void {
    socket.isOpen = false;
    this.sockets = this.sockets.filter((other) => other !== socket);
    this.core.closed(socket);
  }

  /** Changes the state in one turn. */
  change(run: (state: S) => void): void {
    try {
      this.core.turns.run(() => run(this.state));
    } finally {
      this.core.turns.end();
    }
  }

  /** Advances the time: timers run, and the alarm rings. */
  async advance(ms: number): Promise<void> {
    const end = this.clock.time + ms;
    while (this.alarmAt <= end) {
      this.clock.advance(Math.max(this.alarmAt - this.clock.time, 0));
      await this.ring();
    }
    this.clock.advance(end - this.clock.time);
  }

  /** Creates the port of the alarm. @param set sets the platform's alarm */
  protected alarm(set: (at: number) => void, _clock: Clock): Alarm {
    return { set };
  }

  /** The current instance, which is a new object after each start. */
  get instance(): unknown {
    return this.#time;
  }

  /** Whether the platform could evict it. */
  get isIdle(): boolean {
    return (this.#time?.pending ?? 0) === 0 && this.#busy === 0;
  }

  /** Handles an event from another object. It fails if this object dies meanwhile. */
  async during<T>(event: (core: RoomCore) => Promise<T>): Promise<T> {
    const { promise: death, reject } = Promise.withResolvers<never>();
    const die = this.#die;
    this.#die = () => {
      die();
      reject(new Error("The object died"));
    };
    this.#busy++;
    try {
      return await Promise.race([event(this.core), death]);
    } finally {
      this.#busy--;
    }
  }

  async ring(): Promise<void> {
    this.alarmAt = Infinity;
    await this.core.alarm();
  }

  /** Evicts the object as the platform does: only when no timers are left. Its sockets stay. */
  async evict(): Promise<void> {
    while ((this.#time?.pending ?? 0) > 0 || !this.core.parts.shardLinks.isAcknowledged) await this.advance(1000);
    this.core = this.#start();
  }

  /** Starts the object with other code while its sockets stay. Cloudflare closes them, but `wrangler dev` does not. */
  async deploy(compiled: CompiledRoom): Promise<void> {
    while ((this.#time?.pending ?? 0) > 0 || !this.core.parts.shardLinks.isAcknowledged) await this.advance(1000);
    this.#compiled = compiled;
    this.core = this.#start();
  }

  /** Loses memory and sockets at once, and starts again. */
  crash(): void {
    this.kill();
    this.start();
  }

  /** Loses memory and sockets at once, and does not start again. Only what is stored remains. */
  kill(): void {
    for (const socket of this.sockets) socket.isOpen = false;
    this.sockets = [];
    this.#time?.clear();
    this.#time = undefined;
    this.#die();
  }

  start(): void {
    this.core = this.#start();
  }

  /** The neighbours of one instance. When it is dead, its calls never end. */
  #neighbours(isCurrent: () => boolean): Ports["neighbours"] {
    const ask = <T>(run: () => Promise<T>) => (isCurrent() ? run() : new Promise<T>(() => {}));
    return {
      board: (...asked) => ask(() => this.neighbours.board(...asked)),
      recall: (...asked) => ask(() => this.neighbours.recall(...asked)),
      arrived: (...asked) => ask(() => this.neighbours.arrived(...asked)),
      fetch: (...asked) => ask(() => this.neighbours.fetch(...asked)),
      call: (...asked) => ask(() => this.neighbours.call(...asked)),
    };
  }

  #start(): RoomCore {
    this.#time?.clear();
    this.#die();
    this.#die = () => {};
    const time = (this.#time = new InstanceClock(this.clock));
    const ports: Ports = {
      storage: whileCurrent(this.storage, () => this.#time === time),
      clock: time,
      alarm: this.alarm((at) => {
        if (this.#time !== time) return;
        this.alarmAt = at;
        this.alarmsSet++;
      }, time),
      sockets: () => this.sockets,
      log: (entry) => this.log.push(entry),
      neighbours: this.#neighbours(() => this.#time === time),
      retire: async () => {
        if (this.#time !== time) return;
        this.storage.rows.clear();
        this.alarmAt = Infinity;
        this.start();
      },
    };
    const worlds: Worlds = { report: (worldId, place, report) => this.worlds.report(worldId, place, report) };
    const shards: Shards = {
      introduce: (shardId, boot) => this.shards.introduce(shardId, boot),
      deliver: (shardId, batch) => this.shards.deliver(shardId, batch),
    };
    const identity = { id: this.#id, party: "main", params: {}, env: {} as Cloudflare.Env };
    const worldParts: WorldParts = {
      links: (scope) => new LiveShardLinks({ ...scope, shards }),
      listing: (scope) => new Listing({ ...scope, worlds }),
      rowChecks: { link: LINK_ROW, listing: LISTING_ROW },
    };
    return new RoomCore(this.#compiled, identity, ports, {
      world: this.hasWorlds ? worldParts : undefined,
      transfers: this.hasTransfers ? transfers.parts : undefined,
    });
  }
}
