import { setTimeout as wait } from "node:timers/promises";
import { printable } from "./service.ts";
import type { Ended, Metrics, Service, Visitor } from "./service.ts";

/** What a check expected, and what it saw. */
export interface Finding {
  readonly name: string;
  /** `look`: only somebody who can see the account, or knows the room, can tell. */
  readonly verdict: "ok" | "failed" | "look";
  readonly expected: string;
  readonly saw: string;
}

/** A refusal is at once if the connection is gone after this time, in ms. */
const AT_ONCE = 2000;
/** A write of an object is confirmed by other data centers: that takes some 10 to 100 ms. */
const LONGEST_WRITE = 1000;
/** How long an alarm may keep everybody waiting, and how long a second one is waited for, in ms. */
const LONGEST_ALARM = 15_000;
const SECOND_ALARM = 3000;
/** A room sleeps after 10 seconds without events. */
const SLEEP = 14_000;
const SLEEP_ATTEMPTS = 2;

/** Runs all checks, one after the other: a later one needs what an earlier one did. */
export async function* examine(service: Service): AsyncGenerator<Finding> {
  yield await checkAnswers(service);
  const before = await service.metrics();
  yield checkSettings(before);
  yield checkVersions(before);
  const visitor = await service.join();
  try {
    yield checkCompression(visitor, before);
    yield checkRefusal(await service.refused());
    yield await checkWrite(service, before);
    yield await checkAlarm(service, before);
    yield await checkSleep(service, visitor);
    yield checkLogs(visitor);
    yield checkQuota(await service.metrics());
  } finally {
    visitor.leave();
  }
}

async function checkAnswers(service: Service): Promise<Finding> {
  const health = await service.ask("/health");
  const stranger = await service.ask(service.metricsPath);
  const isHealthy = health.status === 200 && health.text.includes('"ok"');
  return {
    name: "The service answers, and hides metrics without a token",
    verdict: isHealthy && stranger.status === 401 ? "ok" : "failed",
    expected: "200 for /health, and 401 for $metrics without a token",
    saw: `${health.status} ${printable(health.text)} in ${inMs(health.ms)}, and ${stranger.status}`,
  };
}

function checkSettings({ runtime, worker }: Metrics): Finding {
  const name = "wrangler.toml has the compatibility date and flags";
  const expected = "nothing is missing";
  if (!runtime || !worker)
    return { name, verdict: "failed", expected, saw: "an older version of durable-rooms that does not report this" };
  const missing = [...new Set([...runtime.missing, ...worker.missing])];
  if (missing.length === 0) return { name, verdict: "ok", expected, saw: "nothing is missing" };
  return { name, verdict: "failed", expected, saw: `it lacks ${missing.join(", ")}` };
}

function checkVersions({ runtime, worker }: Metrics): Finding {
  const [object, own] = [runtime?.deploy, worker?.deploy];
  const name = "The Worker and the room run the same deployed version";
  const expected = "the same version, unless a deploy was minutes ago or is gradual";
  if (!object || !own) {
    return {
      name,
      verdict: "look",
      expected,
      saw: "no version: wrangler.toml has no binding version_metadata named CF_VERSION_METADATA",
    };
  }
  return { name, expected, verdict: object === own ? "ok" : "failed", saw: `Worker ${own}, room ${object}` };
}

/** Where the runtime has compression off and a socket is compressed all the same, something in between does it. */
function checkCompression({ extensions }: Visitor, { runtime }: Metrics): Finding {
  const isOff = runtime?.missing.every((setting) => !setting.includes("compression")) === true;
  const by = isOff
    ? ", from a proxy in front of the runtime, such as that of wrangler dev; in the runtime it is off"
    : "";
  return {
    name: "Compression is off",
    verdict: extensions === "" ? "ok" : isOff ? "look" : "failed",
    expected: "no extension when a client offers permessage-deflate",
    saw: extensions === "" ? "none" : printable(extensions) + by,
  };
}

function checkRefusal({ code, reason, ms }: Ended): Finding {
  return {
    name: "Refusals close at once",
    verdict: code === 4404 && ms < AT_ONCE ? "ok" : "failed",
    expected: `4404 for a room that does not exist, and the connection closed within ${AT_ONCE} ms`,
    saw: `${code} ${printable(reason)}, closed after ${inMs(ms)}`,
  };
}

/** The answer to an operator waits until the counters are stored. */
async function checkWrite(service: Service, before: Metrics): Promise<Finding> {
  const { totals, ms } = await service.metrics();
  const way = await service.ask("/health");
  const rows = totals.rowsWritten - before.totals.rowsWritten;
  return {
    name: "A write is durable in time",
    verdict: rows > 0 && ms < LONGEST_WRITE ? "ok" : "failed",
    expected: `one row or more for the client that connected, within ${LONGEST_WRITE} ms`,
    saw: `${rows} in ${inMs(ms)}; an answer without a write takes ${inMs(way.ms)}`,
  };
}

async function checkAlarm(service: Service, before: Metrics): Promise<Finding> {
  const count = async () => (await service.metrics()).totals.alarms - before.totals.alarms;
  const until = Date.now() + LONGEST_ALARM;
  while (Date.now() < until && (await count()) === 0) await wait(500);
  await wait(SECOND_ALARM);
  const alarms = await count();
  return {
    name: "An alarm rings once",
    verdict: alarms === 1 ? "ok" : alarms === 0 ? "look" : "failed",
    expected: "1, to save the client that connected; 0 with throttleStorage: 0; more if the room has schedules",
    saw: String(alarms),
  };
}

async function checkSleep(service: Service, visitor: Visitor): Promise<Finding> {
  const name = "The room hibernates, and its connections stay open";
  const expected = "after 10 seconds without events it hibernates; a tick, timers and hibernate: false prevent that";
  let { wokeAt, awake } = await service.metrics();
  for (let attempt = 1; attempt <= SLEEP_ATTEMPTS; attempt++) {
    await wait(SLEEP);
    const { isOpen } = visitor;
    const now = await service.metrics();
    if (now.wokeAt > wokeAt && isOpen)
      return { name, verdict: "ok", expected, saw: "it hibernated with an open connection" };
    if (!isOpen) return { name, verdict: "failed", expected, saw: "the connection was closed" };
    ({ wokeAt, awake } = now);
  }
  const reasons = awake.map(({ why }) => why).join(", ") || "nothing that it reports";
  return { name, verdict: "failed", expected, saw: `it stayed in memory, awake because of: ${printable(reasons)}` };
}

function checkLogs({ id }: Visitor): Finding {
  return {
    name: "Session ids are not logged",
    verdict: "look",
    expected: "a search for this id in the Worker's logs, in the dashboard and elsewhere, finds nothing",
    saw: id,
  };
}

function checkQuota({ totals, countedSince }: Metrics): Finding {
  const { requests, calls, alarms, messages, rowsWritten } = totals;
  const asked = Math.ceil(requests + calls + alarms + messages / 20);
  return {
    name: "The quota is not used up",
    verdict: "look",
    expected: "the free plan allows 100,000 requests and 100,000 rows written a day for all rooms (see the dashboard)",
    saw: `this room: ${asked} requests and ${rowsWritten} rows since ${new Date(countedSince).toISOString()}`,
  };
}

function inMs(ms: number): string {
  return `${Math.round(ms)} ms`;
}
