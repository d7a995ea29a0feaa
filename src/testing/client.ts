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

/** A packet as JSON holds it. */
export interface ReceivedPacket {
  readonly type: string;
  readonly value: unknown;
}

/** How a connection ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** What a client needs of the test that it is in. */
export interface TestScope {
  /** All clients of the test. */
  readonly clients: ReadonlySet<TestClient>;
}

/** A client on a real WebSocket, as `createClient` makes it. */
export class TestClient<R extends AnyRoom = AnyRoom> {
  /** All packets so far, acks and errors too. */
  readonly packets: ReceivedPacket[] = [];
  /** Resolves when the connection ended. */
  readonly closed: Promise<Closed>;
  readonly sessionId: string;
  /** The claims that it came with. */
  readonly auth: Claims | null;
  readonly isSpectator: boolean;
  /** The id of the shard that it is connected to, if it came through a World. */
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

  /** Whether its user went to another room, or was removed: the room tells it nothing more. */
  get hasLeft(): boolean {
    return this.#marker.hasLeft === true;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The state as this client sees it: what its packets make of it. */
  get state(): ClientState<R> {
    return this.#state as ClientState<R>;
  }

  /** The id that everybody knows the user by, and the key of their entry in the state. */
  get publicId(): string {
    return this.#publicId;
  }

  addEventListener(type: "message", listener: TextListener): void {
    if (type === "message") this.#listeners.add(listener);
  }

  removeEventListener(type: "message", listener: TextListener): void {
    if (type === "message") this.#listeners.delete(listener);
  }

  /**
   * Sends a message. Resolves when the room has handled it, and every client of the test has what was sent
   * until then; or when the room closed the connection. Messages of one client that overlap resolve when all of
   * them are handled.
   * @throws Error if a nested value was changed in place, which no client would ever see
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
   * Sends an action and waits for its ack.
   * @returns the action's result; typed where the value is what the action takes
   * @throws RoomError with the server's code and issues, if the action was refused
   */
  call<K extends ActionName<R>>(action: K, ...args: ActionArguments<R, K>): Promise<ActionResult<R, K>>;
  /** What the room should refuse, or does not declare. */
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

  /** Waits until a condition holds: asked after each packet. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

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
