import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Summary } from "../../src/cli/load/summary.ts";
import { runBin, startBin } from "./bin.ts";
import { startService } from "./service.ts";

describe("durable-rooms load", () => {
  let service: Awaited<ReturnType<typeof startService>>;
  beforeEach(async () => void (service = await startService()));
  afterEach(() => service.close());

  /** A short load of 4 clients, each of which sends 20 actions per second. */
  function args(room: string, ...more: string[]): string[] {
    const short = ["--clients", "4", "--rate", "20", "--duration", "500ms", "--ramp", "50ms", "--timeout", "300ms"];
    return ["load", "--host", service.host, "--room", room, "--action", "move", ...short, ...more];
  }
  async function summaryOf(room: string, ...more: string[]): Promise<Summary & { code: number | null }> {
    const { code, stdout } = await runBin(args(room, "--json", ...more));
    return { ...(JSON.parse(stdout) as Summary), code };
  }

  it("measures every answer", async () => {
    const { code, clients, actions, latencyMs, received, seconds, ...rest } = await summaryOf("good");
    expect({ code, clients }).toMatchObject({ code: 0, clients: { asked: 4, connected: 4 } });
    // 4 clients send 20 actions per second for half a second. The last action of each may be too late to be sent.
    expect(actions.sent).toBeGreaterThanOrEqual(36);
    expect(actions.sent).toBeLessThanOrEqual(40);
    expect(actions).toEqual({ sent: actions.sent, answered: actions.sent, refused: 0, unanswered: 0 });
    expect(service.received).toHaveLength(actions.sent);
    expect(seconds).toBeCloseTo(0.5, 1);
    const { p50, p95, p99, max } = latencyMs as Record<keyof typeof latencyMs, number>;
    expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].toSorted((a, b) => a - b));
    expect(p50).toBeGreaterThan(0);
    expect(received.packets).toBeGreaterThanOrEqual(30);
    expect(received.bytes).toBeGreaterThan(received.packets * 20);
    expect(rest).toMatchObject({ refusals: {}, errors: {}, closes: {}, room: "good", action: "move" });
  });

  it("measures the answers of a room that sends binary frames", async () => {
    const { code, clients, actions, received } = await summaryOf("binary");
    expect({ code, connected: clients.connected }).toEqual({ code: 0, connected: 4 });
    expect(actions).toEqual({ sent: actions.sent, answered: actions.sent, refused: 0, unanswered: 0 });
    expect(received.bytes).toBeGreaterThan(received.packets * 20);
  });

  it("offers compression on request, and reports the bytes on the wire", async () => {
    const plain = await summaryOf("good");
    // Each frame has a header of at least two bytes.
    expect(plain.received.wireBytes).toBeGreaterThan(plain.received.bytes);
    expect(plain.received.wireBytes).toBeLessThan(plain.received.bytes + 4 * plain.received.packets);
    const compressed = await summaryOf("good", "--compress");
    expect(compressed.received.wireBytes).toBeLessThan(compressed.received.bytes);
    expect((await runBin(args("good", "--compress"))).stdout).toMatch(/MB, \d+\.\d MB on the wire/);
  });

  it("sends the value with its placeholders replaced", async () => {
    await summaryOf("good", "--value", '{"x":{random:-2-2},"by":"client {client}","n":{count}}');
    const values = service.received.map(({ value }) => value as { x: number; by: string; n: number });
    expect(new Set(values.map(({ by }) => by))).toEqual(new Set([0, 1, 2, 3].map((n) => `client ${n}`)));
    expect(values.every(({ x }) => [-2, -1, 0, 1, 2].includes(x))).toBe(true);
    const ofOne = values.filter(({ by }) => by === "client 2").map(({ n }) => n);
    expect(ofOne).toEqual(ofOne.map((_, index) => index));
  });

  it("connects as separate users, with the token from the environment", async () => {
    await runBin(args("good", "--token-env", "TOKEN", "--party", "lobby"), { env: { TOKEN: "a.b.c" } });
    expect(service.urls.map(({ pathname }) => pathname)).toEqual(
      Array.from({ length: 4 }, () => "/parties/lobby/good"),
    );
    expect(new Set(service.urls.map(({ searchParams }) => searchParams.get("id"))).size).toBe(4);
    expect(service.urls.every(({ searchParams }) => searchParams.get("token") === "a.b.c")).toBe(true);
  });

  it("counts refusals by code, and does not trust their text", async () => {
    const { code, stdout, stderr } = await runBin(args("strict"));
    expect({ code, stderr }).toEqual({ code: 1, stderr: "error: The room refused all actions\n" });
    const sent = service.received.length;
    expect(stdout).toContain(`answers       0; ${sent} refused, 0 missing\n`);
    expect(stdout).toContain(`refused       forbidden × ${sent} (No)\n`);
    expect(stdout).not.toMatch(/^error /m);
  });

  it("counts a refusal without an action once, and not as missing", async () => {
    const { code, actions, refusals, errors } = await summaryOf("busy");
    const refused = service.received.length - 4;
    expect({ code, actions }).toEqual({ code: 0, actions: { sent: refused + 4, answered: 4, refused, unanswered: 0 } });
    expect(refusals).toEqual({ rate_limited: { count: refused, reason: "Too much" } });
    expect(errors).toEqual({});
  });

  it("reports what is wrong with a value", async () => {
    const { refusals } = await summaryOf("picky");
    expect(refusals).toMatchObject({ invalid_input: { reason: "at.x: Too big" } });
  });

  it("reports why a World refuses clients", async () => {
    const { code, stdout } = await runBin(args("good", "--world"));
    expect(code).toBe(1);
    expect(stdout).toContain("error         world_refused × 4 (Not in this World)\n");
  });

  it("counts answers that did not arrive in time", async () => {
    const summary = await summaryOf("mute");
    const { sent } = summary.actions;
    expect(sent).toBeGreaterThanOrEqual(36);
    expect(summary).toMatchObject({ code: 1, actions: { answered: 0, refused: 0, unanswered: sent } });
    expect(summary.errors["timeout"]).toMatchObject({ count: sent });
  });

  it("ends in time, even if it cannot keep up", async () => {
    const { actions, seconds } = await summaryOf("mute", "--clients", "50", "--rate", "1000");
    expect(actions.sent).toBeGreaterThan(500);
    expect(actions.sent).toBeLessThan(25_000);
    expect(seconds).toBeLessThan(1.5);
  });

  it("counts closes by code, with the first reason", async () => {
    const { code, stdout } = await runBin(args("hasty"));
    expect(code).toBe(1);
    expect(stdout).toContain("close         4403 × 4 (Out)\n");
    expect(stdout).toContain("error         closed × 4 (Out)\n");
  });

  it("reports that no client could connect", async () => {
    const { code, stdout, stderr } = await runBin(args("full"));
    expect({ code, stderr }).toEqual({ code: 1, stderr: "error: No client could connect\n" });
    expect(stdout).toContain("0 of 4 connected");
    expect(stdout).toContain("4503 × 4 (The room is full)");
  });

  it("reports at once that there is no service", async () => {
    const { code, stderr } = await runBin(["load", "--host", "127.0.0.1:1", "--room", "good", "--action", "move"]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("No answer from") });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("%s ends it, and prints the results so far", async (signal) => {
    const acted = service.acted();
    const { child, ended } = startBin(args("good", "--duration", "10m"));
    await acted;
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("4 of 4 connected");
    expect(stdout).not.toContain("closed ×");
  });

  it("counts unanswered messages at the end as missing, not as errors", async () => {
    const acted = service.acted();
    const { child, ended } = startBin(args("mute", "--duration", "10m", "--timeout", "1m"));
    await acted;
    child.kill("SIGINT");
    const { stdout } = await ended;
    expect(stdout).toMatch(/^answers +0; 0 refused, [1-9]\d* missing$/m);
    expect(stdout).not.toMatch(/^(error|close) /m);
  });

  it("can be ended while clients are connecting", async () => {
    const { child, ended } = startBin(args("good", "--ramp", "10m"));
    await expect.poll(() => service.urls.length, { timeout: 10_000 }).toBe(1);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining("of 4 connected") });
  });
});
