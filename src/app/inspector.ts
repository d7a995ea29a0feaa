import type { Hono } from "hono/tiny";
import type { Verify } from "../auth/verify.ts";
import type { FindRoom } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import type { RoomObjectClass } from "../objects/room-object.ts";
import type { ShardObjectClass } from "../objects/shard-object.ts";
import type { RoomUrl } from "../protocol/urls.ts";
import type { RoomsConfig } from "./directory.ts";

/** The Worker's environment, as far as routes of the service need it. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
}

/**
 * What `createRooms` takes as `inspector`. All of its code comes in through this object, so that a Worker without one
 * has none of it.
 */
export interface Inspector {
  /** What whoever shows no token may do: nothing, unless the Worker's variables say that this is a development. */
  guest(request: Request, env: object): Claims | null;
  /** Serves the page. */
  serve(app: Hono<AppEnv>, service: Inspectable): void;
  /** Answers a question below `/$` of an object; undefined if it knows none of that kind. */
  answer(question: Question): Promise<Response> | undefined;
  /** Classes of objects that can be looked into. */
  room(base: RoomObjectClass): RoomObjectClass;
  shard(base: ShardObjectClass): ShardObjectClass;
}

/** The service, as its inspector sees it. */
export interface Inspectable {
  readonly config: RoomsConfig;
  /** The Worlds that there are: undefined if any id is one. Undefined if the service has none. */
  readonly world: { readonly ids: readonly string[] | undefined } | undefined;
  /** Checks an operator's token. */
  readonly operator: Verify;
}

/** What an operator asks of an object. */
export interface Question {
  readonly method: string;
  readonly target: RoomUrl;
  readonly auth: Claims;
  readonly find: FindRoom;
  /** A stub of the object. */
  readonly object: object;
}
