import type { RuntimeReport } from "../platform/metrics.ts";

/** What a service expects of the runtime: a flag, its state, and what to write into `wrangler.toml` if it differs. */
const EXPECTED: readonly (readonly [flag: string, isOn: boolean, setting: string])[] = [
  // Calls and promises keep an object awake. The flag is implied by the date.
  ["durable_object_io_tasks_prevent_eviction", true, 'compatibility_date = "2026-10-01" or later'],
  ["web_socket_compression", false, '"no_web_socket_compression" in compatibility_flags'],
  ["enable_request_signal", true, '"enable_request_signal" in compatibility_flags'],
];

/**
 * The settings that are missing in `wrangler.toml`, as far as the runtime can tell.
 * @param flags by name, as https://developers.cloudflare.com/workers/configuration/compatibility-flags/ has them
 */
export function missingSettings(flags = flagsOfRuntime()): string[] {
  return EXPECTED.filter(([flag, isOn]) => flags[flag] === !isOn).map(([, , setting]) => setting);
}

/** Information for operators about the code that runs a Worker or an object. */
export function reportRuntime(env: object): RuntimeReport {
  const { CF_VERSION_METADATA: deploy } = env as { readonly CF_VERSION_METADATA?: { readonly id?: string } };
  return { deploy: deploy?.id ?? null, missing: missingSettings() };
}

function flagsOfRuntime(): Readonly<Record<string, boolean>> {
  const { Cloudflare: runtime } = globalThis as { Cloudflare?: { compatibilityFlags?: Record<string, boolean> } };
  return runtime?.compatibilityFlags ?? {};
}
