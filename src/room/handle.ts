import type { Connection, Packet, RoomHandle, RoomStorage } from "../define/types.ts";
import type { Connections } from "./connections.ts";
import { encodePacket } from "./packets.ts";
import type { Persistence } from "./persistence.ts";
import type { Storage } from "./ports.ts";
import { PRIVATE_PREFIX } from "./stored-state.ts";

/** Which room this is. */
export interface RoomIdentity {
  readonly id: string;
  readonly party: string;
  readonly params: Readonly<Record<string, string>>;
  readonly env: Cloudflare.Env;
}

const STORAGE_PREFIX = `${PRIVATE_PREFIX}storage:`;

/** Makes what handlers know as `room`. */
export function createHandle(
  identity: RoomIdentity,
  connections: Connections,
  persistence: Persistence,
  storage: Storage,
): RoomHandle {
  return {
    ...identity,
    storage: developerStorage(storage),
    get connections() {
      return connections.all();
    },
    send: (conn: Connection, packet: Packet) => conn.send(packet),
    broadcast(packet, { except } = {}) {
      const text = encodePacket(packet);
      const excluded = new Set<Connection>(except === undefined ? [] : [except].flat());
      for (const conn of connections.all()) if (!excluded.has(conn)) conn.deliver(text);
    },
    async flush() {
      persistence.save();
      await storage.sync();
    },
  };
}

/** Keeps the developer's keys apart from those of the state and the sessions. */
function developerStorage(storage: Storage): RoomStorage {
  return {
    get: <T>(key: string) => storage.get(STORAGE_PREFIX + key) as T | undefined,
    put: (key, value) => storage.put(STORAGE_PREFIX + key, value),
    delete: (key) => storage.delete(STORAGE_PREFIX + key),
  };
}
