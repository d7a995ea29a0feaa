import type { ChildProcess } from "node:child_process";
import type { Answer, Billed, Burst, Figures, Job, Request, Result, Rows } from "./load/jobs.ts";
import { end, startLoad } from "./servers.ts";

/** The result of each kind of job. */
interface Results extends Record<Job["kind"], Result> {
  run: Figures;
  join: Burst;
  wake: Burst;
  rows: Rows;
  cost: Billed;
}

/** The process that runs the clients. */
export class LoadGenerator {
  readonly #child: ChildProcess = startLoad();
  readonly #waiting = new Map<number, PromiseWithResolvers<Result>>();
  #next = 0;

  constructor() {
    this.#child.on("message", (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.ok) waiting?.resolve(answer.result);
      else waiting?.reject(new Error(answer.error));
    });
    this.#child.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("The load generator ended"));
    });
  }

  /** @throws Error if the job failed */
  do<J extends Job>(job: J): Promise<Results[J["kind"]]> {
    const waiting = Promise.withResolvers<Result>();
    const id = this.#next++;
    this.#waiting.set(id, waiting);
    this.#child.send({ id, job } satisfies Request);
    return waiting.promise as Promise<Results[J["kind"]]>;
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }
}
