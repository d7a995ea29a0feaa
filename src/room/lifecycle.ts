import type { CompiledRoom } from "../define/room.ts";
import type { Clock, Storage } from "../platform/ports.ts";
import { RoomError } from "../protocol/errors.ts";
import { Row } from "../state/rows.ts";
import type { Tree } from "../state/tree.ts";
import type { RoomConnection } from "./connections/connection.ts";
import type { Connections } from "./connections/connections.ts";
import type { Hooks } from "./handlers/hooks.ts";
import type { Reporter } from "./handlers/reporter.ts";
import type { RoomListing } from "./listing/report.ts";
import type { Presence } from "./sessions/presence.ts";
import type { Sessions } from "./sessions/sessions.ts";
import type { ShardLinks } from "./shards/shard-links.ts";
import { PRIVATE_PREFIX } from "./storage/keys.ts";
import type { Persistence } from "./storage/persistence.ts";
import type { Alarms, Wakeable } from "./timing/alarms.ts";
import type { OwnRows, RoomPart } from "./timing/room-part.ts";
import type { Turns } from "./timing/turns.ts";

/** Whether `onCreate` is done. Missing in rooms without it, and in those of earlier versions. */
const CREATED_KEY = `${PRIVATE_PREFIX}created`;
/** Set while the room is being destroyed, so that it continues after a crash. */
const ENDING_KEY = `${PRIVATE_PREFIX}ending`;
const EMPTY_KEY = `${PRIVATE_PREFIX}empty`;
/** An unfinished end is started again after this time, in ms. */
const RETRY = 60_000;

/** A room with a row of one of these kinds has begun before, even if it has no state. */
const USED = ["session", "schedule", "token", "moved", "departed", "link", "listing"];

/** The parts of the room that its beginning and its end need. */
export interface LifecycleScope {
  readonly compiled: CompiledRoom;
  readonly tree: Tree;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly alarms: Alarms;
  readonly persistence: Persistence;
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly shardLinks: ShardLinks;
  readonly listing: RoomListing;
  readonly hooks: Hooks;
  readonly reporter: Reporter;
  readonly ports: { retire(): Promise<void> };
  isNew: boolean;
}

/** The row of a room that is being destroyed. */
interface Ending {
  readonly reason?: string;
}

/** The beginning and the end of a room: `onCreate`, `room.destroy`, and `expireAfter`. */
export class Lifecycle implements RoomPart, Wakeable {
  readonly #scope: LifecycleScope;
  readonly #emptyRow: Row;
  /** When the last connection closed. Undefined while there is one, or without `expireAfter`. */
  #emptySince: number | undefined;
  /** Whether `onCreate` has run, or is running. */
  #isCreated = true;
  #creating: Promise<unknown> | undefined;
  #ending: Ending | undefined;
  #retryAt = 0;
  /** Resolves when everything of the room is deleted. Undefined until its end begins. */
  ended: Promise<void> | undefined;

  constructor(scope: LifecycleScope) {
    this.#scope = scope;
    this.#emptyRow = new Row(scope.tree.rows, EMPTY_KEY, (persisted) => (persisted ? this.#emptySince : undefined));
  }

  load(own: OwnRows): void {
    const [created] = own.of("created");
    // If the room crashed during its `onCreate`, some rows may be stored.
    this.#isCreated = created
      ? created[1] === true
      : !this.#scope.isNew || USED.some((kind) => own.of(kind).length > 0);
    this.#emptySince = own.of("empty")[0]?.[1] as number | undefined;
    this.#ending = own.of("ending")[0]?.[1] as Ending | undefined;
  }

