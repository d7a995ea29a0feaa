import type { Assignment } from "../world/assignment.ts";
import type { ShardPorts, ShardReport } from "./ports.ts";

/** How often a shard says that it is there, in ms: a World takes it as lost after five minutes. */
const HEARTBEAT = 60_000;
/** Changes of the number of clients are told this much later, together. */
const GATHER = 1000;

interface Subject {
  assignment(): Assignment | undefined;
  connections(): number;
  /** The World does not know the shard. */
  onUnknown(): void;
}

/** Tells the World how many clients a shard has: soon when that changes, and now and then in any case. */
export class Reports {
  readonly #ports: ShardPorts;
  readonly #subject: Subject;
  #arrivals = 0;
  #isPlanned = false;

  constructor(ports: ShardPorts, subject: Subject) {
    this.#ports = ports;
    this.#subject = subject;
  }

  arrived(): void {
    this.#arrivals++;
    this.#plan();
  }

  left(): void {
    this.#plan();
  }

  /** Keeps the alarm set: after a crash it wakes the shard, which then tells the room. */
  keep(): void {
    this.#ports.alarm.set(this.#ports.clock.now() + HEARTBEAT);
  }

  /** The alarm rang. */
  async ring(): Promise<void> {
    if (!this.#subject.assignment()) return;
    this.keep();
    await this.#send();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#ports.clock.after(
      GATHER,
      () => {
        this.#isPlanned = false;
        void this.#send();
      },
      "report",
    );
  }

  async #send(): Promise<void> {
    const assignment = this.#subject.assignment();
    if (!assignment) return;
    const report: ShardReport = { connections: this.#subject.connections(), arrivals: this.#arrivals };
    try {
      if (!(await this.#ports.report(assignment, report))) this.#subject.onUnknown();
    } catch (error) {
      // The next one brings it.
      this.#ports.log({ level: "warn", event: "report_failed", code: "internal", error: String(error) });
    }
  }
}
