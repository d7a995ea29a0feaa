import type { PROTOCOLS } from "./protocols.ts";

/** The jobs that the runner gives to the load generator, which is a separate process. */

/** Where clients reach the rooms of a server. */
export interface Place {
  readonly port: number;
  /** The id of the server's process. */
  readonly pid: number;
  /**
   * The paths of its sockets, which clients use in turn; `{n}` is the client's number. For Colyseus, names of rooms.
   */
  readonly paths: readonly string[];
  readonly protocol: keyof typeof PROTOCOLS;
  /** Whether actions that are sent together are sent as an array in one frame. */
  readonly isBatched?: boolean;
  /** The ports of processes that count the calls which they receive from each other. */
  readonly callers?: readonly number[];
}

/** What each client does. */
export interface Workload {
  readonly action: string;
  /** Actions per second of each client, however long the answers take … */
  readonly rate?: number;
  /** … or the number of actions that each client keeps in flight. */
  readonly inFlight?: number;
  /** The width of the map on which they walk. Undefined if all clients see all players. */
  readonly map?: number;
  /** Both in ms. */
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
  /** Clients join a room with many stored players, and stay connected. */
  | {
      readonly kind: "settle";
      readonly place: Place;
      readonly clients: number;
      readonly seed: number;
      /** Whether to store the players as if many of them were moving. */
      readonly isBusy: boolean;
    }
  /** One of the clients that stayed acts, or one more client joins. */
  | { readonly kind: "wake"; readonly place: Place; readonly by: "move" | "join" }
  /** Counts the rows that are written when clients join, and for a number of actions within some ms. */
  | {
      readonly kind: "rows";
      readonly place: Place;
      readonly clients: number;
      readonly actions: number;
      readonly ms: number;
    }
  /** Counts what is billed while clients move at a rate per second, for some ms. */
  | {
      readonly kind: "cost";
      readonly place: Place;
      readonly clients: number;
      readonly rate: number;
      readonly ms: number;
    }
  /** All clients that stayed leave. */
  | { readonly kind: "leave" };

/** The result of a run. Times in ms, CPU times in µs. */
export interface Figures {
  readonly clients: number;
  readonly ms: number;
  readonly offered: number;
  readonly sent: number;
  /** Actions whose effect reached the client that sent them, within the measured time. */
  readonly done: number;
  readonly serverCpu: number;
  readonly ownCpu: number;
  /** Totals over all clients. */
  readonly packets: number;
  readonly bytes: number;
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Calls between processes, if they are counted. */
  readonly calls?: number;
}

/** The result of measuring one burst of work. */
export interface Burst {
  readonly clients: number;
  /** Until all clients were in, or until the client that acted saw the effect. */
  readonly ms: number;
  readonly serverCpu: number;
  readonly ownCpu: number;
  readonly packets: number;
  readonly bytes: number;
}

/** The rows that were written. */
export interface Rows {
  readonly perJoin: number;
  readonly per1000Actions: number;
}

/** What was billed per second, for a room that never slept. */
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
