import type { Packet } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";
import { toPlain } from "../../state/to-plain.ts";

/** Packet types that only the runtime may send. */
const RESERVED: ReadonlySet<string> = new Set(["sync", "ack", "error", "user_disconnected"]);

/**
 * Encodes a packet that a handler sends.
 * @throws RoomError if the type is missing, or is one that the protocol uses; or if JSON cannot hold it
 */
export function encodePacket(packet: Packet): string {
  if (typeof packet?.type !== "string" || packet.type === "" || RESERVED.has(packet.type)) {
    throw new RoomError("internal", `A packet needs a type of its own, not ${JSON.stringify(packet?.type)}`);
  }
  return JSON.stringify(toPlain(packet));
}
