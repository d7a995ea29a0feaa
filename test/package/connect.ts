import { connectRoom } from "../../src/client/index.ts";
import type { DefinedRoom } from "../../src/define/room.ts";

/** A client of a room whose types are in another package. */
export function connect(host: string, room: string) {
  const client = connectRoom<DefinedRoom<unknown, Record<string, unknown>>>({ host, room });
  return {
    call: (action: string, value?: unknown) => client.call(action, value),
    read: (field: string) => (client.state as Readonly<Record<string, unknown>>)[field],
    close: () => client.close(),
  };
}
