import { isAscii } from "../protocol/text-size.ts";
import type { ToldEntry, Written } from "../protocol/binary/seen-encoder.ts";

/**
 * What viewers get about an entry: its changes, all of it, or its removal. All viewers that get the same share one, and
 * each encoding is made once.
 */
export class Sight implements ToldEntry {
  readonly key: string;
  readonly form: ToldEntry["form"];
  written: Written | undefined;
  #value: unknown;
  #json: string | undefined;
  #member: string | undefined;
  #isAscii: boolean | undefined;

  private constructor(form: ToldEntry["form"], key: string, value: unknown, json: string | undefined) {
    this.form = form;
    this.key = key;
    this.#value = value;
    this.#json = json;
  }

  /** @param value as in a patch */
  static of(form: ToldEntry["form"], key: string, value: unknown): Sight {
    return new Sight(form, key, value, undefined);
  }

  /** A complete entry, which is encoded already. */
  static whole(key: string, json: string): Sight {
    return new Sight("whole", key, undefined, json);
  }

  /** As in a patch. Do not change it. */
  get value(): unknown {
    if (this.#value === undefined) this.#value = JSON.parse(this.#json as string);
    return this.#value;
  }

  /** As a member of a JSON object. */
  get member(): string {
    return (this.#member ??= this.#encode());
  }

  /** Whether each character of the member is one byte as UTF-8. */
  get isAscii(): boolean {
    return (this.#isAscii ??= isAscii(this.member));
  }

  #encode(): string {
    // A new object for each key would make the engine create a new shape.
    return `${JSON.stringify(this.key)}:${this.#json ?? JSON.stringify(this.#value)}`;
  }
}
