import type { Assignment } from "../world/assignment.ts";
import type { ShardPorts, ShardReport } from "./ports.ts";

/** The longest time between two reports, in ms. A World considers a silent shard lost after five minutes. */
const HEARTBEAT = 60_000;
/** How long a changed number of clients waits for further changes before it is reported, in ms. */
const REPORT_DELAY = 1000;

interface ReportSource {
  assignment(): Assignment | undefined;
  connections(): number;
  /** The World does not know the shard. */
  onUnknown(): Promise<void>;
}

/** Reports the number of clients to the World: soon after it changes, and regularly in between. */
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
      if (!(await this.#ports.report(assignment, report))) await this.#source.onUnknown();
    } catch (error) {
      // The next report has the same numbers.
      this.#ports.log({ level: "warn", event: "report_failed", code: "internal", error: String(error) });
    }
  }
}
