/**
 * The status of a connection:
 * - `"connecting"`: before the first packet
 * - `"open"`: connected
 * - `"reconnecting"`: the connection was lost, and the client tries to reconnect
 * - `"closed"`: closed by the client, the room or the World. The client does not reconnect
 */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";

/** The events that change the status. */
type StatusEvent = "synced" | "lost" | "ended";

/** All transitions. An event that is not listed changes nothing. */
const NEXT: Readonly<Record<ClientStatus, Partial<Readonly<Record<StatusEvent, ClientStatus>>>>> = {
  connecting: { synced: "open", lost: "reconnecting", ended: "closed" },
  open: { lost: "reconnecting", ended: "closed" },
  reconnecting: { synced: "open", ended: "closed" },
  closed: {},
};

/** @returns the status after an event */
export function nextStatus(status: ClientStatus, event: StatusEvent): ClientStatus {
  return NEXT[status][event] ?? status;
}
