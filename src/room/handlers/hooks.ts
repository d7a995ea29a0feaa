import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle, Snapshot } from "../../define/types.ts";
import type { RoomConnection } from "../connections/connection.ts";
import { createIntercept } from "../connections/interceptor.ts";
import type { Intercept } from "../connections/outbox.ts";
import type { Reporter } from "./reporter.ts";
import type { Turns } from "../timing/turns.ts";

/** The developer's hooks, each with the context that it gets. What they throw harms nobody but their caller. */
export class Hooks {
  readonly #compiled: CompiledRoom;
  readonly #state: object;
  readonly #room: () => RoomHandle;
  readonly #turns: Turns;
  readonly #reporter: Reporter;

  constructor(compiled: CompiledRoom, state: object, room: () => RoomHandle, turns: Turns, reporter: Reporter) {
    this.#compiled = compiled;
    this.#state = state;
    this.#room = room;
    this.#turns = turns;
    this.#reporter = reporter;
  }

  /** @returns a promise if the room has to wait */
  start(): Promise<unknown> | undefined {
    const { onStart } = this.#compiled.definition;
    return onStart && this.#reporter.hook("onStart", () => onStart(this.#context()));
  }

  /**
   * @returns a promise if there is an `onJoin`
   * @throws whatever `onJoin` throws: the connection is refused then
   */
  join(conn: RoomConnection, user: object | undefined, request: Request): Promise<unknown> | undefined {
    const { onJoin } = this.#compiled.definition;
    return onJoin && (async () => this.#turns.run(() => onJoin({ ...this.#contextOf(conn, user), request })))();
  }

  leave(conn: RoomConnection, user: object | undefined): void {
    const { onLeave } = this.#compiled.definition;
    if (onLeave) void this.#reporter.hook("onLeave", () => onLeave(this.#contextOf(conn, user)), conn);
  }

  tick(elapsedMs: number): void {
    const { tick } = this.#compiled.definition;
    void this.#reporter.hook("tick", () => tick?.run(this.#context(), elapsedMs));
    this.#turns.end();
  }

  /** Rejects with what the schedule threw. */
  async schedule(name: string, payload: unknown): Promise<void> {
    const schedule = this.#compiled.definition.schedules?.[name];
    try {
      await this.#turns.run(() => schedule?.run(this.#context(), payload));
    } catch (error) {
      this.#reporter.failed("schedule_failed", error, { schedule: name });
      throw error;
    } finally {
      this.#turns.end();
    }
  }

  /** What to load of a user who was transferred here. @param userSnapshot as this version stores it */
  async restoreUser(
    userSnapshot: Snapshot,
    user: object | undefined,
    publicId: string,
    privateId: string,
  ): Promise<Snapshot> {
    const { onSessionRestore } = this.#compiled.definition;
    if (!onSessionRestore) return userSnapshot;
    const who = { user: user as never, publicId, privateId };
    return this.#turns.run(() => onSessionRestore({ userSnapshot, ...who, room: this.#room() }));
  }

  /** Makes the interceptor of a connection, where the room has one. */
  interceptor(userOf: (conn: RoomConnection) => object | undefined): ((conn: RoomConnection) => Intercept) | undefined {
    const { interceptorPacket } = this.#compiled.definition;
    if (!interceptorPacket) return undefined;
    return (conn) =>
      createIntercept(
        (packet) => interceptorPacket(this.#contextOf(conn, userOf(conn)), packet),
        (error) => this.#reporter.failed("interceptorPacket_failed", error, { conn }),
      );
  }

  #context() {
    return { state: this.#state, room: this.#room() };
  }

  #contextOf(conn: RoomConnection, user: object | undefined) {
    return { user: user as never, conn, auth: conn.auth, ...this.#context() };
  }
}
