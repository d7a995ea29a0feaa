import { headOfTables } from "../protocol/binary/frames.ts";
import type { RunTables } from "../protocol/binary/frames.ts";
import { EncodedPatch, envelopeOf, NO_CHANGE, sharedForms } from "../protocol/encoded-patch.ts";
import type { PatchForms } from "../protocol/encoded-patch.ts";
import { encodeSync } from "../protocol/packets.ts";
import type { PatchHead } from "../protocol/packets.ts";
import type { Clock } from "../platform/ports.ts";
import { ChannelReceiver } from "../relay/reliable-channel.ts";
import type { BinaryState, ToShard, Receipt, RoomBatch, Welcome } from "../relay/messages.ts";
import type { SightChanges } from "../state/sight-changes.ts";
import type { Parts } from "../state/part.ts";
import { diff, SAME } from "../state/diff.ts";
import { merge } from "../state/merge.ts";
import type { Placed } from "../state/merge.ts";
import { mergedForms } from "../state/merged-forms.ts";
import type { Client, Clients } from "./clients.ts";
import { encodeSteps, firstFrame, firstText, frameOf, ownFrame, tablesFrame } from "./frames.ts";
import { Replica } from "./replica.ts";
import { createSights } from "./sights.ts";
import type { Sights } from "./sights.ts";

type Item<K extends ToShard["kind"]> = Extract<ToShard, { kind: K }>;
type Plain = Record<string, unknown>;

/** Sends packets of the room to the clients of the shard. */
export class Downlink {
  readonly #clients: Clients;
  readonly #replica = new Replica();
  readonly #sights: Sights;
  readonly #receiver = new ChannelReceiver();
  readonly #onClosed: (client: Client) => void;
  #mailed = 0;
  /**
   * Items that wait until the room has sent the visible entries. After hibernation these are unknown, so earlier items
   * cannot be assigned to clients.
   */
  #held: ToShard[] | undefined;

  /** @param onClosed called when the room closed a client */
  constructor(clients: Clients, clock: Clock, onClosed: (client: Client) => void) {
    this.#clients = clients;
    this.#sights = createSights(clients, clock, (seen) => this.#sendSeen(seen));
    this.#onClosed = onClosed;
  }

  /** Whether the shard needs the state of its clients from the room. */
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
    return { verdict: "ok", wantsState: this.wantsState, isHolding: this.#held !== undefined };
  }

  /** Another memory of the room takes over and will send everything, so nothing waits for the former one. */
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
    if (!this.#isUrgent(item) && (this.#held || !this.#canTake(item))) (this.#held ??= []).push(item);
    else this.#apply(item);
  }

  /** The state includes the keys of clients, so the clients have to be known by then. */
  #isUrgent(item: ToShard): boolean {
    const isNew = item.kind === "attach" && this.#clients.get(item.id)?.identity === undefined;
    return item.kind === "state" || isNew;
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

  #sync({ patch, blocks, tables, seq, own, mark, tick, sights = [], promised = [], inputs = [] }: Item<"sync">): void {
    if (tables) this.#tellTables(tables);
    const isRead = own.length > 0 || this.#replica.hasState;
    const shared = isRead && patch !== undefined ? (JSON.parse(patch) as Plain) : undefined;
    const seen = this.#take(sights);
    // An earlier version of the room sends patches only as JSON.
    const isBinary = patch === undefined || blocks !== undefined;
    const head: PatchHead = { ...(seq > 0 && { seq, ...(mark !== undefined && { mark }) }), ...(tick && { tick }) };
    const envelope = envelopeOf(head, blocks);
    const make = (forms: PatchForms) => new EncodedPatch(isBinary ? forms : textOnly(forms), envelope);
    const forAll = patch === undefined ? undefined : sharedForms(() => patch);
    const encode = this.#sights.encoder(shared, forAll, make);
    const packets = new Map<Client, EncodedPatch>();
    for (const { ids, changes } of own) {
      const merged = make(mergedForms(shared, changes));
      for (const client of this.#clientsOf(ids)) packets.set(client, merged);
    }
    const changesOf = changesByClient(own);
    for (const [client, parts] of seen) {
      this.#noteGone(client, parts);
      packets.set(client, encode(client, parts, changesOf.get(client.id) ?? []));
    }
    const inputOf = new Map(inputs);
    const nothing = make(NO_CHANGE);
    const told = patch === undefined ? [...promised, ...inputOf.keys()] : promised;
    for (const client of this.#clientsOf(told)) if (!packets.has(client)) packets.set(client, nothing);
    this.#send(packets, seen, forAll && make(forAll), inputOf);
    this.#replica.sync(shared, own);
  }

  /** @param forAll for clients without a packet of their own */
  #send(
    packets: ReadonlyMap<Client, EncodedPatch>,
    seen: ReadonlyMap<Client, Parts>,
    forAll?: EncodedPatch,
    inputOf?: ReadonlyMap<number, number>,
  ): void {
    for (const client of forAll ? this.#clients.open : packets.keys()) {
      const packet = packets.get(client) ?? forAll;
      if (!packet || !client.isOpen || client.hasLeft) continue;
      const parts = seen.get(client);
      const tables = parts && client.protocol === 3 ? this.#sights.tablesFor(client, parts) : undefined;
      if (tables) client.send(tables);
      // The shard may have closed the client because of that frame.
      if (!client.isOpen) continue;
      if (packet.seq > 0) client.seq = packet.seq;
      client.send(packet.for(client.protocol, inputOf?.get(client.id)));
    }
  }

