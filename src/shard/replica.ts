import { applyPatchInPlace } from "../protocol/apply-patch.ts";
import type { ToldEntry } from "../protocol/binary/seen-encoder.ts";
import { DELETE } from "../protocol/packets.ts";
import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { PrivateChanges } from "../relay/messages.ts";
import { diff, SAME } from "../state/diff.ts";
import { merge } from "../state/merge.ts";

/**
 * The state of the shard's clients: one copy of the shared state, and the private state of each client. After the room
 * has lost its memory, it shows which patch each client needs.
 */
export class Replica {
  #shared: Plain | undefined;
  readonly #own = new Map<number, Plain>();

  /** Whether the state is known. After hibernation it is not. */
  get hasState(): boolean {
    return this.#shared !== undefined;
  }

  /** Sets the state of clients. @param state the shared state, as JSON */
  learn(state: string, own: readonly PrivateChanges[]): void {
    this.#shared = JSON.parse(state) as Plain;
    this.#own.clear();
    for (const item of own) this.#mergeOwn(item);
  }

  /** Notes that one more client was sent the state. */
  welcome(state: string, own: PrivateChanges): void {
    this.#shared ??= JSON.parse(state) as Plain;
    this.#mergeOwn(own);
  }

  /** Notes that a client was sent changes of entries of a collection. What they remove has no private part any more. */
  changed(id: number, collection: string, entries: readonly ToldEntry[]): void {
    const overlay = this.#own.get(id)?.[collection];
    if (!isPlain(overlay)) return;
    for (const entry of entries) {
      // A client that gets a complete entry had nothing of it.
      if (entry.form !== "whole" && Object.hasOwn(overlay, entry.key)) prune(overlay, { [entry.key]: entry.value });
    }
  }

  /** Notes that patches were sent to clients. */
  sync(patch: Plain | undefined, own: readonly PrivateChanges[]): void {
    if (!this.#shared) return;
    if (patch) {
      applyPatchInPlace(this.#shared, patch);
      for (const overlay of this.#own.values()) prune(overlay, patch);
    }
    for (const item of own) this.#mergeOwn(item);
  }

  forget(id: number): void {
    this.#own.delete(id);
  }

  /**
   * Sets the state that clients should have.
   * @returns a function of a client's id, and of the entries that it saw before and sees now. It makes the patch for
   * the client, or undefined if it needs none
   */
  replace(state: string, own: readonly PrivateChanges[]): (id: number, saw?: Plain, sees?: Plain) => Plain | undefined {
    const before = this.#shared ?? {};
    const ownBefore = new Map(this.#own);
    this.learn(state, own);
    const after = this.#shared ?? {};
    const shared = diff(before, structuredClone(after));
    return (id, saw, sees) => {
      const [old, next] = [ownBefore.get(id), this.#own.get(id)];
      const isOwn = old || next || saw || sees;
      const patch = isOwn ? diff(view(before, saw, old), structuredClone(view(after, sees, next))) : shared;
      return patch === SAME ? undefined : (patch as Plain);
    };
  }

  #mergeOwn({ ids, changes }: PrivateChanges): void {
    if (changes.length === 0) return;
    for (const id of ids) {
      const overlay = this.#own.get(id) ?? {};
      this.#own.set(id, overlay);
      applyPatchInPlace(overlay, structuredClone(merge(undefined, changes)));
    }
  }
}

function view(shared: Plain, ...overlays: readonly (Plain | undefined)[]): Plain {
  if (overlays.every((overlay) => overlay === undefined)) return shared;
  const whole = structuredClone(shared);
  for (const overlay of overlays) if (overlay) applyPatchInPlace(whole, structuredClone(overlay));
  return whole;
}

/** Deletes from a private part the paths that a patch deletes for everyone. */
function prune(overlay: Plain, patch: Plain): void {
  for (const [key, change] of Object.entries(patch)) {
    const inner = Object.hasOwn(overlay, key) ? overlay[key] : undefined;
    if (change === DELETE) delete overlay[key];
    else if (isPlain(change) && isPlain(inner)) prune(inner, change);
  }
}
