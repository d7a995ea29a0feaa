import { tokenError } from "../auth/access.ts";
import type { Settings } from "../define/settings.ts";
import type { Claims } from "../define/types.ts";
import { closeReason } from "../protocol/close-reason.ts";
import { CODES, RESTART } from "../protocol/codes.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { FlowControl } from "../platform/flow-control.ts";
import { reportOf } from "../platform/object-report.ts";
import type { FlowReport } from "../platform/metrics.ts";
import { messagesIn } from "../protocol/decode.ts";
import { encodeError, takeConfirmation } from "../protocol/packets.ts";
import { causeOf } from "../platform/log.ts";
import type { Socket } from "../platform/ports.ts";
import { MAX_FRAME } from "../relay/messages.ts";
import { tooMuchWaits, WaitingBudget } from "../platform/waiting-budget.ts";
import { MAX_WAITING, refuseMessage } from "../platform/client-limits.ts";
import type { Batch, Introduction, JoinAttempt, Receipt, RoomBatch, ToRoom } from "../relay/messages.ts";
import type { Assignment } from "../world/assignment.ts";
import { BEHIND, Client, Clients } from "./clients.ts";
import type { ClientHooks } from "./clients.ts";
import { Downlink } from "./downlink.ts";
import type { ShardPorts } from "./ports.ts";
import { Reports } from "./reports.ts";
import { takesSights } from "./sights.ts";
import { Uplink } from "./uplink.ts";

const ASSIGNMENT_KEY = "assignment";
/** Stored while the room may count clients here. If there are none after a start, the room has to be told. */
const RUN_KEY = "run";

/** Holds the sockets of many clients of one room: sends their messages to the room, and its packets to them. */
export class ShardCore {
  readonly #ports: ShardPorts;
  readonly #settingsOf: (assignment: Assignment) => Settings;
  readonly #clients = new Clients();
  readonly #hooks: ClientHooks;
  #flows: FlowControl | undefined;
  readonly #downlink: Downlink;
  readonly #reports: Reports;
  #assignment: Assignment | undefined;
  /** The assignment before the shard was retired. Queued items are still sent to the room. */
  #previous: Assignment | undefined;
  #settings: Settings | undefined;
  #run: string;
  /** The room's memory that this shard has introduced itself to. */
  #boot: string | undefined;
  #uplink: Uplink;

