import type { CompiledRoom } from "../define/room.ts";
import type { RoomHandle, Scheduled } from "../define/types.ts";
import { AddressLimit } from "../platform/address-limit.ts";
import { FlowControl } from "../platform/flow-control.ts";
import type { Clock } from "../platform/ports.ts";
import { tooMuchWaits, WaitingBudget } from "../platform/waiting-budget.ts";
import type { Entries } from "../state/entries.ts";
import { isEntries } from "../state/group.ts";
import type { Group } from "../state/group.ts";
import type { History } from "../state/history.ts";
import { Tree } from "../state/tree.ts";
import type { Inputs } from "./actions/inputs.ts";
import { Admission } from "./admission.ts";
import type { ConnectionHooks, RoomConnection } from "./connections/connection.ts";
import { Connections } from "./connections/connections.ts";
import { createHandle } from "./handle.ts";
import type { RoomIdentity } from "./handle.ts";
import { OwnFrames } from "./connections/own-frames.ts";
import { Hooks } from "./handlers/hooks.ts";
import { Reporter } from "./handlers/reporter.ts";
import { Lifecycle } from "./lifecycle.ts";
import { NoListing } from "./listing/no-listing.ts";
import type { RoomListing } from "./listing/report.ts";
import type { OptionalParts, UserParts } from "./optional-parts.ts";
import type { Ports } from "./room-ports.ts";
import { UnansweredBodies } from "./requests/unanswered-bodies.ts";
import { Schedules } from "./schedules.ts";
import { Leavers } from "./sessions/leavers.ts";
import { Presence } from "./sessions/presence.ts";
import type { RemovedUsers } from "./sessions/removed-users.ts";
import { Sessions } from "./sessions/sessions.ts";
import { NoShardLinks } from "./shards/no-shard-links.ts";
import type { ShardLinks, ShardLinksScope } from "./shards/shard-links.ts";
import { Journal } from "./storage/journal.ts";
import { TICK_KEY } from "./storage/keys.ts";
import { Persistence } from "./storage/persistence.ts";
import { Quarantine } from "./storage/quarantine.ts";
import type { RowChecks } from "./storage/runtime-rows.ts";
import { Broadcast } from "./sync/broadcast.ts";
import { ChangeClock } from "./sync/change-clock.ts";
import { Views } from "./sync/views.ts";
import { Alarms } from "./timing/alarms.ts";
import { Ticker } from "./timing/ticker.ts";
import { Turns } from "./timing/turns.ts";
import { NoTransfers } from "./transfers/no-transfers.ts";
import type { UserTransfers } from "./transfers/user-transfers.ts";

/** The maximum size of packets that wait for first packets and for interceptors, in characters. */
const MAX_HELD = { client: 4_000_000, user: 8_000_000, all: 16_000_000 };

/**
 * Builds and connects the parts of a room. Parts that a room needs whenever it wakes are made at once. Others are made
 * when they are first used, since many rooms wake for a single message.
 */
export class RoomParts {
  readonly compiled: CompiledRoom;
  readonly identity: RoomIdentity;
  /** The `room` that handlers get. */
  readonly room: RoomHandle;
  readonly ports: Ports;
  readonly clock: Clock;
  readonly storage: Journal;
  readonly state: object;
  readonly tree: Tree;
  readonly turns: Turns;
  readonly reporter: Reporter;
  readonly quarantine: Quarantine;
  readonly alarms: Alarms;
  readonly persistence: Persistence;
  readonly connections = new Connections();
  readonly views: Views;
  readonly changeClock: ChangeClock;
  readonly broadcast: Broadcast;
  readonly sessions: Sessions;
  readonly presence: Presence;
  readonly shardLinks: ShardLinks;
  readonly ticker: Ticker | undefined;
  readonly inputs: Inputs | undefined;
  /** Undefined in a room without a history. */
  readonly history: History | undefined;
  readonly connectionHooks: ConnectionHooks;
  /** Resolves when restore hooks are done. Undefined if none has to be awaited. Rejects if the room cannot run. */
  restoring: Promise<void> | undefined;
  /** Whether no client has ever connected. Then nothing is stored. */
  isNew = true;
  /** Most rooms never need one. */
  madeLifecycle: Lifecycle | undefined;
  #ownFrames: OwnFrames | undefined;
  #heldPackets: WaitingBudget<RoomConnection> | undefined;
  #flows: FlowControl | undefined;
  #bodies: UnansweredBodies | undefined;
  #hooks: Hooks | undefined;
  #leavers: Leavers | undefined;
  #removedUsers: RemovedUsers | undefined;
  #admission: Admission | undefined;
  #transfers: UserTransfers | undefined;
  #schedules: Schedules | undefined;
  #listing: RoomListing | undefined;
  readonly #options: OptionalParts;
  #requestLimit: AddressLimit | undefined;

