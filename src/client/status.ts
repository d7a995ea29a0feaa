/** connecting until the first packet; then open; reconnecting after a loss; closed for good, by either side. */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";

/** What happens to a connection. */
type StatusEvent = "synced" | "lost" | "ended";

/** All transitions: an event that is not listed changes nothing. */
const NEXT: Readonly<Record<ClientStatus, Partial<Readonly<Record<StatusEvent, ClientStatus>>>>> = {
  connecting: { synced: "open", lost: "reconnecting", ended: "closed" },
  open: { lost: "reconnecting", ended: "closed" },
  reconnecting: { synced: "open", ended: "closed" },
  closed: {},
};

/** @returns the status after what happened */
export function nextStatus(status: ClientStatus, event: StatusEvent): ClientStatus {
  return NEXT[status][event] ?? status;
}
