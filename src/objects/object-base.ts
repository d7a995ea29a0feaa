import { DurableObject } from "cloudflare:workers";
import { receiveRequest } from "../auth/internal.ts";
import type { ReceivedRequest } from "../auth/internal.ts";
import { REAL_CLOCK } from "../platform/clock.ts";
import { causeOf, createLog } from "../platform/log.ts";
import type { Log } from "../platform/log.ts";
import type { ObjectReport } from "../platform/object-report.ts";
import type { Clock } from "../platform/ports.ts";
import type { Build } from "../protocol/build.ts";
import { RESTART } from "../protocol/codes.ts";
import { answerClose, NEW_CODE } from "./handshake.ts";
import { Monitor } from "./monitor.ts";
import { ObjectAlarm } from "./object-alarm.ts";
import { rememberName } from "./object-name.ts";
import { Sockets } from "./sockets.ts";
import { EndingTenure, LASTING } from "./tenure.ts";
import type { Tenure } from "./tenure.ts";
import { skipBody } from "./unread-body.ts";

/**
 * After this many calls to other objects without an event, the alarm rings. The free plan allows 1,000, the paid plan
 * 10,000 unless `limits.subrequests` says otherwise.
 * https://developers.cloudflare.com/workers/platform/limits/#subrequests
 */
const MOST_CALLS = 400;

/** The close code of a connection that ended without a close frame. */
const BROKEN = 1006;

/** The default log. */
const CONSOLE = createLog();

/** A request, as an object receives it. */
export interface Received extends ReceivedRequest {
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
}

/** The base of room and shard objects: counts the platform's events, and forwards them. */
export abstract class ObjectBase extends DurableObject {
  protected readonly monitor: Monitor;
  protected readonly sockets: Sockets;
  protected readonly tenure: Tenure;
  /**
   * Another instance takes over, in development. Everything that has to be stored is written before the first `await`.
   */
  protected readonly leaving: (() => Promise<void>) | undefined;
  readonly #alarm: ObjectAlarm;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.tenure =
      (globalThis as Build).process?.env?.NODE_ENV === "production"
        ? LASTING
        : new EndingTenure(ctx, () => {
            const saving = this.leaving?.();
            saving?.catch((error: unknown) => this.#saveFailed(error));
            // Clients have the state of the old code, so they reconnect.
            for (const ws of ctx.getWebSockets()) ws.close(RESTART, NEW_CODE);
          });
    this.monitor = new Monitor(
      this.tenure.storage(ctx.storage),
      this.tenure.clock(this.clock()),
      ({ level, event, ...rest }) => this.log()({ level, event, ...this.names, ...rest }),
      this.createReport(),
    );
    this.sockets = new Sockets(this.monitor, this.tenure, (ws) => this.pingedAt(ws));
    this.#alarm = new ObjectAlarm({
      clock: this.monitor.awake.clock,
      set: (at) => this.storeAlarm(at),
      current: () => ctx.storage.getAlarm(),
      failed: (error) => this.#saveFailed(error),
    });
    this.monitor.onWoken = () => this.#alarm.open();
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  override fetch(incoming: Request): Promise<Response> {
    return this.monitor.request(async () => {
      const received = receiveRequest(incoming);
      const response = await this.answer({ ...received, signal: incoming.signal });
      await skipBody(received.request, response);
      return response;
    });
  }

  override webSocketClose(ws: WebSocket, code: number, reason: string): void {
    answerClose(ws, code, reason);
    this.monitor.event("close");
    this.closed(ws, code === BROKEN);
  }

  override webSocketError(ws: WebSocket): void {
    this.monitor.event("close");
    this.closed(ws, true);
  }

  override alarm(): Promise<void> {
    return this.monitor.alarm(this.#alarm.rings() ? () => this.rang() : undefined);
  }

  /**
   * Calls another object, and stays awake until it answers. The platform allows a limited number of calls between two
   * events, so the alarm rings before that. (A call to itself would be an event too, but part of a chain of calls,
   * which may have only a few links.)
   */
  protected reach<T>(why: string, call: () => Promise<T>): Promise<T> {
    if (++this.monitor.callsSinceEvent % MOST_CALLS === 0) this.#alarm.ringEarly();
    return this.monitor.awake.during(why, this.tenure.call(call));
  }

  /** Sets the object's alarm. It never throws: a failure is reported and repeated. */
  protected setAlarm(at: number): void {
    this.#alarm.set(at);
  }

  /** Sets the alarm of the platform. It throws or rejects if nothing was set. */
  protected async storeAlarm(at: number): Promise<void> {
    if (this.tenure.isOver) return;
    const rows = rememberName(this.ctx);
    const stored = this.ctx.storage.setAlarm(at);
    this.monitor.counts.rowsWritten += rows + 1;
    await stored;
  }

  /** Deletes everything that is stored, including the alarm. Before February 2026 `deleteAll` did not include it. */
  protected async end(): Promise<void> {
    if (this.tenure.isOver) return;
    this.#alarm.forget();
    this.monitor.isEnded = true;
    const { storage } = this.ctx;
    // Both at once: an object that dies in between, without its alarm, would keep its rows.
    await Promise.all([storage.deleteAlarm(), storage.deleteAll()]);
    this.monitor.counts.rowsWritten += 2;
  }

  #saveFailed(error: unknown): void {
    this.monitor.log({ level: "error", event: "save_failed", code: "internal", error: causeOf(error) });
  }

  /** When the runtime last answered a ping of a socket, in ms since 1970; 0 for never. */
  protected pingedAt(ws: WebSocket): number {
    return this.ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime() ?? 0;
  }

  /** The object's clock. */
  protected clock(): Clock {
    return REAL_CLOCK;
  }

  /** The log of the service. */
  protected log(): Log {
    return CONSOLE;
  }

  /** Makes the object's reports to operators. Undefined in a service without operators. */
  protected createReport(): ObjectReport | undefined {
    return undefined;
  }

  /** The names that identify the object in log entries and metrics. */
  protected abstract get names(): { readonly party: string; readonly room: string };
  /** @param signal aborts when the client disconnects, with the compatibility flag `enable_request_signal` */
  protected abstract answer(received: Received): Promise<Response>;
  /** @param isLost whether the connection broke, and was not closed by the client */
  protected abstract closed(ws: WebSocket, isLost: boolean): void;
  protected abstract rang(): Promise<void>;
}
