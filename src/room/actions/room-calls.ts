import type { CompiledRoom } from "../../define/room.ts";
import type { RoomAddress } from "../../define/types.ts";
import { within } from "../../platform/timeout.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import { RoomError } from "../../protocol/errors.ts";
import type { Issue } from "../../protocol/errors.ts";
import { toPlain } from "../../state/to-plain.ts";
import { passes } from "../handlers/guards.ts";
import { parseInput } from "../handlers/validation.ts";
import type { DispatchScope } from "./dispatch.ts";

/** A call of an action by another room. Plain data: it is sent between objects, and between versions. */
export interface RoomCall {
  readonly caller: RoomAddress;
  readonly action: string;
  /** The value of the action as JSON. Undefined for none. */
  readonly value: string | undefined;
}

/** The answer. Errors are data, since a thrown error loses its code between objects. */
export type CallAnswer =
  /** `value`: as JSON. Undefined for none. */
  | { readonly ok: true; readonly value: string | undefined }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly issues: readonly Issue[] | undefined;
    };

/** How a room calls other rooms of its service. Clients cannot use it: these are calls between objects. */
export interface CalledRooms {
  /** @throws RoomError `not_found` if there is no such room */
  fetch(room: RoomAddress, path: string, init?: RequestInit): Promise<Response>;
  /**
   * @param definition the expected definition of the room
   * @throws RoomError `not_found` if there is no such room
   */
  call(room: RoomAddress, call: RoomCall, definition: CompiledRoom | undefined): Promise<CallAnswer>;
}

/** Answers a call of another room. Never rejects. */
export async function answerCall(scope: DispatchScope, call: RoomCall): Promise<CallAnswer> {
  const { compiled, clock, reporter } = scope;
  const { actionTimeout } = compiled.settings;
  const late = () => new RoomError("timeout", `The action took longer than ${actionTimeout / 1000} seconds`);
  try {
    const result = await within(actionTimeout, perform(scope, call), late, clock);
    return { ok: true, value: JSON.stringify(toPlain(result)) };
  } catch (thrown) {
    const { code, message, issues } = reporter.thrown("action_failed", thrown, { action: call.action });
    return { ok: false, code, message, issues };
  }
}

async function perform(scope: DispatchScope, { caller, action: name, value }: RoomCall): Promise<unknown> {
  const { compiled, turns, state, room } = scope;
  const action = compiled.actions.get(name);
  if (action?.from !== "rooms") throw new RoomError("unknown_action", "There is no such action for rooms");
  const input = await parseInput(action.input, value === undefined ? undefined : JSON.parse(value));
  const context = { caller, state, room };
  const asked = { ...context, conn: undefined, auth: null, request: undefined, join: undefined, isSpectator: false };
  const verdict = await turns.run(() => passes(action.guards ?? [], asked, input));
  if (verdict !== true) throw new RoomError("forbidden", "The room may not do this");
  return turns.run(() => action.run(context as never, input));
}
