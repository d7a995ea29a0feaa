import type { CompiledRoom } from "../../define/room.ts";
import type { Snapshot } from "../../define/types.ts";
import { valueAt } from "../../protocol/values.ts";
import { checkStored } from "../../state/value-checks.ts";
import type { Hooks } from "../handlers/hooks.ts";
import { migrateSnapshot } from "../storage/migration.ts";
import type { Presence } from "../sessions/presence.ts";
import type { Session } from "../sessions/sessions.ts";
import type { Origin, TransferredUser } from "./messages.ts";

/** Packs and unpacks users in transfer. The other room may run another version of the code. */
export class UserPacking {
  readonly #roomId: string;
  readonly #compiled: CompiledRoom;
  readonly #presence: Presence;
  readonly #hooks: Hooks;

  constructor(roomId: string, compiled: CompiledRoom, presence: Presence, hooks: Hooks) {
    this.#roomId = roomId;
    this.#compiled = compiled;
    this.#presence = presence;
    this.#hooks = hooks;
  }

  /** Packs a user who leaves. @param user their stored values */
  of({ clientId, publicId, sub }: Session, transferId: string, user: Snapshot | null, state: unknown): TransferredUser {
    const from = this.#roomId;
    return { transferId, sessionId: clientId, publicId, sub, user, state, from, origin: this.#here };
  }

  /**
   * The values to load for a user who arrives, from the restore hook. Rejects like {@link unpack}, or if the hook
   * throws.
   */
  async restore(passenger: TransferredUser, publicId: string): Promise<Snapshot | null> {
    const user = this.unpack(passenger);
    return user && this.#hooks.restoreUser(user, this.#presence.newUser(publicId, user), publicId, passenger.sessionId);
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
    if (path !== here.path) return this.#presence.ofKnownKind(user);
    if (version === here.version) return user;
    const alone = users.reduceRight<Snapshot>((inner, name) => ({ [name]: inner }), { [publicId]: user });
    const migrated = migrateSnapshot(this.#compiled, alone, version);
    const found = valueAt(migrated, [...here.users, publicId]);
    checkStored(found);
    return found;
  }

  get #here(): Origin {
    const { pattern, version } = this.#compiled;
    return { path: pattern.path, version, users: this.#presence.path };
  }
}
