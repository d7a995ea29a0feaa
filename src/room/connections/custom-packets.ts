import { parseOwn } from "../../define/schemas.ts";
import type { Events, Packet } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";
import { RESERVED_TYPES } from "../../protocol/packets.ts";
import { toPlain } from "../../state/to-plain.ts";

/**
 * Encodes a packet that a handler sends. It is checked, and sent as it is: its schema changes nothing.
 * @param events those that the definition declares, if it does
 * @throws RoomError if the type is missing, or is one that the protocol uses; if it is no event, or has another value; or
 * if JSON cannot hold it
 */
export function encodePacket(packet: Packet, events: Events | undefined): string {
  const type: unknown = packet?.type;
  if (typeof type !== "string" || type === "" || RESERVED_TYPES.has(type)) {
    throw new RoomError("internal", `A packet needs a type of its own, not ${JSON.stringify(type)}`);
  }
  if (events) {
    if (!Object.hasOwn(events, type)) {
      throw new RoomError("internal", `There is no event "${type}". There are: ${Object.keys(events).join(", ")}`);
    }
    parseOwn(events[type], packet.value, `The event "${type}"`);
  }
  return JSON.stringify(toPlain(packet));
}
