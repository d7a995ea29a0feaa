import type { Assignment } from "../world/assignment.ts";
import type { ShardPorts, ShardReport } from "./ports.ts";

/** How often a shard reports in any case, in ms: a World takes it as lost after five minutes. */
const HEARTBEAT = 60_000;
/** How long to wait after a change of the number of clients, so that several go into one report. ms */
const REPORT_DELAY = 1000;

interface ReportSource {
  assignment(): Assignment | undefined;
  connections(): number;
  /** The World does not know the shard. */
  onUnknown(): void;
}

/** Reports to the World how many clients a shard has: soon after that changes, and regularly in any case. */
export class Reports {
  readonly #ports: ShardPorts;
  readonly #source: ReportSource;
  #arrivals = 0;
  #isPlanned = false;

  constructor(ports: ShardPorts, source: ReportSource) {
    this.#ports = ports;
    this.#source = source;
  }

  arrived(): void {
    this.#arrivals++;
    this.#plan();
  }

  left(): void {
    this.#plan();
  }

  /** Sets the alarm. After a crash it wakes the shard, which then reports to the room that its clients are gone. */
  setAlarm(): void {
    this.#ports.alarm.set(this.#ports.clock.now() + HEARTBEAT);
  }

  async alarm(): Promise<void> {
    if (!this.#source.assignment()) return;
    this.setAlarm();
    await this.#send();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#ports.clock.after(
      REPORT_DELAY,
      () => {
        this.#isPlanned = false;
        void this.#send();
      },
      "report",
    );
  }

  async #send(): Promise<void> {
    const assignment = this.#source.assignment();
    if (!assignment) return;
    const report: ShardReport = { connections: this.#source.connections(), arrivals: this.#arrivals };
    try {
      if (!(await this.#ports.report(assignment, report))) this.#source.onUnknown();
    } catch (error) {
      // The next report brings the numbers.
      this.#ports.log({ level: "warn", event: "report_failed", code: "internal", error: String(error) });
    }
  }
}
