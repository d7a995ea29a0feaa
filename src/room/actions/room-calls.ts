import type { CompiledRoom } from "../../define/room.ts";
import type { RoomAddress } from "../../define/types.ts";
import { within } from "../../platform/timeout.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import { isFault, RoomError, toRoomError } from "../../protocol/errors.ts";
import type { Issue } from "../../protocol/errors.ts";
import { toPlain } from "../../state/to-plain.ts";
import { passes } from "../handlers/guards.ts";
import { parseInput } from "../handlers/validation.ts";
import type { DispatchScope } from "./dispatch.ts";

/** A call of an action by another room. Plain data: it crosses between objects, and between deploys. */
export interface RoomCall {
  readonly caller: RoomAddress;
  readonly action: string;
  /** What the action gets, as JSON; undefined for nothing. */
  readonly value: string | undefined;
}

/** The answer. An error is data here, since one that is thrown loses its code on the way. */
export type CallAnswer =
  /** `value`: as JSON; undefined for nothing. */
  | { readonly ok: true; readonly value: string | undefined }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly issues: readonly Issue[] | undefined;
    };

/** How a room calls others of its service. No outsider can: these are calls between objects. */
export interface CalledRooms {
  /** @throws RoomError `not_found` if there is no such room */
  fetch(room: RoomAddress, path: string, init?: RequestInit): Promise<Response>;
  /**
   * @param definition that the room has to have
   * @throws RoomError `not_found` if there is no such room
   */
  call(room: RoomAddress, call: RoomCall, definition: CompiledRoom | undefined): Promise<CallAnswer>;
}

/** Answers a call of another room. It never rejects. */
export async function answerCall(scope: DispatchScope, call: RoomCall): Promise<CallAnswer> {
  const { compiled, clock, reporter } = scope;
  const { actionTimeout } = compiled.settings;
  const late = () => new RoomError("timeout", `The action took longer than ${actionTimeout / 1000} seconds`);
  try {
    const result = await within(actionTimeout, perform(scope, call), late, clock);
    return { ok: true, value: JSON.stringify(toPlain(result)) };
  } catch (thrown) {
    const error = toRoomError(thrown);
    const about = { action: call.action };
    if (isFault(error)) reporter.failed("action_failed", thrown, about);
    else reporter.refused(error, about);
    const { code, message, issues } = error;
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
