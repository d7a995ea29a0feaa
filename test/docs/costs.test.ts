import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { costOf } from "../../src/platform/cost.ts";
import { zero } from "../../src/platform/counts.ts";
import type { Counts } from "../../src/platform/counts.ts";
import type { RoomMetrics } from "../../src/platform/metrics.ts";
import { testRoom, operatorToken } from "../support/harness.ts";
import { game } from "./extracted/moved-game.ts";

const [text = ""] = Object.values(
  import.meta.glob("../../docs/costs.md", { query: "?raw", import: "default", eager: true }),
);
const cellsOf = (line: string) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
const numberOf = (cell = "") => Number(cell.replaceAll(/[^\d.]/g, ""));
/** The rows with examples: the counts and their cost. */
const examples = text
  .split("\n")
  .map(cellsOf)
  .filter((cells) => cells.length === 8 && cells[7]?.includes("$"));

describe("docs/costs.md", () => {
  it.each(examples.map((cells) => [cells[0] ?? "", cells] as const))("%s", (_, cells) => {
    const [messages = 0, requests = 0, calls = 0, alarms = 0, hours = 0, rowsWritten = 0, dollars = 0] = cells
      .slice(1)
      .map(numberOf);
    const counts: Counts = { ...zero(), messages, requests, calls, alarms, awakeMs: hours * 3_600_000, rowsWritten };
    expect(costOf(counts).total.toFixed(3)).toBe(dollars.toFixed(3));
  });

  it("has more than three examples", () => expect(examples.length).toBeGreaterThan(3));

  // Daily quotas of the free plan, for all objects of an account: requests, GB-s, and rows written.
  const QUOTAS = [100_000, 13_000, 100_000];
  const free = text
    .split("\n")
    .map(cellsOf)
    .filter((cells) => cells.length === 5 && cells[4]?.endsWith(" hours"));

  it.each(free.map((cells) => [cells[0] ?? "", cells] as const))("free plan: %s", (name, cells) => {
    const used = cells.slice(1, 4).map(numberOf);
    const hours = Math.min(...QUOTAS.map((quota, index) => quota / (used[index] ?? 0)));
    expect(cells[4]).toBe(`${hours.toFixed(1)} hours`);
    const example = examples.find(([other]) => other === name);
    if (!example) return;
    const [messages = 0, requests = 0, calls = 0, alarms = 0, awake = 0, rows = 0] = example.slice(1).map(numberOf);
    const length = Number(/^(\d+) hours/.exec(name)?.[1] ?? 1);
    const counted = [messages / 20 + requests + calls + alarms, awake * 3600 * 0.128, rows].map((all) => all / length);
    expect(used).toEqual(counted.map(Math.round));
  });

  it("has more than five examples for the free plan", () => expect(free.length).toBeGreaterThan(5));

  it("a window in which users move ten times each costs one alarm and one row for all of them", async () => {
    const room = testRoom(game, "any");
    const headers = { authorization: `Bearer ${await operatorToken({ rooms: "*" })}` };
    const url = `http://rooms.test/parties/${room.party}/${room.id}/$metrics`;
    const read = async () => (await (await exports.default.fetch(url, { headers })).json<RoomMetrics>()).sinceWake;
    const clients = await Promise.all(Array.from({ length: 4 }, () => room.connect()));
    await room.alarm();
    await room.alarm();
    const before = await read();
    for (let x = 0; x < 10; x++) await Promise.all(clients.map((client) => client.call("move", { x, y: x })));
    await room.alarm();
    const after = await read();
    const grown = (name: "messages" | "alarms" | "rowsWritten") => after[name] - before[name];
    expect([grown("messages"), grown("alarms")]).toEqual([40, 1]);
    // At most one row each for the journal, the alarm, the counters, and the time of the next alarm.
    expect(grown("rowsWritten")).toBeGreaterThan(1);
    expect(grown("rowsWritten")).toBeLessThanOrEqual(4);
  });
});
