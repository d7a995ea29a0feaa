/** A card, as its rank and its suit: "10H" is the ten of hearts. */
export type Card = string;

const RANKS = ["A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K"];
const SUITS = ["S", "H", "D", "C"];

export const rankOf = (card: Card): string => card.slice(0, -1);
export const suitOf = (card: Card): string => card.slice(-1);

/** Whether a card may be played on another: it has the same suit or rank, or is an eight, which is always allowed. */
export function fits(card: Card, top: Card): boolean {
  return rankOf(card) === "8" || rankOf(card) === rankOf(top) || suitOf(card) === suitOf(top);
}

/** All 52 cards in an order that nobody can predict. */
export function newDeck(): Card[] {
  return shuffle(SUITS.flatMap((suit) => RANKS.map((rank) => rank + suit)));
}

/** A Fisher-Yates shuffle. */
export function shuffle(cards: readonly Card[]): Card[] {
  const shuffled = [...cards];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = randomBelow(last + 1);
    [shuffled[last], shuffled[other]] = [shuffled[other] as Card, shuffled[last] as Card];
  }
  return shuffled;
}

/** A number from a cryptographic source. Draws again if the number would favour the first cards. */
function randomBelow(count: number): number {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return number < 2 ** 32 - (2 ** 32 % count) ? number % count : randomBelow(count);
}
