import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { forwardRequest, USER_TOKEN } from "../auth/internal.ts";
import { tokenError } from "../auth/access.ts";
import type { DefinedRoom } from "../define/room.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";
import type { ActionArgumentsOf, ActionResultOf, NameOfRoomAction, TypedRoom } from "../define/action-types.ts";
import type { Claims, RoomAddress } from "../define/types.ts";
import { objectName } from "../protocol/urls.ts";
import { isContainer } from "../protocol/values.ts";
import { ANYWHERE } from "../objects/places.ts";
import { refuse } from "../objects/handshake.ts";
import type { CallAnswer, RoomCall } from "../room/actions/room-calls.ts";
import { callRoom } from "../room/call-room.ts";
import type { RoomCore } from "../room/room.ts";
import { SPECTATOR } from "../state/viewer.ts";
import { TestClient } from "./client.ts";
import { expectedView, UNREADABLE, withoutEmpty } from "./expected-view.ts";
import { serve, shared } from "./registry.ts";
import type { RoomObject } from "./room-object.ts";
import { findSharedSignal } from "./shared-signals.ts";
import { findSilentChange } from "./silent-changes.ts";

/** What {@link testRoom} takes beside the definition. */
export interface TestRoomOptions {
  /** The room's id. Default: the definition's path with "test" in each segment. */
  readonly id?: string;
  /** The claims of clients and requests that bring none of their own. */
  readonly auth?: Claims;
}

/** What `createClient` takes. J: the schema of what clients join with. */
export interface ClientOptions<J = unknown> {
  /** The private session id: the same one again is the same user. Default: a new one. */
  readonly id?: string;
  /** The claims of the client's JWT, as if it had been verified; null for none. Default: those of `testRoom`. */
  readonly auth?: Claims | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the definition's `join` takes. */
  readonly params?: J extends StandardSchema ? SchemaInput<J> : unknown;
  /** Whether it only watches. Default false. */
  readonly spectator?: boolean;
  /** More of the URL's query, as `transferToken`. */
  readonly query?: Readonly<Record<string, string>>;
}

/** The room under test, as its handlers have it. */
export interface RoomUnderTest<S, R extends TypedRoom = TypedRoom<S>> {
  readonly id: string;
  /** The live state of the room that runs now. Read it as you like; change it in {@link change}. */
  readonly state: S;
  /**
   * Changes the state inside the object, as one turn, and waits until clients have what was sent. Use this
   * rather than `state.count.set(1)`: the room answers a change with I/O of its own, timers and sockets, which
   * the runtime forbids to any code outside the object.
   */
  change(run: (state: S) => void): Promise<void>;
  /** An HTTP request to the room, for a path inside it. */
  fetch(path: string, init?: RequestInit & { auth?: Claims | null }): Promise<Response>;
  /**
   * Calls an action that is marked `from: "rooms"`, as the room `caller` of the same party.
   * @throws RoomError what the action throws
   */
  call<N extends NameOfRoomAction<R>>(action: N, ...value: ActionArgumentsOf<R, N>): Promise<ActionResultOf<R, N>>;
}

/** The machine around the room. */
export interface TestServer {
  /** What is stored, after all that is unsaved was saved. */
  readonly roomStorage: {
    get<T = unknown>(key: string): Promise<T | undefined>;
    list(): Promise<Record<string, unknown>>;
  };
  /**
   * Puts the object to sleep: its memory goes, its sockets stay. As on the platform, what is unsaved is saved
   * first, and timers of handlers are waited for.
   * @throws Error if the room has `hibernate: false` and somebody is connected
   */
  evict(): Promise<void>;
  /** Kills the object: its memory and its sockets are gone, and what was unsaved with them. */
  crash(): Promise<void>;
  /** Lets time pass for the room, without waiting: timers, throttles, expiry and schedules come as they are due. */
  advance(ms: number): Promise<void>;
}

/** A room under test, and what is around it. */
export interface RoomTest<S, A = unknown, O = unknown, E = unknown, J = unknown, F = unknown> {
  readonly room: RoomUnderTest<S, TypedRoom<S, A, O, E, J, F>>;
  readonly server: TestServer;
  /**
   * Connects a client. Resolves when it has its first packet, or, with `autoSync: false`, when it has joined.
   * @throws Error with the close code and reason, if the room refuses it
   */
  readonly createClient: (options?: ClientOptions<J>) => Promise<TestClient<DefinedRoom<S, A, O, E, J, F>>>;
  /**
   * Checks that every client sees what it may see of the state.
   * @throws Error that names the client, and what it sees instead
   */
  readonly expectConverged: () => Promise<void>;
}

