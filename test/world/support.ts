import { createDirectory } from "../../src/app/directory.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { AnyRoom } from "../../src/define/room.ts";
import type { Claims } from "../../src/define/types.ts";
import type { ListingPlace, ListingReport } from "../../src/room/listing/report.ts";
import type { Assignment, LocationHint } from "../../src/world/assignment.ts";
import type { MetricsHost, RoomHost, ShardHost } from "../../src/world/hosts.ts";
import { createLog } from "../../src/platform/log.ts";
import { checkWorldConfig } from "../../src/world/settings.ts";
import type { WorldConfig } from "../../src/world/settings.ts";
import { loadOf } from "../../src/world/state.ts";
import type { Shard, WorldState } from "../../src/world/state.ts";
import { createWorld } from "../../src/world/world-room.ts";
import { MemoryRoom, MemorySocket } from "../support/memory.ts";
import type { VirtualClock } from "../support/memory.ts";

/** The id that MemoryRoom gives to every room. */
export const WORLD_ID = "r";
export const SECRET = "a secret that only shards know";
export const operator: Claims = { sub: "op", worlds: [WORLD_ID] };
export const player: Claims = { sub: "player" };
export const game = defineRoom({ path: "game-{id}", state: () => ({}) });
export const vip = defineRoom({ path: "vip-{id}", auth: "required", state: () => ({}) });
export const anything = defineRoom({ path: "{id}", state: () => ({}) });

/** A host that starts no shards, but records what they would be told. */
export class FakeHost implements ShardHost {
  readonly assigned: Assignment[] = [];
  readonly hints: (LocationHint | undefined)[] = [];
  readonly retired: string[] = [];
  /** Called for each call to a shard. It may throw, or take some time. */
  onCall: (shardId: string) => Promise<void> | void = () => {};

  async assign(assignment: Assignment, hint?: LocationHint): Promise<void> {
    this.assigned.push(assignment);
    this.hints.push(hint);
    await this.onCall(assignment.shardId);
  }

  async retire(shardId: string): Promise<void> {
    this.retired.push(shardId);
    await this.onCall(shardId);
  }
}

export interface Ask {
  readonly auth?: Claims | null;
  readonly headers?: Record<string, string>;
  readonly cf?: Record<string, unknown>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** A host that starts no rooms, but answers for each room what the test wrote down. */
export class FakeRooms implements RoomHost {
  /** Answers by room id. A room without one is not listed. */
  readonly reports = new Map<string, ListingReport>();
  readonly asked: string[] = [];
  /** Called when the World asks a room. It may throw or take some time, or list the room. */
  onAsk: (roomId: string) => Promise<void> | void = () => {};

  async ask({ roomId }: ListingPlace): Promise<ListingReport | null> {
    this.asked.push(roomId);
    await this.onAsk(roomId);
    return this.reports.get(roomId) ?? null;
  }
}

/** A World in memory on a virtual clock, without real shards. */
export class TestWorld {
  readonly host = new FakeHost();
  readonly rooms = new FakeRooms();
  readonly room: MemoryRoom<WorldState>;
  observatory: MetricsHost = {
    room: () => Promise.reject(new Error("There is no room")),
    shard: () => Promise.reject(new Error("There is no shard")),
  };
  env: Record<string, string> = { SHARD_SECRET: SECRET };
  random = 0;

  /** @param options a clock that is shared with others, and a host with real shards */
  constructor(
    config: WorldConfig = {},
    rooms: readonly AnyRoom[] = [game, vip],
    { clock, host }: { clock?: VirtualClock; host?: ShardHost } = {},
  ) {
    const { find } = createDirectory({ rooms });
    const world = createWorld({
      settings: checkWorldConfig(config),
      find,
      shards: () => host ?? this.host,
      rooms: () => this.rooms,
      observe: () => this.observatory,
      log: createLog(),
      now: () => this.room.clock.now(),
      timers: { after: (ms, run) => this.room.clock.after(ms, run) },
      random: () => this.random,
    });
    this.room = new MemoryRoom<WorldState>(world.compiled, clock);
    this.setEnv(this.env);
  }

  get now(): number {
    return this.room.clock.now();
  }

  setEnv(env: Record<string, string>): void {
    this.env = env;
    const present = this.room.core.handle.env as unknown as Record<string, string>;
    for (const name of Object.keys(present)) delete present[name];
    Object.assign(present, env);
  }