  /** Clients have other tables if the room's version changed since they connected. */
  #tellTables(tables: RunTables): void {
    for (const client of this.#clients.open) {
      if (client.protocol !== 3 || client.tables === tables.tablesHash) continue;
      client.send(tablesFrame(headOfTables(tables, client.tables)));
      this.#clients.opened(client, tables.tablesHash);
    }
  }

  /** The private parts of an entry, and of what is inside of it, are removed with it. */
  #noteGone({ id }: Client, parts: Parts): void {
    for (const { name, sights, isAll } of parts) if (!isAll) this.#replica.changed(id, name, sights);
  }

  #packet({ text, except, to, latest }: Item<"packet">): void {
    const excluded = new Set(except);
    const seers = to && this.#sights.seersOf(to);
    for (const client of this.#clients.all()) {
      const isThere = (client.isOpen || client.isBehind) && !client.hasLeft;
      if (isThere && !excluded.has(client.id) && (!seers || seers.has(client))) client.send(text, latest);
    }
  }

  #attach({ id, value }: Item<"attach">): void {
    const client = this.#clients.get(id);
    if (!client) return;
    this.#clients.attach(client, value);
    if (client.hasLeft) this.forget(client);
  }

  /** Takes changes. If they replace what the shard knows, since the room forgot that, clients get the differences. */
  #take(sights: readonly SightChanges[]): ReadonlyMap<Client, Parts> {
    const saw = sights.some(({ all }) => all) ? this.#seenByAll() : undefined;
    const seen = this.#sights.take(sights);
    if (saw) this.#correctSights(saw, []);
    return seen;
  }

  /** Sends only the visible entries of keyed collections. */
  #sendSeen(seen: ReadonlyMap<Client, Parts>): void {
    const packets = new Map<Client, EncodedPatch>();
    const encode = this.#sights.encoder(undefined, undefined, (forms) => new EncodedPatch(forms, BARE));
    for (const [client, parts] of seen) {
      this.#noteGone(client, parts);
      packets.set(client, encode(client, parts, []));
    }
    this.#send(packets, seen);
  }

  /** Sends first packets. Other clients get nothing of these, but may get what the item includes. */
  #welcomeAll({ state, binary, to, sights = [] }: Item<"welcome">): void {
    // What other clients have is unknown after hibernation: they may lack what a room sent before it was lost.
    const isKnown = !this.wantsState;
    this.#sendSeen(this.#take(sights));
    for (const welcome of to) {
      const client = this.#clients.get(welcome.id);
      if (!client) continue;
      this.#sendFirst(client, welcome, state, binary);
      if (isKnown) this.#replica.welcome(state, { ids: [welcome.id], changes: welcome.changes });
    }
  }

  #sendFirst(client: Client, welcome: Omit<Welcome, "id">, state: string, binary: BinaryState | undefined): void {
    const seen = welcome.patch === undefined ? this.#sights.whole(client) : this.#sights.replacements(client);
    const first = { welcome, state, own: [...seen, ...welcome.changes], clears: client.clears };
    const isBinary = binary !== undefined && client.protocol === 3;
    const frame = isBinary ? firstFrame(first, binary, this.#sights.slotsFor(client)) : firstText(first);
    client.first(frame, welcome.head?.seq);
    this.#clients.opened(client, isBinary ? binary.tablesHash : undefined);
  }

  #mail(item: Item<"mail" | "close">): void {
    if (item.number <= this.#mailed) return;
    this.#mailed = item.number;
    const client = this.#clients.get(item.id);
    if (!client) return;
    if (item.kind === "mail")
      client.mail(item.text, item.frame ? ownFrame(item.frame) : frameOf(item.text, client.protocol));
    else {
      client.close(item.code, item.reason);
      this.#onClosed(client);
    }
  }

  /** Takes the state that clients should have. Clients whose state may differ get a patch, or the whole state. */
  #state(item: Item<"state">): void {
    const { state, binary, own, isKnown, sights = [], isExact = true } = item;
    // The sent state replaces all that the shard knows, including waiting changes.
    this.#sendSeen(this.#sights.deliver(true));
    const held = this.#held ?? [];
    this.#held = undefined;
    if (binary && isKnown) this.#tellTables(binary);
    if (!isKnown) {
      for (const each of held) this.#apply(withoutSights(each));
      return this.#replaceState(item);
    }
    const saw = this.#seenByAll();
    this.#sights.take(sights);
    // They did not get changes while visibility was unknown.
    if (held.length > 0 || !isExact) this.#correctSights(saw, own);
    for (const each of held) this.#apply(withoutSights(each));
    this.#replica.learn(state, own);
  }

  #replaceState({ state, binary, own, head, sights = [], inputs = [] }: Item<"state">): void {
    const { isUsed } = this.#sights;
    const saw = this.#seenByAll();
    this.#sights.take(sights);
    const changesOf = changesByClient(own);
    const inputOf = new Map(inputs);
    const patchFor = this.#replica.replace(state, own);
    const texts = new Map<Plain, string>();
    for (const client of this.#clients.open) {
      const changes = changesOf.get(client.id) ?? [];
      const { identity, tables } = client;
      if (identity && client.protocol !== 1) {
        const known = tables !== undefined && { tables };
        const input = inputOf.get(client.id);
        const ownHead = input === undefined ? head : { ...head, input };
        this.#sendFirst(client, { publicId: identity.publicId, changes, head: ownHead, ...known }, state, binary);
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

  /** Sends differences in visible entries. If a client's entries are unknown, all of them are replaced. */
  #correctSights(saw: ReadonlyMap<Client, Plain | undefined>, own: Item<"state">["own"]): void {
    const changesOf = changesByClient(own);
    for (const client of this.#clients.open) {
      const before = saw.get(client);
      const patch = before
        ? diff(before, structuredClone(this.#sights.plain(client) ?? {}))
        : merge(undefined, this.#sights.replacements(client));
      // Spectators see none of these entries.
      if (patch === SAME || Object.keys(patch as Plain).length === 0) continue;
      // The private parts of these entries follow.
      const whole = merge(patch as Plain, changesOf.get(client.id) ?? []);
      const forms = textOnly(sharedForms(() => JSON.stringify(whole)));
      if (client.clears) client.send(encodeSteps(whole));
      else client.send(new EncodedPatch(forms, BARE).for(client.protocol));
    }
  }

  #clientsOf(ids: readonly number[]): Client[] {
    return ids.flatMap((id) => this.#clients.get(id) ?? []);
  }
}

function changesByClient(own: Item<"state">["own"]): ReadonlyMap<number, readonly Placed[]> {
  return new Map(own.flatMap(({ ids, changes }) => ids.map((id) => [id, changes] as const)));
}

/** The envelope of packets without a number. */
const BARE = envelopeOf({});

/** A patch that clients of the binary protocol get as JSON too. */
function textOnly(forms: PatchForms): PatchForms {
  return { packet: (start) => forms.packet(start) };
}

/** The item without its sights. */
function withoutSights(item: ToShard): ToShard {
  return item.kind === "sync" || item.kind === "welcome" ? { ...item, sights: [] } : item;
}
