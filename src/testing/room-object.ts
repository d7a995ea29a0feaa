import { createRoomObject } from "../objects/room-object.ts";
import { parseObjectName } from "../protocol/urls.ts";
import type { Conn } from "../room/connections.ts";
import type { Clock } from "../room/ports.ts";
import { encodeMarker } from "./marker.ts";
import { findRoom, shared } from "./registry.ts";
import type { ObjectTime } from "./registry.ts";
import { findSilentChange } from "./silent-changes.ts";
import { TestClock } from "./test-clock.ts";

const Served = createRoomObject(findRoom);

/**
 * The Durable Object of rooms under test: it serves whatever `testRoom` registers, on a clock that a test can
 * move, and tells the kit's clients when a message was handled.
 *
 * @example
 * // test/worker.ts, the `main` of your vitest config
 * export { RoomObject, default } from "durable-rooms/testing";
 */
export class RoomObject extends Served {
  /** The room's clock, and when its alarm rings. */
  get time(): ObjectTime {
    const { times } = shared();
    let time = times.get(this);
    if (!time) times.set(this, (time = { clock: new TestClock(() => aheadOf(this.ctx)), alarmAt: Infinity }));
    return time;
  }

  override async webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> {
    await super.webSocketMessage(ws, message);
    if (!shared().watched.has(parseObjectName(this.ctx.id.name ?? "")?.party ?? "")) return;
    const { handled } = shared();
    const sender = (ws.deserializeAttachment() as { id: string } | null)?.id ?? "";
    handled.set(sender, (handled.get(sender) ?? 0) + 1);
    this.mark();
  }

  /** Tells every client, behind all that it was sent before, that it has all of it. @returns the mark's number */
  mark(): number {
    const { handled } = shared();
    const turn = ++shared().turn;
    const problem = findSilentChange(this.core.tree);
    for (const conn of this.core.handle.connections as readonly Conn[]) {
      conn.answer(encodeMarker({ turn, handled: handled.get(conn.id) ?? 0, ...(problem && { problem }) }));
    }
    return turn;
  }

  /** Rings the alarm now, though the real one is set for later. */
  async ring(): Promise<void> {
    this.time.alarmAt = Infinity;
    await this.alarm();
  }

  protected override clock(): Clock {
    return this.time.clock;
  }

  protected override setAlarm(at: number): void {
    this.time.alarmAt = at;
    super.setAlarm(at - aheadOf(this.ctx));
  }
}

// A function, not a private member: the room starts before those of this class are there.
function aheadOf(ctx: DurableObjectState): number {
  return shared().ahead.get(ctx.id.name ?? "") ?? 0;
}
