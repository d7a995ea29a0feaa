import type { Session } from "./session.ts";

/** Where a socket goes: to the room itself, or to a shard of it. */
export interface Place {
  readonly party: string;
  readonly room: string;
}

/** The object that the World `world-default` gives a client of a room; or the room itself. */
export async function findPlace(roomId: string, session: Session): Promise<Place> {
  if (session.via !== "world") return { party: "main", room: encodeURIComponent(roomId) };
  // `connectionWorld` asks without a token; but a room that needs one grows only for callers who have it.
  const response = await fetch("/parties/world/world-default/connect", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${session.token}` },
    body: JSON.stringify({ roomId }),
  });
  const answer = (await response.json()) as { url?: string; error?: string };
  if (answer.url === undefined) throw new Error(answer.error ?? "The World gave no shard");
  return { party: "shard", room: answer.url };
}
