import { tabStorage } from "../../client/index.ts";
import { keptBy } from "./kept.ts";

/** The player of this tab. Two tabs are two players. A reloaded or duplicated tab is the same player. */
export interface Session {
  /** Private: together with the token it identifies the player. */
  readonly id: string;
  readonly token: string;
  readonly name: string;
  /** Whether its socket goes to the room itself, or to a shard that the World chooses. */
  readonly via: Via;
}
export type Via = "room" | "world";

const KEY = "durable-rooms.session";
const LAST_NAME = "durable-rooms.name";

export function loadSession(): Session | undefined {
  const text = tabStorage.getItem(KEY);
  return text ? (JSON.parse(text) as Session) : undefined;
}

export function forgetSession(): void {
  tabStorage.setItem(KEY, "");
}

/** The name that was used last, in any tab. */
export function lastName(): string {
  return keptBy(() => localStorage.getItem(LAST_NAME)) ?? "";
}

/**
 * The session for a name: the one of this tab, or a new one.
 * @throws Error with a message for the player, if the server gives none
 */
export async function login(name: string, via: Via): Promise<Session> {
  const known = loadSession();
  if (known?.name === name) return save({ ...known, via });
  const response = await fetch("/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  }).catch(() => undefined);
  const answer = (await response?.json().catch(() => undefined)) as
    | { token?: string; name?: string; error?: string }
    | undefined;
  if (!answer?.token || !answer.name) throw new Error(answer?.error ?? "The server cannot be reached");
  return save({ id: newId(), token: answer.token, name: answer.name, via });
}

function save(session: Session): Session {
  tabStorage.setItem(KEY, JSON.stringify(session));
  keptBy(() => localStorage.setItem(LAST_NAME, session.name));
  return session;
}

/** `crypto.randomUUID` is not there on pages without TLS. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
}