  /**
   * @param events handles the events of clients at shards
   * @throws the errors of `state()`
   */
  constructor(
    compiled: CompiledRoom,
    identity: RoomIdentity,
    ports: Ports,
    options: OptionalParts,
    events: ShardLinksScope["room"],
  ) {
    const { settings, definition } = compiled;
    const { clock } = ports;
    const { throttleStorage } = settings;
    const storage = new Journal(ports.storage, throttleStorage);
    this.compiled = compiled;
    this.identity = identity;
    this.ports = ports;
    this.clock = clock;
    this.storage = storage;
    this.#options = options;
    this.state = definition.state();
    this.tree = new Tree(this.state);
    const { rows } = this.tree;
    this.turns = new Turns(clock, this.tree);
    this.reporter = new Reporter(this, this.turns, ports.log);
    this.quarantine = new Quarantine(storage, clock, this.reporter);
    this.room = createHandle(identity, this);
    this.alarms = new Alarms(ports.alarm, clock, this.reporter, settings.hibernate);
    const maySleep = () => this.connections.size === 0 || (settings.hibernate && !definition.tick);
    this.persistence = new Persistence({
      rows,
      journal: storage,
      clock,
      turns: this.turns,
      alarms: this.alarms,
      throttle: throttleStorage,
      failures: this.reporter,
      maySleep,
    });
    this.changeClock = new ChangeClock(this);
    this.views = new Views(this.tree, this.connections);
    this.broadcast = new Broadcast(this, settings);
    this.sessions = new Sessions(rows, storage, clock, settings, this.alarms, this.reporter);
    this.presence = new Presence(this.tree, this.connections, this.sessions, clock, settings);
    this.tree.onUserRemoved = (publicId, user) => this.removedUsers?.removed(publicId, user);
    this.sessions.onExpired = (session) => {
      const { publicId, leaving } = session;
      // A user in transfer may have arrived in the other room.
      if (!leaving) void this.hooks.expire(publicId, this.presence.user(publicId), "time");
      this.presence.expire(session);
    };
    this.presence.onGone = (publicId, user) => this.leavers.dismiss(publicId, user);
    this.shardLinks =
      options.world?.links({
        tree: this.tree,
        storage,
        clock,
        persistence: this.persistence,
        broadcast: this.broadcast,
        connections: this.connections,
        failures: this.reporter,
        room: events,
      }) ?? new NoShardLinks();
    this.persistence.companion = this.shardLinks;
    this.persistence.dependents = (stuck) => this.presence.dependents(stuck);
    this.ticker = this.#createTicker();
    this.history = this.ticker && historyOf(this.tree.root, this.ticker.hz);
    this.inputs = this.ticker && compiled.inputs.size > 0 ? this.#createInputs(this.ticker.hz) : undefined;
    const heldPackets = () => this.heldPackets;
    const flows = () => this.flows;
    this.connectionHooks = {
      definition,
      get held() {
        return heldPackets();
      },
      get flows() {
        return flows();
      },
      onCaughtUp: (conn) => this.broadcast.catchUp(conn),
      onClosed: (conn, socket) => this.admission.left(socket, conn),
      intercept:
        definition.interceptorPacket &&
        ((conn) => {
          const user = () => conn.formerUser ?? this.presence.user(conn.publicId);
          // A shard of an earlier version forwards only text to single clients.
          const isBinary = conn.protocol === 3 && conn.socket.remote?.group.takesFrames !== false;
          return this.hooks.interceptor(conn, user, isBinary ? this.ownFrames.forConnection() : undefined);
        }),
    };
    this.turns.register(this.persistence, this.broadcast);
    this.alarms.register(this.persistence, this.sessions);
    if (this.ticker) this.connections.register(this.ticker);
  }

