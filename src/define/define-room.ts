import type { Build } from "../protocol/build.ts";
import { postponed } from "../protocol/postponed.ts";
import { checkDefinition } from "./check-definition.ts";
import { parsePath } from "./paths.ts";
import type { CompiledRoom, DefinedRoom } from "./room.ts";
import { compileRoutes } from "./routes.ts";
import { settingsOf } from "./settings.ts";
import type { AnyDefinition, RoomDefinition } from "./types.ts";

/**
 * Defines a kind of room: its state, its actions, its HTTP requests, its hooks and its options. Each room id that
 * matches `path` is a room of its own. Pass the result to {@link createRooms}.
 *
 * @throws Error that names the option and says what to write, if the definition is malformed. It is thrown in tests,
 * and in development when the definition is used. A deployed Worker does not check definitions
 * @example
 * import * as z from "zod";
 * import { defineRoom, signal, sync } from "durable-rooms";
 *
 * export const counter = defineRoom({
 *   path: "counter-{id}",
 *   state: () => ({ count: sync(signal(0)) }),
 *   actions: {
 *     add: { input: z.number().int(), run({ state }, by) { state.count.update((count) => count + by); } },
 *   },
 * });
 */
export function defineRoom<
  S extends object,
  A,
  O,
  R,
  E,
  N,
  K extends string,
  C,
  J = undefined,
  F = unknown,
  I = unknown,
>(definition: RoomDefinition<S, A, O, R, E, N, K, C, J, F, I>): DefinedRoom<S, A, O, E, J, F, I> {
  const isDevelopment = (globalThis as Build).process?.env?.NODE_ENV === "development";
  const untyped = definition as unknown as AnyDefinition;
  return isDevelopment ? postponed(() => compile(untyped)) : compile(untyped);
}

function compile(untyped: AnyDefinition): { readonly path: string; readonly compiled: CompiledRoom } {
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") checkDefinition(untyped);
  const compiled: CompiledRoom = {
    definition: untyped,
    version: untyped.version ?? 1,
    pattern: parsePath(untyped.path),
    settings: settingsOf(untyped),
    actions: new Map(Object.entries(untyped.actions ?? {})),
    inputs: new Map(Object.entries(untyped.inputs ?? {})),
    routes: compileRoutes(untyped.requests ?? {}),
    told: new Set(),
  };
  return { path: untyped.path, compiled };
}
