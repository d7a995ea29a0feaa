import type { SyncHead } from "../../protocol/packets.ts";
import { ChannelSender, ChannelReceiver } from "../../relay/reliable-channel.ts";
import type { Clock } from "../../platform/ports.ts";
import { weightOf } from "../../relay/messages.ts";
import type { ToShard, Mail, PrivateChanges, Receipt, RoomBatch, Welcome } from "../../relay/messages.ts";
import type { ShardLine, RemoteSocket } from "./remote-socket.ts";

/** A stored value has 2 MB at most: of more mail than this, in characters, the oldest is not stored. */
const MAX_STORED_MAIL = 200_000;
/** The patches of one item for clients that come back, in characters. */
const MAX_PATCHES = 1_000_000;
/** Clients that left, of which a link knows. */
const REMEMBERED = 10_000;

/** What is stored of a link, together with the state: so that after a crash both are of one moment. */
export interface StoredLink {
  readonly run: string;
  /** The last batch of the shard that the state has. */
  readonly life: string | undefined;
  readonly last: number;
  /** Frames for single clients that may not have arrived. */
  readonly mail: readonly Mail[];
  readonly mailed: number;
  /** How many clients it had. */
  readonly clients: number;
}

export interface ShardLinkCallbacks {
  deliver(batch: RoomBatch): Promise<Receipt>;
  /** What is stored of it is not up to date. */
  onChanged(): void;
  /** The shard has all that was sent. */
  onAcknowledged(): void;
  /** What is about to leave tells clients of the state. */
  onSending(): void;
  onWantsState(): void;
  /** The shard does not know this room's memory: it has to be asked again who is there. */
  onUnknown(): void;
  onSilent(): void;
}

/** A room's side of a shard: the clients that it holds, and the channels to and from it. */
export class ShardLink implements ShardLine {
  readonly shardId: string;
  readonly run: string;
  readonly receiver: ChannelReceiver;
  readonly sockets = new Map<number, RemoteSocket>();
  /** The shard woke up, and would know what its clients know. */
  wantsState = false;
  /** Clients whose join is under way. */
  readonly joining = new Map<number, Promise<void>>();
  readonly #callbacks: ShardLinkCallbacks;
  readonly #channel: ChannelSender<ToShard>;
  #mail: Mail[] = [];
  #mailed: number;
  #isMet = false;
  #isClosed = false;
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
    this.#channel = new ChannelSender<ToShard>(clock, patience, {
      send: (batch) => callbacks.deliver({ ...batch, run: this.run, boot }),
      weightOf,
      onArrived: (items, receipt) => this.#arrived(items, receipt),
      onUnknown: () => callbacks.onUnknown(),
      onSilent: () => callbacks.onSilent(),
    });
    this.#mail = [...stored.mail];
  }

  get size(): number {
    return this.sockets.size;
  }

  /** Whether the shard has all that was sent. */
  get isAcknowledged(): boolean {
    return this.#channel.isIdle;
  }

  stored(): StoredLink {
    return {
      run: this.run,
      ...this.receiver.known,
      mail: this.#storedMail(),
      mailed: this.#mailed,
      clients: this.size,
    };
  }

  add(socket: RemoteSocket): void {
    this.sockets.set(socket.remote.id, socket);
  }

  /** A client is here no more. */
  forget(id: number): void {
    this.sockets.delete(id);
    this.markLeft(id);
  }

  /** A client's join is under way. */
  joins(id: number, joined: Promise<void>): void {
    const done = joined.finally(() => this.joining.delete(id));
    this.joining.set(id, done);
  }

  /** The shard said that a client left. */
  markLeft(id: number): void {
    this.#left.add(id);
    if (this.#left.size > REMEMBERED) this.#left.delete(this.#left.values().next().value as number);
  }

  /** Whether a client left, or was told to: the shard may have said that it is here before it knew. */
  hasLeft(id: number): boolean {
    return this.#left.has(id) || this.#mail.some((mail) => mail.kind === "close" && mail.id === id);
  }

  /** Whether the shard said who is there. */
  get isMet(): boolean {
    return this.#isMet;
  }

  /** Takes out the frames for a client that has to get its first packet before. @returns their texts */
  takeMail(id: number): string[] {
    const taken = this.#mail.filter((mail) => mail.kind === "mail" && mail.id === id);
    this.#mail = this.#mail.filter((mail) => !taken.includes(mail));
    return taken.flatMap((mail) => (mail.kind === "mail" ? mail.text : []));
  }

  /** The shard said who is there. @param mailed the last mail that it had, maybe of a room that forgot it */
  meet(mailed: number): void {
    this.#mailed = Math.max(this.#mailed, mailed);
    if (!this.#isMet) for (const mail of this.#mail) this.#channel.push(mail);
    this.#isMet = true;
    this.#channel.resume();
  }

  sync(patch: string | undefined, seq: number, own: readonly PrivateChanges[]): void {
    this.#send({ kind: "sync", patch, seq, own });
  }

  packet(text: string, except: readonly number[]): void {
    this.#channel.push({ kind: "packet", text, except });
  }

  /** Clients that come back may have a patch each: so many of them do not fit into one call. */
  welcome(state: string, to: readonly Welcome[]): void {
    let length = 0;
    const parts = Map.groupBy(to, ({ patch = "" }) => Math.floor((length += patch.length) / MAX_PATCHES));
    for (const part of parts.values()) this.#send({ kind: "welcome", state, to: part });
  }

  /** Tells the shard what its clients have to know. */
  state(state: string, own: readonly PrivateChanges[], head: SyncHead, isKnown: boolean): void {
    this.#send({ kind: "state", state, own, head, isKnown });
  }

  mail(id: number, text: string): void {
    this.#post({ kind: "mail", id, number: ++this.#mailed, text });
  }

  attach(id: number, value: unknown): void {
    this.#channel.push({ kind: "attach", id, value });
  }

  hangUp(id: number, code: number, reason: string): void {
    this.forget(id);
    this.#post({ kind: "close", id, number: ++this.#mailed, code, reason });
  }

  /** The shard, or this run of it, is gone. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#channel.close();
  }

  #send(item: ToShard): void {
    this.#callbacks.onSending();
    this.#channel.push(item);
  }

  #post(mail: Mail): void {
    this.#mail.push(mail);
    this.#channel.push(mail);
    this.#callbacks.onChanged();
  }

  #arrived(items: readonly ToShard[], receipt: Receipt): void {
    const numbers = items.filter((item) => item.kind === "mail" || item.kind === "close").map(({ number }) => number);
    const last = numbers.at(-1);
    if (last !== undefined) {
      this.#mail = this.#mail.filter(({ number }) => number > last);
      this.#callbacks.onChanged();
    }
    if (this.isAcknowledged) this.#callbacks.onAcknowledged();
    if (receipt.wantsState) this.#callbacks.onWantsState();
  }

  #storedMail(): Mail[] {
    let size = 0;
    const first = this.#mail.findLastIndex((mail) => {
      size += mail.kind === "mail" ? mail.text.length : mail.reason.length;
      return size > MAX_STORED_MAIL;
    });
    return this.#mail.slice(first + 1);
  }
}
