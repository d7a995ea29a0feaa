import { EncodedPatch, encodeSync, encodeWelcome } from "../protocol/packets.ts";
import { ChannelReceiver } from "../relay/reliable-channel.ts";
import type { ToShard, Receipt, RoomBatch, Welcome } from "../relay/messages.ts";

import { merge } from "../state/merge.ts";
import type { Placed } from "../state/merge.ts";
import type { Client, Clients } from "./clients.ts";
import { Replica } from "./replica.ts";

type Item<K extends ToShard["kind"]> = Extract<ToShard, { kind: K }>;
type Plain = Record<string, unknown>;

/** Copies packets of the room to the clients that they are for. */
export class Downlink {
  readonly #clients: Clients;
  readonly #replica = new Replica();
  readonly #receiver = new ChannelReceiver();
  readonly #onClosed: (client: Client) => void;
  #mailed = 0;

  /** @param onClosed called when the room closed a client */
  constructor(clients: Clients, onClosed: (client: Client) => void) {
    this.#clients = clients;
    this.#onClosed = onClosed;
  }

  /** Whether the shard needs the state that its clients have from the room. */
  get wantsState(): boolean {
    return !this.#replica.hasState && this.#clients.open.size > 0;
  }

  /** The number of the last mail. */
  get mailed(): number {
    return this.#mailed;
  }

  take(batch: RoomBatch): Receipt {
    const verdict = this.#receiver.judge(batch);
    if (verdict === "gap") return { verdict: "gap" };
    if (verdict === "take") for (const item of batch.items) this.#apply(item);
    return { verdict: "ok", wantsState: this.wantsState };
  }

  forget({ id }: Client): void {
    this.#replica.forget(id);
  }

  #apply(item: ToShard): void {
    switch (item.kind) {
      case "sync":
        return this.#sync(item);
      case "packet":
        return this.#packet(item);
      case "welcome":
        for (const welcome of item.to) this.#welcome(item.state, welcome);
        return undefined;
      case "attach":
        return this.#attach(item);
      case "state":
        return this.#state(item);
      case "mail":
      case "close":
        return this.#mail(item);
    }
  }

  #sync({ patch, seq, own, mark }: Item<"sync">): void {
    const isRead = own.length > 0 || this.#replica.hasState;
    const shared = isRead && patch !== undefined ? (JSON.parse(patch) as Plain) : undefined;
    const ownPackets = new Map<Client, EncodedPatch>();
    for (const { ids, changes } of own) {
      const packets = new EncodedPatch(JSON.stringify(merge(shared, changes)), seq, mark);
      for (const client of this.#clientsOf(ids)) ownPackets.set(client, packets);
    }
    const packets = patch === undefined ? undefined : new EncodedPatch(patch, seq, mark);
    for (const client of packets ? this.#clients.open : ownPackets.keys()) {
      const packet = ownPackets.get(client) ?? packets;
      if (packet && client.isOpen) client.send(packet.for(client.identity?.protocol));
    }
    this.#replica.sync(shared, own);
  }

  #packet({ text, except }: Item<"packet">): void {
    const excluded = new Set(except);
    for (const client of this.#clients.open) if (!excluded.has(client.id)) client.send(text);
  }

  #attach({ id, value }: Item<"attach">): void {
    const client = this.#clients.get(id);
    if (client) this.#clients.attach(client, value);
  }

  #welcome(state: string, { id, publicId, changes, head, patch }: Welcome): void {
    const client = this.#clients.get(id);
    if (!client) return;
    client.send(
      patch === undefined ? encodeWelcome(publicId, fullState(state, changes), head) : encodeSync(patch, head),
    );
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
  #state({ state, own, head, isKnown }: Item<"state">): void {
    if (isKnown) {
      this.#replica.learn(state, own);
      return;
    }
    const patchFor = this.#replica.replace(state, own);
    const texts = new Map<Plain, string>();
    for (const client of this.#clients.open) {
      if (client.identity?.protocol === 2) {
        const { changes = [] } = own.find(({ ids }) => ids.includes(client.id)) ?? {};
        client.send(encodeWelcome(client.identity.publicId, fullState(state, changes), head));
        continue;
      }
      const patch = patchFor(client.id);
      if (!patch) continue;
      let text = texts.get(patch);
      if (text === undefined) texts.set(patch, (text = encodeSync(JSON.stringify(patch))));
      client.send(text);
    }
  }

  #clientsOf(ids: readonly number[]): Client[] {
    return ids.flatMap((id) => this.#clients.get(id) ?? []);
  }
}

function fullState(state: string, changes: readonly Placed[]): string {
  return changes.length === 0 ? state : JSON.stringify(merge(JSON.parse(state) as Plain, changes));
}
