import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Answer, Job } from "./load/jobs.ts";
import { end, startLoad } from "./servers.ts";

/** The process that plays the clients. */
export class LoadGenerator {
  readonly #child: ChildProcess = startLoad();
  readonly #gone: Promise<never> = once(this.#child, "exit").then(() => {
    throw new Error("The load generator ended");
  });

  /** @throws Error if the job failed */
  async do<T>(job: Job): Promise<T> {
    this.#child.send(job);
    const [answer] = (await Promise.race([once(this.#child, "message"), this.#gone])) as [Answer];
    if (!answer.ok) throw new Error(answer.error);
    return answer.result as T;
  }

  async stop(): Promise<void> {
    this.#gone.catch(() => {});
    await end(this.#child);
  }
}
