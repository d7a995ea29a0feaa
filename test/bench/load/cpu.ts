import { readdirSync, readFileSync } from "node:fs";

/**
 * The CPU time of a process in ns, for all of its threads: the sum of the first number of each thread's `schedstat`. It
 * is exact, while `/proc/<pid>/stat` counts in ticks of 10 ms.
 * https://docs.kernel.org/scheduler/sched-stats.html
 */
export function cpuTime(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ", 1)[0]);
    } catch {
      // The thread has ended in the meantime.
    }
  }
  return total;
}
