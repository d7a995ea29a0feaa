import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Protocol } from "./protocol.ts";

/** Message codes of `@colyseus/shared-types`, and codes of `@colyseus/schema`. */
const JOIN_ROOM = 10;
const ROOM_DATA = 13;
const ROOM_STATE = 14;
const SWITCH_TO_STRUCTURE = 255;
const FIRST_FIELD = 128;
/** The start of the first message of the benchmark's room, which tells the client its player's number in patches. */
const YOU = Buffer.from([ROOM_DATA, 0xa3, ...Buffer.from("you")]);

const agent = new Agent({ keepAlive: true, maxSockets: 32 });
/** Room ids by server and room name, to notice if Colyseus spread the clients over several rooms. */
const rooms = new Map<string, string>();

/** The part of the protocol of Colyseus 0.18 that the load needs. */
export const colyseus: Protocol = {
  async address(port, name) {
    const seat = await reserve(port, name);
    // Each round starts new servers, so the port is part of the key.
    const place = `${port}/${name}`;
    if (seat.roomId !== (rooms.get(place) ?? seat.roomId)) throw new Error("Colyseus made a second room");
    rooms.set(place, seat.roomId);
    return `/${seat.processId}/${seat.roomId}?sessionId=${seat.sessionId}`;
  },
  welcome(bytes, start, end, client) {
    const code = bytes[start];
    if (code === JOIN_ROOM) client.answer(Buffer.from([JOIN_ROOM]));
    else if (bytes.subarray(start, end).indexOf(YOU) === 0) {
      client.mark = markOf(Number(bytes.toString("latin1", start + YOU.length + 1, end)));
    } else if (code === ROOM_STATE) client.hasState = true;
    return client.hasState === true && client.mark !== undefined;
  },
  readX: readNumber,
  requests: () => [],
  action: (action, { x, y }) =>
    Buffer.from([
      ROOM_DATA,
      0xa0 | action.length,
      ...Buffer.from(action),
      0x82,
      0xa1,
      120,
      ...pack(x),
      0xa1,
      121,
      ...pack(y),
    ]),
};

interface Seat {
  readonly processId: string;
  readonly roomId: string;
  readonly sessionId: string;
}

function reserve(port: number, name: string): Promise<Seat> {
  const { promise, resolve, reject } = Promise.withResolvers<Seat>();
  const headers = { "content-type": "application/json" };
  const post = request(
    { agent, port, host: "127.0.0.1", method: "POST", path: "/matchmake/joinOrCreate/game", headers },
    (response) => {
      text(response)
        .then((body) => JSON.parse(body) as Seat)
        .then(resolve, reject);
    },
  );
  post.once("error", reject);
  post.end(JSON.stringify({ place: name }));
  return promise;
}

/** The patch of a player begins with the player's number. x is its first field. */
function markOf(ref: number): Buffer {
  const number = ref < 128 ? [ref] : ref < 256 ? [0xcc, ref] : [0xcd, ref & 255, ref >> 8];
  return Buffer.from([SWITCH_TO_STRUCTURE, ...number, FIRST_FIELD]);
}

/** Reads a number as `@colyseus/schema` encodes it: as MessagePack does, but with the low byte first. */
function readNumber(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first < 128) return first;
  if (first === 0xcc) return bytes[at + 1] as number;
  return first === 0xcd ? bytes.readUInt16LE(at + 1) : 0;
}

/** Encodes a number from 0 to 65,535 as MessagePack. */
function pack(value: number): number[] {
  if (value < 128) return [value];
  return value < 256 ? [0xcc, value] : [0xcd, value >> 8, value & 255];
}
