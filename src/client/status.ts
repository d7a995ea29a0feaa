/**
 * The status of a connection:
 * - `"connecting"`: before the first packet
 * - `"open"`: connected
 * - `"reconnecting"`: the connection was lost, and the client tries to reconnect
 * - `"closed"`: closed by the client, the room or the World. The client does not reconnect
 */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";