  /**
   * The room woke: runs `onStart`, or continues its end. A new room waits for its first visit.
   * @returns a promise if there is something to wait for
   */
  begin(): Promise<unknown> | undefined {
    if (this.#ending) this.#end(this.#ending.reason);
    return this.#ending || !this.#isCreated ? undefined : this.#scope.hooks.start();
  }

  /**
   * A client, a request or another room reached the room, not only an operator or the end of an old connection. A new
   * room begins now.
   * @returns a promise if there is something to wait for
   */
  visit(): Promise<unknown> | undefined {
    if (this.#isCreated) return this.#creating;
    this.#isCreated = true;
    const { hooks } = this.#scope;
    const creating = this.#create();
    const starting = creating ? creating.then(() => hooks.start()) : hooks.start();
    return (this.#creating = starting?.finally(() => (this.#creating = undefined)));
  }

  #create(): Promise<unknown> | undefined {
    const { hooks, tree, storage, persistence } = this.#scope;
    const note = (isDone: boolean) => {
      // The initial state is stored together with the record that it was made.
      tree.saveAll();
      this.#scope.isNew = false;
      persistence.save();
      storage.put(CREATED_KEY, isDone);
    };
    const creating = hooks.create();
    note(!creating);
    return creating?.then(() => note(true));
  }

  /** Ends the room: see `room.destroy`. */
  destroy(reason: string | undefined): void {
    if (this.#ending) return;
    const { storage, persistence } = this.#scope;
    // First, so that `onDestroy` finds the same state if it has to run again.
    persistence.save();
    const ending: Ending = reason === undefined ? {} : { reason };
    storage.put(ENDING_KEY, ending);
    this.#ending = ending;
    this.#end(reason);
  }

  #end(reason: string | undefined): void {
    const { alarms, clock, reporter } = this.#scope;
    this.#retryAt = clock.now() + RETRY;
    alarms.arm(this);
    this.ended ??= this.#run(reason).catch((error: unknown) => {
      reporter.failed("destroy_failed", error);
      this.ended = undefined;
    });
  }

  async #run(reason: string | undefined): Promise<void> {
    const { hooks, sessions, presence, shardLinks, listing, ports } = this.#scope;
    // The handler that ends the room finishes its turn first, and its client gets the answer.
    await Promise.resolve();
    await hooks.destroy(reason);
    const error = new RoomError("destroyed", reason ?? "The room was destroyed");
    const closing = this.#closeAll(error);
    const expired = Array.from(sessions.all(), ({ publicId }) =>
      hooks.expire(publicId, presence.user(publicId), "destruction"),
    );
    await Promise.all([...expired, shardLinks.acknowledged(), listing.withdraw()]);
    // A slow interceptor is not waited for.
    for (const conn of closing) conn.cut(error);
    await ports.retire();
  }

  /** All connections are removed from the room first, so that no client gets packets about the others. */
  #closeAll(error: RoomError): readonly RoomConnection[] {
    const { connections, turns } = this.#scope;
    const all = [...connections.all(), ...connections.left.values()];
    for (const conn of all) connections.remove(conn.socket, conn);
    turns.run(() => {
      for (const conn of all) conn.refuse(error);
    });
    turns.end();
    return all;
  }

  connectionsChanged(): void {
    if (this.#scope.compiled.settings.expireAfter === Infinity || this.#scope.isNew || this.#ending) return;
    if (this.#scope.connections.size > 0) {
      if (this.#emptySince === undefined) return;
      this.#emptySince = undefined;
      this.#emptyRow.removed();
    } else if (this.#emptySince === undefined) this.#wait();
  }

  #wait(): void {
    this.#emptySince = this.#scope.clock.now();
    this.#emptyRow.changed(true);
    this.#scope.alarms.arm(this);
  }

  due(): number | undefined {
    if (this.#ending) return this.#retryAt;
    return this.#emptySince === undefined ? undefined : this.#emptySince + this.#scope.compiled.settings.expireAfter;
  }

  run(now: number): Promise<void> | undefined {
    if (this.#ending) this.#end(this.#ending.reason);
    // A user is expected who has not arrived yet.
    else if (this.#scope.sessions.expected(now) > 0) this.#wait();
    else this.destroy("expired");
    return this.ended;
  }
}
