import { hasParts, isList, isNumber, isText } from "../storage/runtime-rows.ts";
import { ChannelSender, ChannelReceiver } from "../../relay/reliable-channel.ts";
import type { QueuedItem } from "../../relay/reliable-channel.ts";
import type { WaitingBudget } from "../../platform/waiting-budget.ts";
import type { WaitingQueue } from "../../platform/waiting-queue.ts";
import type { Clock, SentFrame } from "../../platform/ports.ts";
import type { Seers } from "../../state/sight-changes.ts";
import type { ShardSights } from "../../state/shard-sights.ts";
import { weightOf } from "../../relay/messages.ts";
import type { BinaryState, ToShard, Mail, Receipt, RoomBatch, Welcome } from "../../relay/messages.ts";
import type { GroupPatch, GroupState } from "../connections/remote-group.ts";
import type { ShardGroup, RemoteSocket } from "./remote-socket.ts";

/**
 * The maximum size of stored mail in characters, since a value has at most 2 MB. Older mail beyond it is not stored.
 */
const MAX_STORED_MAIL = 200_000;
/** The same for all links of a room together, which are read when it wakes. */
const MAX_STORED_MAIL_OF_ROOM = 4_000_000;
/**
 * The maximum number of bytes that wait for a shard. Beyond it, data for all of its clients is taken back, and they get
 * the state of later instead.
 */
const MAX_BACKLOG = 16_000_000;
/** The maximum size of patches in one item of first packets, in characters. */
const MAX_PATCHES = 1_000_000;
/** How many clients that left a link remembers. */
const REMEMBERED = 10_000;

/** The row of a link. It is stored with the state, so that after a crash both are from the same moment. */
export interface StoredLink {
  readonly run: string;
  /** The last batch of the shard whose effects are in the state. */
  readonly life: string | undefined;
  readonly last: number;
  /** Frames and closes for single clients that may not have arrived. */
  readonly mail: readonly Mail[];
  /** The number of the last mail. */
  readonly mailed: number;
  /** The number of the shard's clients. */
  readonly clients: number;
}
/** Checks the row of a link. */
export const LINK_ROW = hasParts({ run: isText, last: isNumber, mail: isList, mailed: isNumber, clients: isNumber });

/** A joining client. */
export interface JoiningClient {
  readonly id: number;
  readonly link: ShardLink;
  /** The user, as far as it is known. */
  readonly user: string;
  readonly done: Promise<void>;
  /** The messages that it sent meanwhile. Undefined until there is one. */
  early: WaitingQueue<string | ArrayBuffer, JoiningClient> | undefined;
}

export interface ShardLinkCallbacks {
  /** Counts the frames for single clients. */
  readonly waiting: WaitingBudget<RemoteSocket>;
  deliver(batch: RoomBatch): Promise<Receipt>;
  /** The stored row is outdated. */
  onChanged(): void;
  /** The shard has everything that was sent. */
  onAcknowledged(): void;
  /** Something about the state is about to be sent to clients. */
  onSending(): void;
  /** The shard woke up, and asks for the state of its clients. */
  onWantsState(isHolding: boolean): void;
  /** Changes were taken back: the shard has to get the state instead. */
  onBehind(): void;
  /** The shard does not recognize this memory of the room, and has to be asked for its clients again. */
  onUnknown(): void;
  /** The shard was unreachable for too long. */
  onSilent(): void;
}

/** The room's side of one shard: the clients of the shard, and the channels to and from it. */
export class ShardLink implements ShardGroup {
  readonly shardId: string;
  readonly run: string;
  readonly receiver: ChannelReceiver;
  readonly sockets = new Map<number, RemoteSocket>();
  sights: ShardSights | undefined;
  takesBinary = false;
  takesFrames = false;
  /** Whether the shard woke up, and asks for the state of its clients. */
  wantsState = false;
  /** Joining clients. */
  readonly joining = new Map<number, JoiningClient>();
  readonly #callbacks: ShardLinkCallbacks;
  readonly #channel: ChannelSender<ToShard, RemoteSocket>;
  #mail: Mail[] = [];
  #mailed: number;
  #isIntroduced = false;
  #isClosed = false;
  /** Whether the shard missed changes, and has to get the state. */
  #isBehind = false;
  /** The run whose tables the shard knows. */
  #toldRun: string | undefined;
  readonly #left = new Set<number>();