  /** Makes binary frames in a room with an interceptor. */
  get ownFrames(): OwnFrames {
    return (this.#ownFrames ??= new OwnFrames(this.tree.root));
  }

  /** Counts the packets that wait for first packets, and for interceptors. */
  get heldPackets(): WaitingBudget<RoomConnection> {
    return (this.#heldPackets ??= new WaitingBudget<RoomConnection>(MAX_HELD, (fullest) => {
      const error = tooMuchWaits();
      this.reporter.refused(error, { conn: fullest });
      fullest.cut(error);
    }));
  }

  /** Counts what clients have not confirmed. */
  get flows(): FlowControl {
    const { settings } = this.compiled;
    return (this.#flows ??= new FlowControl(settings, this.clock, () =>
      this.reporter.note("clients_behind", {}, "warn"),
    ));
  }

  get bodies(): UnansweredBodies {
    return (this.#bodies ??= new UnansweredBodies());
  }

  get hooks(): Hooks {
    return (this.#hooks ??= new Hooks(this, this.turns, this.reporter, this.clock));
  }

  get leavers(): Leavers {
    return (this.#leavers ??= new Leavers(this));
  }

  /** Undefined in a room without users. */
  get removedUsers(): RemovedUsers | undefined {
    const parts = this.#userParts;
    return (this.#removedUsers ??= parts && new parts.RemovedUsers(this));
  }

  get admission(): Admission {
    return (this.#admission ??= new Admission(this));
  }

  get transfers(): UserTransfers {
    return (this.#transfers ??= this.#options.transfers?.create(this) ?? new NoTransfers(this.sessions));
  }

  get schedules(): Schedules {
    return (this.#schedules ??= this.#createSchedules());
  }

  get listing(): RoomListing {
    return (this.#listing ??= this.#createListing());
  }

  get lifecycle(): Lifecycle {
    return (this.madeLifecycle ??= this.#createLifecycle());
  }

  /** Resolves when everything of the room is deleted. Undefined unless it is being destroyed. */
  get ended(): Promise<void> | undefined {
    return this.madeLifecycle?.ended;
  }

  /** Counts the HTTP requests from each address. */
  get requestLimit(): AddressLimit {
    const { requests, per } = this.compiled.settings.requestRate;
    return (this.#requestLimit ??= new AddressLimit({ messages: requests, per }));
  }

  #createSchedules(): Schedules {
    const { compiled, storage, clock, alarms, persistence } = this;
    const run = (scheduled: Scheduled) => this.hooks.schedule(scheduled);
    const schedules = new Schedules(compiled, storage, clock, alarms, persistence, run);
    alarms.register(schedules);
    return schedules;
  }

  #createLifecycle(): Lifecycle {
    const lifecycle = new Lifecycle(this);
    this.alarms.register(lifecycle);
    this.connections.register(lifecycle);
    return lifecycle;
  }

  #createListing(): RoomListing {
    const { storage, clock, alarms, connections, reporter, identity, compiled } = this;
    if (!this.#options.world) return new NoListing(reporter);
    const { party, id: roomId } = identity;
    const place = { party, roomId, path: compiled.definition.path, maxUsers: compiled.settings.maxUsers };
    const listing = this.#options.world.listing({ place, storage, clock, alarms, connections, failures: reporter });
    alarms.register(listing);
    connections.register(listing);
    return listing;
  }

  #createTicker(): Ticker | undefined {
    const { tick } = this.compiled.definition;
    if (!tick) return undefined;
    return new Ticker(tick.hz, {
      clock: this.clock,
      connections: this.connections,
      reserve: (last) => this.#reserveTicks(last),
      run: (elapsedMs, number) => {
        this.inputs?.apply(number);
        this.hooks.tick(elapsedMs, number);
        this.history?.record(number);
      },
    });
  }

  #createInputs(hz: number): Inputs {
    const parts = this.#userParts;
    if (!parts) throw new Error("A room with inputs needs a users field: a step moves the entry of its user");
    return new parts.Inputs(this, hz);
  }

  /** The checks of stored rows that only some services have. */
  get rowChecks(): RowChecks {
    return { ...this.#options.world?.rowChecks, ...this.#options.transfers?.rowChecks };
  }

  /** What the `users` field brings. Undefined in a room without users. */
  get #userParts(): UserParts | undefined {
    return this.tree.users?.field.roomParts as UserParts | undefined;
  }

  /** No later life of the room uses these numbers. */
  #reserveTicks(last: number): boolean {
    try {
      this.storage.put(TICK_KEY, last);
      return true;
    } catch (error) {
      this.reporter.failed("save_failed", error);
      return false;
    }
  }
}

/** Records the history of collections that have one. */
function historyOf(root: Group, hz: number): History | undefined {
  let history: History | undefined;
  for (const [name, node] of root.children) {
    const wanted = isEntries(node) ? node.field.history : undefined;
    if (!wanted) continue;
    history ??= new (wanted.History as new () => History)();
    history.remember(name, node as Entries, wanted, hz);
  }
  return history;
}
