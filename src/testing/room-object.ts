import { transfers } from "../app/transfers.ts";
import type { FindRoom } from "../define/room.ts";
import { nameOf } from "../objects/object-name.ts";
import { RoomObjectBase } from "../objects/room-object.ts";
import type { Places } from "../objects/places.ts";
import { createWorldParts } from "../objects/world-parts.ts";
import type { CreateWorldParts } from "../objects/world-parts.ts";
import type { RoomConnection } from "../room/connections/connection.ts";
import type { Log } from "../platform/log.ts";
import { ObjectReport } from "../platform/object-report.ts";
import type { Clock, Socket } from "../platform/ports.ts";
import type { OptionalParts } from "../room/optional-parts.ts";
import type { RoomCore } from "../room/room.ts";
import { encodeMarker } from "./marker.ts";
import type { Marker } from "./marker.ts";
import { aheadOf, isCalling, timeOf } from "./object-time.ts";
import { findRoom, register, serviceOf, shared } from "./registry.ts";
import type { ObjectTime, ServiceParts, TestedObject } from "./registry.ts";
import { findSilentChange } from "../state/silent-changes.ts";

/**
 * The Durable Object of rooms under test. It serves the rooms of {@link testRoom} and {@link testService}, and its
 * clock can be advanced.
 *
 * @example
 * // test/worker.ts, the `main` of your vitest config
 * export { RoomObject, default } from "durable-rooms/testing";
 */
export class RoomObject extends RoomObjectBase implements TestedObject {
  /** The connections that were told last. */
  #marked: ReadonlySet<RoomConnection> = new Set();

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    register(this, nameOf(ctx));
  }

  /** The room's clock and alarm. @internal */
  get time(): ObjectTime {
    return timeOf(this, this.ctx);
  }

  /** @internal */
  get isCalling(): boolean {
    return isCalling(this.monitor.awake.reasons);
  }

  /** The room, which counts its messages here, whether or not it hibernates. @internal */
  override get core(): RoomCore {
    const core = super.core;
    const { counted } = shared();
    if (this.service && !counted.has(core)) {
      counted.add(core);
      const handle = core.message.bind(core);
      core.message = (socket, frame) => this.#count(socket, () => handle(socket, frame));
    }
    return core;
  }

  async #count(
    socket: Pick<Socket, "attachment" | "isOpen" | "send">,
    handle: () => Promise<void> | undefined,
  ): Promise<void> {
    const { messages } = shared();
    const sender = (socket.attachment() as { id: string } | null)?.id ?? "";
    const count = messages.get(sender) ?? { received: 0, handled: 0 };
    messages.set(sender, count);
    count.received++;
    await handle();
    // A message that arrives while another one is handled waits for it, although its event has ended.
    const conn = this.#conns().find(({ id }) => id === sender);
    if (conn?.isBusy) return;
    count.handled = count.received;
    const turn = this.mark();
    // The user has left the room, which keeps the connection apart.
    if (!conn && socket.isOpen) socket.send(encodeMarker({ turn, handled: count.handled, hasLeft: true }));
  }

  #conns(): readonly RoomConnection[] {
    return this.core.handle.connections as readonly RoomConnection[];
  }

  /** Tells every client, after all packets, that it has all of them. @returns the number of the mark @internal */
  mark(): number {
    const turn = ++shared().turn;
    const problem = findSilentChange(this.core.tree);
    const present = new Set(this.#conns());
    for (const conn of present) this.#tell(conn, { turn, ...(problem && { problem }) });
    for (const conn of this.#marked) {
      if (conn.hasLeft && !conn.isEnding && !present.has(conn)) this.#tell(conn, { turn, hasLeft: true });
    }
    this.#marked = present;
    return turn;
  }

  #tell(conn: RoomConnection, marker: Pick<Marker, "turn" | "problem" | "hasLeft">): void {
    const { id, publicId } = conn;
    conn.answer(encodeMarker({ ...marker, handled: shared().messages.get(id)?.handled ?? 0, publicId }));
  }

  /** Rings the alarm now, although the real one is set for later. @internal */
  async ring(): Promise<void> {
    this.time.alarmAt = Infinity;
    await this.alarm();
  }

  protected override createReport(): ObjectReport | undefined {
    return this.service ? this.service.createReport?.() : new ObjectReport();
  }

  /** The service of the room. @internal */
  protected get service(): ServiceParts | undefined {
    return serviceOf(nameOf(this.ctx)).service;
  }

  protected override get name(): string {
    return serviceOf(nameOf(this.ctx)).name;
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

  protected override log(): Log {
    return this.service?.log ?? super.log();
  }

  protected override where(): Places {
    return this.service?.places ?? super.where();
  }

  protected override find(party: string, id: string): ReturnType<FindRoom> {
    return (this.service?.find ?? findRoom)(party, id);
  }

  protected override options(...of: Parameters<CreateWorldParts>): OptionalParts {
    const service = this.service ?? { createWorldParts, transfers: transfers.parts };
    return { world: service.createWorldParts?.(...of), transfers: service.transfers };
  }
}

/**
 * The Durable Object of Worlds under test.
 *
 * @example
 * // test/worker.ts, the `main` of your vitest config, where the service has Worlds
 * export { RoomObject, ShardObject, WorldObject, default } from "durable-rooms/testing";
 */
export class WorldObject extends RoomObject {
  protected override find(party: string, id: string): ReturnType<FindRoom> {
    return this.service?.findWorld?.(party, id);
  }

  protected override options(): OptionalParts {
    return {};
  }
}
