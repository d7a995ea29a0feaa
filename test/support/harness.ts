import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { SignJWT } from "jose";
import { inject } from "vitest";
import type { ShardObjectBase } from "../../src/objects/shard-object.ts";
import type { AnyRoom, DefinedRoom } from "../../src/define/room.ts";
import type { Storage } from "../../src/platform/ports.ts";
import { requestIn } from "../../src/protocol/packets.ts";
import type { RoomCore } from "../../src/room/room.ts";
import { Journal } from "../../src/room/storage/journal.ts";
import { OPERATOR_AUDIENCE } from "../../src/protocol/operator.ts";
import { BinaryTexts } from "./binary-texts.ts";
import { spoken } from "./spoken.ts";
import { LoadClient } from "./load-client.ts";
import { serve } from "../../src/testing/registry.ts";

const ORIGIN = "http://rooms.test";

export interface Packet {
  readonly type: string;
  readonly value: Record<string, unknown>;
}

export interface ConnectOptions {
  readonly id?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly query?: string;
  readonly via?: "room" | "shard";
}

/** Whether the suite's clients connect to rooms or to shards. */
export const VIA = inject("via");

declare module "vitest" {
  interface ProvidedContext {
    via: "room" | "shard";
  }
}

/** Creates a new stub each time, because the stub of an object that crashed is broken. */
export function shardStub(shardId: string): DurableObjectStub<ShardObjectBase> {
  const shards = (env as unknown as { SHARDS: DurableObjectNamespace<ShardObjectBase> }).SHARDS;
  return shards.get(shards.idFromName(`shard/${shardId}`));
}

/** A client on a real WebSocket. */
export class TestClient {
  readonly packets: Packet[] = [];
  readonly texts: string[] = [];
  readonly view: LoadClient;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #ws: WebSocket;
  readonly #waiting = new Set<() => void>();
  readonly #binary = new BinaryTexts();
  #ids = 0;

