import { ObjectAlarm } from "../../src/objects/object-alarm.ts";
import type { Alarm, Clock } from "../../src/platform/ports.ts";
import { MemoryRoom } from "./memory.ts";
import type { MemoryStorage } from "./memory.ts";

export const QUOTA = "Exceeded allowed rows written in Durable Objects free tier.";

/** Lets the next calls of the platform fail. The numbers say how many. */
export class Faults {
  storage = 0;
  alarm = 0;
  /** The number of calls that have failed. */
  count = 0;

  /** Ends all faults. */
  end(): void {
    this.storage = this.alarm = 0;
  }

  /** Makes the writes of a storage fail, and optionally its reads. */
  reach(storage: MemoryStorage, reads = false): void {
    storage.fault = () => this.#call("storage");
    if (reads) storage.onRead = () => this.#call("storage");
  }

  /** An object's alarm on a platform that fails, alternately by throwing and by rejecting. */
  alarmOf(set: (at: number) => void, clock: Clock, failed: (error: unknown) => void): ObjectAlarm {
    return new ObjectAlarm({
      clock,
      set: (at) => {
        if (this.count % 2 === 0) this.#call("alarm");
        return this.#set(set, at);
      },
      // The platform does not know the current alarm.
      current: async () => null,
      failed,
    });
  }

  async #set(set: (at: number) => void, at: number): Promise<void> {
    this.#call("alarm");
    set(at);
  }

  #call(what: "storage" | "alarm"): void {
    if (this[what] <= 0) return;
    this[what]--;
    this.count++;
    throw new Error(QUOTA);
  }
}

/** A room in memory on a platform that fails. */
export class FaultyRoom<S> extends MemoryRoom<S> {
  // These are only declared, because the base class starts the room before fields of this class would be initialized.
  declare faults: Faults;
  declare ringing: ObjectAlarm;

  protected override alarm(set: (at: number) => void, clock: Clock): Alarm {
    this.faults ??= new Faults();
    this.faults.reach(this.storage, true);
    const failed = (error: unknown) => this.log.push({ level: "error", event: "save_failed", error: String(error) });
    this.ringing = this.faults.alarmOf(set, clock, failed);
    return this.ringing;
  }

  override ring(): Promise<void> {
    this.alarmAt = Infinity;
    return this.ringing.rings() ? super.ring() : Promise.resolve();
  }
}
