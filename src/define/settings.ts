import type { AnyDefinition } from "./types.ts";

/** The options that have a default. */
const DEFAULTS = {
  maxUsers: Infinity,
  maxConnectionsPerUser: 16,
  throttleSync: "auto",
  throttleStorage: 1000,
  hibernate: true,
  sessionExpiryTime: 300_000,
  maxOfflineSessions: 10_000,
  expireAfter: Infinity,
  transferExpiryTime: 300_000,
  actionTimeout: 30_000,
  autoSync: true,
  rateLimit: { messages: 500, per: 1000 },
  joinRate: { joins: 200, per: 60_000 },
  requestRate: { requests: 300, per: 10_000 },
  maxMessageBytes: 65_536,
  maxUnconfirmedBytes: 32_000_000,
  maxSilentBytes: Infinity,
  spectators: false,
  auth: "optional",
} as const satisfies Partial<AnyDefinition>;

/** The options that have a default, as a room uses them. */
export type Settings = Readonly<Required<Pick<AnyDefinition, keyof typeof DEFAULTS>>>;

export function settingsOf(definition: AnyDefinition): Settings {
  const given = Object.keys(DEFAULTS)
    .map((name) => [name, definition[name as keyof Settings]] as const)
    .filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}
