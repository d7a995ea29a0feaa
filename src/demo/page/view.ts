import { signal } from "@signe/reactive";
import type { ChatMessage, Colour, Treasure } from "../rules.ts";

export interface PlayerView {
  readonly name: string;
  readonly colour: Colour;
  readonly x: number;
  readonly y: number;
  readonly score: number;
  readonly online: boolean;
  /** There in one's own entry only. */
  readonly treasure?: Treasure;
}

export interface CoinView {
  readonly x: number;
  readonly y: number;
  readonly worth: number;
}

/** What this client knows of the room. `connectionRoom` writes every packet into these signals. */
export class GameView {
  /** One's own publicId. */
  readonly pId = signal("");
  readonly players = signal<Record<string, PlayerView>>({});
  readonly coins = signal<Record<string, CoinView>>({});
  readonly chat = signal<ChatMessage[]>([]);
  readonly leader = signal<string | null>(null);

  get me(): PlayerView | undefined {
    return this.players()[this.pId()];
  }

  /** Forgets what it knows: the first packet of a connection only adds, and much may be gone since the last one. */
  reset(): void {
    this.players.set({});
    this.coins.set({});
    this.chat.set([]);
    this.leader.set(null);
  }
}
