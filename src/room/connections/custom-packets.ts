import { parseOwn } from "../../define/schemas.ts";
import type { Events, Packet } from "../../define/types.ts";
import { RoomError } from "../../protocol/errors.ts";
import type { Build } from "../../protocol/build.ts";
import { RESERVED_TYPES } from "../../protocol/packets.ts";
import { toPlain } from "../../state/to-plain.ts";

/**
 * Encodes a packet that a handler sends. It is sent as it is: a schema changes nothing.
 * @param events those that the definition declares, if it does: in development and in tests a packet has to be one
 * @throws RoomError if the type is missing, or is one that the protocol uses; if it is no event, or has another value; or
 * if JSON cannot hold it
 */
export function encodePacket(packet: Packet, events: Events | undefined): string {
  const type: unknown = packet?.type;
  if (typeof type !== "string" || type === "" || RESERVED_TYPES.has(type)) {
    throw new RoomError("internal", `A packet cannot have the type ${JSON.stringify(type)}: choose another text`);
  }
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production" && events) checkEvent(packet, events);
  return JSON.stringify(toPlain(packet));
}

function checkEvent({ type, value }: Packet, events: Events): void {
  if (!Object.hasOwn(events, type)) {
    throw new RoomError("internal", `There is no event "${type}". There are: ${Object.keys(events).join(", ")}`);
  }
  parseOwn(events[type], value, `The event "${type}"`);
}
