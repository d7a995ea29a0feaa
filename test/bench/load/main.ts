import { Crowd } from "./crowd.ts";
import type { Answer, Job, Place, Request, Result } from "./jobs.ts";

/** The load generator: runs the jobs of the runner, and ends when the runner ends. */
const settled = new Map<string, Crowd>();

process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {
  // Ctrl+C reaches the runner too, which then ends this process.
});
process.on("message", ({ id, job }: Request) => {
  void run(job)
    .then((result): Answer => ({ id, ok: true, result }))
    .catch((error: unknown): Answer => ({ id, ok: false, error: String(error) }))
    .then((answer) => process.send?.(answer));
});

async function run(job: Job): Promise<Result> {
  switch (job.kind) {
    case "run":
      return withCrowd(job.place, job.load.map, async (crowd) => {
        await crowd.join(job.clients);
        if (job.seed > 0) crowd.seed(job.seed);
        await crowd.rest();
        // Many players come into sight at once when all move to where they walk. Do this before measuring.
        // measurement.
        if (job.load.map !== undefined) await crowd.spread();
        return crowd.run(job.load);
      });
    case "join":
      return withCrowd(job.place, undefined, (crowd) => crowd.measureJoin(job.clients));
    case "settle": {
      const crowd = new Crowd(job.place);
      settled.set(keyOf(job.place), crowd);
      // Add the players while one client is there: with more clients, (c) would take minutes to send these changes.
      // changes.
      await crowd.join(1);
      crowd.seed(job.seed);
      await crowd.rest();
      await crowd.join(job.clients - 1);
      await crowd.rest();
      if (job.isBusy) await crowd.keepBusy();
      return null;
    }
    case "rows":
      return withCrowd(job.place, undefined, (crowd) => crowd.measureRows(job));
    case "cost":
      return withCrowd(job.place, undefined, (crowd) => crowd.measureCost(job));
    case "wake": {
      const crowd = settled.get(keyOf(job.place)) as Crowd;
      return job.by === "move" ? crowd.measureWake() : crowd.measureJoin(1);
    }
    case "leave":
      for (const crowd of settled.values()) crowd.leave();
      settled.clear();
      return null;
  }
}

async function withCrowd<T>(place: Place, map: number | undefined, use: (crowd: Crowd) => Promise<T>): Promise<T> {
  const crowd = new Crowd(place, map);
  try {
    return await use(crowd);
  } finally {
    crowd.leave();
    await crowd.rest();
  }
}

function keyOf({ port, paths }: Place): string {
  return `${port}${paths.join()}`;
}
