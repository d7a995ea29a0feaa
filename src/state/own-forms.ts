import { writeJson } from "../protocol/binary/blocks.ts";
import type { ByteWriter } from "../protocol/binary/bytes.ts";
import type { PatchForms, SharedForms } from "../protocol/encoded-patch.ts";
import { countAscii, isAscii } from "../protocol/text-size.ts";
import type { Plain } from "../protocol/values.ts";
import { addition, merge } from "./merge.ts";
import type { Placed } from "./merge.ts";
import type { Parts } from "./part.ts";
import type { Watching } from "./view.ts";

/** The text before the entries of a collection in a packet. */
interface Opening {
  readonly text: string;
  /** Whether each character is one byte as UTF-8. */
  readonly isAscii: boolean;
}

/** The patch for everyone in a window. */
export class ForAll {
  readonly patch: Readonly<Plain> | undefined;
  readonly forms: SharedForms | undefined;
  /** The opening of the last packet, which most packets have in common, and what it was made of. */
  #opening: Opening | undefined;
  #start = "";
  #name = "";

  constructor(patch: Readonly<Plain> | undefined, forms: SharedForms | undefined) {
    this.patch = patch;
    this.forms = forms;
  }

  /** @param start the text before the patch @param name the first collection in the packet */
  opening(start: string, name: string): Opening {
    if (!this.#opening || start !== this.#start || name !== this.#name) {
      const before = this.forms && this.forms.json() !== "{}" ? `${this.forms.json().slice(0, -1)},` : "{";
      this.#opening = openingOf(start + before, name);
      this.#start = start;
      this.#name = name;
    }
    return this.#opening;
  }
}

function openingOf(before: string, name: string): Opening {
  const text = `${before}${JSON.stringify(name)}:{`;
  return { text, isAscii: isAscii(text) };
}

/** The visible changes of collections with keyed visibility, in both forms. */
interface Crowd {
  placed(conn: Watching, parts: Parts): Placed[];
  write(out: ByteWriter, conn: Watching, parts: Parts): void;
}

/** The patch of one connection, with the visible changes of collections with keyed visibility. */
export class OwnForms implements PatchForms {
  readonly #crowd: Crowd;
  readonly #forAll: ForAll;
  readonly #conn: Watching;
  readonly #parts: Parts;
  readonly #own: readonly Placed[];

  /** @param own the other private changes of the connection */
  constructor(crowd: Crowd, forAll: ForAll, conn: Watching, parts: Parts, own: readonly Placed[]) {
    this.#crowd = crowd;
    this.#forAll = forAll;
    this.#conn = conn;
    this.#parts = parts;
    this.#own = own;
  }

  packet(start: string): string {
    const isMerged = this.#own.length > 0 || this.#parts.some(({ isAll }) => isAll);
    if (!isMerged) return this.#joined(start);
    const placed = [...this.#crowd.placed(this.#conn, this.#parts), ...this.#own];
    return `${start}${JSON.stringify(merge(this.#forAll.patch, placed))}}`;
  }

  /** The first and the last member include what is around them, so that the long text is copied only once. */
  #joined(start: string): string {
    let isNarrow = true;
    let members: string[] = [];
    for (const { name, members: own, isAscii: hasAscii } of this.#parts) {
      const isFirst = members.length === 0;
      const opening = isFirst ? this.#forAll.opening(start, name) : openingOf("", name);
      own[0] = opening.text + own[0];
      own[own.length - 1] += "}";
      isNarrow &&= hasAscii && opening.isAscii;
      members = isFirst ? own : members.concat(own);
    }
    members[members.length - 1] += "}}";
    const text = members.join(",");
    if (isNarrow) countAscii(text);
    return text;
  }

  write(out: ByteWriter): void {
    this.#crowd.write(out, this.#conn, this.#parts);
    if (this.#own.length === 0) return;
    // The private part of an entry follows the part for all.
    const patch = merge(this.#forAll.patch, this.#crowd.placed(this.#conn, this.#parts));
    writeJson(out, addition(patch, this.#own));
  }
}
