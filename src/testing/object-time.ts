import type { RoomObjectBase } from "../objects/room-object.ts";
import type { ShardObjectBase } from "../objects/shard-object.ts";
import type { Awake } from "../objects/awake.ts";
import { nameOf } from "../objects/object-name.ts";
import { serviceOf, shared } from "./registry.ts";
import type { ObjectTime } from "./registry.ts";
import { TestClock } from "./test-clock.ts";

/** The clock and the alarm of an object. */
export function timeOf(object: RoomObjectBase | ShardObjectBase, ctx: DurableObjectState): ObjectTime {
  const { times } = shared();
  let time = times.get(object);
  if (!time) times.set(object, (time = { clock: new TestClock(() => aheadOf(ctx)), alarmAt: Infinity }));
  return time;
}

/** How far the clock of an object is ahead of the real time, in ms. */
export function aheadOf(ctx: DurableObjectState): number {
  const raw = nameOf(ctx);
  return serviceOf(raw).service?.ahead ?? shared().ahead.get(raw) ?? 0;
}

/** Why an object that waits for another one is awake. */
const CALLS: ReadonlySet<string> = new Set(["room", "shard", "report"]);

export function isCalling(reasons: Awake["reasons"]): boolean {
  return reasons.some(({ why }) => CALLS.has(why));
}