  /** @param takesObjects whether it speaks protocol 2 or later */
  constructor(ws: WebSocket, takesObjects = false) {
    this.#ws = ws;
    this.view = new LoadClient({}, takesObjects);
    ws.binaryType = "arraybuffer";
    const { promise, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = promise;
    ws.addEventListener("message", ({ data }) => this.#receive(data as string | ArrayBuffer));
    ws.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    ws.accept();
  }

  get state(): unknown {
    return this.view.state;
  }

  get publicId(): string {
    return this.packets.find((packet) => packet.value && "pId" in packet.value)?.value["pId"] as string;
  }

  /** Sends a message and waits for its ack or error. */
  async call(action: string, value?: unknown): Promise<Packet> {
    const id = `call-${this.#ids++}`;
    this.send({ action, value, id });
    return this.until((packet) => packet.value?.["id"] === id);
  }

  send(message: unknown): void {
    this.#ws.send(typeof message === "string" || message instanceof ArrayBuffer ? message : JSON.stringify(message));
  }

  /** Resolves with the first matching packet, which may have been received already. */
  async until(matches: (packet: Packet) => boolean): Promise<Packet> {
    for (;;) {
      const found = this.packets.find(matches);
      if (found) return found;
      await this.#change();
    }
  }

  /** Waits until the state of this client fulfils a condition. */
  async sees(condition: (state: never) => boolean): Promise<void> {
    while (!condition(this.state as never)) await this.#change();
  }

  async text(expected: string): Promise<void> {
    while (!this.texts.includes(expected)) await this.#change();
  }

  close(code = 1000, reason = ""): void {
    this.#ws.close(code, reason);
  }

  #receive(frame: string | ArrayBuffer): void {
    const text = this.#binary.textOf(frame);
    const request = requestIn(text);
    if (request !== undefined) return this.send({ confirm: request });
    this.texts.push(text);
    if (text !== "pong") {
      this.packets.push(JSON.parse(text) as Packet);
      this.view.receive(text);
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }
}

/** A room under test, which tests use from outside and, if necessary, from inside. */
export class TestRoom<S = unknown> {
  readonly party: string;
  readonly id: string;
  readonly #definition: AnyRoom;
  readonly #shards = new Set<string>();

  constructor(room: AnyRoom, id: string, party = serve(room)) {
    this.#definition = room;
    this.party = party;
    this.id = id;
  }

  /** Creates a new stub each time, because the stub of an object that crashed is broken. */
  get stub(): DurableObjectStub {
    return env.ROOMS.get(env.ROOMS.idFromName(`${this.party}/${this.id}`));
  }

  /** Another room of the same party. */
  sibling(id: string): TestRoom<S> {
    return new TestRoom<S>(this.#definition, id, this.party);
  }

  async connect(options: ConnectOptions = {}): Promise<TestClient> {
    const client = await this.open(options);
    await Promise.race([
      client.until((packet) => packet.type === "sync"),
      client.closed.then(({ code, reason }) => Promise.reject(new Error(`closed with ${code} ${reason}`))),
    ]);
    return client;
  }

  /** Connects without waiting for the first packet, to the room or to a shard, depending on the suite. */
  async open({ id, token, headers, query = "", via = VIA }: ConnectOptions = {}): Promise<TestClient> {
    const { party, room } = await this.place(via);
    const url = new URL(`/parties/${party}/${encodeURIComponent(room)}?${spoken.query(query)}`, ORIGIN);
    if (id !== undefined) url.searchParams.set("id", id);
    if (token !== undefined) url.searchParams.set("token", token);
    const response = await exports.default.fetch(url.href, { headers: { ...headers, upgrade: "websocket" } });
    if (!response.webSocket) throw new Error(`no socket: ${response.status}`);
    return new TestClient(response.webSocket, url.searchParams.has("protocol"));
  }

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    const { party, room } = await this.place();
    return exports.default.fetch(`${ORIGIN}/parties/${party}/${encodeURIComponent(room)}${path}`, init);
  }

  /** Where clients connect. */
  async place(via = VIA): Promise<{ party: string; room: string }> {
    return via === "shard" ? { party: "shard", room: await this.shard() } : { party: this.party, room: this.id };
  }

  /** A shard of the room. @returns its id */
  async shard(name = "1", capacity = 1000): Promise<string> {
    const shardId = `${this.party}-${this.id.replace(/[^\w-]/g, "_")}-${name}`;
    if (!this.#shards.has(shardId)) {
      this.#shards.add(shardId);
      const assignment = { shardId, worldId: "none", party: this.party, roomId: this.id, capacity, draining: false };
      await shardStub(shardId).assign(assignment);
    }
    return shardId;
  }

  /** Runs a function inside the object. */
  inside<R>(run: (state: S, core: RoomCore, ctx: DurableObjectState) => R | Promise<R>): Promise<R> {
    return runInDurableObject(this.stub, async (instance, ctx) => {
      const { core } = instance as unknown as { core: RoomCore };
      await core.started;
      return run(core.state as S, core, ctx);
    });
  }

  /** Changes the state inside the object in one turn, and waits until the change is sent. */
  change(run: (state: S) => void): Promise<void> {
    return this.inside((state, core) => {
      core.turns.run(() => run(state));
      core.turns.end();
    });
  }

  /** The stored rows as a room reads them, including rows in the journal. */
  stored(): Promise<Record<string, unknown>> {
    return this.inside((_state, _core, ctx) => {
      const { kv } = ctx.storage;
      const storage = { get: (key: string) => kv.get(key), list: (range?: object) => kv.list(range) };
      return Object.fromEntries(new Journal(storage as Storage, 0).list());
    });
  }

  async evict(): Promise<void> {
    // Only a running object can be evicted, and eviction waits until an object has saved its changes.
    await this.inside(async (_state, core) => {
      while (!core.parts.shardLinks.isAcknowledged) await scheduler.wait(1);
      // Save now what timers would save later, because eviction waits for timers. Storage fails on purpose in some
      // tests.
      // failing storage.
      await core.handle.flush().catch(() => {});
    });
    if (VIA === "shard") await this.alarm();
    await evictDurableObject(this.stub);
  }

  alarm(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub);
  }

  crash(): Promise<void> {
    return abortAllDurableObjects();
  }
}

export function testRoom<S>(room: DefinedRoom<S>, id = "room-1"): TestRoom<S> {
  return new TestRoom<S>(room, id);
}

/** A token of an operator, signed with the tests' secret. */
export function operatorToken(claims: Record<string, unknown>): Promise<string> {
  return token({ aud: OPERATOR_AUDIENCE, ...claims });
}

/** A token signed with the tests' secret. */
export function token(claims: Record<string, unknown>, expires: string | number = "1h"): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(env.AUTH_JWT_SECRET));
}
