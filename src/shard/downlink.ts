import { encodeSync, encodeWelcome } from "../protocol/packets.ts";
import { Receiver } from "../room/lane.ts";
import type { Downward, Receipt, RoomBatch, Welcome } from "../room/relay.ts";
import { merge } from "../state/merge.ts";
import type { Client, Clients } from "./clients.ts";
import { Replica } from "./replica.ts";

type Item<K extends Downward["kind"]> = Extract<Downward, { kind: K }>;
type Plain = Record<string, unknown>;

/** Copies what the room sends to the clients that it is for. */
export class Downlink {
  readonly #clients: Clients;
  readonly #replica = new Replica();
  readonly #receiver = new Receiver();
  readonly #onHungUp: (client: Client) => void;
  #mailed = 0;

  /** @param onHungUp the room closed a client */
  constructor(clients: Clients, onHungUp: (client: Client) => void) {
    this.#clients = clients;
    this.#onHungUp = onHungUp;
  }

  /** Whether it would know what its clients know. */
  get wantsState(): boolean {
    return !this.#replica.isKnown && this.#clients.open.size > 0;
  }

  /** The last frame for a single client that came. */
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

  #apply(item: Downward): void {
    switch (item.kind) {
      case "sync":
        return this.#sync(item);
      case "packet":
        return this.#packet(item);
      case "welcome":
        for (const welcome of item.to) this.#welcome(item.state, welcome);
        return undefined;
      case "attach":
        this.#clients.get(item.id)?.keep(item.value);
        return undefined;
      case "state":
        return this.#state(item);
      case "mail":
      case "close":
        return this.#mail(item);
    }
  }

  #sync({ patch, own }: Item<"sync">): void {
    const isRead = own.length > 0 || this.#replica.isKnown;
    const shared = isRead && patch !== undefined ? (JSON.parse(patch) as Plain) : undefined;
    const told = new Map<Client, string>();
    for (const { ids, changes } of own) {
      const text = encodeSync(JSON.stringify(merge(shared, changes)));
      for (const client of this.#those(ids)) told.set(client, text);
    }
    const text = patch === undefined ? undefined : encodeSync(patch);
    for (const client of text === undefined ? told.keys() : this.#clients.open) {
      const packet = told.get(client) ?? text;
      if (packet !== undefined && client.isOpen) client.send(packet);
    }
    this.#replica.sync(shared, own);
  }

  #packet({ text, except }: Item<"packet">): void {
    const left = new Set(except);
    for (const client of this.#clients.open) if (!left.has(client.id)) client.send(text);
  }

  #welcome(state: string, { id, publicId, changes }: Welcome): void {
    const client = this.#clients.get(id);
    if (!client) return;
    const whole = changes.length === 0 ? state : JSON.stringify(merge(JSON.parse(state) as Plain, changes));
    client.send(encodeWelcome(publicId, whole));
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
      this.#onHungUp(client);
    }
  }

  /** What clients have to know: who knows something else is told what differs, or all if that is not known. */
  #state({ state, own, isKnown }: Item<"state">): void {
    if (isKnown) {
      this.#replica.learn(state, own);
      return;
    }
    const patchFor = this.#replica.replace(state, own);
    const texts = new Map<Plain, string>();
    for (const client of this.#clients.open) {
      const patch = patchFor(client.id);
      if (!patch) continue;
      let text = texts.get(patch);
      if (text === undefined) texts.set(patch, (text = encodeSync(JSON.stringify(patch))));
      client.send(text);
    }
  }

  #those(ids: readonly number[]): Client[] {
    return ids.flatMap((id) => this.#clients.get(id) ?? []);
  }
}