  constructor(
    shardId: string,
    stored: StoredLink,
    boot: string,
    clock: Clock,
    patience: number,
    callbacks: ShardLinkCallbacks,
  ) {
    this.shardId = shardId;
    this.run = stored.run;
    this.receiver = new ChannelReceiver(stored);
    this.#mailed = stored.mailed;
    this.#callbacks = callbacks;
    this.#channel = new ChannelSender<ToShard, RemoteSocket>(clock, patience, {
      send: (batch) => callbacks.deliver({ ...batch, run: this.run, boot }),
      weightOf,
      onArrived: (entries, receipt) => this.#arrived(entries, receipt),
      onUnknown: () => callbacks.onUnknown(),
      onSilent: () => callbacks.onSilent(),
    });
    this.#mail = [...stored.mail];
  }

  get size(): number {
    return this.sockets.size;
  }

  /** Whether the shard needs the state when the room knows its clients again. @param didSleep whether these have it */
  needsState(didSleep: boolean): boolean {
    // The visible entries that a shard knows have to be known here too.
    return this.isIntroduced && (!didSleep || this.wantsState || this.sights?.isUsed === true);
  }

  /** Whether the shard has everything that was sent. */
  get isAcknowledged(): boolean {
    return this.#channel.isIdle;
  }

  /** @param links the number of the room's links, which share the limit for the mail of a room */
  stored(links: number): StoredLink {
    return {
      run: this.run,
      ...this.receiver.known,
      mail: this.#storedMail(Math.min(MAX_STORED_MAIL, MAX_STORED_MAIL_OF_ROOM / links)),
      mailed: this.#mailed,
      clients: this.size,
    };
  }

  add(socket: RemoteSocket): void {
    this.sockets.set(socket.remote.id, socket);
  }

  /** Removes a client. */
  forget(id: number): void {
    this.sockets.delete(id);
    this.markLeft(id);
  }

  /** Remembers that a client left. */
  markLeft(id: number): void {
    this.#left.add(id);
    if (this.#left.size > REMEMBERED) this.#left.delete(this.#left.values().next().value as number);
  }

  /** Whether a client left or was closed by the room. An introduction may still name it if it was sent before. */
  hasLeft(id: number): boolean {
    return this.#left.has(id) || this.#mail.some((mail) => mail.kind === "close" && mail.id === id);
  }

  /** Whether the shard has introduced itself to this memory of the room. */
  get isIntroduced(): boolean {
    return this.#isIntroduced;
  }

  /** Removes the mail for a client that has to get its first packet before it. @returns the texts of that mail */
  takeMail(id: number): string[] {
    const taken = this.#mail.filter((mail) => mail.kind === "mail" && mail.id === id);
    this.#mail = this.#mail.filter((mail) => !taken.includes(mail));
    return taken.flatMap((mail) => (mail.kind === "mail" ? mail.text : []));
  }

  /**
   * The shard introduced itself.
   * @param mailed the last mail that it has, maybe from an earlier memory of the room
   * @param sights set if it decides itself which of its clients see what by keys
   * @param takesBinary whether its clients may use the binary protocol
   */
  introduced(mailed: number, sights: ShardSights | undefined, takesBinary: boolean): void {
    if (!this.#isIntroduced) this.sights = sights;
    this.takesBinary = takesBinary;
    this.#mailed = Math.max(this.#mailed, mailed);
    if (!this.#isIntroduced) for (const mail of this.#mail) this.#channel.push(mail);
    this.#isIntroduced = true;
    this.#channel.resume();
  }

  sync({ patch, binary, seq, mark, own, promised, inputs, tick }: GroupPatch): void {
    if (this.#isBehind) return this.sights?.reset();
    const sights = this.sights?.take() ?? [];
    if (patch === undefined && own.length + promised.length + sights.length + inputs.length === 0) return;
    this.#send({
      kind: "sync",
      patch,
      seq,
      own,
      ...(this.takesBinary && binary && this.#binaryPatch(binary)),
      ...(mark !== undefined && { mark }),
      ...(sights.length > 0 && { sights }),
      ...(promised.length > 0 && { promised }),
      ...(inputs.length > 0 && { inputs }),
      ...(tick !== undefined && { tick }),
    });
  }

  /** Connected clients know the tables of the previous run. */
  #binaryPatch({ blocks, tables }: NonNullable<GroupPatch["binary"]>) {
    const isTold = this.#toldRun === tables.run;
    this.#toldRun = tables.run;
    return isTold ? { blocks } : { blocks, tables };
  }

  packet(text: string, except: readonly number[], to?: Seers, latest?: string): void {
    this.#push({ kind: "packet", text, except, ...(to && { to }), ...(latest !== undefined && { latest }) });
  }

  /**
   * Sends first packets, in several items: each client that reconnects may have its own patch, and a call has a limit.
   */
  welcome(state: string, to: readonly Welcome[], binary: BinaryState | undefined): void {
    let length = 0;
    const parts = Map.groupBy(to, ({ patch = "" }) => Math.floor((length += patch.length) / MAX_PATCHES));
    // Its packets may have been taken back.
    if (this.#isBehind) this.sights?.reset();
    for (const part of parts.values()) {
      const sights = this.sights?.take() ?? [];
      const item: ToShard = { kind: "welcome", state, to: part, ...(binary && { binary }) };
      this.#send(sights.length > 0 ? { ...item, sights } : item);
    }
  }

  /** The shard gets no changes until it is sent the state, which replaces everything that it knows. */
  awaitState(): void {
    this.#isBehind = true;
  }

  /** Sends the shard the state that its clients have, or should have. */
  state({ binary, ...state }: GroupState, isKnown: boolean): void {
    const item: ToShard = { kind: "state", ...state, isKnown: isKnown && !this.#isBehind, ...(binary && { binary }) };
    this.#isBehind = false;
    this.#send({ ...item, ...this.sights?.takeAll() });
  }

  /** Sends a frame to one client. If too much waits for the client, it is closed instead. */
  sendTo(socket: RemoteSocket, frame: SentFrame): void {
    if (this.#isClosed) return;
    const base = { kind: "mail", id: socket.remote.id, number: this.#mailed + 1 } as const;
    const mail: Mail = typeof frame === "string" ? { ...base, text: frame } : { ...base, text: "", frame };
    if (!this.#callbacks.waiting.add(socket, socket.user, weightOf(mail))) return;
    this.#mailed = mail.number;
    // After a crash, the room's own frames start anew.
    if (mail.frame) this.#push(mail, socket);
    else this.#sendMail(mail, socket);
  }

  /** Takes back unsent frames for one client. */
  discardMail(socket: RemoteSocket): void {
    this.#channel.discard(({ item, owner }) => owner === socket && item.kind === "mail");
    this.takeMail(socket.remote.id);
  }

  attach(id: number, value: unknown): void {
    this.#push({ kind: "attach", id, value });
  }

  closeClient(id: number, code: number, reason: string): void {
    this.forget(id);
    this.#sendMail({ kind: "close", id, number: ++this.#mailed, code, reason });
  }

  /** Whether the shard, or this run of it, is gone. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#channel.owners()) this.#callbacks.waiting.clear(socket);
    for (const { early } of this.joining.values()) early?.clear();
    this.#channel.close();
    this.sights?.close();
  }

  #send(item: ToShard): void {
    this.#callbacks.onSending();
    this.#push(item);
  }

  #sendMail(mail: Mail, socket?: RemoteSocket): void {
    this.#mail.push(mail);
    this.#push(mail, socket);
    this.#callbacks.onChanged();
  }

  #push(item: ToShard, socket?: RemoteSocket): void {
    this.#channel.push(item, socket);
    if (this.#channel.backlog > MAX_BACKLOG) this.#fallBehind();
  }

  /** Takes back items that sending the state replaces. If too much still waits, the shard is considered lost. */
  #fallBehind(): void {
    this.#channel.discard(({ item }) => this.#isReplaceable(item));
    if (this.#channel.backlog > MAX_BACKLOG) this.#callbacks.onSilent();
    else if (!this.#isBehind) {
      this.#isBehind = true;
      this.#callbacks.onBehind();
    }
  }

  #isReplaceable(item: ToShard): boolean {
    if (item.kind === "attach") return this.sockets.get(item.id)?.attachment() !== item.value;
    return item.kind === "sync" || item.kind === "packet" || item.kind === "state";
  }

  #arrived(entries: readonly QueuedItem<ToShard, RemoteSocket>[], receipt: Receipt): void {
    let last: number | undefined;
    for (const { item, owner, weight } of entries) {
      if (item.kind === "mail" || item.kind === "close") last = item.number;
      if (owner) this.#callbacks.waiting.remove(owner, weight);
    }
    if (last !== undefined) {
      this.#mail = this.#mail.filter(({ number }) => number > last);
      this.#callbacks.onChanged();
    }
    if (this.isAcknowledged) this.#callbacks.onAcknowledged();
    if (receipt.wantsState) this.#callbacks.onWantsState(receipt.isHolding !== false);
  }

  #storedMail(most: number): Mail[] {
    let size = 0;
    const first = this.#mail.findLastIndex((mail) => {
      size += mail.kind === "mail" ? mail.text.length : mail.reason.length;
      return size > most;
    });
    return this.#mail.slice(first + 1);
  }
}
