import type { CompiledRoom } from "../../define/room.ts";
import type { RoomHandle, Snapshot } from "../../define/types.ts";
import { isPlain, valueAt } from "../../protocol/values.ts";
import { checkStored } from "../../state/value-checks.ts";
import { migrateSnapshot } from "../storage/migration.ts";
import type { Presence } from "../sessions/presence.ts";
import type { Turns } from "../timing/turns.ts";
import type { MovingUsers } from "./moving-users.ts";
import type { Session } from "../sessions/sessions.ts";
import type { Origin, TransferredUser } from "./messages.ts";

/** The parts of the room that packing users needs. */
export interface PackingScope {
  readonly identity: { readonly id: string };
  readonly compiled: CompiledRoom;
  readonly presence: Presence;
  readonly turns: Turns;
  readonly room: RoomHandle;
}

/** Packs and unpacks users in transfer. The other room may run another version of the code. */
export class UserPacking {
  readonly #scope: PackingScope;
  readonly #users: MovingUsers;

  constructor(scope: PackingScope, users: MovingUsers) {
    this.#scope = scope;
    this.#users = users;
  }

  /** Packs a user who leaves. @param user their stored values */
  of({ clientId, publicId, sub }: Session, transferId: string, user: Snapshot | null, state: unknown): TransferredUser {
    const from = this.#scope.identity.id;
    return { transferId, sessionId: clientId, publicId, sub, user, state, from, origin: this.#here };
  }

  /**
   * The values to load for a user who arrives, from the restore hook. Rejects like {@link unpack}, or if the hook
   * throws.
   */
  async restore(passenger: TransferredUser, publicId: string): Promise<Snapshot | null> {
    const userSnapshot = this.unpack(passenger);
    const { compiled, turns, room } = this.#scope;
    const { onSessionRestore } = compiled.definition;
    if (!userSnapshot || !onSessionRestore) return userSnapshot;
    const user = this.#users.newUser(publicId, userSnapshot) as never;
    const given = { userSnapshot, user, publicId, privateId: passenger.sessionId, room };
    const restored: unknown = await turns.run(() => onSessionRestore(given));
    // Without a snapshot the user would start without values, and be stored so.
    if (!isPlain(restored)) throw new Error("onSessionRestore has to return the snapshot to load");
    return restored;
  }

  /**
   * The stored values of a user in the form of this version. Migration steps see them as the only user of a room
   * without other data. A user of another definition is unchanged: `onSessionRestore` handles them.
   * @throws Error if a newer version stored them, until this room has it too; or if a step fails, or returns no user
   */
  unpack({ user, publicId, origin }: TransferredUser): Snapshot | null {
    const here = this.#here;
    const { path, version, users } = origin ?? { ...here, version: 1 };
    if (!user) return null;
    if (path !== here.path) return this.#users.ofKnownKind(user);
    if (version === here.version) return user;
    const alone = users.reduceRight<Snapshot>((inner, name) => ({ [name]: inner }), { [publicId]: user });
    const migrated = migrateSnapshot(this.#scope.compiled, alone, version);
    const found = valueAt(migrated, [...here.users, publicId]);
    checkStored(found);
    return found;
  }

  get #here(): Origin {
    const { compiled, presence } = this.#scope;
    return { path: compiled.pattern.path, version: compiled.version, users: presence.path };
  }
}
