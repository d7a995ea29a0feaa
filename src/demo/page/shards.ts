import { byId, createList, make, part, write } from "./dom.ts";

interface Shard {
  readonly id: string;
  readonly connections: number;
  readonly capacity: number;
  readonly status: string;
}

const INTERVAL = 2000;

/** The list of a room's shards, asked for again as long as the page can be seen. */
export class ShardList {
  readonly #panel = byId("shards-panel");
  readonly #draw = createList<Shard>(byId("shards"), { create, update });
  #timer: ReturnType<typeof setInterval> | undefined;
  #own: string | undefined;

  /** @param own the shard that this page is on, if it is on one */
  show(roomId: string, own: string | undefined): void {
    this.hide();
    this.#own = own;
    void this.#ask(roomId);
    this.#timer = setInterval(() => {
      if (document.visibilityState === "visible") void this.#ask(roomId);
    }, INTERVAL);
  }

  hide(): void {
    clearInterval(this.#timer);
    this.#panel.hidden = true;
  }

  async #ask(roomId: string): Promise<void> {
    const response = await fetch(`/shards?room=${encodeURIComponent(roomId)}`).catch(() => undefined);
    const answer = (await response?.json().catch(() => undefined)) as { shards?: Shard[] } | undefined;
    const shards = answer?.shards ?? [];
    this.#panel.hidden = shards.length === 0;
    this.#draw(shards.map((shard) => [shard.id, shard]));
    for (const element of byId("shards").children) {
      element.classList.toggle("me", (element as HTMLElement).dataset["shard"] === this.#own);
    }
  }
}

function create(): HTMLElement {
  const load = document.createElement("meter");
  return make("li", "shard", make("span", "name"), load, make("span", "count"));
}

function update(element: HTMLElement, { id, connections, capacity, status }: Shard): void {
  element.dataset["shard"] = id;
  write(part(element, "name"), status === "active" ? id : `${id} (${status})`);
  write(part(element, "count"), `${connections} of ${capacity}`);
  const load = element.querySelector("meter") as HTMLMeterElement;
  load.max = capacity;
  load.value = connections;
}
