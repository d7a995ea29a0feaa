import { expect } from "vitest";

/**
 * Processes the lines of a room in order. A line is `<kind>:<request>`, or `<kind>:<schedule>:<request>`. A request is
 * `<author>-<number>`.
 */
export class Replay {
  /** The pending schedules: payloads by name. */
  pending: Record<string, string> = {};
  /** The number of the last request of each author. */
  #numbers = new Map<string, number>();
  /** The line that each author added last. */
  #added = new Map<string, number>();

  copy(): Replay {
    const copy = new Replay();
    copy.pending = { ...this.pending };
    copy.#numbers = new Map(this.#numbers);
    copy.#added = new Map(this.#added);
    return copy;
  }

  lastOf(author: string): number | undefined {
    return this.#added.get(author);
  }

  take(at: number, line: string): void {
    const [kind, ...rest] = line.split(":") as [string, ...string[]];
    const request = rest.at(-1) ?? "";
    const [author = "", number] = request.split("-");
    if (rest.length > 1) this.#schedule(kind, ...(rest as [string, string]));
    if (kind === "ran") return;
    if (kind === "add") this.#added.set(author, at);
    // The requests of an author are in order, and none is there twice.
    expect(Number(number), `${line} after ${this.#numbers.get(author)}`).toBeGreaterThan(
      this.#numbers.get(author) ?? -1,
    );
    this.#numbers.set(author, Number(number));
  }

  /** Checks that a schedule only runs if it is pending: it was set, and neither cancelled nor run since. */
  #schedule(kind: string, name: string, request: string): void {
    if (kind === "ran") expect(this.pending[name], `why ${request} ran`).toBe(request);
    if (kind === "plan") this.pending[name] = request;
    else delete this.pending[name];
  }
}
