import { DurableObject } from "cloudflare:workers";
import { forwardRequest, receiveRequest } from "../auth/internal.ts";
import type { FindRoom, Settings } from "../define/room.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import type { Alarm, Clock } from "../room/ports.ts";
import type { Introduction, Receipt, RoomBatch } from "../room/relay.ts";
import { ShardCore } from "../shard/shard.ts";
import type { Assignment } from "../world/assignment.ts";
import { answerClose, credentialsOf } from "./handshake.ts";
import { kvStorage, realClock } from "./platform.ts";
import { log } from "./log.ts";
import { rememberName } from "./object-name.ts";
import { isUpgrade, refuse } from "./refuse.ts";
import { reportTo, roomOf } from "./shards.ts";
import { Sockets } from "./sockets.ts";

/** One shard. It only turns the runtime's events into calls of the core. */
export class ShardObjectBase extends DurableObject {
  readonly #sockets = new Sockets();
  readonly core: ShardCore;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.core = new ShardCore(
      {
        storage: kvStorage(ctx.storage),
        clock: this.clock(),
        alarm: this.alarmPort(),
        sockets: () => ctx.getWebSockets().map((ws) => this.#sockets.of(ws)),
        relay: async (assignment, batch) => roomOf(env, assignment).relay(batch),
        report: reportTo(env),
        log,
      },
      ({ party, roomId }) => this.settings(party, roomId),
    );
  }

  override async fetch(incoming: Request): Promise<Response> {
    const { request, auth } = receiveRequest(incoming);
    try {
      this.core.check(auth);
      if (!isUpgrade(request)) {
        return await roomOf(this.env, this.core.assignment as Assignment).fetch(forwardRequest(request, auth));
      }
      this.core.checkSpace();
    } catch (thrown) {
      const error = toRoomError(thrown);
      if (error.code === "internal") log({ level: "error", event: "request_failed", error: String(thrown) });
      return refuse(request, error);
    }
    const { url, headers, cf } = request;
    const pair = new WebSocketPair();
    this.ctx.acceptWebSocket(pair[1]);
    this.core.join(this.#sockets.of(pair[1]), {
      request: { url, headers: [...headers], cf },
      auth,
      ...credentialsOf(url),
    });
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    this.core.message(this.#sockets.of(ws), message);
  }

  override webSocketClose(ws: WebSocket, code: number, reason: string): void {
    answerClose(ws, code, reason);
    this.core.closed(this.#sockets.of(ws));
  }

  override webSocketError(ws: WebSocket): void {
    this.core.closed(this.#sockets.of(ws));
  }

  override async alarm(): Promise<void> {
    await this.core.alarm();
  }

  /** The World says what this shard serves. Only code with the binding can call this, and what follows. */
  async assign(assignment: Assignment): Promise<void> {
    this.core.assign(assignment);
  }

  async retire(): Promise<void> {
    this.core.retire();
    await this.ctx.storage.deleteAlarm();
  }

  async introduce(boot: string): Promise<Introduction | undefined> {
    return this.core.introduce(boot);
  }

  async deliver(batch: RoomBatch): Promise<Receipt> {
    return this.core.deliver(batch);
  }

  /** The settings of a room. @throws RoomError `not_found` */
  protected settings(_party: string, _roomId: string): Settings {
    throw new RoomError("not_found", "There is no such room");
  }

  protected clock(): Clock {
    return realClock;
  }

  protected alarmPort(): Alarm {
    return {
      set: (at) => {
        rememberName(this.ctx);
        void this.ctx.storage.setAlarm(at);
      },
    };
  }
}

/** Makes the Durable Object class of the shards of the rooms that `find` knows. */
export function createShardObject(
  find: FindRoom,
): new (ctx: DurableObjectState, env: Cloudflare.Env) => ShardObjectBase {
  return class ShardObject extends ShardObjectBase {
    protected override settings(party: string, roomId: string): Settings {
      return find(party, roomId)?.room.compiled.settings ?? super.settings(party, roomId);
    }
  };
}
