import * as z from "zod/v4/core";
import type { AnyRoom } from "../define/room.ts";
import type { Action } from "../define/types.ts";
import type { ActionList, ActionView } from "./types.ts";

/** Longer schemas are not sent, so the form takes JSON. The second limit is for the number of actions. */
const LONGEST_SCHEMA = 20_000;
export const MOST_ACTIONS = 200;

/** The actions of a room that clients can call, with the JSON Schema of their values. */
export function actionsOf({ compiled }: AnyRoom): ActionList {
  const actions = [...compiled.actions].filter(([, { from }]) => !from).slice(0, MOST_ACTIONS);
  return {
    actions: actions.map(([name, action]) => viewOf(name, action)),
    takesOthers: compiled.definition.unhandledAction !== undefined,
    needsToken: compiled.settings.auth === "required",
  };
}

function viewOf(name: string, { input }: Action<object, unknown>): ActionView {
  if (input === undefined) return { name };
  try {
    const schema = z.toJSONSchema(input as z.$ZodType, { io: "input", unrepresentable: "any" });
    return JSON.stringify(schema).length <= LONGEST_SCHEMA ? { name, input: schema } : { name };
  } catch {
    // Some schemas cannot be converted.
    return { name };
  }
}
