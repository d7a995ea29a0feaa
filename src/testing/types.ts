import type { ActionArgumentsOf, ActionResultOf, NameOfRoomAction, TypedRoom } from "../define/action-types.ts";
import type { DefinedRoom } from "../define/room.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";
import type { Claims } from "../define/types.ts";
import type { TestClient } from "./client.ts";

/** What `testRoom`, and `room` of `testService`, take beside the definition. */
export interface TestRoomOptions {
  /** The room's id. Default: the definition's path with "test" in each segment. */
  readonly id?: string;
  /** The claims of clients and requests that bring none of their own. */
  readonly auth?: Claims;
}

/** Who asks. */
export interface Caller {
  /** The claims of a JWT, as if it had been verified; null for none. Default: those of the room. */
  readonly auth?: Claims | null;
  /** A real token instead, which the service checks: `service.token(claims)`. */
  readonly token?: string;
}

/** What `createClient` takes. J: the schema of what clients join with. */
export interface ClientOptions<J = unknown> extends Caller {
  /** The private session id: the same one again is the same user. Default: a new one. */
  readonly id?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the definition's `join` takes. */
  readonly params?: J extends StandardSchema ? SchemaInput<J> : unknown;
  /** Whether it only watches. Default false. */
  readonly spectator?: boolean;
  /** The token of a transfer to this room, in place of `id` or with the same one. */
  readonly transferToken?: string;
  /** The id of a World: it is asked for a shard, and the client connects there. Default: straight to the room. */
  readonly world?: string;
  /** More of the URL's query. */
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
  fetch(path: string, init?: RequestInit & Caller): Promise<Response>;
  /**
   * Calls an action that is marked `from: "rooms"`, as the room `caller` of the same party.
   * @throws RoomError what the action throws
   */
  call<N extends NameOfRoomAction<R>>(action: N, ...value: ActionArgumentsOf<R, N>): Promise<ActionResultOf<R, N>>;
}

/** The machine around an object. */
export interface TestObject {
  /**
   * Puts the object to sleep: its memory goes, its sockets stay. As on the platform, what is unsaved is saved
   * first, and timers of handlers are waited for.
   * @throws Error if the room has `hibernate: false` and somebody is connected
   */
  evict(): Promise<void>;
  /** Kills the object: its memory and its sockets are gone, and what was unsaved with them. */
  crash(): Promise<void>;
}

/** The machine around the room. */
export interface TestServer extends TestObject {
  /** What is stored, after all that is unsaved was saved. */
  readonly roomStorage: {
    get<T = unknown>(key: string): Promise<T | undefined>;
    list(): Promise<Record<string, unknown>>;
  };
  /**
   * Lets time pass, without waiting: timers, throttles, expiry and schedules come as they are due. In a service it passes
   * for all of its rooms, Worlds and shards.
   */
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
