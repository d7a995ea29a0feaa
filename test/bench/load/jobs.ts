import type { PROTOCOLS } from "./protocols.ts";

/** What the runner asks of the load generator, which is a process of its own. */

/** Where a server's rooms are. */
export interface Place {
  readonly port: number;
  /** Of the server's process. */
  readonly pid: number;
  /** Of its sockets, each client takes the next one; `{n}` is the number of the client. With Colyseus, a room's name. */
  readonly paths: readonly string[];
  readonly protocol: keyof typeof PROTOCOLS;
  /** Whether actions that are sent at once are an array in one frame. */
  readonly isBatched?: boolean;
  /** Ports of processes that count the calls that they get from each other. */
  readonly callers?: readonly number[];
}

/** What clients do. */
export interface Workload {
  readonly action: string;
  /** Actions of each client in a second, however slow the answers are … */
  readonly rate?: number;
  /** … or how many each has under way, as fast as it sees them. */
  readonly inFlight?: number;
  /** The width of the map that they walk over. Undefined where all see all. */
  readonly map?: number;
  /** In ms. */
  readonly warmUp: number;
  readonly duration: number;
}

export type Job =
  /** Clients join, act for a while, and leave. */
  | {
      readonly kind: "run";
      readonly place: Place;
      readonly clients: number;
      readonly seed: number;
      readonly load: Workload;
    }
  /** Clients join at once, and leave. */
  | { readonly kind: "join"; readonly place: Place; readonly clients: number }
  /** Clients join a room with many stored players, and stay. */
  | {
      readonly kind: "settle";
      readonly place: Place;
      readonly clients: number;
      readonly seed: number;
      /** Whether what is stored is to be as if many of them were moving. */
      readonly isBusy: boolean;
    }
  /** One of those who stayed there acts, or one more comes. */
  | { readonly kind: "wake"; readonly place: Place; readonly by: "move" | "join" }
  /** Counts rows: for those who join, and for so many actions in so many ms. */
  | {
      readonly kind: "rows";
      readonly place: Place;
      readonly clients: number;
      readonly actions: number;
      readonly ms: number;
    }
  /** Counts what is billed while clients move, each so many times a second, for so many ms. */
  | {
      readonly kind: "cost";
      readonly place: Place;
      readonly clients: number;
      readonly rate: number;
      readonly ms: number;
    }
  /** All who stayed leave. */
  | { readonly kind: "leave" };

/** What was measured. Times in ms, CPU in µs. */
export interface Figures {
  readonly clients: number;
  readonly ms: number;
  readonly offered: number;
  readonly sent: number;
  /** Actions whose effect the one who acted saw, within the time. */
  readonly done: number;
  readonly serverCpu: number;
  readonly ownCpu: number;
  /** What all clients together were sent. */
  readonly packets: number;
  readonly bytes: number;
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Calls between processes, where they are counted. */
  readonly calls?: number;
}

/** What happened all at once. */
export interface Burst {
  readonly clients: number;
  /** Until all were in, or until the one who acted saw it. */
  readonly ms: number;
  readonly serverCpu: number;
  readonly ownCpu: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Rows that were written. */
export interface Rows {
  readonly perJoin: number;
  readonly per1000Actions: number;
}

/** What was billed, in a second: of a room that never slept. */
export interface Billed {
  readonly clients: number;
  readonly rows: number;
  readonly alarms: number;
  readonly messages: number;
}

export type Result = Figures | Burst | Rows | Billed | null;
export interface Request {
  readonly id: number;
  readonly job: Job;
}
export type Answer =
  | { readonly id: number; readonly ok: true; readonly result: Result }
  | { readonly id: number; readonly ok: false; readonly error: string };
