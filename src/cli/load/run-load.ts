import { setMaxListeners } from "node:events";
import { createCountedSocket } from "./counted-socket.ts";
import { LoadClient, sleepUntil } from "./load-client.ts";
import type { LoadSettings } from "./settings.ts";
import type { Tally } from "./tally.ts";

/**
 * Connects the clients one after the other. Then all of them send actions for the whole duration, wait for the last
 * answers, and leave.
 * @param signal ends the test early. The counts so far are kept
 */
export async function runLoad(settings: LoadSettings, tally: Tally, signal: AbortSignal): Promise<void> {
  let isOver = false;
  const all: LoadClient[] = [];
  const socket = createCountedSocket(tally, settings.compress, () => isOver);
  const leave = () => {
    isOver = true;
    for (const client of all) client.close();
  };
  // Each client waits with the signal.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", leave, { once: true });

  for await (const number of ramp(settings, signal)) all.push(new LoadClient(settings, number, tally, socket));
  const entered = await Promise.all(all.map((client) => client.entered));
  const present = all.filter((_, index) => entered[index]);

  tally.start();
  const until = performance.now() + settings.duration;
  await Promise.all(present.map((client) => client.play(until, signal)));
  tally.end();
  await Promise.all(present.map((client) => client.allAnswered()));
  leave();
}

/** The numbers of the clients, each when it is time to connect. */
async function* ramp({ clients, ramp: time }: LoadSettings, signal: AbortSignal): AsyncGenerator<number> {
  const startedAt = performance.now();
  for (let number = 0; number < clients; number++) {
    await sleepUntil(startedAt + (number * time) / clients, signal);
    if (signal.aborted) return;
    yield number;
  }
}
