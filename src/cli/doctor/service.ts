import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { WebSocket } from "../libraries.ts";
import { Failure } from "../failure.ts";

/** The service and the room that are examined. */
export interface Examined {
  readonly origin: string;
  readonly party: string;
  readonly room: string;
  /** An operator's. */
  readonly token: string;
  readonly userToken: string | undefined;
}

/** How code runs, in an object or in the Worker: see `RuntimeReport` of the service. */
interface Runtime {
  readonly deploy: string | null;
  readonly missing: readonly string[];
}

/** What the checks read of a room's `$metrics`. A service of an earlier version does not tell how it runs. */
export interface Metrics {
  readonly wokeAt: number;
  readonly awake: readonly { readonly why: string }[];
  readonly countedSince: number;
  readonly totals: Readonly<Record<"requests" | "calls" | "alarms" | "messages" | "rowsWritten", number>>;
  readonly runtime?: Runtime;
  readonly worker?: Runtime;
}

/** The end of a socket. */
export interface Ended {
  readonly code: number;
  readonly reason: string;
  /** From the moment at which it was open until the connection was gone, in ms. */
  readonly ms: number;
}

/** How long an answer may take, in ms. */
const PATIENCE = 10_000;

/** A service, as a client of it and as an operator see it. */
export class Service {
  readonly #examined: Examined;

  constructor(examined: Examined) {
    this.#examined = examined;
  }

  /** Asks for something. @param token in the header, if there is one */
  async ask(path: string, token?: string): Promise<{ status: number; text: string; ms: number }> {
    const { origin } = this.#examined;
    const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const begun = performance.now();
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const answer = await fetch(origin + path, { headers, redirect: "manual", cache: "no-store", signal });
      return { status: answer.status, text: await answer.text(), ms: performance.now() - begun };
    } catch (cause) {
      throw new Failure(`No answer from ${origin}${path}`, { cause });
    }
  }

  /** The path of the room's metrics. */
  get metricsPath(): string {
    const { party, room } = this.#examined;
    return `/parties/${party}/${encodeURIComponent(room)}/$metrics`;
  }

  /** What the room tells an operator, and how long that took, in ms. */
  async metrics(): Promise<Metrics & { readonly ms: number }> {
    const { status, text, ms } = await this.ask(this.metricsPath, this.#examined.token);
    if (status !== 200) {
      throw new Failure(`The room did not give its metrics (${status} ${printable(text)}): use an operator's token`);
    }
    return { ...parseMetrics(text), ms };
  }

  /** Enters the room, as a new user who offers compression. */
  async join(): Promise<Visitor> {
    const { party, room, userToken } = this.#examined;
    const visitor = this.#open(`/parties/${party}/${encodeURIComponent(room)}`, userToken);
    const isIn = await visitor.entered;
    if (isIn) return visitor;
    const { code, reason } = await visitor.ended;
    throw new Failure(`The room refused a user: closed with ${code} ${printable(reason)}`);
  }

  /** Connects to a room that there is not. */
  refused(): Promise<Ended> {
    return this.#open("/parties/doctor/there-is-no-such-room").ended;
  }

  #open(path: string, token?: string): Visitor {
    const id = `doctor-${randomUUID()}`;
    const url = `${this.#examined.origin.replace(/^http/, "ws")}${path}?id=${id}&protocol=2`;
    return new Visitor(id, url, token);
  }
}

/** A user with a socket. */
export class Visitor {
  /** Private: the session's id. */
  readonly id: string;
  /** Whether the room lets the user in. A room that sends nothing by itself is known by the open socket. */
  readonly entered: Promise<boolean>;
  readonly ended: Promise<Ended>;
  readonly #socket: WebSocket;

  constructor(id: string, url: string, token: string | undefined) {
    this.id = id;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, { headers, handshakeTimeout: PATIENCE });
    this.#socket = socket;
    let openedAt = performance.now();
    socket.on("open", () => (openedAt = performance.now()));
    const failed = new Promise<never>((_, reject) => {
      socket.on("error", (cause) => reject(new Failure(`A socket could not be opened: ${cause.message}`, { cause })));
    });
    const ended = once(socket, "close").then(([code, reason]: unknown[]) => ({
      code: Number(code),
      reason: String(reason),
      ms: performance.now() - openedAt,
    }));
    this.ended = Promise.race([ended, failed]);
    const isIn = Promise.race([once(socket, "message"), wait(PATIENCE, undefined, { ref: false })]).then(() => true);
    this.entered = Promise.race([isIn, ended.then(() => false), failed]);
    // Whoever waits for them is told.
    this.ended.catch(() => {});
    this.entered.catch(() => {});
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** The extensions that the service chose. */
  get extensions(): string {
    return this.#socket.extensions;
  }

  leave(): void {
    this.#socket.close();
    setTimeout(() => this.#socket.terminate(), 1000).unref();
  }
}

function parseMetrics(text: string): Metrics {
  try {
    const metrics = JSON.parse(text) as Metrics;
    if (typeof metrics.totals.alarms === "number") return metrics;
  } catch {
    // It is something else.
  }
  throw new Failure(`The answer is not from a room of durable-rooms:  ${printable(text)}`);
}

/** Text of a service, for a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ").slice(0, 200);
}
