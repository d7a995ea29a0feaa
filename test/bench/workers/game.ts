/** The game of the hand-written servers (a), (a50) and (d). It keeps plain objects, and stores the players. */
export interface Player {
  x: number;
  y: number;
  score: number;
}
/** A change: fields of players by their ids, and the other fields that clients receive. */
export interface Change {
  readonly players: Readonly<Record<string, Partial<Player>>>;
  readonly round?: number;
  readonly last?: string;
}

/** How long changes wait before they are stored, in ms. */
const STORE_AFTER = 1000;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export class Game {
  readonly #storage: DurableObjectStorage;
  readonly #players = new Map<string, Player>();
  readonly #unsaved = new Set<string>();
  #isSaving = false;
  #round = 0;
  #last = "";

  /** Reads the stored players. */
  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    for (const [key, player] of storage.kv.list<Player>({ prefix: "p:" })) this.#players.set(key.slice(2), player);
  }

  enter(id: string): Change {
    const player = { x: 0, y: 0, score: 0 };
    this.#players.set(id, player);
    return this.#changed(id, player);
  }

  /** Runs an action of a client. @returns what it changed, or undefined if there is no such action */
  act(id: string, text: string): Change | undefined {
    const { action, value } = JSON.parse(text) as { action: unknown; value: unknown };
    if (action === "seed" && typeof value === "number") return this.#seed(value);
    const player = this.#players.get(id);
    if (!player || !isPosition(value)) return undefined;
    const { x, y } = value;
    player.x = x;
    player.y = y;
    if (action === "move") return this.#changed(id, { x, y });
    if (action !== "five") return undefined;
    const score = ++player.score;
    this.#last = id;
    return { round: ++this.#round, last: id, ...this.#changed(id, { x, y, score }) };
  }

  /** The state in the first packet of a client. */
  state(): string {
    return JSON.stringify({ round: this.#round, last: this.#last, players: Object.fromEntries(this.#players) });
  }

  #seed(count: number): Change {
    const players: Record<string, Player> = {};
    for (let index = 0; index < count; index++) {
      const id = `bot-${String(index).padStart(8, "0")}`;
      const player = { x: index % 1000, y: 0, score: 0 };
      this.#players.set(id, player);
      this.#unsaved.add(id);
      players[id] = player;
    }
    this.#saveLater();
    return { players };
  }

  #changed(id: string, fields: Partial<Player>): Change {
    this.#unsaved.add(id);
    this.#saveLater();
    return { players: { [id]: fields } };
  }

  #saveLater(): void {
    if (this.#isSaving) return;
    this.#isSaving = true;
    setTimeout(() => {
      this.#isSaving = false;
      for (const id of this.#unsaved) this.#storage.kv.put(`p:${id}`, this.#players.get(id));
      this.#unsaved.clear();
    }, STORE_AFTER);
  }
}

export function encode(change: Change): string {
  return `{"type":"sync","value":${JSON.stringify(change)}}`;
}

export function encodeWelcome(id: string, state: string): string {
  return `{"type":"sync","value":{"pId":"${id}",${state.slice(1)}}`;
}

export function encodeLeft(id: string): string {
  return `{"type":"user_disconnected","value":{"publicId":"${id}"}}`;
}

/** As long as the ids of this project, so that packets have the same length. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}

export function isPosition(value: unknown): value is { x: number; y: number } {
  const { x, y } = value as { x: unknown; y: unknown };
  return isCoordinate(x) && isCoordinate(y);
}

function isCoordinate(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 10_000;
}
