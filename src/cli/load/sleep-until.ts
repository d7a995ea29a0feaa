import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `due` on the clock of `performance.now`. Returns early when it is aborted. */
export async function sleepUntil(due: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => {});
}
