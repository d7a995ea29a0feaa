import type { Build } from "../protocol/build.ts";
import { BAD_MESSAGE, DESTROYED } from "../protocol/codes.ts";
import { isPlain } from "../protocol/values.ts";
import { applyPatch } from "../protocol/apply-patch.ts";
import { Calls } from "./calls.ts";
import { refusalText } from "./connect-failure.ts";
import { Confirmations } from "./confirmations.ts";
import { CallError } from "./errors.ts";
import { parseFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { FrameReader } from "../protocol/binary/frame-reader.ts";
import { Heartbeat } from "./heartbeat.ts";
import { ReconnectingSocket } from "./reconnecting-socket.ts";
import { sessionId } from "./session-id.ts";
import { Events } from "./listeners.ts";
import type { CommonOptions, AnyJoin } from "./options.ts";
import type { Destination } from "./destination.ts";
import type { Refusal } from "./room-client.ts";
import { warnOfUnheard } from "./unheard.ts";
import { SyncPosition } from "./sync-position.ts";
import type { NumberedInput } from "./room-client.ts";
import type { SyncNumbers } from "./sync-position.ts";
import type { Prediction } from "./predictions.ts";
import type { ClientStatus } from "./status.ts";
import { Store } from "./store.ts";

type Plain = Readonly<Record<string, unknown>>;
type Listener = (value: unknown, packet?: object) => void;

const CALL_TIMEOUT = 10_000;
const CLOSED = "The connection is closed";

/** The implementation of {@link RoomClient}, without the types of a room. */
export class Client {
  readonly #socket: ReconnectingSocket;
  readonly #destination: Destination;
  readonly #calls: Calls;
  readonly #heartbeat: Heartbeat;
  readonly #store = new Store();
  readonly #position = new SyncPosition<Plain>();
  readonly #frames = new FrameReader();
  readonly #events = new Events();
  readonly #confirmations = new Confirmations((text) => this.#socket.send(text));
  /** In development: the refusals that were printed. */
  #told: Set<string> | undefined;
  #status: ClientStatus = "connecting";
  #hasWarned = false;
  id: string | undefined;
  publicId: string | undefined;

  constructor(destination: Destination, options: CommonOptions & AnyJoin) {
    const { callTimeout = CALL_TIMEOUT, batch = 0 } = options;
    this.#destination = destination;
    this.#calls = new Calls(
      callTimeout,
      batch,
      (text) => this.#send(text),
      (failure) => this.#refused(failure),
    );
    this.#heartbeat = new Heartbeat({
      ping: () => this.#ping(),
      isWaiting: () => this.#calls.isWaiting,
      trusted: () => this.#calls.flush(),
      dead: () => this.#socket.renew(0),
    });
    const id = sessionId(options);
    if (typeof id === "string") this.id = id;
    else void id.then((found) => (this.id = found));
    this.#socket = new ReconnectingSocket(destination, id, options, {
      query: () => ({ ...this.#position.query, ...this.#frames.query }),
      opened: () => this.#opened(),
      received: (data) => this.#receive(data),
      lost: () => this.#lost(),
      failed: (error) => void (this.#events.emit("error", error) || this.#warn(error.message)),
      ended: (code, reason) => this.#ended(code, reason),
    });
  }

  get state(): Plain {
    return this.#store.state;
  }

  get status(): ClientStatus {
    return this.#status;
  }

  get room(): string | undefined {
    return this.#destination.room;
  }

  get shard(): string | undefined {
    return this.#destination.shard;
  }

  get latency(): number | undefined {
    return this.#heartbeat.latency;
  }

  get resyncs(): number {
    return this.#position.resyncs;
  }

  emit(action: string, value?: unknown): void {
    if (this.#status === "closed") this.#refused({ code: "closed", message: CLOSED, action });
    else this.#calls.emit(action, value);
  }

  async call(action: string, value?: unknown): Promise<unknown> {
    if (this.#status === "closed") throw new CallError("closed", CLOSED);
    return this.#calls.call(action, value);
  }

  async optimistic(action: string, value: unknown, apply: (state: Plain) => Plain): Promise<unknown> {
    if (this.#status === "closed") throw new CallError("closed", CLOSED);
    const prediction: Prediction = { apply };
    // If this throws, or the call cannot be sent, there is no prediction.
    apply(this.state);
    const answer = this.#calls.call(action, value, {
      done: (isIncluded) => this.#store.confirm(prediction, isIncluded),
      failed: () => this.#store.drop(prediction),
    });
    this.#store.predict(prediction);
    return answer;
  }

  sendInputs(action: string, inputs: readonly NumberedInput[], seen?: number): boolean {
    if (this.#status !== "open") return false;
    const messages = inputs.map(({ number: input, value }) => JSON.stringify({ action, value, input, seen }));
    return this.#send(messages.length === 1 ? String(messages[0]) : `[${messages.join(",")}]`);
  }

  on(type: string, listener: Listener): () => void {
    return this.#events.on(type, listener);
  }

  off(type: string, listener: Listener): void {
    this.#events.off(type, listener);
  }

  subscribe(listener: Listener): () => void {
    return this.#store.subscribe(listener);
  }

  select(selector: (state: Plain) => unknown, listener: Listener): () => void {
    // Before the first packet there is nothing to select from, and most selectors would throw.
    let last = this.publicId === undefined ? undefined : selector(this.state);
    return this.subscribe((state) => {
      const part = selector(state as Plain);
      if (Object.is(part, last)) return;
      last = part;
      listener(part);
    });
  }

  close(): void {
    this.#calls.flush();
    this.#end(CLOSED);
    this.#socket.close();
  }

  /** Sends a message now. @returns false without a connection, or if the connection is not trusted */
  #send(text: string): boolean {
    if (this.#heartbeat.isSuspect || !this.#confirmations.send(text)) return false;
    this.#heartbeat.sent();
    return true;
  }

  #ping(): () => void {
    this.#socket.send("ping");
    return this.#calls.mark();
  }

  #opened(): void {
    this.#position.connected();
    this.#confirmations.connected();
    this.#calls.flush();
    this.#heartbeat.start();
  }

  #receive(data: unknown): void {
    if (this.#status === "closed") return;
    this.#heartbeat.heard(data === "pong");
    const frame = typeof data === "string" ? parseFrame(data) : this.#readBinary(data as ArrayBuffer);
    if (!frame) return;
    this.#events.emit("packet", frame);
    if (typeof frame["confirm"] === "number") {
      this.#socket.spread = Number(frame["spread"]) || 0;
      this.#confirmations.asked(frame["confirm"]);
    } else if (frame.type === "sync") this.#sync(frame);
    else if (frame.type === "ack" || frame.type === "error") this.#answer(frame.type, frame);
    // The join is not done yet. The packet only shows that the connection works.
    else if (frame.type === "joining") return;
    else this.#events.emit(frame.type, frame["value"], frame);
  }

  /** Reads a binary frame. If it is malformed, its changes are unknown, so the client requests the whole state. */
  #readBinary(data: ArrayBuffer): Frame | undefined {
    try {
      return this.#frames.read(new Uint8Array(data), this.#store.server, (head) => this.#position.isWanted(head));
    } catch (error) {
      this.#frames.forget();
      this.#events.emit("error", { code: "bad_frame", message: (error as Error).message });
      this.#socket.renew(this.#position.restart(Date.now()), BAD_MESSAGE);
      return undefined;
    }
  }

  #sync(frame: Frame): void {
    if (!isPlain(frame["value"])) return;
    const { pId, ...value } = frame["value"];
    const hasUser = typeof pId === "string";
    const numbers: SyncNumbers = { ...frame, hasUser };
    const start = this.#position.stateFrom(numbers.from) ?? this.#store.server;
    const before = isPlain(frame["clear"]) ? applyPatch(start, frame["clear"]) : start;
    const step = this.#position.take(numbers);
    if (step === "repeated") return;
    if (step === "gap") return this.#socket.renew(this.#position.resync(Date.now()));
    if (hasUser) this.publicId = pId;
    if (step === "whole") this.#store.replace(value);
    // A patch of all that changed while offline may include what changed back.
    else this.#store.patch(value, before, step === "resumed");
    this.#position.applied(numbers, this.#store.server);
    const isFirst = step !== "next";
    if (isFirst) {
      this.#calls.frameBytes = typeof frame["batch"] === "number" ? frame["batch"] : 0;
      this.#socket.joined();
      this.#become("open");
    }
    const { tick, hz, input } = frame;
    this.#events.emit("sync", { tick, hz, input, isFirst, state: this.#store.server });
  }

  #answer(type: "ack" | "error", { value, seq }: Frame): void {
    if (isPlain(value) && typeof value["close"] === "number") {
      return this.#socket.closing(value["close"], String(value["message"]));
    }
    const isAnswer = isPlain(value) && this.#calls.answer(type, value, this.#position.includes(seq));
    if (!isAnswer && type === "error") this.#refused(value as Refusal);
  }

  /** A message was refused, or may be lost. */
  #refused(refusal: Refusal): void {
    const isHeard = this.#events.emit("error", refusal);
    if ((globalThis as Build).process?.env?.NODE_ENV !== "production" && !isHeard)
      warnOfUnheard(refusal, (this.#told ??= new Set()));
  }

  #lost(): void {
    this.#heartbeat.stop();
    this.#calls.disconnected(!this.#position.isUncounted);
    this.#become("reconnecting");
  }

  #ended(code: number, reason: string): void {
    if (this.#status === "closed") return;
    this.#calls.reportUnconfirmed();
    this.#end(reason || refusalText(code, ""));
    if (code === DESTROYED) this.#events.emit("destroyed", { reason });
    if (!this.#events.emit("closed", { code, reason })) this.#warn(refusalText(code, reason));
  }

  /** Prints errors that have no listener. */
  #warn(message: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    console.warn(`durable-rooms: ${message}`);
  }

  #end(reason: string): void {
    this.#heartbeat.stop();
    this.#become("closed");
    this.#calls.closed(reason);
    this.#store.dropConfirmed();
  }

  /** A closed client stays closed. */
  #become(status: ClientStatus): void {
    if (this.#status === "closed" || status === this.#status) return;
    this.#status = status;
    this.#events.emit("status", status);
  }
}
