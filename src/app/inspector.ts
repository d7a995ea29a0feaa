import type { Hono } from "hono/tiny";
import type { Operators } from "../auth/operators.ts";
import type { Verify } from "../auth/verify.ts";
import type { FindRoom } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import type { RoomObjectClass } from "../objects/room-object.ts";
import type { ShardObjectClass } from "../objects/shard-object.ts";
import type { RoomUrl } from "../protocol/urls.ts";
import type { RoomsConfig } from "./directory.ts";

/** The environment type of the Hono app. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
}

/** The option `inspector` of {@link createRooms}. A Worker without it does not contain the inspector's code. */
export interface Inspector {
  /** The operators of a service without `auth`. */
  readonly operators: Operators;
  /**
   * Returns the claims of a caller without a token: null, unless the variables of the Worker say that it runs in
   * development.
   */
  guest(request: Request, env: object): Claims | null;
  /** Serves the page. */
  serve(app: Hono<AppEnv>, service: Inspectable): void;
  /** Answers a request below `/$` of an object. Undefined if the path is not one of the inspector. */
  answer(question: Question): Promise<Response> | undefined;
  /** Extends the class of rooms for the inspector. */
  room(base: RoomObjectClass): RoomObjectClass;
  /** Extends the class of shards for the inspector. */
  shard(base: ShardObjectClass): ShardObjectClass;
}

/** The service, as its inspector sees it. */
export interface Inspectable {
  readonly config: RoomsConfig;
  /** Undefined if the service has no Worlds. `ids` is undefined if any id is a World. */
  readonly world: { readonly ids: readonly string[] | undefined } | undefined;
  /** Verifies an operator's token. */
  readonly operator: Verify;
}

/** A request of an operator below `/$` of an object. */
export interface Question {
  readonly method: string;
  readonly target: RoomUrl;
  readonly query: URLSearchParams;
  readonly auth: Claims;
  readonly find: FindRoom;
  /** A stub of the object. */
  readonly object: object;
}
