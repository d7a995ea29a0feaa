import { DurableObject } from "cloudflare:workers";
import { createLog } from "../platform/log.ts";
import type { Log } from "../platform/log.ts";
import type { Clock } from "../platform/ports.ts";
import { answerClose } from "./handshake.ts";
import { Monitor } from "./monitor.ts";
import { rememberName } from "./object-name.ts";
import { Sockets } from "./sockets.ts";

/** The default log. */
const CONSOLE = createLog();

const REAL_CLOCK: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** The common base of room and shard objects: counts the platform's events, and passes them on. */
export abstract class ObjectBase extends DurableObject {
  protected readonly monitor: Monitor;
  protected readonly sockets: Sockets;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.monitor = new Monitor(ctx.storage, this.clock(), ({ level, event, ...rest }) =>
      this.log()({ level, event, ...this.names, ...rest }),
    );
    this.sockets = new Sockets(this.monitor);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  override fetch(request: Request): Promise<Response> {
    return this.monitor.request(() => this.answer(request));
  }

  override webSocketClose(ws: WebSocket, code: number, reason: string): void {
    answerClose(ws, code, reason);
    this.webSocketError(ws);
  }

  override webSocketError(ws: WebSocket): void {
    this.monitor.event("close");
    this.closed(ws);
  }

  override alarm(): Promise<void> {
    return this.monitor.alarm(() => this.rang());
  }

  /** Sets the object's alarm. */
  protected setAlarm(at: number): void {
    this.monitor.counts.rowsWritten += 1 + rememberName(this.ctx);
    void this.ctx.storage.setAlarm(at);
  }

  /** The object's clock. */
  protected clock(): Clock {
    return REAL_CLOCK;
  }

  /** The log of the service. */
  protected log(): Log {
    return CONSOLE;
  }

  /** The names that identify the object in log entries and metrics. */
  protected abstract get names(): { readonly party: string; readonly room: string };
  protected abstract answer(request: Request): Promise<Response>;
  protected abstract closed(ws: WebSocket): void;
  protected abstract rang(): Promise<void>;
}
