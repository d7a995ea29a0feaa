import { untracked } from "@signe/reactive";
import type { ComputedSignal } from "@signe/reactive";
import { canSee, restrictAudience } from "./audience.ts";
import type { Audience } from "./audience.ts";
import { Entries } from "./entries.ts";
import { isForAll } from "./entry-audience.ts";
import type { Field, ReferenceTarget, Viewer } from "./field.ts";
import { Leaf } from "./leaf.ts";
import type { LeafParent, LeafPlacement, LeafShared } from "./leaf-scope.ts";
import { Referrers } from "./referrers.ts";
import { readComputed } from "./signals/adapter.ts";
import { collectionOf } from "./signals/tracking.ts";
import { isEntryKey } from "./value-checks.ts";

/** A field that refers to an entry. Its key is sent, or null if clients have no such entry. */
export class ReferenceLeaf extends Leaf {
  readonly #target: ReferenceTarget;
  /** Whether only viewers that may see the entry get it. */
  readonly #isGuarded: boolean;
  /** The collection and the key under which the entry was last found. */
  #entries: Entries | undefined;
  #key: string | undefined;

  constructor(
    shared: LeafShared,
    parent: LeafParent,
    key: string,
    target: ReferenceTarget,
    field: Field,
    placement: LeafPlacement & { readonly owner: string | undefined; readonly seenBy: Audience | undefined },
  ) {
    // Before it is known who sees the entry, each viewer is checked.
    const isGuarded = !isSeenByAll(target);
    const guard: { isShownTo?: (viewer: Viewer) => boolean } = {};
    const isShown = (viewer: Viewer) => guard.isShownTo?.(viewer) === true;
    const { audience: outer, seenBy, owner } = placement;
    const audience = isGuarded ? restrictAudience(outer ?? seenBy, isShown, owner) : outer;
    super(shared, parent, key, target.key, field, { ...placement, audience });
    guard.isShownTo = (viewer) => this.#isShownTo(viewer);
    this.#target = target;
    this.#isGuarded = isGuarded;
    target.path = () => this.path();
  }

  override get property(): object {
    return this.#target.read;
  }

  /** The entry or its whole collection was added or removed. */
  targetChanged(): void {
    if (this.isInState) this.touch();
  }

  protected override hasShape(value: unknown): boolean {
    return value === null || (typeof value === "string" && isEntryKey(value));
  }

  override stop(): void {
    super.stop();
    this.#watch(undefined, undefined);
  }

  protected override read(): unknown {
    const key = this.#target.key() ?? undefined;
    const { value, signals } = readComputed(this.#target.entries as ComputedSignal);
    const found = collectionOf(value);
    const entries = found instanceof Entries ? found : undefined;
    // The collection reports itself when the entry is added or removed.
    this.observe([...signals].filter((signal) => signal !== entries?.signal));
    this.#watch(entries, key);
    if (key === undefined || !entries?.shows(key) || (!isForAll(entries) && !this.#isGuarded)) return null;
    return key;
  }

  #watch(entries: Entries | undefined, key: string | undefined): void {
    if (entries === this.#entries && key === this.#key) return;
    if (this.#key !== undefined) this.#entries?.referrers?.delete(this.#key, this);
    this.#entries = entries;
    this.#key = key;
    if (entries && key !== undefined) (entries.referrers ??= new Referrers()).add(key, this);
  }

  /** Whether a viewer may see the entry whose key was sent, or is about to be sent. */
  #isShownTo(viewer: Viewer): boolean {
    const { sent } = this;
    if (typeof sent !== "string") return true;
    const entries = this.#entries;
    const audience = entries?.audienceOf(sent) ?? entries?.placement.seenBy;
    return entries !== undefined && (!audience || canSee(audience, viewer));
  }
}

/** Whether all clients may see the collection, as far as that is known before the room runs. */
function isSeenByAll({ entries }: ReferenceTarget): boolean {
  try {
    const found = collectionOf(untracked(entries));
    return found instanceof Entries && isForAll(found);
  } catch {
    return false;
  }
}
