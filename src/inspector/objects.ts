import type { RoomObjectBase, RoomObjectClass } from "../objects/room-object.ts";
import type { ShardObjectBase, ShardObjectClass } from "../objects/shard-object.ts";
import type { Monitor } from "../objects/monitor.ts";
import type { Sockets } from "../objects/sockets.ts";
import type { WorldState } from "../world/state.ts";
import { inspectWorld } from "./world.ts";
import type { IsPrivate } from "../platform/private.ts";
import { Recorder } from "./recorder.ts";
import { inspectRoom } from "./room.ts";
import type { RecentPacket, RoomInspection, Search, ShardInspection, WorldInspection } from "./types.ts";

/** The reason with which an object aborts itself: the caller gets it as an error. */
export const EVICTED = "An operator evicted this object";

/** What a Worker asks of an object that can be looked into. */
export interface InspectedRoom {
  inspect(search: Search): Promise<RoomInspection>;
  evict(): Promise<void>;
  places(): Promise<WorldInspection>;
}
interface InspectedShard {
  inspect(): Promise<ShardInspection>;
  evict(): Promise<void>;
}

/** Records what an object receives and sends, from the first look on and until some time after the last. */
class Tap {
  #recorder: Recorder | undefined;

  /** What was recorded so far. */
  read(monitor: Monitor, isPrivate: IsPrivate, now: number): readonly RecentPacket[] {
    this.#recorder ??= new Recorder(isPrivate);
    monitor.onSent = (frame, socket) => {
      if (!this.#recorder?.note("out", frame, socket, Date.now())) this.#end(monitor);
    };
    return this.#recorder.read(now);
  }

  received(monitor: Monitor, frame: string | ArrayBuffer, ws: WebSocket, sockets: Sockets): void {
    if (this.#recorder && !this.#recorder.note("in", frame, sockets.of(ws), Date.now())) this.#end(monitor);
  }

  #end(monitor: Monitor): void {
    this.#recorder = undefined;
    monitor.onSent = undefined;
  }
}

/** The class of rooms and Worlds, which can be looked into. */
export function inspectableRoom(base: RoomObjectClass): RoomObjectClass {
  return class extends base implements InspectedRoom {
    readonly #tap = new Tap();

    override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> | undefined {
      this.#tap.received(this.monitor, message, ws, this.sockets);
      return super.webSocketMessage(ws, message);
    }

    async inspect(search: Search): Promise<RoomInspection> {
      const metrics = await this.metrics();
      // A room that cannot start has no sessions that say what is private, so only its metrics are shown.
      if (metrics.users === undefined) return { metrics, packets: [] };
      const { core } = this;
      const isPrivate = (text: string) => core.sessions.isPrivate(text);
      const packets = this.#tap.read(this.monitor, isPrivate, Date.now());
      return { metrics, ...inspectRoom(core, isPrivate, search), packets };
    }

    /** The rooms and shards of a World. */
    async places(): Promise<WorldInspection> {
      await this.metrics();
      return inspectWorld(this.core.state as WorldState);
    }

    /** Saves all, then ends the object's memory. Its sockets close: the runtime has no way to let it sleep. */
    async evict(): Promise<void> {
      const { users } = await this.metrics();
      if (users !== undefined) await this.core.handle.flush();
      this.ctx.abort(EVICTED);
    }
  } satisfies new (...args: never[]) => RoomObjectBase;
}

/** The class of shards, which can be looked into. */
export function inspectableShard(base: ShardObjectClass): ShardObjectClass {
  return class extends base implements InspectedShard {
    readonly #tap = new Tap();

    override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
      this.#tap.received(this.monitor, message, ws, this.sockets);
      super.webSocketMessage(ws, message);
    }

    async inspect(): Promise<ShardInspection> {
      const metrics = await this.metrics();
      const { assignment } = this.core;
      return {
        metrics,
        worldId: assignment?.worldId,
        capacity: assignment?.capacity,
        isDraining: assignment?.draining,
        packets: this.#tap.read(this.monitor, () => false, Date.now()),
      };
    }

    /** Ends the shard's memory. All it holds is sockets, which close. */
    async evict(): Promise<void> {
      this.ctx.abort(EVICTED);
    }
  } satisfies new (...args: never[]) => ShardObjectBase;
}
