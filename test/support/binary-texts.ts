import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { ByteReader } from "../../src/protocol/binary/bytes.ts";
import { FRAME, readSyncHead } from "../../src/protocol/binary/frames.ts";
import { FrameReader } from "../../src/protocol/binary/frame-reader.ts";
import { textOfFrame } from "../../src/protocol/binary/frame-text.ts";

type Plain = Readonly<Record<string, unknown>>;

/** Converts what a room sends into JSON packets. It reads binary frames as a client of protocol 3 does. */
export class BinaryTexts {
  readonly #frames = new FrameReader();
  #state: Plain = {};
  /** The states after numbered packets, because a later packet may continue from one of them. */
  readonly #kept = new Map<unknown, Plain>();
  #isResumed = false;
  #isBinary = false;

  /** What a reconnecting client tells about the tables that it knows, as a query. */
  get query(): string {
    return new URLSearchParams(this.#frames.query).toString();
  }

  textOf(frame: string | Uint8Array | ArrayBuffer): string {
    if (typeof frame === "string") {
      // The runtime itself answers pings with a text.
      if (this.#isBinary && frame !== "pong") this.#take(JSON.parse(frame) as Plain);
      return frame;
    }
    this.#isBinary = true;
    // Copy the bytes, because the buffer is reused.
    const bytes = new Uint8Array(frame as ArrayBuffer).slice();
    const text = frame instanceof Uint8Array ? textOfFrame(frame) : "";
    // A client may know tables from an earlier socket, or from before the room slept. They are not known here.
    const isFirst = this.query === "" && bytes[0] === FRAME.sync;
    const head = isFirst ? readSyncHead(new ByteReader(bytes.subarray(1))) : undefined;
    const isUntold = head?.tables === undefined;
    this.#isResumed ||= head?.resumed === true || (head?.tablesHash !== undefined && isUntold);
    if (this.#isResumed) return text;
    const packet = this.#read(bytes, isFirst && isUntold);
    if (!packet) return text;
    this.#take(packet);
    return JSON.stringify(packet);
  }

  /** @param mayBeUnknown whether the client may know the frame's tables from earlier */
  #read(bytes: Uint8Array, mayBeUnknown: boolean): Plain | undefined {
    try {
      return this.#frames.read(bytes, this.#state);
    } catch (error) {
      if (!mayBeUnknown) throw error;
      this.#isResumed = true;
      return undefined;
    }
  }

  #take({ type, seq, from, reset, clear, value }: Plain): void {
    if (type !== "sync") return;
    const { pId, ...patch } = value as Record<string, unknown>;
    const start = from === undefined ? this.#state : (this.#kept.get(from) as Plain);
    const before = clear === undefined ? start : applyPatch(start, clear as Plain);
    this.#state = applyPatch(pId === undefined && reset === undefined ? before : {}, patch);
    if (seq !== undefined) this.#kept.set(seq, this.#state);
  }
}
