import { DELETE } from "../protocol/packets.ts";
import type { Audience } from "./audience.ts";
import { SAME } from "./diff.ts";
import type { Field } from "./fields.ts";
import type { Place, PrivateChange } from "./node.ts";
import { encodeKey, encodeName, Row } from "./rows.ts";
import type { Rows } from "./rows.ts";

/** Where the entries of a collection are kept, who sees them, and whose they are. */
export class EntryPlaces {
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  readonly #isUsers: boolean;
  readonly #owner: string | undefined;
  readonly #names: () => string[];
  #prefix: string | undefined;

  /** @param names lead to the collection */
  constructor(field: Field, place: Omit<Place, "row">, names: () => string[]) {
    this.persisted = place.persisted && field.persisted;
    this.audience = place.audience;
    this.#isUsers = field.kind === "users";
    this.#owner = place.owner;
    this.#names = names;
  }

  /** @param read the value of the entry's row */
  placeOf(key: string, rows: Rows, read: (persisted: boolean) => unknown): Place {
    this.#prefix ??= `${encodeKey(this.#names())}.`;
    return {
      row: new Row(rows, this.#prefix + encodeName(key), read),
      persisted: this.persisted,
      owner: this.#isUsers ? key : this.#owner,
      audience: this.audienceOf(key),
    };
  }

  /** An entry that clients know of is gone. @returns what everyone is told; what only some are goes to `changes` */
  settleRemoval(key: string, changes: PrivateChange[]): typeof DELETE | typeof SAME {
    const audience = this.audienceOf(key);
    if (!audience) return DELETE;
    changes.push({ names: [...this.#names(), key], audience, value: DELETE, leaf: undefined });
    return SAME;
  }

  /** Who sees an entry: of a `users` field, each is owned by its user. */
  audienceOf(key: string): Audience | undefined {
    return this.audience && this.#isUsers ? { ...this.audience, owner: key } : this.audience;
  }
}
