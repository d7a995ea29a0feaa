import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import type { RoomInfo, ShardInfo } from "../world/state.ts";

/** The answers that the page gets, as JSON. Times are in ms since 1970. */

/** A value of the state, with the values in it. Large values are cut. */
export interface TreeNode {
  readonly key: string;
  /** Its type in one word: `object`, `list`, `text`, `number`, … */
  readonly kind: string;
  /** The value itself, if it has no children. */
  readonly text?: string;
  /** Special handling by the library: `not sent`, `not stored`, `users`, … */
  readonly tags?: readonly string[];
  readonly children?: readonly TreeNode[];
  /** How many of its children are left out. */
  readonly more?: number;
}

/** A search in a room. It is not case-sensitive. An empty text finds everything. */
export interface Search {
  /** A part of the path of a field or of an entry, such as `players.ann`. */
  readonly field: string;
  /** A part of a publicId. */
  readonly user: string;
}

/** A frame from or to a client. */
export interface RecentPacket {
  readonly at: number;
  readonly direction: "in" | "out";
  /** The connection's id. */
  readonly connection: string;
  readonly publicId: string;
  readonly bytes: number;
  /** The start of the frame, without private ids and tokens. */
  readonly text: string;
}

/** A session, without its private id. */
export interface SessionView {
  readonly publicId: string;
  readonly connections: number;
  /** Undefined while it is online. */
  readonly offlineSince?: number;
  /** The room that the user is being transferred to. */
  readonly leavingTo?: string;
  /** The time until which a place is reserved for a transferred user. */
  readonly expectedUntil?: number;
}

export interface ConnectionView {
  readonly id: string;
  readonly publicId: string;
  /** Whether its socket is at a shard. */
  readonly isRemote: boolean;
  readonly protocol: number;
}

/** The visible entries of a connection in a collection with keyed visibility. */
export interface SightView {
  readonly connection: string;
  readonly publicId: string;
  readonly collection: string;
  /** The keys of the connection, or its cell. */
  readonly looks: string;
  /** The keys of entries, each with the reason why it is visible. */
  readonly sees: Part<string>;
}

/** A list of which only the first items are sent. */
export interface Part<T> {
  readonly total: number;
  readonly first: readonly T[];
}

/** A room's answer to `GET …/$inspect`. A room that cannot start has only metrics, and no state. */
export interface RoomInspection {
  readonly metrics: RoomMetrics;
  readonly path?: string;
  readonly state?: TreeNode;
  readonly sessions?: Part<SessionView>;
  readonly connections?: Part<ConnectionView>;
  /** The visible entries of connections, in a room with keyed visibility. */
  readonly sights?: Part<SightView>;
  readonly schedules?: Part<{ readonly name: string; readonly at: number; readonly payload: TreeNode }>;
  readonly packets: readonly RecentPacket[];
}

/** A shard's answer to `GET …/$inspect`. */
export interface ShardInspection {
  readonly metrics: ShardMetrics;
  readonly worldId?: string;
  readonly capacity?: number;
  readonly isDraining?: boolean;
  readonly packets: readonly RecentPacket[];
}

/** A room that lists itself in a World. */
export interface ListedRoom {
  readonly party: string;
  readonly roomId: string;
  readonly users: number;
  readonly maxUsers: number | null;
  readonly locked: boolean;
}

/** A World's answer to `GET …/$rooms`: the rooms in its own state, the fullest first. */
export interface WorldInspection {
  readonly rooms: Part<RoomInfo>;
  readonly shards: Part<ShardInfo>;
  readonly listed: Part<ListedRoom>;
}

/** An action, with the JSON Schema of its input. Undefined without a schema, or if it has no JSON Schema. */
export interface ActionView {
  readonly name: string;
  readonly input?: unknown;
}

/** A room's answer to `GET …/$actions`. */
export interface ActionList {
  readonly actions: readonly ActionView[];
  /** Whether `unhandledAction` accepts other actions. */
  readonly takesOthers: boolean;
  readonly needsToken: boolean;
}

/** `GET /inspector/service` */
export interface ServiceView {
  readonly rooms: readonly { readonly party: string; readonly path: string }[];
  /** Null if any id is a World; undefined if there are none. */
  readonly worlds?: readonly string[] | null;
  /** Whether the inspector requires no token. */
  readonly isOpen: boolean;
}
