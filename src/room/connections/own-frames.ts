import { withText } from "../../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../../protocol/binary/frames.ts";
import { PatchEncoder } from "../../protocol/binary/patch-encoder.ts";
import type { Table } from "../../protocol/binary/tables.ts";
import { isPlain } from "../../protocol/values.ts";
import type { Plain } from "../../protocol/values.ts";
import type { SentFrame } from "../../platform/ports.ts";
import type { Group } from "../../state/group.ts";
import { wireTablesOf } from "../../state/wire-tables.ts";

/** Encodes packets of an interceptor, which differ for each connection, as frames. */
export class OwnFrames {
  readonly #encoder: PatchEncoder;

  constructor(root: Group) {
    const { shared, seen, Writer } = wireTablesOf(root);
    this.#encoder = new PatchEncoder([...shared, ...seen.map(([, table]) => table)], Writer);
  }

  /** @returns a function that encodes the packets of one connection, in order, from JSON data */
  forConnection(): (packet: Plain) => SentFrame {
    const told = new Map<Table, number>();
    return (packet) => {
      const text = JSON.stringify(packet);
      const { type, value, ...others } = packet;
      // A frame cannot contain other keys, or ids of another type.
      if (type !== "sync" || !isPlain(value) || Object.keys(others).length > 0) return text;
      const { pId, ...patch } = value;
      if (pId !== undefined && typeof pId !== "string") return text;
      const head = pId === undefined ? {} : { publicId: pId };
      return withText(writeSyncFrame(head, this.#encoder.alone(patch, told)), () => text);
    };
  }
}
