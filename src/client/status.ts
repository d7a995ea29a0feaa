/** connecting until the first packet; then open; reconnecting after a loss; closed for good, by either side. */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";

/** What happens to a connection. */
type Turn = "synced" | "lost" | "ended";

/** All there is: whatever is not listed changes nothing. */
const NEXT: Readonly<Record<ClientStatus, Partial<Readonly<Record<Turn, ClientStatus>>>>> = {
  connecting: { synced: "open", lost: "reconnecting", ended: "closed" },
  open: { lost: "reconnecting", ended: "closed" },
  reconnecting: { synced: "open", ended: "closed" },
  closed: {},
};

/** @returns the status after what happened */
export function nextStatus(status: ClientStatus, turn: Turn): ClientStatus {
  return NEXT[status][turn] ?? status;
}