/**
 * Runs a room as a real Durable Object in workerd. The `main` of your vitest config has to export the kit's
 * class: `export { RoomObject, default } from "durable-rooms/testing"`, bound as `ROOMS`.
 *
 * @throws Error if `state()` returns a signal that it did not make: all rooms would share it
 * @example
 * import { testRoom } from "durable-rooms/testing";
 * const { createClient, room, server } = await testRoom(gameRoom);
 * const client = await createClient();
 * await client.send({ action: "increment" });
 * expect(room.state.count()).toBe(1);
 * await server.evict();
 */
export async function testRoom<S, A, O, E, J, F>(
  definition: DefinedRoom<S, A, O, E, J, F>,
  options: TestRoomOptions = {},
): Promise<RoomTest<S, A, O, E, J, F>> {
  const party = serve(definition);
  shared().watched.add(party);
  const id = options.id ?? definition.path.replace(/\{\w+\}/g, "test");
  const clients = new Set<TestClient>();
  const object = new ObjectUnderTest(party, id, options.auth ?? null);
  const problem = await object.run(async ({ core }) => {
    await core.visit();
    return findSharedSignal(core.tree, () => definition.compiled.definition.state());
  });
  if (problem !== undefined) throw new Error(problem);
  return {
    room: {
      id,
      get state() {
        return object.core.state as S;
      },
      async change(run) {
        await object.run(({ core }) => {
          core.turns.run(() => run(core.state as S));
          core.turns.end();
        });
        await object.delivered(clients);
      },
      fetch: (path, { auth, ...init } = {}) => object.fetch(path, init, auth),
      async call(...call) {
        const answer = await callRoom(object, { party, id: "caller" }, id, ...call);
        await object.delivered(clients);
        return answer as never;
      },
    },
    server: {
      roomStorage: {
        get: (key) => object.stored((storage) => storage.get(key)),
        list: () => object.stored(async (storage) => Object.fromEntries(await storage.list())),
      },
      evict: () => object.evict(),
      crash: () => object.crash(clients),
      async advance(ms) {
        await object.advance(ms);
        await object.delivered(clients);
      },
    },
    async createClient(clientOptions = {}) {
      const client = await object.connect(clientOptions, { clients });
      clients.add(client);
      void client.closed.then(() => clients.delete(client));
      return client as TestClient<DefinedRoom<S, A, O, E, J, F>>;
    },
    expectConverged: () => expectConverged(object, clients),
  };
}

/** The Durable Object of one test. */
class ObjectUnderTest {
  readonly #party: string;
  readonly #id: string;
  readonly #name: string;
  readonly #url: string;
  readonly #auth: Claims | null;

  constructor(party: string, id: string, auth: Claims | null) {
    if (!("ROOMS" in env))
      throw new Error('testRoom needs a Durable Object binding "ROOMS" to the RoomObject of durable-rooms/testing');
    this.#party = party;
    this.#id = id;
    this.#name = objectName(party, id);
    this.#url = `http://rooms.test/parties/${party}/${encodeURIComponent(id)}`;
    this.#auth = auth;
  }

  get #stub(): DurableObjectStub<RoomObject> {
    return ANYWHERE.stubOf(env, "ROOMS", this.#party, this.#id) as unknown as DurableObjectStub<RoomObject>;
  }

