import { nameOf } from "../objects/object-name.ts";
import type { Places } from "../objects/places.ts";
import { ShardObjectBase } from "../objects/shard-object.ts";
import type { Settings } from "../define/settings.ts";
import type { Log } from "../platform/log.ts";
import type { Clock } from "../platform/ports.ts";
import { aheadOf, isCalling, timeOf } from "./object-time.ts";
import { findRoom, register, serviceOf } from "./registry.ts";
import type { ObjectTime, ServiceParts, TestedObject } from "./registry.ts";

/**
 * The Durable Object of shards under test.
 *
 * @example
 * // test/worker.ts, the `main` of your vitest config, where the service has Worlds
 * export { RoomObject, ShardObject, WorldObject, default } from "durable-rooms/testing";
 */
export class ShardObject extends ShardObjectBase implements TestedObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    register(this, nameOf(ctx));
  }

  /** The shard's clock and alarm. @internal */
  get time(): ObjectTime {
    return timeOf(this, this.ctx);
  }

  /** @internal */
  get isCalling(): boolean {
    return isCalling(this.monitor.awake.reasons);
  }

  /** Rings the alarm now, although the real one is set for later. @internal */
  async ring(): Promise<void> {
    this.time.alarmAt = Infinity;
    await this.alarm();
  }

  /** The service of the shard. @internal */
  protected get service(): ServiceParts | undefined {
    return serviceOf(nameOf(this.ctx)).service;
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

  protected override settings(party: string, roomId: string): Settings {
    const found = (this.service?.find ?? findRoom)(party, roomId);
    return found?.room.compiled.settings ?? super.settings(party, roomId);
  }
}
