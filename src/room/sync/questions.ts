import type { Viewer } from "../../state/field.ts";
import type { Leaf } from "../../state/leaf.ts";
import { Observer, trackReads } from "../../state/signals/adapter.ts";
import { placeOfSignal } from "../../state/signals/tracking.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";

/** A field with this many viewers whose predicates read no signal asks all viewers each time. */
const MAX_ALWAYS = 8;
/** For this many rounds all predicates are called without tracking, if tracking would save little. */
const PAUSE = 15;

/** The signals that answers depend on, for one field or one viewer. */
class Reads {
  signals = new Set<unknown>();
  readonly observer: Observer;
  hasGrown = false;

  constructor(onChange: () => void) {
    this.observer = new Observer(onChange);
  }

  add(signal: unknown): void {
    if (this.signals.has(signal)) return;
    this.signals.add(signal);
    this.hasGrown = true;
  }

  /** The tracking of all fields and viewers starts anew. */
  reset(): void {
    this.signals = new Set();
    this.hasGrown = true;
  }

  observe(): void {
    if (this.hasGrown) this.observer.observe(this.signals);
    this.hasGrown = false;
  }
}

class FieldReads extends Reads {
  /** How many viewers were answered without reading a signal. */
  always = 0;
  /** Whether all viewers are asked each time. */
  isBlind = false;
}

class ViewerReads extends Reads {
  user: unknown;
  /** The fields whose answer read no signal: it may depend on anything. */
  readonly always = new Set<Leaf>();
}

/**
 * Knows which predicates have to be called again. A signal of the viewer's own entry concerns that viewer. Another
 * signal concerns all viewers of the field. A predicate that read no signal is called each time.
 */
export class Questions {
  readonly #tree: Tree;
  readonly #fields = new Map<Leaf, FieldReads>();
  readonly #viewers = new Map<RoomConnection, ViewerReads>();
  readonly #staleFields = new Set<Leaf>();
  readonly #staleViewers = new Set<RoomConnection>();
  /** Starts tracking; has tracked; or does not track, because too many predicates have to be called each time. */
  #phase: "fresh" | "known" | "paused" = "fresh";
  #pause = 0;
  #asked = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** The dependencies of a connection's answers are unknown. */
  forget(conn: RoomConnection): void {
    this.#staleViewers.add(conn);
  }

  /** Called before connections are asked. @param conns all connections that will be asked */
  begin(conns: readonly RoomConnection[]): void {
    this.#asked = 0;
    if (this.#phase === "paused") return;
    const { dynamic, held } = this.#tree;
    // Fields of a user who is still joining are not asked.
    const isHeld = ({ audience }: Leaf) => held.size > 0 && held.has(audience?.owner ?? "");
    for (const leaf of dynamic) if (!this.#fields.has(leaf) && !isHeld(leaf)) this.#addField(leaf);
    for (const conn of conns) if (!this.#viewers.has(conn)) this.#addViewer(conn);
    for (const leaf of this.#fields.keys()) if (!dynamic.has(leaf)) this.#dropField(leaf);
    if (this.#viewers.size > conns.length) this.#dropOthers(new Set(conns));
    for (const leaf of this.#staleFields) this.#fields.get(leaf)?.reset();
    for (const conn of this.#staleViewers) this.#viewers.get(conn)?.reset();
  }

  /** The fields whose visibility to a viewer has to be asked. */
  for(conn: RoomConnection, viewer: Viewer): ReadonlySet<Leaf> {
    const { dynamic } = this.#tree;
    const reads = this.#viewers.get(conn);
    if (!reads || this.#phase !== "known" || this.#staleViewers.has(conn) || reads.user !== viewer.user) return dynamic;
    if (reads.always.size === 0) return this.#staleFields;
    return this.#staleFields.union(reads.always).intersection(dynamic);
  }

  /** Whether a viewer sees a field. */
  ask(conn: RoomConnection, viewer: Viewer, leaf: Leaf): boolean {
    const { audience } = leaf;
    if (!audience) return false;
    if (this.#phase === "paused") return this.#tree.sees(viewer, audience);
    this.#asked++;
    const [field, own] = [this.#fields.get(leaf), this.#viewers.get(conn)];
    if (!field || !own) return this.#tree.sees(viewer, audience);
    own.user = viewer.user;
    const row = this.#tree.entries.get(viewer.user as object)?.placement.row;
    let isKnown = false;
    const answer = trackReads(
      () => this.#tree.sees(viewer, audience),
      (signal) => {
        isKnown = !audience.isUntracked;
        if (own.signals.has(signal) || field.signals.has(signal)) return;
        const isOwn = row !== undefined && placeOfSignal(signal) === row;
        (isOwn ? own : field).add(signal);
      },
    );
    this.#note(leaf, field, own, isKnown);
    return answer;
  }

  #note(leaf: Leaf, field: FieldReads, own: ViewerReads, isKnown: boolean): void {
    if (field.isBlind || own.always.has(leaf) === !isKnown) return;
    if (isKnown) own.always.delete(leaf);
    else own.always.add(leaf);
    field.always += isKnown ? -1 : 1;
    field.isBlind = field.always > MAX_ALWAYS;
  }

  /** Called after all were asked. @param count how many */
  end(count: number): void {
    if (this.#phase === "paused") {
      if (--this.#pause === 0) this.#phase = "fresh";
      return;
    }
    const isMuch = this.#asked * 2 > count * this.#tree.dynamic.size;
    if (this.#phase === "known" && isMuch) return this.#stop();
    this.#phase = "known";
    this.#staleFields.clear();
    this.#staleViewers.clear();
    for (const [leaf, reads] of this.#fields) {
      if (reads.isBlind) this.#staleFields.add(leaf);
      else reads.observe();
    }
    for (const reads of this.#viewers.values()) reads.observe();
  }

  #stop(): void {
    this.#phase = "paused";
    this.#pause = PAUSE;
    for (const leaf of this.#fields.keys()) this.#dropField(leaf);
    this.#dropOthers(new Set());
    this.#staleViewers.clear();
  }

  #addField(leaf: Leaf): void {
    const onChange = () => {
      this.#staleFields.add(leaf);
      this.#tree.answersChanged();
    };
    this.#fields.set(leaf, new FieldReads(onChange));
    this.#staleFields.add(leaf);
  }

  #addViewer(conn: RoomConnection): void {
    const onChange = () => {
      this.#staleViewers.add(conn);
      this.#tree.answersChanged();
    };
    this.#viewers.set(conn, new ViewerReads(onChange));
    this.#staleViewers.add(conn);
  }

  #dropField(leaf: Leaf): void {
    this.#fields.get(leaf)?.observer.stop();
    this.#fields.delete(leaf);
    this.#staleFields.delete(leaf);
  }

  #dropOthers(conns: ReadonlySet<RoomConnection>): void {
    for (const [conn, { observer, always }] of this.#viewers) {
      if (conns.has(conn)) continue;
      observer.stop();
      this.#viewers.delete(conn);
      this.#staleViewers.delete(conn);
      for (const leaf of always) (this.#fields.get(leaf) ?? { always: 0 }).always--;
    }
  }
}
