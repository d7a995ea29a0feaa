import type { CompiledRoom } from "../define/room.ts";
import type { RoomAddress } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { toPlain } from "../state/to-plain.ts";
import type { CalledRooms } from "./actions/room-calls.ts";

type Call = readonly [room: string | RoomAddress, action: string, value?: unknown];
type TypedCall = readonly [definition: { readonly compiled: CompiledRoom }, ...call: Call];

/** The address of a room. An id means a room of the same party. */
export function addressOf(room: string | RoomAddress, party: string): RoomAddress {
  return typeof room === "string" ? { party, id: room } : room;
}

/**
 * Calls an action of another room.
 * @param given the arguments of `room.call`, with or without the definition of the other room
 * @throws RoomError of the other room, or why it cannot be called
 */
export async function callRoom(
  rooms: Pick<CalledRooms, "call">,
  caller: RoomAddress,
  ...given: readonly unknown[]
): Promise<unknown> {
  const { compiled } = given[0] as Partial<TypedCall[0]>;
  const [room, action, value] = (compiled ? given.slice(1) : given) as Call;
  const call = { caller, action, value: JSON.stringify(toPlain(value)) };
  const answer = await rooms.call(addressOf(room, caller.party), call, compiled);
  if (!answer.ok) throw new RoomError(answer.code, answer.message, answer.issues && { issues: answer.issues });
  return answer.value === undefined ? undefined : JSON.parse(answer.value);
}
