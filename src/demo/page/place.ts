import type { Session } from "./session.ts";

/** Where a socket goes: to the room itself, or to a shard of it. */
export interface Place {
  readonly party: "main" | "shard";
  readonly room: string;
}

/** Why there is no place. */
export interface Refusal {
  /** What a shard would close a socket with for the same reason. */
  readonly code: number;
  readonly reason: string;
}

const CONNECT = "/parties/world/world-default/connect";
const NO_SPACE = 4503;
/** A World that said nothing for so long is asked again. In ms. */
const PATIENCE = 10_000;

/**
 * The room itself, or the shard that the World `world-default` gives out. `connectionWorld` would ask without the
 * token that such a room needs to grow, and only once: a shard that is full or gone has to be asked for again.
 */
export async function findPlace(roomId: string, { via, token }: Session): Promise<Place | Refusal> {
  if (via !== "world") return { party: "main", room: encodeURIComponent(roomId) };
  const response = await fetch(CONNECT, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ roomId }),
    signal: AbortSignal.timeout(PATIENCE),
  }).catch(() => undefined);
  const answer = (await response?.json().catch(() => undefined)) as { url?: string; error?: string } | undefined;
  if (answer?.url) return { party: "shard", room: answer.url };
  const isRefused = response && response.status >= 400 && response.status < 500;
  return {
    code: isRefused ? 4000 + response.status : NO_SPACE,
    reason: answer?.error ?? "The World cannot be reached",
  };
}
