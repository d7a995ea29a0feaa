import { isHostileKey } from "../protocol/decode.ts";
import { DELETE } from "../protocol/packets.ts";
import type { PrivateChanges } from "../relay/messages.ts";
import { diff, isPlain, SAME } from "../state/diff.ts";
import { merge } from "../state/merge.ts";

type Plain = Record<string, unknown>;

/**
 * What the clients of a shard know: one copy of what everyone does, and of what only some of them do, theirs.
 * So a room that lost its memory can be followed without a gap: each client is told just what differs.
 */
export class Replica {
  #shared: Plain | undefined;
  readonly #own = new Map<number, Plain>();

  /** Whether it knows anything: not after sleep. */
  get isKnown(): boolean {
    return this.#shared !== undefined;
  }

  /** Takes this as what clients know. @param state as JSON */
  learn(state: string, own: readonly PrivateChanges[]): void {
    this.#shared = JSON.parse(state) as Plain;
    this.#own.clear();
    for (const item of own) this.#tellOwn(item);
  }

  /** One more client was told the state. */
  welcome(state: string, own: PrivateChanges): void {
    this.#shared ??= JSON.parse(state) as Plain;
    this.#tellOwn(own);
  }

  /** Clients were told of changes. */
  sync(patch: Plain | undefined, own: readonly PrivateChanges[]): void {
    if (!this.#shared) return;
    if (patch) {
      assign(this.#shared, patch);
      for (const overlay of this.#own.values()) prune(overlay, patch);
    }
    for (const item of own) this.#tellOwn(item);
  }

  forget(id: number): void {
    this.#own.delete(id);
  }

  /**
   * Takes a new state, and says what its clients have to be told.
   * @returns the patch for a client; undefined if it knows everything
   */
  replace(state: string, own: readonly PrivateChanges[]): (id: number) => Plain | undefined {
    const before = this.#shared ?? {};
    const known = new Map(this.#own);
    this.learn(state, own);
    const after = this.#shared ?? {};
    const shared = diff(before, structuredClone(after));
    return (id) => {
      const [old, next] = [known.get(id), this.#own.get(id)];
      const patch = old || next ? diff(view(before, old), structuredClone(view(after, next))) : shared;
      return patch === SAME ? undefined : (patch as Plain);
    };
  }

  #tellOwn({ ids, changes }: PrivateChanges): void {
    if (changes.length === 0) return;
    for (const id of ids) {
      const overlay = this.#own.get(id) ?? {};
      this.#own.set(id, overlay);
      assign(overlay, structuredClone(merge(undefined, changes)));
    }
  }
}

function view(shared: Plain, overlay: Plain | undefined): Plain {
  if (!overlay) return shared;
  const whole = structuredClone(shared);
  assign(whole, structuredClone(overlay));
  return whole;
}

/** What `applyPatch` does, but in place: copying a large collection for each change would cost a shard too much. */
function assign(target: object, patch: Plain): void {
  for (const [key, change] of Object.entries(patch)) assignAt(target, key.split("."), change);
}

function assignAt(target: object, [key, ...rest]: readonly string[], change: unknown): void {
  if (key === undefined || isHostileKey(key)) return;
  const node = target as Plain;
  if (rest.length > 0) assignAt(containerAt(node, key), rest, change);
  else if (change === DELETE) delete node[key];
  else if (isPlain(change)) assign(containerAt(node, key), change);
  else node[key] = change;
}

function containerAt(node: Plain, key: string): object {
  const known = Object.hasOwn(node, key) ? node[key] : undefined;
  if (typeof known === "object" && known !== null) return known;
  const made = {};
  node[key] = made;
  return made;
}

/** What everyone is told is gone takes private parts along. */
function prune(overlay: Plain, patch: Plain): void {
  for (const [key, change] of Object.entries(patch)) {
    const inner = Object.hasOwn(overlay, key) ? overlay[key] : undefined;
    if (change === DELETE) delete overlay[key];
    else if (isPlain(change) && isPlain(inner)) prune(inner, change);
  }
}