  async evict(): Promise<void> {
    await this.room.evict();
    this.setEnv(this.env);
  }

  crash(): void {
    this.room.crash();
    this.setEnv(this.env);
  }

  async ask(route: string, body?: unknown, { auth = null, headers, cf }: Ask = {}): Promise<Answer> {
    const [method = "", path = ""] = route.split(" ");
    const init = {
      method,
      headers: { ...headers },
      ...(cf && { cf }),
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    };
    const request = new Request(`http://world.test/parties/world/${WORLD_ID}${path}`, init);
    const response = await this.room.core.request(request, path, auth);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as Record<string, unknown> };
  }

  connect(roomId: string, ask?: Ask, autoCreate?: boolean): Promise<Answer> {
    return this.ask("POST /connect", { roomId, autoCreate }, ask);
  }

  /** @returns the id of the shard that a client was given */
  async enter(roomId: string, ask?: Ask): Promise<string> {
    const { status, body } = await this.connect(roomId, ask);
    if (status !== 200) throw new Error(`connect answered ${status}: ${JSON.stringify(body)}`);
    return body["shardId"] as string;
  }

  register(config: Record<string, unknown>, ask: Ask = { auth: operator }): Promise<Answer> {
    const defaults = { balancingStrategy: "round-robin", public: true, maxPlayersPerShard: 10, minShards: 0 };
    return this.ask("POST /register-room", { ...defaults, ...config }, ask);
  }

  scale(body: Record<string, unknown>, ask: Ask = { auth: operator }): Promise<Answer> {
    return this.ask("POST /scale-room", body, ask);
  }

  /** Reports as a shard does. */
  report(shardId: string, connections: number, more: Record<string, unknown> = {}): Promise<Answer> {
    const headers = { "x-access-shard": SECRET };
    return this.ask("POST /update-shard", { shardId, worldId: WORLD_ID, connections, ...more }, { headers });
  }

  /** Lists a room, as a room does when it is listed or its entry changes. Later questions get the same answer. */
  listRoom(roomId: string, changes: Partial<ListingReport> & { meta?: object } = {}): Promise<Answer> {
    const { meta = {}, ...rest } = changes;
    const path = roomId.replace(/-.*/, "-{id}");
    const report = {
      party: "main",
      roomId,
      path,
      metadata: JSON.stringify(meta),
      locked: false,
      users: 0,
      maxUsers: 4,
    };
    this.rooms.reports.set(roomId, { ...report, ...rest });
    return this.tellRoom(roomId);
  }

  /** Removes a room from the list, as the room does. */
  unlistRoom(roomId: string): Promise<Answer> {
    this.rooms.reports.delete(roomId);
    return this.tellRoom(roomId);
  }

  tellRoom(roomId: string): Promise<Answer> {
    const report = this.rooms.reports.get(roomId) ?? null;
    const headers = { "x-access-shard": SECRET };
    return this.ask("POST /update-listing", { party: "main", roomId, report }, { headers });
  }

  find(body: object = {}, ask?: Ask): Promise<Answer> {
    return this.ask("POST /find-room", { room: "game-{id}", ...body }, ask);
  }

  async listed(body: object = {}): Promise<string[]> {
    const answer = await this.ask("POST /list-rooms", { room: "game-{id}", ...body });
    return (answer.body["rooms"] as { roomId: string }[]).map(({ roomId }) => roomId);
  }

  async listen(auth: Claims | null): Promise<MemorySocket> {
    const request = new Request("http://world.test/", { headers: { upgrade: "websocket" } });
    const socket = new MemorySocket(undefined);
    this.room.sockets.push(socket);
    await this.room.core.connect({ request, auth, sessionId: undefined, socket });
    return socket;
  }

  get shards(): Shard[] {
    return Object.values(this.room.state.shards());
  }

  shard(shardId: string): Shard {
    const shard = this.shards.find((other) => other.info().id === shardId);
    if (!shard) throw new Error(`The registry has no shard ${shardId}`);
    return shard;
  }

  get roomIds(): string[] {
    return Object.values(this.room.state.rooms()).map((room) => room.info().id);
  }

  /** The current loads of all shards, including reserved places, in ascending order. */
  get loads(): number[] {
    return this.shards.map((shard) => loadOf(shard, this.now)).toSorted((a, b) => a - b);
  }
}

/** Counts how often each text occurs. @returns the counts in ascending order */
export function countOf(texts: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts.values()].toSorted((a, b) => a - b);
}
