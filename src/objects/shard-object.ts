import { forwardRequest, USER_TOKEN } from "../auth/internal.ts";
import type { FindRoom } from "../define/room.ts";
import type { Settings } from "../define/settings.ts";
import { isFault, RoomError, toRoomError } from "../protocol/errors.ts";
import { causeOf } from "../platform/log.ts";
import type { Log } from "../platform/log.ts";
import type { ShardMetrics } from "../platform/metrics.ts";
import { ObjectReport } from "../platform/object-report.ts";
import type { Introduction, Receipt, RoomBatch } from "../relay/messages.ts";
import type { ShardReport } from "../shard/ports.ts";
import { ShardCore } from "../shard/shard.ts";
import type { Assignment } from "../world/assignment.ts";
import type { ShardCalls } from "./bindings.ts";
import { credentialsOf, isAnsweredLate, isUpgrade, refuse } from "./handshake.ts";
import { ObjectBase } from "./object-base.ts";
import type { Received } from "./object-base.ts";
import { reportToWorld } from "./peers.ts";
import { ANYWHERE } from "./places.ts";
import type { Places } from "./places.ts";
import { reportRuntime } from "./runtime.ts";

/** A class of shards, as the Worker exports it. */
export type ShardObjectClass = new (ctx: DurableObjectState, env: Cloudflare.Env) => ShardObjectBase;

/** One shard as a Durable Object. It only translates the runtime's events into calls of the core. */
export class ShardObjectBase extends ObjectBase implements ShardCalls {
  readonly core: ShardCore;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { awake, storage, counts, log } = this.monitor;
    this.core = new ShardCore(
      {
        storage,
        counts,
        clock: awake.clock,
        alarm: { set: (at) => this.setAlarm(at) },
        end: () => this.end(),
        sockets: () => ctx.getWebSockets().map((ws) => this.sockets.of(ws)),
        relay: (assignment, batch) => this.reach("room", async () => this.#roomOf(assignment).relay(batch)),
        report: (assignment, state) => this.reach("report", () => reportShard(this.where(), env, assignment, state)),
        log,
      },
      ({ party, roomId }) => this.settings(party, roomId),
    );
  }

  protected override async answer(received: Received): Promise<Response> {
    try {
      return await this.#admit(received);
    } catch (thrown) {
      const error = toRoomError(thrown);
      const { code } = error;
      if (!isFault(error)) this.monitor.log({ level: "info", event: "refused", code });
      else this.monitor.log({ level: "error", event: "request_failed", code, error: causeOf(thrown) });
      return refuse(received.request, error);
    }
  }

  /** @throws RoomError if the client is refused; and errors of storage or of the room */
  async #admit({ request, auth, signal, ...session }: Received): Promise<Response> {
    this.core.check(auth);
    if (!isUpgrade(request)) {
      // The Worker has removed the user's token, unless the room's guards need it.
      const forwarded = forwardRequest(request, auth, USER_TOKEN);
      return this.#roomOf(this.core.assignment as Assignment).fetch(forwarded);
    }
    this.core.checkSpace();
    const { url, headers, cf } = request;
    const pair = new WebSocketPair();
    const socket = this.sockets.of(pair[1], (ws) => {
      this.ctx.acceptWebSocket(ws);
      return "hibernating";
    });
    const decided = this.core.join(socket, {
      request: { url, headers: [...headers], cf },
      auth,
      ...credentialsOf(url),
      ...session,
    });
    if (await isAnsweredLate(decided, this.clock(), signal, () => this.core.closed(socket))) socket.accept();
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    this.monitor.message(message);
    this.core.message(this.sockets.of(ws), message);
  }

  protected override closed(ws: WebSocket, isLost: boolean): void {
    this.core.closed(this.sockets.of(ws), isLost);
  }

  protected override rang(): Promise<void> {
    return this.core.alarm();
  }

  /** The World assigns a room. Only code with the binding can call this and the following methods. */
  async assign(assignment: Assignment): Promise<void> {
    this.monitor.isEnded = false;
    await this.monitor.call(async () => this.core.assign(assignment));
  }

  async retire(): Promise<void> {
    await this.monitor.call(() => this.core.retire());
  }

  async introduce(boot: string): Promise<Introduction | undefined> {
    return this.monitor.call(async () => this.core.introduce(boot));
  }

  async deliver(batch: RoomBatch): Promise<Receipt> {
    return this.monitor.call(async () => this.core.deliver(batch));
  }

  /** An operator asks for metrics. This does not count as traffic of the shard, though it wakes the shard. */
  async metrics(): Promise<ShardMetrics> {
    return {
      ...this.names,
      connections: this.core.connections,
      ...this.monitor.report(),
      ...this.core.flow,
      runtime: reportRuntime(this.env),
    };
  }

  protected override get names(): { party: string; room: string; shard: string } {
    const { party = "", roomId: room = "", shardId: shard = "" } = this.core?.assignment ?? {};
    return { party, room, shard };
  }

  /** The room whose clients a shard holds. */
  #roomOf({ party, roomId }: Assignment) {
    return this.where().stubOf(this.env, "ROOMS", party, roomId);
  }

  protected override createReport(): ObjectReport {
    return new ObjectReport();
  }

  /** Where the service's objects are. */
  protected where(): Places {
    return ANYWHERE;
  }

  /** The settings of a room. @throws RoomError `not_found` */
  protected settings(_party: string, _roomId: string): Settings {
    throw new RoomError("not_found", "There is no such room");
  }
}

/** Reports to the World of a shard. @returns false if the World does not know the shard */
async function reportShard(
  places: Places,
  env: object,
  { worldId, shardId }: Assignment,
  report: ShardReport,
): Promise<boolean> {
  const { connections, arrivals } = report;
  const answer = await reportToWorld(places, env, worldId, "/update-shard", {
    shardId,
    worldId,
    connections,
    arrivals,
  });
  if (!answer) return true;
  if (answer.ok || answer.status === 404) return answer.ok;
  throw new Error(`The World answered ${answer.status}: ${answer.text}`);
}

/** Makes the Durable Object class of shards of the rooms that `find` knows. */
export function createShardObject(find: FindRoom, log?: Log, places = ANYWHERE): ShardObjectClass {
  return class ShardObject extends ShardObjectBase {
    protected override log(): Log {
      return log ?? super.log();
    }

    protected override where(): Places {
      return places;
    }

    protected override settings(party: string, roomId: string): Settings {
      return find(party, roomId)?.room.compiled.settings ?? super.settings(party, roomId);
    }
  };
}
