import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import type { RoomInfo, ShardInfo } from "../world/state.ts";

/** What the page gets, as JSON. Times are in ms since 1970. */

/** A value of the state, with what is in it. Of what is large there is only a part. */
export interface TreeNode {
  readonly key: string;
  /** What it is, in a word: `object`, `list`, `text`, `number`, … */
  readonly kind: string;
  /** The value itself, if nothing is in it. */
  readonly text?: string;
  /** What the runtime does with it, where that is not the usual: `not sent`, `not stored`, `users`, … */
  readonly tags?: readonly string[];
  readonly children?: readonly TreeNode[];
  /** How many values in it are left out. */
  readonly more?: number;
}

/** What is looked for in a room, whether in capitals or not. An empty text finds everything. */
export interface Search {
  /** A part of the path of a field or of an entry, as `players.ann`. */
  readonly field: string;
  /** A part of a publicId. */
  readonly user: string;
}

/** A frame that a client sent, or was sent. */
export interface RecentPacket {
  readonly at: number;
  readonly direction: "in" | "out";
  /** The connection's id. */
  readonly connection: string;
  readonly publicId: string;
  readonly bytes: number;
  /** Its beginning, without what is private. */
  readonly text: string;
}

/** A session, without its private id. */
export interface SessionView {
  readonly publicId: string;
  readonly connections: number;
  /** Undefined while it is online. */
  readonly offlineSince?: number;
  /** The room that it is on its way to. */
  readonly leavingTo?: string;
  /** After a transfer: until when a place is kept for it. */
  readonly expectedUntil?: number;
}

export interface ConnectionView {
  readonly id: string;
  readonly publicId: string;
  /** Whether a shard holds it. */
  readonly isRemote: boolean;
  readonly protocol: number;
}

/** What a connection sees of a collection whose entries are seen by keys. */
export interface SightView {
  readonly connection: string;
  readonly publicId: string;
  readonly collection: string;
  /** Its keys, or the cell that it looks from. */
  readonly looks: string;
  /** The keys of entries, each with why it is seen. */
  readonly sees: Part<string>;
}

/** A list of which only the first items are sent. */
export interface Part<T> {
  readonly total: number;
  readonly first: readonly T[];
}

/** What a room answers to `GET …/$inspect`. One that cannot start has only its metrics, and no state. */
export interface RoomInspection {
  readonly metrics: RoomMetrics;
  readonly path?: string;
  readonly state?: TreeNode;
  readonly sessions?: Part<SessionView>;
  readonly connections?: Part<ConnectionView>;
  /** Who sees whom, in a room in which keys say so. */
  readonly sights?: Part<SightView>;
  readonly schedules?: Part<{ readonly name: string; readonly at: number; readonly payload: TreeNode }>;
  readonly packets: readonly RecentPacket[];
}

/** What a shard answers. */
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

/** An action, with the JSON Schema of what it takes: undefined if anything, or if the schema has no such form. */
export interface ActionView {
  readonly name: string;
  readonly input?: unknown;
}

/** What a room answers to `GET …/$actions`. */
export interface ActionList {
  readonly actions: readonly ActionView[];
  /** Whether it takes other actions too. */
  readonly takesOthers: boolean;
  readonly needsToken: boolean;
}

/** `GET /inspector/service` */
export interface ServiceView {
  readonly rooms: readonly { readonly party: string; readonly path: string }[];
  /** Null if any id is a World; undefined if there are none. */
  readonly worlds?: readonly string[] | null;
  /** Whether nobody needs a token here. */
  readonly isOpen: boolean;
}
