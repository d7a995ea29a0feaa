import { byId, createList, make, part, write } from "./dom.ts";

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

/** Each question is a request to the Worker, and one to the World: a day of the free plan has 100,000 of each. In ms. */
const INTERVAL = 30_000;
/** A shard tells its World a second later who came. In ms. */
const SOON = 3000;

/** The list of a room's shards, and how full they are. It asks until nothing changes any more. */
export class ShardList {
  readonly #panel = byId("shards-panel");
  readonly #draw = createList<Row>(byId("shards"), { create, update });
  #timer: ReturnType<typeof setTimeout> | undefined;
  #roomId: string | undefined;
  #own: string | undefined;
  #askedAt = 0;
  /** The last answer, as text. */
  #answer = "";
  #online = 0;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#askAgain());
  }

  /**
   * Shows the shards as they are now; and for as long as the page can be seen, if it is on one of them itself:
   * whoever is not leaves the World asleep.
   * @param own the shard that this page is on, if it is on one
   */
  show(roomId: string, own: string | undefined): void {
    this.#roomId = roomId;
    this.#own = own;
    this.#answer = "";
    void this.#ask(SOON);
  }

  /** @param online how many players are there: where that has changed, the shards have */
  noticed(online: number): void {
    if (online === this.#online) return;
    this.#online = online;
    this.#timer ??= this.#later(Math.max(SOON, this.#askedAt + INTERVAL - Date.now()));
  }

  hide(): void {
    this.#roomId = undefined;
    this.#stop();
    this.#panel.hidden = true;
  }

  #askAgain(): void {
    this.#stop();
    if (this.#roomId !== undefined && this.#own !== undefined && !document.hidden) void this.#ask();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #later(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#askAgain(), ms);
  }

  /** @param next when to ask again, unless the answer is the same as before */
  async #ask(next = INTERVAL): Promise<void> {
    const roomId = this.#roomId as string;
    this.#askedAt = Date.now();
    const shards = await fetchShards(roomId);
    if (roomId !== this.#roomId) return;
    // While nobody answers, the last answer stays.
    if (shards) this.#show(shards);
    const answer = JSON.stringify(shards);
    this.#stop();
    if (answer !== this.#answer) this.#timer = this.#later(next);
    this.#answer = answer;
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
