import type { ActionArgumentsOf, ActionResultOf, NameOfRoomAction, TypedRoom } from "../define/action-types.ts";
import type { DefinedRoom } from "../define/room.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";
import type { Claims } from "../define/types.ts";
import type { TestClient } from "./client.ts";

/** The options of `testRoom`, and of `room` of `testService`. */
export interface TestRoomOptions {
  /** The room's id. Default: the definition's path with "test" for each segment. */
  readonly id?: string;
  /** The claims of clients and requests that do not give their own. Default: none. */
  readonly auth?: Claims;
}

/** Who sends a request or connects. */
export interface Caller {
  /** The claims of a JWT, as if it had been verified. Null for none. Default: those of the room. */
  readonly auth?: Claims | null;
  /** A real token, which the service verifies: see `token` of `testService`. Default: none. */
  readonly token?: string;
}

/** The options of `createClient`. J: the schema of `join`. */
export interface ClientOptions<J = unknown> extends Caller {
  /** The private session id. A client with the same id is the same user. Default: a new one. */
  readonly id?: string;
  /** Further headers of the request. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The value that the client joins with. Default: none. */
  readonly params?: J extends StandardSchema ? SchemaInput<J> : unknown;
  /** Whether the client is a spectator. Default false. */
  readonly spectator?: boolean;
  /** The token of a transfer to this room. It may be used without `id`. Default: none. */
  readonly transferToken?: string;
  /** The id of a World that assigns the client to a shard. Default: the client connects to the room itself. */
  readonly world?: string;
  /** Further query parameters of the URL. Default: none. */
  readonly query?: Readonly<Record<string, string>>;
}

/** The room under test. */
export interface RoomUnderTest<S, R extends TypedRoom = TypedRoom<S>> {
  /** The room's id. */
  readonly id: string;
  /** The live state of the room. Read it at any time, but change it only with {@link change}. */
  readonly state: S;
  /**
   * Changes the state inside of the object, as one turn, and waits until clients have received the changes. Do not use
   * `state.count.set(1)` directly: the room would start timers and send packets from outside of the object, which the
   * runtime forbids.
   */
  change(run: (state: S) => void): Promise<void>;
  /** Sends an HTTP request to the room. @param path the path inside the room, with a leading slash */
  fetch(path: string, init?: RequestInit & Caller): Promise<Response>;
  /**
   * Calls an action with `from: "rooms"`, as a room named `caller` of the same party.
   *
   * @throws RoomError that the action throws
   */
  call<N extends NameOfRoomAction<R>>(action: N, ...value: ActionArgumentsOf<R, N>): Promise<ActionResultOf<R, N>>;
}

/** Controls a Durable Object. */
export interface TestObject {
  /**
   * Hibernates the object: its memory is lost, and its connections stay open. As on the platform, unsaved changes are
   * saved first, and timers of handlers are waited for.
   *
   * @throws Error if the room has `hibernate: false` and a client is connected
   */
  evict(): Promise<void>;
  /** Crashes the object: its memory, its connections and all unsaved changes are lost. */
  crash(): Promise<void>;
}

/** Controls the Durable Object of the room. */
export interface TestServer extends TestObject {
  /** The stored rows. Unsaved changes are saved first. */
  readonly roomStorage: {
    get<T = unknown>(key: string): Promise<T | undefined>;
    list(): Promise<Record<string, unknown>>;
  };
  /**
   * Advances the clock, without waiting: timers, throttles, expiry and schedules run when they are due. In a service it
   * applies to all rooms, Worlds and shards.
   *
   * @param ms how long
   */
  advance(ms: number): Promise<void>;
}

/** The result of `testRoom`: a room under test. */
export interface RoomTest<S, A = unknown, O = unknown, E = unknown, J = unknown, F = unknown> {
  /** The room. */
  readonly room: RoomUnderTest<S, TypedRoom<S, A, O, E, J, F>>;
  /** Its Durable Object. */
  readonly server: TestServer;
  /**
   * Connects a client. Resolves after its first packet or, with `autoSync: false`, when it has joined.
   *
   * @throws Error with the close code and reason, if the room refuses the client
   */
  readonly createClient: (options?: ClientOptions<J>) => Promise<TestClient<DefinedRoom<S, A, O, E, J, F>>>;
  /**
   * Checks that each client sees exactly the state that it may see.
   *
   * @throws Error that names the client and what it sees instead
   */
  readonly expectConverged: () => Promise<void>;
}
