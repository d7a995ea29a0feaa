import { Crowd } from "./crowd.ts";
import type { Answer, Burst, Figures, Job, Place } from "./jobs.ts";

/** The load generator: does one job after the other, and ends when its parent does. */
const settled = new Map<string, Crowd>();

process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {
  // The runner gets it too, and says when to end.
});
process.on("message", (job: Job) => {
  void run(job)
    .then((result): Answer => ({ ok: true, result }))
    .catch((error: unknown): Answer => ({ ok: false, error: String(error) }))
    .then((answer) => process.send?.(answer));
});

async function run(job: Job): Promise<Figures | Burst | null> {
  switch (job.kind) {
    case "run":
      return withCrowd(job.place, async (crowd) => {
        await crowd.join(job.clients);
        if (job.seed > 0) crowd.seed(job.seed);
        await crowd.rest();
        return crowd.run(job.load);
      });
    case "join":
      return withCrowd(job.place, (crowd) => crowd.measureJoin(job.clients));
    case "settle": {
      const crowd = new Crowd(job.place);
      settled.set(keyOf(job.place), crowd);
      await crowd.join(job.clients);
      crowd.seed(job.seed);
      await crowd.rest();
      return null;
    }
    case "wake":
      return (settled.get(keyOf(job.place)) as Crowd).measureWake();
    case "leave":
      for (const crowd of settled.values()) crowd.leave();
      settled.clear();
      return null;
  }
}

async function withCrowd<T>(place: Place, use: (crowd: Crowd) => Promise<T>): Promise<T> {
  const crowd = new Crowd(place);
  try {
    return await use(crowd);
  } finally {
    crowd.leave();
    await crowd.rest();
  }
}

function keyOf({ port, path }: Place): string {
  return `${port}${path}`;
}