  /** @param settings gives the settings of the shard's room. It throws if there is no such room any more */
  constructor(ports: ShardPorts, settings: (assignment: Assignment) => Settings) {
    this.#ports = ports;
    this.#settingsOf = settings;
    this.#assignment = ports.storage.get(ASSIGNMENT_KEY) as Assignment | undefined;
    this.#hooks = this.#createHooks();
    this.#downlink = new Downlink(this.#clients, ports.clock, (client) => this.#remove(client));
    this.#uplink = this.#createUplink();
    this.#reports = new Reports(ports, {
      assignment: () => this.#assignment,
      connections: () => this.#clients.size,
      onUnknown: () => this.retire(),
    });
    this.#run = this.#wake();
  }

  get assignment(): Assignment | undefined {
    return this.#assignment;
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Whether the room has acknowledged all messages of clients. @internal */
  get isIdle(): boolean {
    return this.#uplink.isIdle;
  }

  /** The World assigns the room. */
  assign(assignment: Assignment): void {
    const { storage } = this.#ports;
    storage.put(ASSIGNMENT_KEY, assignment);
    this.#assignment = assignment;
    this.#reports.setAlarm();
  }

  /** The World has removed this shard. The room still gets to know that its clients left. Nothing stays stored. */
  async retire(): Promise<void> {
    for (const client of this.#clients.all()) this.#hangUp(client, CODES.room_full.close, "The shard is closed");
    this.#previous = this.#assignment ?? this.#previous;
    this.#assignment = undefined;
    await this.#end();
  }

  /** Deletes all stored data. If that fails, the alarm tries again. */
  async #end(): Promise<void> {
    try {
      await this.#ports.end();
    } catch (error) {
      this.#saveFailed(error);
      this.#reports.setAlarm();
    }
  }

  /**
   * Checks whether a client may connect, as far as the shard can tell. The room decides.
   * @throws RoomError `not_found`, `unauthenticated` or `room_full`
   */
  check(auth: Claims | null): void {
    const assignment = this.#assignment;
    if (!assignment) throw new RoomError("not_found", "There is no such shard");
    this.#settings = this.#findSettings(assignment);
    const refusal = tokenError(this.#settings, auth);
    if (refusal) throw refusal;
  }

  /** @throws RoomError `room_full` */
  checkSpace(): void {
    const { capacity, draining } = this.#assignment as Assignment;
    if (draining || this.#clients.size >= capacity) throw new RoomError("room_full", "The shard is full");
  }

  /** A client connected. Resolves when the room has accepted or refused it. */
  join(socket: Socket, attempt: JoinAttempt): Promise<void> {
    if (this.#clients.size === 0) this.#ports.storage.put(RUN_KEY, this.#run);
    const client = Client.join(socket, this.#clients.nextId(), attempt, this.#hooks);
    this.#clients.add(client);
    this.#uplink.join(client, attempt);
    this.#reports.arrived();
    return client.decided;
  }

  /** A frame of a client arrived. */
  message(socket: Socket, frame: string | ArrayBuffer): void {
    const client = this.#clients.find(socket);
    if (!client || !this.#assignment) return;
    try {
      const settings = (this.#settings ??= this.#findSettings(this.#assignment));
      const messages = this.#takeConfirmation(client, frame, settings);
      if (messages !== undefined) this.#takeAll(client, messages, settings);
    } catch (thrown) {
      this.#refuse(client, toRoomError(thrown));
    }
  }

  /** @throws RoomError `not_found` */
  #findSettings(assignment: Assignment): Settings {
    const settings = this.#settingsOf(assignment);
    return { ...settings, maxMessageBytes: Math.min(settings.maxMessageBytes, MAX_FRAME) };
  }

  /** @returns the messages in a frame @throws RoomError if the client is to be closed for it */
  #takeConfirmation(client: Client, frame: string | ArrayBuffer, settings: Settings): string | ArrayBuffer | undefined {
    const confirmation = takeConfirmation(frame);
    if (!confirmation) {
      client.flow?.heard(this.#ports.clock.now());
      return frame;
    }
    const isKnown = client.flow?.confirm(confirmation.token) === true;
    if (confirmation.rest !== "") return confirmation.rest;
    if (!isKnown) this.#isCounted(client, frame, settings);
    return undefined;
  }

  /** An array counts as several messages. @throws RoomError if the client has to be closed because of this frame */
  #takeAll(client: Client, frame: string | ArrayBuffer, settings: Settings): void {
    if (typeof frame !== "string" || !frame.startsWith("[")) {
      this.#take(client, frame, settings);
      return;
    }
    const refusal = refuseMessage(client, frame, settings, this.#ports.clock.now(), false);
    if (refusal) throw refusal.error;
    for (const message of messagesIn(frame)) if (this.#clients.has(client)) this.#take(client, message, settings);
  }

  /** @throws RoomError if the client has to be closed because of this frame */
  #take(client: Client, frame: string | ArrayBuffer, settings: Settings): void {
    if (this.#isCounted(client, frame, settings) && !client.holds(frame)) this.#passOn(client, frame);
  }

  #passOn(client: Client, frame: string | ArrayBuffer): void {
    this.#ports.counts.relayed++;
    this.#uplink.message(client, frame);
  }

  /** Counts a message. @returns whether to handle it @throws RoomError if the client has to be closed because of it */
  #isCounted(client: Client, frame: string | ArrayBuffer, settings: Settings): boolean {
    const refusal = refuseMessage(client, frame, settings, this.#ports.clock.now());
    if (refusal?.closes) throw refusal.error;
    if (refusal) this.#deny(client, refusal.error);
    return refusal === undefined;
  }

  #deny(client: Client, error: RoomError): void {
    this.#ports.log({ level: "info", event: "refused", code: error.code });
    const text = encodeError(error);
    client.mail(text, text);
  }

  /** A socket closed, or broke. */
  closed(socket: Socket, isLost = false): void {
    const client = this.#clients.find(socket);
    if (client) this.#left(client, isLost);
    this.#flows?.ended(socket);
  }

  #left(client: Client, isLost: boolean): void {
    this.#remove(client);
    this.#uplink.leave(client, isLost);
  }

  /** Closes a client. Its unread packets count until its socket has ended. */
  #hangUp(client: Client, code: number, reason: string, isLost = false): void {
    client.close(code, reason);
    this.#left(client, isLost);
  }

  /** The room asks for the clients of the shard. */
  introduce(boot: string): Introduction | undefined {
    if (!this.#assignment) return undefined;
    const before = this.#boot ?? boot;
    if (boot !== this.#boot) this.#downlink.release();
    this.#boot = boot;
    for (const client of this.#clients.all()) {
      // Another memory of the room does not know these packet numbers. The clients reconnect with more information.
      if (boot !== before && client.isBehind) this.#hangUp(client, RESTART, BEHIND, true);
      // The shard hibernated before the room accepted it, and its request to connect is lost.
      if (!client.hasRosterEntry) this.#refuse(client, new RoomError("internal", "The room cannot be reached"));
    }
    return {
      run: this.#run,
      roster: Array.from(this.#clients.all(), ({ rosterEntry }) => rosterEntry),
      wantsState: this.#downlink.wantsState,
      mailed: this.#downlink.mailed,
      takesSights: takesSights(),
      takesRings: true,
      takesBinary: true,
      takesFrames: true,
    };
  }

  /** A batch of the room arrived. */
  deliver(batch: RoomBatch): Receipt {
    this.#boot ??= batch.boot;
    const isMeant = batch.run === this.#run && batch.boot === this.#boot;
    if (!isMeant || !this.#assignment) return { verdict: "unknown" };
    return this.#downlink.take(batch);
  }

  /** The object's alarm rang. */
  async alarm(): Promise<void> {
    await (this.#assignment ? this.#reports.alarm() : this.#end());
  }

  /** @returns the run: a new one, unless clients stayed connected */
  #wake(): string {
    const { storage } = this.#ports;
    for (const socket of this.#ports.sockets()) {
      const client = socket.isOpen ? Client.recover(socket, this.#hooks) : undefined;
      if (client) this.#clients.add(client);
    }
    const stored = storage.get(RUN_KEY) as string | undefined;
    if (stored !== undefined && this.#clients.size > 0) return stored;
    // The shard crashed. A batch of another run tells the room that all clients are gone.
    if (stored !== undefined) this.#uplink.announceRun();
    return crypto.randomUUID();
  }

  /** How far clients are behind; nothing, if none was sent anything. */
  get flow(): Partial<FlowReport> {
    return this.#flows ? reportOf(this.#flows) : {};
  }

  get #flowControl(): FlowControl {
    const { clock, log } = this.#ports;
    const settings = (this.#settings ??= this.#findSettings(this.#assignment as Assignment));
    const onBehind = () => log({ level: "warn", event: "clients_behind" });
    return (this.#flows ??= new FlowControl(settings, clock, onBehind));
  }

  #createHooks(): ClientHooks {
    const onFull = (client: Client) => this.#refuse(client, tooMuchWaits());
    return {
      flows: () => this.#flowControl,
      held: new WaitingBudget<Client>(MAX_WAITING, onFull),
      waiting: new WaitingBudget<Client>(MAX_WAITING, onFull),
      onStopped: (client) => this.#clients.stopped(client),
      onCaughtUp: (client) => this.#uplink.missed(client, this.#boot ?? ""),
      onMessage: (client, frame) => this.#passOn(client, frame),
      refuse: (client, error) => this.#refuse(client, error),
    };
  }

  #createUplink(): Uplink {
    return new Uplink(this.#ports.clock, {
      send: (batch) => this.#sendBatch(batch),
      onFull: (client) => this.#refuse(client, tooMuchWaits()),
      onArrived: () => {
        if (this.#assignment && this.#clients.size === 0 && this.#uplink.isIdle) this.#forgetRun();
      },
      onLost: () => this.#lose(),
    });
  }

  /** If the deletion fails, the next start tells the room again that all clients are gone. */
  #forgetRun(): void {
    try {
      this.#ports.storage.delete(RUN_KEY);
    } catch (error) {
      this.#saveFailed(error);
    }
  }

  #saveFailed(error: unknown): void {
    this.#ports.log({ level: "error", event: "save_failed", code: "internal", error: causeOf(error) });
  }

  async #sendBatch(batch: Batch<ToRoom>): Promise<Receipt> {
    const assignment = this.#assignment ?? this.#previous;
    if (!assignment) return { verdict: "unknown" };
    return this.#ports.relay(assignment, { ...batch, shardId: assignment.shardId, run: this.#run });
  }

  /** The room cannot be reached, or does not know this shard. Clients have to reconnect. */
  #lose(): void {
    this.#ports.log({ level: "error", event: "room_lost", code: "internal" });
    this.#uplink.close();
    this.#uplink = this.#createUplink();
    for (const client of this.#clients.all()) {
      this.#refuse(client, new RoomError("internal", "The room cannot be reached"));
    }
  }

  #refuse(client: Client, { code, message }: RoomError): void {
    if (!this.#clients.has(client)) return;
    this.#ports.log({ level: "info", event: "refused", code });
    this.#hangUp(client, CODES[code].close, closeReason(message));
  }

  #remove(client: Client): void {
    this.#clients.remove(client);
    this.#downlink.forget(client);
    this.#reports.left();
  }
}
