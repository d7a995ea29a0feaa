import type { Hono } from "hono/tiny";
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

/**
 * The option `inspector` of `createRooms`. The inspector's code is reached only through this object, so a Worker
 * without an inspector does not contain it.
 */
export interface Inspector {
  /** Checks operators' tokens in a service without `auth`. */
  readonly operators: Verify;
  /** The claims of a caller without a token: null, unless the Worker's variables say that it runs in development. */
  guest(request: Request, env: object): Claims | null;
  /** Serves the page. */
  serve(app: Hono<AppEnv>, service: Inspectable): void;
  /** Answers a request below `/$` of an object; undefined if it does not know the path. */
  answer(question: Question): Promise<Response> | undefined;
  /** Makes a class of rooms that can be inspected. */
  room(base: RoomObjectClass): RoomObjectClass;
  /** Makes a class of shards that can be inspected. */
  shard(base: ShardObjectClass): ShardObjectClass;
}

/** The service, as its inspector sees it. */
export interface Inspectable {
  readonly config: RoomsConfig;
  /** Undefined if the service has no Worlds. `ids` is undefined if any id is a World. */
  readonly world: { readonly ids: readonly string[] | undefined } | undefined;
  /** Checks an operator's token. */
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
