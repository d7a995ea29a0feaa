import { cleanPatch } from "./clean-patch.ts";
import type { RoomError } from "./errors.ts";

export { DELETE } from "./values.ts";

/** Packet types that only the runtime may send. */
export const RESERVED_TYPES: ReadonlySet<string> = new Set(["sync", "ack", "error", "user_disconnected"]);

type Reference = string | number | undefined;

/** The place of a sync packet in the order, for clients of protocol 2. Undefined parts are not sent. */
export interface SyncHead {
  readonly seq: number;
  /** Only with a whole state: the room's epoch. Clients get {@link epochOf} of it. */
  readonly epoch?: string | undefined;
  /** Everything up to this number is stored. A client keeps its state of that number. */
  readonly mark?: number | undefined;
  /** The packet contains only what changed while the client was away. */
  readonly resumed?: true | undefined;
  /** The packet continues the state after this number, which is not the last one that the client got. */
  readonly from?: number | undefined;
  /** The paths that are deleted before the packet is applied, as a patch. */
  readonly clear?: Readonly<Record<string, unknown>> | undefined;
  /** The packet replaces the whole state of the client. */
  readonly reset?: true | undefined;
  /** The maximum size of a frame with several messages, in bytes, if the room accepts them. */
  readonly batch?: number | undefined;
  /** The number of the room's last tick. */
  readonly tick?: number | undefined;
  /** Only in a first packet: ticks per second. */
  readonly hz?: number | undefined;
  /** The number of the last input of this client that the room applied. */
  readonly input?: number | undefined;
}

/** The head of a patch. A patch for some clients has no number. */
export type PatchHead = Pick<Partial<SyncHead>, "seq" | "mark" | "tick">;

/**
 * `value` is JSON text, since a packet for many clients is encoded once. With a head it is for clients of protocol 2.
 */
export function encodeSync(value: string, head?: Partial<SyncHead>): string {
  const packet = `${syncStart(head)}${value}}`;
  return head ? cleanPatch(packet) : packet;
}

/** The text before the value of a sync packet. A brace follows the value. */
export function syncStart(head: Partial<SyncHead> | undefined): string {
  return head ? `{"type":"sync",${JSON.stringify(head).slice(1, -1)},"value":` : '{"type":"sync","value":';
}

/** Adds the number of the last applied input of one client to a packet for many. */
export function withInput(packet: string, input: number): string {
  return `${packet.slice(0, -1)},"input":${input}}`;
}

/** The epoch as a client gets it: another user cannot resume with it. */
export function epochOf(epoch: string, publicId: string): string {
  return `${epoch}.${publicId}`;
}

/** The first packet of a connection: the user's id, and all of the state that the user may see. */
export function encodeWelcome(publicId: string, state: string, head?: SyncHead): string {
  const inner = state === "{}" ? "" : `,${state.slice(1, -1)}`;
  const own = head?.epoch === undefined ? head : { ...head, epoch: epochOf(head.epoch, publicId) };
  return encodeSync(`{"pId":${JSON.stringify(publicId)}${inner}}`, own);
}

const REQUEST = '{"type":"sync","confirm":';

/**
 * Asks a client of protocol 2 or later to confirm that it has read everything up to here.
 * @param spread by how many ms clients delay their reconnects if they lose their connections together
 */
export function encodeRequest(token: number, spread: number): string {
  return `${REQUEST}${token},"spread":${spread},"value":{}}`;
}

/** The token of such a packet. Undefined for other packets. */
export function requestIn(text: string): number | undefined {
  return text.startsWith(REQUEST) ? Number.parseInt(text.slice(REQUEST.length), 10) : undefined;
}

/** A client's confirmation that it has read packets. */
export interface Confirmation {
  /** The token of the request that it answers. */
  readonly token: number;
  /** The messages in the same frame, if any. */
  readonly rest: string;
}

const CONFIRMATION = /^(\[?\{)"confirm":(\d{1,10})([,}])/;

/**
 * Takes a confirmation out of a frame. It is the first key of the first message, or the whole message.
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
  // Messages may follow a message that is only a confirmation.
  if (end === ",") return { token: Number(token), rest: start + rest };
  return { token: Number(token), rest: rest.startsWith(",") ? `[${rest.slice(1)}` : "" };
}

/** Whether a packet is a part of the state. */
export function isSync(text: string): boolean {
  return text.startsWith('{"type":"sync",');
}

/** Whether a packet is an acknowledgement or an error. */
export function isAnswer(text: string): boolean {
  return text.startsWith(ACK) || text.startsWith('{"type":"error",');
}

export function encodeAck(id: string | number, result: unknown): string {
  return JSON.stringify({ type: "ack", value: { id, result } });
}

const ACK = '{"type":"ack",';
const ACK_VALUE = `${ACK}"value":`;

/** The value of an acknowledgement as JSON. Undefined for an error. */
export function valueOfAck(text: string): string | undefined {
  return text.startsWith(ACK) ? text.slice(ACK_VALUE.length, -1) : undefined;
}

/**
 * Adds to an acknowledgement the number of the sync packet that includes the effect of the action.
 * @returns an error unchanged
 */
export function numberAck(text: string, seq: number): string {
  return text.startsWith(ACK) ? `${ACK}"seq":${seq},${text.slice(ACK.length)}` : text;
}

export function encodeError(error: RoomError, about: { action?: string; id?: Reference } = {}): string {
  const { code, message, issues } = error;
  return JSON.stringify({ type: "error", value: { code, message, ...about, issues } });
}

/** Tells a client of protocol 2 that its join is still in progress. */
export function encodeJoining(): string {
  return '{"type":"joining"}';
}

/** Tells a client of protocol 2 that its connection is being closed. The connection itself may end much later. */
export function encodeClosing(code: string, message: string, close: number): string {
  return JSON.stringify({ type: "error", value: { code, message, close } });
}

export function encodeDisconnected(publicId: string): string {
  return JSON.stringify({ type: "user_disconnected", value: { publicId } });
}

/** The position of a client of protocol 2 when its connection ended. */
export interface Position {
  readonly seq: number;
  readonly epoch: string;
  /** The last packet that is stored, as far as the client knows. The client kept its state of that packet. */
  readonly mark?: number | undefined;
}
