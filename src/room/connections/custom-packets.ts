import type { Packet } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";
import { toPlain } from "../../state/to-plain.ts";

/** Types that only the runtime sends. */
const RESERVED: ReadonlySet<string> = new Set(["sync", "ack", "error", "user_disconnected"]);

/**
 * A packet of the room's own as JSON.
 * @throws RoomError if its type is missing, or one that the protocol uses
 */
export function encodePacket(packet: Packet): string {
  if (typeof packet?.type !== "string" || packet.type === "" || RESERVED.has(packet.type)) {
    throw new RoomError("internal", `A packet needs a type of its own, not ${JSON.stringify(packet?.type)}`);
  }
  return JSON.stringify({ type: packet.type, value: toPlain(packet.value) });
}
