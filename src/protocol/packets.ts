import { cleanPatch } from "./clean-patch.ts";
import type { RoomError } from "./errors.ts";

export { DELETE } from "./values.ts";

/** Packet types that only the runtime may send. */
export const RESERVED_TYPES: ReadonlySet<string> = new Set(["sync", "ack", "error", "user_disconnected"]);

type Reference = string | number | undefined;

/** What a sync packet says of its place in the order, for clients of protocol 2. */
export interface SyncHead {
  readonly seq: number;
  /** With a whole state: the room's, which clients get by {@link epochOf}. */
  readonly epoch?: string;
  /** All that was sent up to this number is stored. A client keeps the state that it had then. */
  readonly mark?: number;
  /** It holds only what changed while the client was away. */
  readonly resumed?: true;
  /** It continues the state that the client had after this packet, which is not the last one that it got. */
  readonly from?: number;
  /** What is to be deleted before it is applied: a patch. */
  readonly clear?: Readonly<Record<string, unknown>>;
  /** It replaces all that the client has. */
  readonly reset?: true;
  /** The room takes arrays of messages: the most bytes of a frame. */
  readonly batch?: number;
  /** The number of the room's last tick. */
  readonly tick?: number;
  /** In a first packet: how often a second the room ticks. */
  readonly hz?: number;
  /** The number of the last input of this client that the room applied. */
  readonly input?: number;
}

/** What a patch may say of its place: one for few has no number. */
export type PatchHead = Pick<Partial<SyncHead>, "seq" | "mark" | "tick">;

/** `value` is JSON text already: a packet for many is encoded once. With a head it is for clients of protocol 2. */
export function encodeSync(value: string, head?: Partial<SyncHead>): string {
  if (!head) return `{"type":"sync","value":${value}}`;
  return `{"type":"sync",${JSON.stringify(head).slice(1, -1)},"value":${cleanPatch(value)}}`;
}

/** Adds what is for one client to a packet for many: the number of the last input that was applied. */
export function withInput(packet: string, input: number): string {
  return `${packet.slice(0, -1)},"input":${input}}`;
}

/** What a client calls its epoch: it cannot go on as somebody else. */
export function epochOf(epoch: string, publicId: string): string {
  return `${epoch}.${publicId}`;
}

/** The first packet of a connection: who it is, and all that it may see. */
export function encodeWelcome(publicId: string, state: string, head?: SyncHead): string {
  const inner = state === "{}" ? "" : `,${state.slice(1, -1)}`;
  const own = head?.epoch === undefined ? head : { ...head, epoch: epochOf(head.epoch, publicId) };
  return encodeSync(`{"pId":${JSON.stringify(publicId)}${inner}}`, own);
}

const REQUEST = '{"type":"sync","confirm":';

/**
 * Asks a client of protocol 2 or later to confirm that it has read all until here.
 * @param spread over how many ms more clients are to come back that lose their connections together
 */
export function encodeRequest(token: number, spread: number): string {
  return `${REQUEST}${token},"spread":${spread},"value":{}}`;
}

/** The token of such a packet; undefined of any other. */
export function requestIn(text: string): number | undefined {
  return text.startsWith(REQUEST) ? Number.parseInt(text.slice(REQUEST.length), 10) : undefined;
}

/** Of what a client has read. */
export interface Confirmation {
  /** That of the request which it answers. */
  readonly token: number;
  /** The messages in the same frame, if there are any. */
  readonly rest: string;
}

const CONFIRMATION = /^(\[?\{)"confirm":(\d{1,10})([,}])/;

/**
 * Takes a confirmation out of a frame: it is the first key of its first message, or all of it.
 * @returns undefined if there is none
 */
export function takeConfirmation(frame: string | ArrayBuffer): Confirmation | undefined {
  // Most frames have none.
  const found =
    typeof frame === "string" && frame.startsWith('"confirm"', frame[0] === "[" ? 2 : 1)
      ? CONFIRMATION.exec(frame)
      : null;
  if (!found) return undefined;
  const [all, start = "", token, end] = found;
  const rest = (frame as string).slice(all.length);
  // Messages may follow one that is nothing else.
  if (end === ",") return { token: Number(token), rest: start + rest };
  return { token: Number(token), rest: rest.startsWith(",") ? `[${rest.slice(1)}` : "" };
}

/** Whether a packet is an ack or an error. */
export function isAnswer(text: string): boolean {
  return text.startsWith(ACK) || text.startsWith('{"type":"error",');
}

export function encodeAck(id: string | number, result: unknown): string {
  return JSON.stringify({ type: "ack", value: { id, result } });
}

const ACK = '{"type":"ack",';
const ACK_VALUE = `${ACK}"value":`;

/** The value of an ack as JSON; undefined if it is an error. */
export function valueOfAck(text: string): string | undefined {
  return text.startsWith(ACK) ? text.slice(ACK_VALUE.length, -1) : undefined;
}

/**
 * Adds to an ack the number of the sync packet with which the client has all that the action did.
 * @returns an error as it is
 */
export function numberAck(text: string, seq: number): string {
  return text.startsWith(ACK) ? `${ACK}"seq":${seq},${text.slice(ACK.length)}` : text;
}

export function encodeError(error: RoomError, about: { action?: string; id?: Reference } = {}): string {
  const { code, message, issues } = error;
  return JSON.stringify({ type: "error", value: { code, message, ...about, issues } });
}

/** To a client of protocol 2 that was not let in yet: the room works on that. */
export function encodeJoining(): string {
  return '{"type":"joining"}';
}

/** To a client of protocol 2 whose connection is being closed: the end of the connection itself may come much later. */
export function encodeClosing(code: string, message: string, close: number): string {
  return JSON.stringify({ type: "error", value: { code, message, close } });
}

export function encodeDisconnected(publicId: string): string {
  return JSON.stringify({ type: "user_disconnected", value: { publicId } });
}

/** Where a client of protocol 2 was when its connection ended. */
export interface Position {
  readonly seq: number;
  readonly epoch: string;
  /** The last packet of which the client knows that it was stored, and kept the state. */
  readonly mark?: number | undefined;
}

/**
 * A patch in which some objects are put together of members that are JSON already.
 * @param patch what else is in it, as JSON @param objects by name
 */
export function encodeKeyed(
  patch: string | undefined,
  objects: readonly (readonly [name: string, members: string])[],
): string {
  const own = objects.map(([name, members]) => `${JSON.stringify(name)}:{${members}}`);
  return patch === undefined || patch === "{}" ? `{${own.join(",")}}` : `{${[patch.slice(1, -1), ...own].join(",")}}`;
}
