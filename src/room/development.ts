import { isSignal } from "@signe/reactive";
import type { CompiledRoom } from "../define/room.ts";
import type { Plain } from "../protocol/values.ts";
import { Group } from "../state/group.ts";
import { adviseOnState } from "../state/lost-properties.ts";
import { findSharedSignal } from "../state/shared-signals.ts";
import { IN_PLACE, isChangedInPlace, leavesIn } from "../state/silent-changes.ts";
import type { Leaf } from "../state/leaf.ts";
import type { Tree } from "../state/tree.ts";
import type { Reporter } from "./handlers/reporter.ts";

/** The average number of fields that are checked per event. A large state is checked less often. */
const FIELDS_PER_EVENT = 200;
const NOTHING_SENT =
  "Clients see nothing of this state. Wrap the signals that they should see in sync(), such as sync(signal(0))";
const ROUNDED_AWAY =
  "was set to a value that is rounded back to what was there: choose more bits, or movements that are larger than a step";
/** The maximum number of fields of a definition that are logged. */
const MOST_TOLD = 20;

/**
 * Checks the state for mistakes that nothing else shows, in development and in tests: values that were changed in
 * place or rounded away, signals that rooms share, and properties that hibernation loses. Each is logged once.
 */
export class DevelopmentWatch {
  readonly #tree: Tree;
  readonly #compiled: CompiledRoom;
  readonly #reporter: Reporter;
  /** The objects of the state, with their initial properties. */
  readonly #made: readonly (readonly [Group, Plain])[];
  /** Events until the next check. */
  #wait = 0;

  constructor(tree: Tree, compiled: CompiledRoom, reporter: Reporter) {
    this.#tree = tree;
    this.#compiled = compiled;
    this.#reporter = reporter;
    tree.lost = compiled.told;
    tree.onRoundedAway = (field) => reporter.note("rounded_away", { field, advice: ROUNDED_AWAY }, "warn");
    tree.onLost = (field, advice) => reporter.note("lost_in_sleep", { field, advice }, "warn");
    this.#made = Array.from(groupsIn(tree.root), (group) => [group, { ...group.target }] as const);
    const isForgotten = tree.root.children.size === 0 && Object.values(tree.root.target).some(isSignal);
    if (isForgotten) this.#note("nothing_is_sent", { hint: NOTHING_SENT });
  }

  /** An event was handled. */
  look(): void {
    if (this.#wait-- > 0) return;
    try {
      this.#tree.takeAssigned();
    } catch (error) {
      this.#reporter.failed("state_failed", error);
    }
    let fields = 0;
    for (const leaf of leavesIn(this.#tree.root)) {
      fields++;
      if (isChangedInPlace(leaf)) this.#tell(leaf);
    }
    for (const [group, made] of this.#made) adviseOnState(group, made, this.#tree);
    this.#wait = Math.floor(fields / FIELDS_PER_EVENT);
  }

  #tell(leaf: Leaf): void {
    const { definition } = this.#compiled;
    const field = leaf.path();
    const shared = findSharedSignal(this.#tree, () => definition.state());
    if (shared === undefined) this.#note("changed_in_place", { field, hint: `${field} ${IN_PLACE}` });
    else this.#note("shared_between_rooms", { field, hint: shared });
  }

  /** Tells the log, once for all rooms of the definition. */
  #note(event: string, details: { readonly field?: string; readonly hint: string }): void {
    const { told } = this.#compiled;
    const once = `${event} ${details.field}`;
    if (told.has(once) || told.size >= MOST_TOLD) return;
    told.add(once);
    this.#reporter.note(event, details, "warn");
  }
}

/** The state itself, and the objects inside of it, without those of collections. */
function* groupsIn(group: Group): Generator<Group> {
  yield group;
  for (const child of group.children.values()) if (child instanceof Group) yield* groupsIn(child);
}
