import { DELETE, EncodedPatch, encodeSync, encodeWelcome } from "../protocol/packets.ts";
import { ChannelReceiver } from "../relay/reliable-channel.ts";
import type { ToShard, Receipt, RoomBatch, Welcome } from "../relay/messages.ts";
import type { Parts } from "../state/crowd.ts";
import { diff, SAME } from "../state/diff.ts";
import { merge } from "../state/merge.ts";
import type { Placed } from "../state/merge.ts";
import type { Client, Clients } from "./clients.ts";
import { Replica } from "./replica.ts";
import { createSights } from "./sights.ts";
import type { Sights } from "./sights.ts";

type Item<K extends ToShard["kind"]> = Extract<ToShard, { kind: K }>;
type Plain = Record<string, unknown>;

/** Sends packets of the room to the clients that they are for. */
export class Downlink {
  readonly #clients: Clients;
  readonly #replica = new Replica();
  readonly #sights: Sights;
  readonly #receiver = new ChannelReceiver();
  readonly #onClosed: (client: Client) => void;
  #mailed = 0;
  /**
   * Items that wait until the room has told who sees what: after sleep this is not known, and what comes first cannot be
   * given to anybody.
   */
  #held: ToShard[] | undefined;

  /** @param onClosed called when the room closed a client */
  constructor(clients: Clients, onClosed: (client: Client) => void) {
    this.#clients = clients;
    this.#sights = createSights(clients);
    this.#onClosed = onClosed;
  }

  /** Whether the shard needs the state that its clients have from the room. */
  get wantsState(): boolean {
    return this.#held !== undefined || (!this.#replica.hasState && this.#clients.open.size > 0);
  }

  /** The number of the last mail. */
  get mailed(): number {
    return this.#mailed;
  }

  take(batch: RoomBatch): Receipt {
    const verdict = this.#receiver.judge(batch);
    if (verdict === "gap") return { verdict: "gap" };
    if (verdict === "take") for (const item of batch.items) this.#takeInTurn(item);
    return { verdict: "ok", wantsState: this.wantsState };
  }

