import { isPlain, promiseOf, valueAt } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { checkStored } from "./value-checks.ts";

/** The parts of the users field that restoring users needs. */
interface Users {
  readonly signal: () => Record<string, object>;
  names(): string[];
  create(publicId: string, stored: Plain): object;
  snapshotOf(publicId: string): Plain | undefined;
}

/** The parts of the state that restoring its users needs. */
interface UsersTree {
  readonly users: Users | undefined;
  onUnreadable(names: readonly string[], value: unknown, error: unknown): void;
  quietly<T>(run: () => T): T;
}

/** What the developer's hook gets of a user. */
export interface GivenUser {
  readonly userSnapshot: Plain;
  readonly user: object;
  readonly publicId: string;
}

/** Returns the values to load for a user. */
type RestoreUser = (given: GivenUser) => unknown;

/**
 * Replaces the stored values of all users by those that the developer's hook returns. A user for whom it fails is
 * quarantined. @returns a promise only if the hook does
 */
export function restoreUsers(tree: UsersTree, snapshot: Plain, hook: RestoreUser): Promise<unknown> | undefined {
  const users = tree.users as Users;
  const stored = valueAt(snapshot, users.names());
  if (!isPlain(stored)) return undefined;
  const restored = tree.quietly(() => Object.keys(stored).map((key) => restoreUser(tree, users, stored, key, hook)));
  const pending = restored.filter((each) => each !== undefined);
  return pending.length > 0 ? Promise.all(pending) : undefined;
}

/** Never rejects. */
function restoreUser(
  tree: UsersTree,
  users: Users,
  stored: Plain,
  publicId: string,
  hook: RestoreUser,
): Promise<void> | undefined {
  const userSnapshot = stored[publicId];
  const take = (restored: unknown) => {
    checkStored(restored);
    stored[publicId] = restored;
  };
  const putAside = (error: unknown) => {
    delete stored[publicId];
    delete users.signal()[publicId];
    tree.onUnreadable([...users.names(), publicId], userSnapshot, error);
  };
  try {
    // A copy, since the hook may change it before it throws.
    const copy: unknown = structuredClone(userSnapshot);
    checkStored(copy);
    const outcome = hook({ userSnapshot: copy, user: users.create(publicId, copy), publicId });
    const pending = promiseOf<unknown>(outcome);
    if (pending) return pending.then(take).catch(putAside);
    take(outcome);
  } catch (error) {
    putAside(error);
  }
  return undefined;
}

/** A user with an unreadable session could never reconnect, and would stay forever. */
export function quarantineUser(tree: UsersTree, publicId: string): void {
  const users = tree.users as Users;
  const user = users.snapshotOf(publicId);
  if (!user) return;
  tree.onUnreadable([...users.names(), publicId], user, new Error("The session of this user cannot be read"));
  delete users.signal()[publicId];
}
