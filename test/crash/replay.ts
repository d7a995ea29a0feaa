import { expect } from "vitest";

/**
 * Goes through the lines of a room, in order. A line is `<kind>:<request>`, or `<kind>:<schedule>:<request>`; and a
 * request is `<author>-<number>`.
 */
export class Replay {
  /** What is scheduled: payloads by name. */
  pending: Record<string, string> = {};
  /** The number of each author's last request. */
  #numbers = new Map<string, number>();
  /** Where each added a line last. */
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
    // Nothing is there twice, or overtook something.
    expect(Number(number), `${line} after ${this.#numbers.get(author)}`).toBeGreaterThan(
      this.#numbers.get(author) ?? -1,
    );
    this.#numbers.set(author, Number(number));
  }

  /** Nothing runs that was not scheduled, or was called off, or ran before. */
  #schedule(kind: string, name: string, request: string): void {
    if (kind === "ran") expect(this.pending[name], `why ${request} ran`).toBe(request);
    if (kind === "plan") this.pending[name] = request;
    else delete this.pending[name];
  }
}