  /** The room that runs now. */
  get core(): RoomCore {
    const core = shared().running.get(this.#name);
    if (!core) throw new Error("The room does not run");
    return core;
  }

  run<R>(run: (instance: RoomObject, ctx: DurableObjectState) => R | Promise<R>): Promise<R> {
    return runInDurableObject(this.#stub, (instance: RoomObject, ctx) => {
      shared().running.set(this.#name, instance.core);
      return run(instance, ctx);
    });
  }

  stored<R>(read: (storage: DurableObjectStorage) => R | Promise<R>): Promise<R> {
    return this.run(async ({ core }, ctx) => {
      await core.handle.flush();
      return read(ctx.storage);
    });
  }

  /** Another room calls. */
  call(_room: RoomAddress, call: RoomCall): Promise<CallAnswer> {
    return this.#stub.call(call);
  }

  async fetch(path: string, init: RequestInit, auth: Claims | null = this.#auth): Promise<Response> {
    const request = new Request(this.#url + path, init);
    // As the Worker does.
    const refusal = tokenError(this.core.compiled.settings, auth);
    if (refusal) return refuse(request, refusal);
    // A request without claims may have a token that the room checks itself, as in a service without `auth`.
    return this.#stub.fetch(forwardRequest(request, auth, auth ? [] : USER_TOKEN));
  }

  async connect(
    { id = crypto.randomUUID(), auth = this.#auth, headers, query, params, spectator }: ClientOptions,
    scope: { clients: Set<TestClient> },
  ) {
    const parameters = new URLSearchParams({
      ...(params !== undefined && { params: JSON.stringify(params) }),
      ...(spectator && { spectator: "1" }),
      ...query,
      ...(query?.["transferToken"] === undefined && { id }),
    });
    const init = { headers: { ...headers, upgrade: "websocket" } };
    const { webSocket } = await this.fetch(`?${parameters.toString()}`, init, auth);
    if (!webSocket) throw new Error("The room did not answer with a socket");
    const client = new TestClient(webSocket, { sessionId: id, auth, isSpectator: spectator === true }, scope);
    // The mark waits for the first packet, where one comes by itself.
    await this.delivered(new Set([client]));
    if (!client.isOpen && client.publicId === "") {
      const { code, reason } = await client.closed;
      throw Object.assign(new Error(`The room closed the connection with ${code}: ${reason}`), { code, reason });
    }
    return client;
  }

  /** Resolves when every client has received all packets that were sent to it until now. */
  async delivered(clients: ReadonlySet<TestClient>): Promise<void> {
    const turn = await this.run((instance) => instance.mark());
    for (const client of clients) await client.reached(turn);
  }

  async evict(): Promise<void> {
    await this.run(async ({ core }) => {
      if (!core.compiled.settings.hibernate && core.handle.connections.length > 0) {
        throw new Error("A room with hibernate: false stays in memory while somebody is connected: close its clients");
      }
      // The runtime waits for timers: of those, the save is done now, and a tick would never end.
      await core.handle.flush();
      core.rest();
    });
    await evictDurableObject(this.#stub);
    await this.run(() => {});
  }

  async crash(clients: ReadonlySet<TestClient>): Promise<void> {
    const closed = [...clients].map((client) => client.closed);
    await this.run((_, ctx) => ctx.abort("crashed by the test")).catch(() => {});
    await Promise.all(closed);
    await this.run(() => {});
  }

  async advance(ms: number): Promise<void> {
    const { ahead } = shared();
    const start = ahead.get(this.#name) ?? 0;
    const move = (to: number) => ahead.set(this.#name, Math.max(ahead.get(this.#name) ?? 0, to));
    for (;;) {
      const rest = await this.run(async (instance) => {
        const { time } = instance;
        const { clock } = time;
        const due = Math.min(clock.next() ?? Infinity, time.alarmAt);
        const wait = due - clock.now();
        const passed = (ahead.get(this.#name) ?? 0) - start;
        if (passed + wait > ms) return false;
        move(start + passed + Math.max(wait, 0));
        clock.runDue();
        if (time.alarmAt <= clock.now()) await instance.ring();
        return true;
      });
      if (!rest) break;
    }
    move(start + ms);
  }
}

async function expectConverged(object: ObjectUnderTest, clients: ReadonlySet<TestClient>): Promise<void> {
  // What waits for a throttle is sent now, and has arrived where the mark has.
  const { problem, turn } = await object.run((instance) => {
    const { tree, handle } = instance.core;
    if (tree.isDirty && handle.autoSync) handle.applySync();
    return { problem: findSilentChange(tree), turn: instance.mark() };
  });
  if (problem !== undefined) throw new Error(problem);
  for (const client of clients) await client.reached(turn);
  for (const client of clients) {
    const expected = await object.run(({ core }) => {
      const { publicId } = client;
      const user = core.tree.users?.get(publicId);
      // The client's own claims: another tab of the same user may have others.
      const viewer = client.isSpectator ? SPECTATOR : { publicId, auth: client.auth, user };
      const conn = core.handle.connections.find((one) => one.publicId === publicId);
      if (conn) core.tree.recognise(viewer, conn);
      return expectedView(core.state, viewer);
    });
    const seen = withoutEmpty(client.state);
    const path = firstDifference(expected, seen, []);
    if (path === undefined) continue;
    throw new Error(
      `The client ${client.publicId} differs at ${path.join(".") || "the root"}: it sees ${JSON.stringify(at(seen, path))}, not ${JSON.stringify(at(expected, path))}`,
    );
  }
}

function firstDifference(expected: unknown, seen: unknown, path: readonly string[]): readonly string[] | undefined {
  if (Object.is(expected, seen) || expected === UNREADABLE) return undefined;
  if (!isContainer(expected) || !isContainer(seen)) return path;
  for (const key of new Set([...Object.keys(expected), ...Object.keys(seen)])) {
    const found = firstDifference((expected as never)[key], (seen as never)[key], [...path, key]);
    if (found) return found;
  }
  return undefined;
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], value);
}
