import { parseObjectName } from "../protocol/urls.ts";
import { ObjectUnderTest } from "./object-under-test.ts";
import type { ServiceParts, TestedObject } from "./registry.ts";

/**
 * How long to wait for calls between objects, in ms. An answer that depends on the advanced time would never arrive.
 */
const LONGEST_CALLS = 1000;

/** Advances the time for all objects of a service. Due work runs in order, in whichever object it is. */
export async function advanceAll(service: ServiceParts, ms: number): Promise<void> {
  const end = service.ahead + ms;
  for (;;) {
    await callsDone(service);
    const next = firstDue(service);
    const ahead = Math.max(service.ahead, (next?.at ?? Infinity) - Date.now());
    if (!next || ahead > end) break;
    service.ahead = ahead;
    await next.object.run(runDue);
  }
  service.ahead = end;
}

/** Resolves when no object of a service waits for another one. */
async function callsDone({ objects }: ServiceParts): Promise<void> {
  const latest = Date.now() + LONGEST_CALLS;
  while ([...objects.values()].some(({ isCalling }) => isCalling) && Date.now() < latest) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** The object with the earliest due work, if there is one. */
function firstDue(service: ServiceParts): { readonly object: ObjectUnderTest; readonly at: number } | undefined {
  const due = [...service.objects].map(([name, object]) => ({ name, at: dueOf(object) }));
  const [first] = due.toSorted((a, b) => a.at - b.at);
  const where = first && parseObjectName(first.name);
  if (!where || first.at === Infinity) return undefined;
  return { object: new ObjectUnderTest(service, where.party, where.room), at: first.at };
}

function dueOf({ time: { clock, alarmAt } }: TestedObject): number {
  return Math.min(clock.next() ?? Infinity, alarmAt);
}

async function runDue(object: TestedObject): Promise<void> {
  const { clock, alarmAt } = object.time;
  clock.runDue();
  if (alarmAt <= clock.now()) await object.ring();
}
