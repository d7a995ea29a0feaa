import { nameOf } from "../objects/object-name.ts";
import { createRoomObject } from "../objects/room-object.ts";
import { createWorldParts } from "../objects/world-parts.ts";
import { parseObjectName } from "../protocol/urls.ts";
import type { RoomConnection } from "../room/connections/connection.ts";
import type { Clock, Socket } from "../platform/ports.ts";
import type { RoomCore } from "../room/room.ts";
import { encodeMarker } from "./marker.ts";
import { findRoom, shared } from "./registry.ts";
import type { ObjectTime } from "./registry.ts";
import { findSilentChange } from "./silent-changes.ts";
import { TestClock } from "./test-clock.ts";

const Served = createRoomObject(findRoom, undefined, createWorldParts);

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

  /** The room, which counts its messages: they come here whether or not the room hibernates. @internal */
  override get core(): RoomCore {
    const core = super.core;
    const { watched, counted } = shared();
    if (!counted.has(core) && watched.has(parseObjectName(nameOf(this.ctx))?.party ?? "")) {
      counted.add(core);
      const handle = core.message.bind(core);
      core.message = (socket, frame) => this.#count(socket, () => handle(socket, frame));
    }
    return core;
  }

  async #count(socket: Socket, handle: () => Promise<void> | undefined): Promise<void> {
    const { messages } = shared();
    const sender = (socket.attachment() as { id: string } | null)?.id ?? "";
    const count = messages.get(sender) ?? { received: 0, handled: 0 };
    messages.set(sender, count);
    count.received++;
    await handle();
    // A message that came while another was handled waits behind it, though its event has ended.
    const conn = this.#conns().find(({ id }) => id === sender);
    if (conn?.isBusy) return;
    count.handled = count.received;
    this.mark();
  }

  #conns(): readonly RoomConnection[] {
    return this.core.handle.connections as readonly RoomConnection[];
  }

  /** Tells every client, behind all that it was sent before, that it has all of it. @returns the mark's number */
  mark(): number {
    const { messages } = shared();
    const turn = ++shared().turn;
    const problem = findSilentChange(this.core.tree);
    for (const conn of this.#conns()) {
      const { id, publicId } = conn;
      const handled = messages.get(id)?.handled ?? 0;
      conn.answer(encodeMarker({ turn, handled, publicId, ...(problem && { problem }) }));
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
    super.setAlarm(at);
  }

  protected override storeAlarm(at: number): Promise<void> {
    return super.storeAlarm(at - aheadOf(this.ctx));
  }
}

// A function, not a private member: the room starts before those of this class are there.
function aheadOf(ctx: DurableObjectState): number {
  return shared().ahead.get(nameOf(ctx)) ?? 0;
}
