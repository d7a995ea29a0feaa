import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { UsageError } from "../../src/cli/failure.ts";
import { showProgress } from "../../src/cli/load/progress.ts";
import type { LoadSettings } from "../../src/cli/load/settings.ts";
import { times } from "../../src/cli/load/summary.ts";
import { Tally } from "../../src/cli/load/tally.ts";
import { parseTarget } from "../../src/cli/load/target.ts";
import { createValueMaker } from "../../src/cli/load/value.ts";

describe("the target of a load test", () => {
  it.each([
    ["localhost:8787", "http://localhost:8787"],
    ["http://localhost:8787/", "http://localhost:8787"],
    ["127.0.0.1", "http://127.0.0.1"],
    ["http://127.1:80", "http://127.0.0.1"],
    ["[::1]:8787", "http://[::1]:8787"],
    ["https://app.localhost", "https://app.localhost"],
  ])("%s is this machine", (host, origin) => expect(parseTarget(host, false)).toBe(origin));

  it.each([
    "example.com",
    "192.168.1.5:8787",
    "10.0.0.1",
    "0.0.0.0:8787",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "mylocalhost",
    "http://[::ffff:127.0.0.1]",
  ])("%s is not: it needs --yes-remote", (host) => {
    expect(() => parseTarget(host, false)).toThrow("--yes-remote");
    expect(parseTarget(host, true)).toContain("://");
  });

  it.each([
    "localhost@example.com",
    "localhost:80@example.com",
    "localhost/x",
    "localhost#",
    "localhost?",
    "",
    "a b",
    "x:y:z",
  ])("%j is not a host, even with --yes-remote", (host) => expect(() => parseTarget(host, true)).toThrow(UsageError));
});

describe("values", () => {
  it("random numbers are whole, and in the range", () => {
    const bounds = fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -1000, max: 1000 }));
    fc.assert(
      fc.property(bounds, ([a, b]) => {
        const value = createValueMaker(`{random:${a}-${b}}`)({ client: 0, count: 0 }) as number;
        expect(Number.isInteger(value)).toBe(true);
        expect(value).toBeGreaterThanOrEqual(Math.min(a, b));
        expect(value).toBeLessThanOrEqual(Math.max(a, b));
      }),
    );
  });

  it("JSON without placeholders is unchanged", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\{(client|count|random:)/.test(text));
        expect(createValueMaker(text)({ client: 1, count: 2 })).toEqual(JSON.parse(text));
      }),
    );
  });

  it("without a value it is undefined", () =>
    expect(createValueMaker(undefined)({ client: 0, count: 0 })).toBeUndefined());
});

describe("percentiles", () => {
  it("are the nearest rank of the sorted times, with three digits", () => {
    const sample = fc.array(fc.double({ min: 0.01, max: 10_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(sample, (latencies) => {
        const tally = new Tally();
        for (const ms of latencies) tally.answered(ms);
        const sorted = latencies.toSorted((a, b) => a - b);
        const exact = (percent: number) =>
          sorted[Math.max(1, Math.round((percent / 100) * sorted.length)) - 1] as number;
        const found = times(tally.latency) as Record<"p50" | "p95" | "p99" | "max", number>;
        for (const [name, percent] of [
          ["p50", 50],
          ["p95", 95],
          ["p99", 99],
          ["max", 100],
        ] as const) {
          expect(Math.abs(found[name] - exact(percent))).toBeLessThanOrEqual(0.002 + exact(percent) * 0.002);
        }
      }),
    );
  });
});

describe("the progress", () => {
  afterEach(() => void vi.useRealTimers());
  const settings = { clients: 3, duration: 10_000 } as LoadSettings;

  function show(isTTY: boolean) {
    vi.useFakeTimers();
    const stream = Object.assign(new PassThrough(), { isTTY, columns: 30 });
    const tally = new Tally();
    const end = showProgress(stream as unknown as WriteStream, settings, tally);
    const written = () => String(stream.read() ?? "");
    return { tally, end, written };
  }

  it("is one line, not wider than the terminal, and is cleared", () => {
    const { tally, end, written } = show(true);
    tally.arrived(5);
    vi.advanceTimersByTime(250);
    expect(written()).toBe("\r\u001B[K1 of 3 clients connected …");
    tally.start();
    vi.advanceTimersByTime(250);
    expect(written()).toMatch(/\d of 10 s {3}1 of 3 clients/);
    end();
    expect(written()).toBe("\r\u001B[K");
    vi.advanceTimersByTime(1000);
    expect(written()).toBe("");
  });

  it("is not shown without a terminal", () => {
    const { end, written } = show(false);
    vi.advanceTimersByTime(1000);
    end();
    expect(written()).toBe("");
  });
});
