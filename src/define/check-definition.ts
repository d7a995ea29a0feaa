import { RESERVED_TYPES } from "../protocol/packets.ts";
import { isPlain } from "../protocol/values.ts";
import { checkMigrations } from "./migrations.ts";
import { checkPath } from "./paths.ts";
import { checkRoutes } from "./routes.ts";
import { notSchema, schemaProblem } from "./schemas.ts";
import type { Action, AnyDefinition, Schedule } from "./types.ts";

/** The checks of all options. Each returns the problem, or undefined. */
const OPTIONS: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  path: () => undefined,
  state: isFunction,
  version: isVersion,
  migrate: isRecord,
  actions: isRecord,
  events: isRecord,
  join: isRecord,
  spectators: isBoolean,
  connectionState: isFunction,
  inputs: isRecord,
  requests: isRecord,
  unhandledAction: isRecord,
  guards: isGuardList,
  tick: isTick,
  maxUsers: isNumber(1),
  maxConnectionsPerUser: isNumber(1),
  throttleSync: (value) => (value === "auto" ? undefined : isNumber(0, 60_000)(value)),
  throttleStorage: isNumber(0, 3_600_000),
  hibernate: isBoolean,
  transferExpiryTime: isNumber(1000),
  actionTimeout: isNumber(1, 3_600_000),
  autoSync: isBoolean,
  rateLimit: isRate("messages"),
  joinRate: isRate("joins"),
  requestRate: isRate("requests"),
  schedules: isRecord,
  sessionExpiryTime: isNumber(0),
  maxOfflineSessions: isNumber(1),
  expireAfter: isNumber(1000),
  maxMessageBytes: isNumber(1, 32 * 1024 * 1024),
  maxUnconfirmedBytes: isNumber(10_000),
  maxSilentBytes: isNumber(10_000),
  auth: (value) => (value === "required" || value === "optional" ? undefined : 'has to be "required" or "optional"'),
  onCreate: isFunction,
  onDestroy: isFunction,
  onExpire: isFunction,
  onStart: isFunction,
  onJoin: isFunction,
  onLeave: isFunction,
  onError: isFunction,
  interceptorPacket: isFunction,
  onSessionRestore: isFunction,
  onStorageRestore: isFunction,
  onUserStorageRestore: isFunction,
};

/**
 * Checks a definition, in development and in tests. Deployed Workers do not contain this, since the definition was run
 * before.
 * @throws Error that names the option and says what to do, if it is malformed
 */
export function checkDefinition(definition: AnyDefinition): void {
  const where = `defineRoom(${JSON.stringify(definition?.path)})`;
  checkOptions(where, definition as unknown as Record<string, unknown>);
  checkNamed(where, definition);
  checkInputs(where, definition);
  checkMigrations(where, definition.version ?? 1, definition.migrate ?? {});
  checkPath(definition.path);
  checkRoutes(definition.requests ?? {});
}

function checkOptions(where: string, definition: Record<string, unknown>): void {
  if (isRecord(definition)) throw new Error("defineRoom() takes one object with at least a path and a state");
  for (const [name, value] of Object.entries(definition)) {
    const check = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (!check) throw new Error(`${where}: there is no option "${name}". Known: ${Object.keys(OPTIONS).join(", ")}`);
    const problem = value === undefined ? undefined : check(value);
    if (problem) throw new Error(`${where}: ${name} ${problem}`);
  }
  if (typeof definition["state"] !== "function") {
    throw new Error(`${where}: state has to be a function that makes the state of one room`);
  }
}

/** Names of events that clients use otherwise: packets of the protocol, and events of the client itself. */
const TAKEN: ReadonlySet<string> = new Set([...RESERVED_TYPES, "joining", "packet", "status", "closed", "destroyed"]);

