import type { Clock } from "../../platform/ports.ts";
import type { Build } from "../../protocol/build.ts";
import { promiseOf } from "../../protocol/values.ts";
import { fieldsMade } from "../../state/marks.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomPart } from "./room-part.ts";

/**
 * The changes of one turn of the event loop are stored and sent together at its end. An event that is handled
 * synchronously ends its turn itself; otherwise a timer does.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #tree: Pick<Tree, "takeAssigned">;
  /** Checks for mistakes after each event, in development. */
  watch: (() => void) | undefined;
  #fieldsSeen = 0;
  readonly #parts: Required<Pick<RoomPart, "endTurn">>[] = [];
  /** Runs first at the end of this turn only. */
  #first: (() => void)[] = [];
  #isInside = false;
  #isWanted = false;
  #cancel: (() => void) | undefined;

  /** @param tree takes assigned fields if an event made fields */
  constructor(clock: Clock, tree: Pick<Tree, "takeAssigned">) {
    this.#clock = clock;
    this.#tree = tree;
  }

  /** Registers parts that run at the end of a turn, in this order. */
  register(...parts: Required<Pick<RoomPart, "endTurn">>[]): void {
    this.#parts.push(...parts);
  }

  /** Runs something at the end of this turn, before anything is stored or sent. */
  first(run: () => void): void {
    this.#first.push(run);
    this.want();
  }

  /** Requests the end of this turn, since there is something to store or to send. */
  want(): void {
    this.#isWanted = true;
    if (!this.#isInside) this.#endLater();
  }

  /**
   * Runs the synchronous part of an event.
   * @param whoEnds what ends the turn after {@link want}: a timer, after this turn of the event loop; or the caller,
   * right afterwards, with {@link end}. Setting and cancelling a timer costs 25 µs in workerd.
   */
  run<T>(event: () => T, whoEnds: "clock" | "caller" = "clock"): T {
    if (this.#isInside) return event();
    this.#isInside = true;
    try {
      const outcome = event();
      if (fieldsMade !== this.#fieldsSeen) this.#takeAssigned(outcome);
      return outcome;
    } finally {
      this.#isInside = false;
      if (whoEnds === "clock" && this.#isWanted) this.#endLater();
      // The end of a turn checks on its own.
      if ((globalThis as Build).process?.env?.NODE_ENV !== "production" && !this.#isWanted) this.watch?.();
    }
  }

  /** @throws RoomError if an assigned field cannot be part of the state. Then the event fails */
  #takeAssigned(outcome: unknown): void {
    this.#fieldsSeen = fieldsMade;
    try {
      this.#tree.takeAssigned();
    } catch (error) {
      // The event has failed already, whatever happens later.
      promiseOf(outcome)?.catch(() => {});
      throw error;
    }
  }

  /** Ends the turn now. */
  end(): void {
    if (!this.#isWanted || this.#isInside) return;
    this.#isWanted = false;
    this.#cancel?.();
    this.#cancel = undefined;
    for (const run of this.#first.splice(0)) run();
    for (const part of this.#parts) part.endTurn();
    if ((globalThis as Build).process?.env?.NODE_ENV !== "production") this.watch?.();
  }

  #endLater(): void {
    this.#cancel ??= this.#clock.after(
      0,
      () => {
        this.#cancel = undefined;
        this.end();
      },
      "turn",
    );
  }
}
