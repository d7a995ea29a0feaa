import { signal } from "@signe/reactive";

interface Player {
  name: string;
  colour: string;
  x: number;
  y: number;
  score: number;
  online: boolean;
  /** Of one's own player only. */
  secret?: string;
}
interface Coin {
  x: number;
  y: number;
}
interface Message {
  from: string;
  text: string;
  at: number;
}

/** What `@signe/sync` loads the room's packets into. */
export class World {
  players = signal<Record<string, Player>>({});
  coins = signal<Record<string, Coin>>({});
  messages = signal<Message[]>([]);
  leader = signal<string | null>(null);
}