/** Checks the named parts of a definition. @throws Error that says what is wrong with one of them */
function checkNamed(where: string, { actions = {}, events = {}, schedules = {}, join }: AnyDefinition): void {
  const check = (kind: string, named: object, problemOf: (part: never, name: string) => string | undefined) => {
    for (const [name, part] of Object.entries(named)) {
      const problem = problemOf(part as never, name);
      if (problem) throw new Error(`${where}: the ${kind} "${name}" ${problem}`);
    }
  };
  check(
    "action",
    actions,
    (action: Action<object, unknown>) =>
      isRunnable(action) ??
      isGuardList(action.guards ?? []) ??
      schemaProblem(action.input, "an input") ??
      (action.from === undefined || action.from === "rooms" ? undefined : 'has a from that is not "rooms"') ??
      (action.rateLimit && isRate("messages", "rateLimit.")(action.rateLimit)),
  );
  if (join) check("option", { join }, ({ input = null }: { input?: unknown }) => schemaProblem(input, "an input"));
  check(
    "schedule",
    schedules,
    (schedule: Schedule<object, unknown>) => isRunnable(schedule) ?? notSchema(schedule.payload, "a payload"),
  );
  check("event", events, (schema, name) =>
    TAKEN.has(name) ? "has a reserved name: choose another one" : notSchema(schema ?? null, "a value"),
  );
}

/** @throws Error that says what is wrong with the inputs */
function checkInputs(where: string, { inputs, actions = {}, tick, interceptorPacket }: AnyDefinition): void {
  if (!inputs) return;
  if (!tick) throw new Error(`${where}: inputs need a tick, such as tick: { hz: 30 }`);
  // An interceptor's copies of packets have no numbers of inputs.
  if (interceptorPacket) throw new Error(`${where}: inputs cannot be used together with interceptorPacket`);
  for (const [name, input] of Object.entries(inputs)) {
    const problem =
      isRecord(input) ??
      isFunction((input as { step?: unknown }).step, "step ") ??
      optionalRun(input) ??
      schemaProblem(input.input, "an input") ??
      (Object.hasOwn(actions, name) ? "has the name of an action" : undefined);
    if (problem) throw new Error(`${where}: the input "${name}" ${problem}`);
  }
}

function isTick(tick: unknown): string | undefined {
  const { hz } = { ...(tick as { hz?: unknown } | null) };
  return isRecord(tick) ?? isNumber(0.1, 1000)(hz, "tick.hz ") ?? optionalRun(tick as object);
}

function optionalRun({ run }: { readonly run?: unknown }): string | undefined {
  return run === undefined ? undefined : isFunction(run, "run ");
}

function isRunnable(part: { readonly run?: unknown }): string | undefined {
  return isRecord(part) ?? isFunction(part.run, "run ");
}

function isFunction(value: unknown, what = ""): string | undefined {
  return typeof value === "function" ? undefined : `${what}has to be a function`;
}

function isVersion(value: unknown): string | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : "has to be a whole number from 1";
}

function isBoolean(value: unknown): string | undefined {
  return typeof value === "boolean" ? undefined : "has to be true or false";
}

/** @param counted the name of the property with the allowed number */
function isRate(counted: string, where = ""): (value: unknown) => string | undefined {
  return (value) => {
    const rate = { ...(value as Record<string, unknown> | null) };
    return (
      isRecord(value) ?? isNumber(1)(rate[counted], `${where}${counted} `) ?? isNumber(1)(rate["per"], `${where}per `)
    );
  };
}

function isRecord(value: unknown): string | undefined {
  return isPlain(value) ? undefined : "has to be an object";
}

function isGuardList(value: unknown): string | undefined {
  return Array.isArray(value) && value.every((guard) => typeof guard === "function")
    ? undefined
    : "has to be a list of guards, which are functions";
}

function isNumber(least: number, most = Infinity): (value: unknown, what?: string) => string | undefined {
  return (value, what = "") =>
    typeof value === "number" && value >= least && value <= most
      ? undefined
      : `${what}has to be a number from ${least}${most === Infinity ? "" : ` to ${most}`}`;
}
