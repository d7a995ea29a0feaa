import type { RoomQuarantine } from "../define/quarantine.ts";
import type { CompiledRoom } from "../define/room.ts";
import type { Connection, Packet, RoomHandle, RoomStorage } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import type { CalledRooms } from "./actions/room-calls.ts";
import { addressOf, callRoom } from "./call-room.ts";
import type { Broadcast } from "./sync/broadcast.ts";
import type { Tree } from "../state/tree.ts";
import type { RoomConnection } from "./connections/connection.ts";
import type { Connections } from "./connections/connections.ts";
import { sendToAll, sendToSeers } from "./connections/send-to-all.ts";
import type { RoomListing } from "./listing/report.ts";
import type { History } from "../state/history.ts";
import { encodePacket } from "./connections/custom-packets.ts";
import type { Persistence } from "./storage/persistence.ts";
import type { Storage } from "../platform/ports.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Schedules } from "./schedules.ts";
import type { Leavers } from "./sessions/leavers.ts";
import type { Sessions } from "./sessions/sessions.ts";
import { STORAGE_PREFIX } from "./storage/keys.ts";
import type { UserTransfers } from "./transfers/user-transfers.ts";

/** The identity of a room. */
export interface RoomIdentity {
  readonly id: string;
  readonly party: string;
  readonly params: Readonly<Record<string, string>>;
  readonly env: Cloudflare.Env;
}

/** The parts of a room that handlers use through `room`. */
export interface HandleParts {
  readonly compiled: CompiledRoom;
  readonly connections: Connections;
  readonly persistence: Persistence;
  readonly storage: Storage;
  readonly quarantine: RoomQuarantine;
  readonly broadcast: Broadcast;
  readonly tree: Tree;
  readonly schedules: Schedules;
  readonly sessions: Sessions;
  readonly transfers: UserTransfers;
  readonly ports: { readonly neighbours: CalledRooms };
  readonly listing: RoomListing;
  readonly lifecycle: Lifecycle;
  readonly leavers: Leavers;
  readonly history: History | undefined;
}

/** Makes the `room` that handlers get. */
export function createHandle(identity: RoomIdentity, parts: HandleParts): RoomHandle {
  return {
    ...identity,
    storage: developerStorage(parts.storage),
    quarantine: parts.quarantine,
    get connections() {
      return parts.connections.all();
    },
    get autoSync() {
      return parts.broadcast.autoSync;
    },
    set autoSync(autoSync) {
      parts.broadcast.autoSync = autoSync;
    },
    get pendingSync() {
      return parts.broadcast.isPending;
    },
    get schedules() {
      return parts.schedules.list();
    },
    applySync() {
      parts.broadcast.apply();
    },
    send: (conn: Connection, packet: Packet) => conn.send(packet),
    broadcast(packet, { except, latest, ...to } = {}) {
      const excluded = new Set(except === undefined ? [] : ([except].flat() as RoomConnection[]));
      const text = encodePacket(packet, parts.compiled.definition.events);
      // An entry that is gone must not mean all.
      if ("near" in to || "keys" in to) sendToSeers(parts.connections, parts.tree, text, to, excluded, latest);
      else sendToAll(parts.connections, text, excluded, latest);
    },
    schedule: (...call) => parts.schedules.set(...call),
    unschedule: (name, options) => parts.schedules.unset(name, options),
    async sessionTransfer(conn, to) {
      const session = (conn as RoomConnection).hasLeft ? undefined : parts.sessions.find(conn.sessionId);
      return parts.transfers.depart(session, conn.state, to);
    },
    setListing: (metadata, options) => parts.listing.set(metadata, options),
    listing: (metadata, options) => parts.listing.set(metadata, options),
    fetch: (room, path, init) => parts.ports.neighbours.fetch(addressOf(room, identity.party), path, init),
    call: async (...call: readonly unknown[]) =>
      callRoom(parts.ports.neighbours, { party: identity.party, id: identity.id }, ...call) as Promise<never>,
    destroy: ({ reason } = {}) => parts.lifecycle.destroy(reason),
    rewind: (at, read) => {
      if (!parts.history) throw new Error("room.rewind needs a tick, and a collection or users field with a history");
      return read(parts.history.at(at) as never);
    },
    forget: (publicId) => parts.leavers.forget(publicId),
    async flush() {
      parts.persistence.flush();
      if (parts.persistence.hasChanges)
        throw new RoomError("internal", "Something cannot be stored: see save_failed in the log");
      await parts.storage.sync();
    },
  };
}

/** Adds a prefix to the developer's keys, so that they cannot collide with those of the state and the runtime. */
function developerStorage(storage: Storage): RoomStorage {
  return {
    get: <T>(key: string) => storage.get(STORAGE_PREFIX + key) as T | undefined,
    put: (key, value) => storage.put(STORAGE_PREFIX + key, value),
    delete: (key) => storage.delete(STORAGE_PREFIX + key),
  };
}
