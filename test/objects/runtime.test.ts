import { env } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createRooms, defineRoom, sync } from "../../src/index.ts";
import { missingSettings, reportRuntime } from "../../src/objects/runtime.ts";
import type { LogEntry } from "../../src/platform/ports.ts";

/** The compatibility flags of a runtime with an old `wrangler.toml`. */
const OLD = {
  durable_object_io_tasks_prevent_eviction: false,
  web_socket_compression: true,
  enable_request_signal: false,
};
const SETTINGS = [
  'compatibility_date = "2026-10-01" or later',
  '"no_web_socket_compression" in compatibility_flags',
  '"enable_request_signal" in compatibility_flags',
];

afterEach(() => vi.unstubAllGlobals());

describe("a service reports at start-up what wrangler.toml lacks", () => {
  it("names each setting", () => {
    expect(missingSettings(OLD)).toEqual(SETTINGS);
    expect(missingSettings({ ...OLD, enable_request_signal: true })).toEqual(SETTINGS.slice(0, 2));
  });

  it("accepts the settings of the documentation", () => {
    expect(missingSettings()).toEqual([]);
  });

  it("reports nothing if the runtime does not tell", () => {
    expect(missingSettings({})).toEqual([]);
  });

  it("in its log, once", () => {
    const lines: LogEntry[] = [];
    const room = defineRoom({ path: "a", state: () => ({ a: sync(signal(0)) }) });
    createRooms({ rooms: [room], log: (entry) => lines.push(entry) });
    expect(lines).toEqual([]);
    vi.stubGlobal("Cloudflare", { compatibilityFlags: OLD });
    createRooms({ rooms: [room], log: (entry) => lines.push(entry) });
    const hint = `wrangler.toml needs ${SETTINGS.join(", ")}`;
    expect(lines).toEqual([{ level: "warn", event: "settings_missing", hint }]);
  });
});

describe("operators see the deployed version", () => {
  it("from the binding of that name", () => {
    expect(reportRuntime({ CF_VERSION_METADATA: { id: "v-1" } })).toEqual({ deploy: "v-1", missing: [] });
    expect(reportRuntime(env).deploy).toMatch(/./);
    expect(reportRuntime({}).deploy).toBeNull();
  });
});
