import type { ActionArguments, ActionName, ActionResult, ClientState } from "../client/types.ts";
import type { AnyRoom } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import type { Issue } from "../protocol/errors.ts";
import { RoomError } from "../protocol/errors.ts";
import { applyPatch } from "../protocol/apply-patch.ts";
import { isPlain } from "../protocol/values.ts";
import { decodeMarker } from "./marker.ts";
import type { Marker } from "./marker.ts";

/** Gets the raw text of each packet. */
export type TextListener = (text: string) => void;

/** A packet, parsed from JSON. */
export interface ReceivedPacket {
  readonly type: string;
  readonly value: unknown;
}

/** How a connection was closed. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** The other clients of a test. */
export interface TestScope {
  /** All clients of the test. */
  readonly clients: ReadonlySet<TestClient>;
}

/** A client with a real WebSocket, made by `createClient`. */
export class TestClient<R extends AnyRoom = AnyRoom> {
  /** All packets so far, including acknowledgements and errors. */
  readonly packets: ReceivedPacket[] = [];
  /** Resolves when the connection is closed. */
  readonly closed: Promise<Closed>;
  /** The private session id. */
  readonly sessionId: string;
  /** The claims that the client connected with. */
  readonly auth: Claims | null;
  /** Whether the client is a spectator. */
  readonly isSpectator: boolean;
  /** The id of the shard that the client is connected to. Undefined without a World. */
  readonly shardId: string | undefined;
  readonly #ws: WebSocket;
  readonly #scope: TestScope;
  readonly #listeners = new Set<TextListener>();
  readonly #waiting = new Set<() => void>();
  #state: Readonly<Record<string, unknown>> = {};
  #marker: Pick<Marker, "turn" | "handled" | "problem" | "hasLeft"> = { turn: 0, handled: 0 };
  #publicId = "";
  #sent = 0;
  #calls = 0;
  #isOpen = true;

  constructor(
    ws: WebSocket,
    who: Pick<TestClient, "sessionId" | "auth" | "isSpectator" | "shardId">,
    scope: TestScope,
  ) {
    this.#ws = ws;
    this.shardId = who.shardId;
    this.#scope = scope;
    this.sessionId = who.sessionId;
    this.auth = who.auth;
    this.isSpectator = who.isSpectator;
    const { promise, resolve } = Promise.withResolvers<Closed>();
    this.closed = promise;
    ws.addEventListener("message", ({ data }) => this.#receive(data as string));
    ws.addEventListener("close", ({ code, reason }) => {
      this.#isOpen = false;
      resolve({ code, reason });
      this.#wake();
    });
    ws.accept();
  }

  /** Whether the user was removed or moved to another room. The client gets no more packets then. */
  get hasLeft(): boolean {
    return this.#marker.hasLeft === true;
  }

  /** Whether the connection is open. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The state that this client sees, computed from its packets. */
  get state(): ClientState<R> {
    return this.#state as ClientState<R>;
  }

  /** The user's public id, which is the key of their entry in the state. */
  get publicId(): string {
    return this.#publicId;
  }

  /** Adds a listener for the raw text of each packet. */
  addEventListener(type: "message", listener: TextListener): void {
    if (type === "message") this.#listeners.add(listener);
  }

  /** Removes a listener. */
  removeEventListener(type: "message", listener: TextListener): void {
    if (type === "message") this.#listeners.delete(listener);
  }

  /**
   * Sends a message. Resolves when the room has handled it and every client of the test has received all packets sent
   * until then, or when the room closed the connection. If messages of one client overlap, each of them resolves when
   * all are handled.
   *
   * @throws Error if a nested value was changed in place, which clients would not see
   */
  async send(message: {
    readonly action: ActionName<R> | (string & {});
    readonly value?: unknown;
    readonly id?: string | number;
  }): Promise<void> {
    const number = ++this.#sent;
    this.#ws.send(JSON.stringify(message));
    await this.until(() => this.#marker.handled >= number || !this.#isOpen);
    const { turn, problem } = this.#marker;
    for (const client of this.#scope.clients) {
      await client.reached(turn);
    }
    if (problem !== undefined) throw new Error(problem);
  }

  /**
   * Sends an action and waits for its result.
   *
   * @throws RoomError with the code and issues of the refusal
   */
  call<K extends ActionName<R>>(action: K, ...args: ActionArguments<R, K>): Promise<ActionResult<R, K>>;
  /** Sends an action that the room should refuse, or does not declare. */
  call(action: string, value?: unknown): Promise<unknown>;
  async call(action: string, value?: unknown): Promise<unknown> {
    const id = `test-${++this.#calls}`;
    await this.send({ action, value, id });
    const answer = this.packets.find((packet) => isPlain(packet.value) && packet.value["id"] === id);
    if (answer?.type === "ack") return (answer.value as { result?: unknown }).result;
    if (answer?.type === "error") {
      const { code, message, issues } = answer.value as { code: ErrorCode; message: string; issues?: Issue[] };
      throw new RoomError(code, message, issues ? { issues } : {});
    }
    const { code, reason } = await this.closed;
    throw new Error(`The connection closed with ${code} ${reason} before "${action}" was answered`);
  }

  /** Waits until it has all that was sent before a mark. @internal */
  async reached(turn: number): Promise<void> {
    await this.until(() => this.#marker.turn >= turn || this.#marker.hasLeft === true || !this.#isOpen);
  }

  /** Waits until a condition is true. It is checked after each packet. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /**
   * Closes the connection. @param code Default 1000
   * @@// // The first packet is The first packet is the whole state.
   */
  close(code = 1000, reason = ""): void {
    this.#ws.close(code, reason);
  }

  #receive(text: string): void {
    const marker = decodeMarker(text);
    if (marker) this.#mark(marker);
    else this.#read(text);
    this.#wake();
  }

  #mark(marker: Marker): void {
    this.#marker = marker;
    this.#publicId = marker.publicId ?? this.#publicId;
  }

  #read(text: string): void {
    if (text !== "pong") {
      const packet = JSON.parse(text) as ReceivedPacket;
      this.packets.push(packet);
      if (packet.type === "sync") this.#apply(packet.value as Readonly<Record<string, unknown>>);
    }
    for (const listener of this.#listeners) listener(text);
  }

  #apply({ pId, ...patch }: Readonly<Record<string, unknown>>): void {
    // The first packet is the whole state.
    if (typeof pId === "string") this.#publicId = pId;
    this.#state = applyPatch(pId === undefined ? this.#state : {}, patch);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