  /** Another memory of the room takes over, which will tell all: nothing waits for the former one any more. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const item of held) this.#apply(withoutSights(item));
  }

  forget(client: Client): void {
    this.#replica.forget(client.id);
    this.#sights.forget(client);
  }

  #takeInTurn(item: ToShard): void {
    if (item.kind !== "state" && (this.#held || !this.#canTake(item))) (this.#held ??= []).push(item);
    else this.#apply(item);
  }

  #canTake(item: ToShard): boolean {
    if (item.kind === "packet") return item.to === undefined || this.#sights.isUsed;
    return item.kind !== "sync" && item.kind !== "welcome" ? true : this.#sights.knows(item.sights ?? []);
  }

  #apply(item: ToShard): void {
    switch (item.kind) {
      case "sync":
        return this.#sync(item);
      case "packet":
        return this.#packet(item);
      case "welcome":
        return this.#welcomeAll(item);
      case "attach":
        return this.#attach(item);
      case "state":
        return this.#state(item);
      case "mail":
      case "close":
        return this.#mail(item);
    }
  }

  #sync({ patch, seq, own, mark, sights = [], promised = [] }: Item<"sync">): void {
    const isRead = own.length > 0 || this.#replica.hasState;
    const shared = isRead && patch !== undefined ? (JSON.parse(patch) as Plain) : undefined;
    const parts = this.#sights.take(sights);
    const make = (text: string) => new EncodedPatch(text, seq, mark);
    const encode = this.#sights.encoder(shared, patch, make);
    const packets = new Map<Client, EncodedPatch>();
    for (const { ids, changes } of own) {
      const merged = make(JSON.stringify(merge(shared, changes)));
      for (const client of this.#clientsOf(ids)) packets.set(client, merged);
    }
    const changesOf = changesByClient(own);
    for (const [client, seen] of parts) {
      this.#noteGone(client, seen);
      packets.set(client, encode(client, seen, changesOf.get(client.id) ?? []));
    }
    for (const client of this.#clientsOf(promised)) {
      if (!packets.has(client)) packets.set(client, new EncodedPatch("{}", 0));
    }
    this.#send(packets, patch === undefined ? undefined : make(patch));
    this.#replica.sync(shared, own);
  }

  /** @param forAll for those who have no packet of their own */
  #send(packets: ReadonlyMap<Client, EncodedPatch>, forAll?: EncodedPatch): void {
    for (const client of forAll ? this.#clients.open : packets.keys()) {
      const packet = packets.get(client) ?? forAll;
      if (packet && client.isOpen && !client.hasLeft) client.send(packet.for(client.identity?.protocol));
    }
  }

  /** What only a client sees of an entry is gone with that. */
  #noteGone({ id }: Client, parts: Parts): void {
    if (!this.#replica.hasOwn(id)) return;
    for (const { interest, part } of parts) {
      if (part === "all") continue;
      const gone = part.sights.filter(({ value }) => value === DELETE).map(({ key }) => [key, DELETE] as const);
      if (gone.length > 0) this.#replica.gone(id, { [interest.name]: Object.fromEntries(gone) });
    }
  }

  #packet({ text, except, to }: Item<"packet">): void {
    const excluded = new Set(except);
    const seers = to && this.#sights.seersOf(to);
    for (const client of this.#clients.open) {
      if (!excluded.has(client.id) && (!seers || seers.has(client))) client.send(text);
    }
  }

  #attach({ id, value }: Item<"attach">): void {
    const client = this.#clients.get(id);
    if (!client) return;
    this.#clients.attach(client, value);
    if (client.hasLeft) this.forget(client);
  }

  /** First packets. Who is there already is not told anything by them, but may be by what comes along. */
  #welcomeAll({ state, to, sights = [] }: Item<"welcome">): void {
    const packets = new Map<Client, EncodedPatch>();
    const encode = this.#sights.encoder(undefined, undefined, (text) => new EncodedPatch(text, 0));
    for (const [client, seen] of this.#sights.take(sights)) packets.set(client, encode(client, seen, []));
    this.#send(packets);
    for (const welcome of to) this.#welcome(state, welcome);
  }

  #welcome(state: string, { id, publicId, changes, head, patch }: Welcome): void {
    const client = this.#clients.get(id);
    if (!client) return;
    if (patch === undefined) {
      const whole = mergedText(state, [...this.#sights.whole(client), ...changes]);
      client.send(encodeWelcome(publicId, whole, head));
    } else client.send(encodeSync(mergedText(patch, [...this.#sights.replacements(client), ...changes]), head));
    this.#clients.opened(client);
    this.#replica.welcome(state, { ids: [id], changes });
  }

  #mail(item: Item<"mail" | "close">): void {
    if (item.number <= this.#mailed) return;
    this.#mailed = item.number;
    const client = this.#clients.get(item.id);
    if (!client) return;
    if (item.kind === "mail") client.send(item.text);
    else {
      client.close(item.code, item.reason);
      this.#onClosed(client);
    }
  }

  /** Takes the state that clients have to have. If theirs may differ, they get a patch, or the whole state. */
  #state(item: Item<"state">): void {
    const { state, own, isKnown, sights = [], isExact = true } = item;
    const held = this.#held ?? [];
    this.#held = undefined;
    if (!isKnown) {
      for (const each of held) this.#apply(withoutSights(each));
      return this.#replaceState(item);
    }
    const saw = this.#seenByAll();
    this.#sights.take(sights);
    // They were not told what came while it was not known who sees what.
    if (held.length > 0 || !isExact) this.#correctSights(saw, own);
    for (const each of held) this.#apply(withoutSights(each));
    this.#replica.learn(state, own);
  }

  #replaceState({ state, own, head, sights = [] }: Item<"state">): void {
    const { isUsed } = this.#sights;
    const saw = this.#seenByAll();
    this.#sights.take(sights);
    const changesOf = changesByClient(own);
    const patchFor = this.#replica.replace(state, own);
    const texts = new Map<Plain, string>();
    for (const client of this.#clients.open) {
      const changes = changesOf.get(client.id) ?? [];
      if (client.identity?.protocol === 2) {
        const whole = mergedText(state, [...this.#sights.whole(client), ...changes]);
        client.send(encodeWelcome(client.identity.publicId, whole, head));
        continue;
      }
      const isLost = this.#sights.isUsed && !isUsed;
      const patch = isLost
        ? merge(JSON.parse(state) as Plain, [...this.#sights.replacements(client), ...changes])
        : patchFor(client.id, saw.get(client), this.#sights.plain(client));
      if (!patch) continue;
      let text = texts.get(patch);
      if (text === undefined) texts.set(patch, (text = encodeSync(JSON.stringify(patch))));
      client.send(text);
    }
  }

  #seenByAll(): ReadonlyMap<Client, Plain | undefined> {
    return new Map(Array.from(this.#clients.open, (client) => [client, this.#sights.plain(client)] as const));
  }

  /** Tells clients what differs of what they see by keys: all of it takes the place of what they have, if that is not known. */
  #correctSights(saw: ReadonlyMap<Client, Plain | undefined>, own: Item<"state">["own"]): void {
    const changesOf = changesByClient(own);
    for (const client of this.#clients.open) {
      const before = saw.get(client);
      const patch = before
        ? diff(before, structuredClone(this.#sights.plain(client) ?? {}))
        : merge(undefined, this.#sights.replacements(client));
      if (patch === SAME) continue;
      // What only they see of these entries follows.
      client.send(encodeSync(JSON.stringify(merge(patch as Plain, changesOf.get(client.id) ?? []))));
    }
  }

  #clientsOf(ids: readonly number[]): Client[] {
    return ids.flatMap((id) => this.#clients.get(id) ?? []);
  }
}

function changesByClient(own: Item<"state">["own"]): ReadonlyMap<number, readonly Placed[]> {
  return new Map(own.flatMap(({ ids, changes }) => ids.map((id) => [id, changes] as const)));
}

/** What is left of an item whose sights are known otherwise. */
function withoutSights(item: ToShard): ToShard {
  return item.kind === "sync" || item.kind === "welcome" ? { ...item, sights: [] } : item;
}

function mergedText(text: string, changes: readonly Placed[]): string {
  return changes.length === 0 ? text : JSON.stringify(merge(JSON.parse(text) as Plain, changes));
}
