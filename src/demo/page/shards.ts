import { byId, createList, make, part, write } from "./dom.ts";
import { Poll } from "./poll.ts";

interface Shard {
  readonly id: string;
  readonly connections: number;
  readonly capacity: number;
  readonly status: string;
  /** The region that it runs in, if that is known. */
  readonly hint: string | null;
}
interface Row extends Shard {
  readonly isOwn: boolean;
}

/** The list of a room's shards, and how full they are. */
export class ShardList {
  readonly #panel = byId("shards-panel");
  readonly #draw = createList<Row>(byId("shards"), { create, update });
  readonly #poll = new Poll(() => this.#ask());
  #roomId: string | undefined;
  #own: string | undefined;
  #online = 0;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#changed());
  }

  /**
   * Shows the shards as they are now; and until nothing changes any more, if this page is on one of them itself: whoever
   * is not leaves the World asleep.
   * @param own the shard that this page is on, if it is on one
   */
  show(roomId: string, own: string | undefined): void {
    this.#roomId = roomId;
    this.#own = own;
    this.#poll.start();
  }

  /** @param online how many players are there: where that has changed, the shards have */
  noticed(online: number): void {
    if (online === this.#online) return;
    this.#online = online;
    this.#changed();
  }

  hide(): void {
    this.#roomId = undefined;
    this.#poll.stop();
    this.#panel.hidden = true;
  }

  #changed(): void {
    if (this.#roomId !== undefined && this.#own !== undefined) this.#poll.changed();
  }

  async #ask(): Promise<readonly Shard[] | undefined> {
    const roomId = this.#roomId;
    // A hidden page learns of it when it is seen again.
    if (roomId === undefined || document.hidden) return undefined;
    const shards = await fetchShards(roomId);
    if (roomId !== this.#roomId) return undefined;
    // Without an answer, the last one stays.
    if (shards) this.#show(shards);
    // A client that is on none of the shards asks once.
    return this.#own === undefined ? undefined : shards;
  }

  #show(shards: readonly Shard[]): void {
    this.#panel.hidden = shards.length === 0;
    this.#draw(shards.map((shard) => [shard.id, { ...shard, isOwn: shard.id === this.#own }]));
  }
}

async function fetchShards(roomId: string): Promise<Shard[] | undefined> {
  const response = await fetch(`/shards?room=${encodeURIComponent(roomId)}`).catch(() => undefined);
  const answer = (await response?.json().catch(() => undefined)) as { shards?: Shard[] } | undefined;
  return answer?.shards;
}

function create({ id }: Shard): HTMLElement {
  const load = make("meter", "load");
  load.setAttribute("aria-label", `Load of ${id}`);
  const name = make("span", "name", id);
  name.title = id;
  return make("li", "shard", name, make("span", "note"), load, make("span", "count"));
}

function update(element: HTMLElement, { id, connections, capacity, status, hint, isOwn }: Row): void {
  element.dataset["shard"] = id;
  element.classList.toggle("me", isOwn);
  const notes = [hint, status !== "active" && status, isOwn && "you are here"];
  write(part(element, "note"), notes.filter(Boolean).join(" · "));
  write(part(element, "count"), `${connections} of ${capacity}`);
  const load = part(element, "load") as HTMLMeterElement;
  load.max = capacity;
  // A full one has another colour.
  load.optimum = 0;
  load.high = capacity - 0.5;
  load.value = connections;
}
