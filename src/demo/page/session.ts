/** Who plays in this tab. Two tabs are two players; a reload is the same one. */
export interface Session {
  /** Private: whoever has it, and the token, is this player. */
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
  const text = sessionStorage.getItem(KEY);
  return text === null ? undefined : (JSON.parse(text) as Session);
}

export function forgetSession(): void {
  sessionStorage.removeItem(KEY);
}

/** The name that was used last, in any tab. */
export function lastName(): string {
  return localStorage.getItem(LAST_NAME) ?? "";
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
  return save({ id: crypto.randomUUID(), token: answer.token, name: answer.name, via });
}

function save(session: Session): Session {
  sessionStorage.setItem(KEY, JSON.stringify(session));
  localStorage.setItem(LAST_NAME, session.name);
  return session;
}
