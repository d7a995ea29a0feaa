import { applyPatch } from "../../src/protocol/apply-patch.ts";
import type { History } from "./history.ts";
import type { Service } from "./service.ts";

interface Packet {
  readonly type: string;
  readonly seq?: number;
  readonly epoch?: string;
  readonly mark?: number;
  readonly resumed?: true;
  readonly from?: number;
  readonly confirm?: number;
  readonly value: Readonly<Record<string, unknown>> & { readonly id?: string; readonly result?: unknown };
}
type Lines = Readonly<Record<string, { readonly text?: string } | "$delete">>;

/** The close code and reason of a refused connection. */
export class Refused extends Error {
  readonly code: number;

  constructor(code: number, reason: string) {
    super(`${code} ${reason}`);
    this.code = code;
  }
}

/** What a client of protocol 2 remembers of a room between connections. */
export interface Memory {
  state: Readonly<Record<string, unknown>>;
  position?: { seq: number; epoch: string };
  /** The last packet that the room reported as stored, and the states since then. */
  mark?: number;
  kept?: Map<number, Memory["state"]>;
  /** Unanswered messages by id, which the client sends again. */
  readonly unanswered: Map<string, string>;
}

/** A WebSocket client of a room or a shard, which uses Node's WebSocket and raw packets. */
export class Client {
  publicId = "";
  /** Resolves when the socket is closed, after everything that was sent before has arrived. */
  readonly closed: Promise<Refused>;
  readonly memory: Memory;
  readonly #history: History;
  readonly #socket: WebSocket;
  readonly #protocol: 1 | 2;
  readonly #answers = new Map<string, (result: unknown) => void>();
  readonly #welcome = Promise.withResolvers<void>();
  #isOpen = true;

  constructor(
    service: Service,
    place: string,
    query: Readonly<Record<string, string>>,
    protocol: 1 | 2,
    history: History,
    memory: Memory = { state: {}, unanswered: new Map() },
  ) {
    const { position } = memory;
    const mark = String(memory.kept?.has(memory.mark ?? -1) ? memory.mark : -1);
    const resume = position && { since: String(position.seq), epoch: position.epoch, mark };
    const asked = new URLSearchParams({ ...query, ...(protocol === 2 && { protocol: "2" }), ...resume });
    this.#protocol = protocol;
    this.#history = history;
    this.memory = memory;
    this.#socket = new WebSocket(`ws://${service.host}/parties/${place}?${asked.toString()}`);
    this.#socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(String(data)) as Packet));
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener("close", ({ code, reason }) => resolve(this.#end(new Refused(code, reason))));
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether the socket is closing or closed. */
  get isClosing(): boolean {
    return this.#socket.readyState >= WebSocket.CLOSING;
  }

  /** Resolves with the first packet. @throws Refused if the socket is closed before that */
  async opened(): Promise<this> {
    await this.#welcome.promise;
    return this;
  }

  /**
   * Sends an action.
   * @param isRepeated whether a client of protocol 2 sends it again if the connection breaks
   * @returns its answer; undefined if the connection breaks before that
   * @throws Error if the room refuses it
   */
  async call(action: string, value: unknown, id: string, isRepeated = true): Promise<unknown> {
    const text = JSON.stringify({ action, value, id });
    if (this.#protocol === 2 && isRepeated) this.memory.unanswered.set(id, text);
    return this.#ask(id, text);
  }

  /** Sends unanswered messages again, as clients of protocol 2 may. */
  async resend(): Promise<void> {
    await Promise.all(Array.from(this.memory.unanswered, ([id, text]) => this.#ask(id, text)));
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(id: string, text: string): Promise<unknown> {
    const answer = new Promise<unknown>((resolve) => void this.#answers.set(id, resolve));
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
    const result = await Promise.race([answer, this.closed.then(() => undefined)]);
    if (result instanceof Error) throw result;
    return result;
  }

  #receive(packet: Packet): void {
    if (packet.confirm !== undefined) return this.#socket.send(JSON.stringify({ confirm: packet.confirm }));
    if (packet.type === "sync") this.#sync(packet);
    const { id } = packet.value;
    if (id === undefined || (packet.type !== "ack" && packet.type !== "error")) return;
    this.memory.unanswered.delete(id);
    const { result } = packet.value;
    this.#answers.get(id)?.(packet.type === "ack" ? (result ?? null) : new Error(JSON.stringify(packet.value)));
  }

  #sync({ seq, epoch, mark, resumed, from, value }: Packet): void {
    const { pId, ...patch } = value;
    const isFirst = typeof pId === "string" || resumed === true;
    if (typeof pId === "string") this.publicId = pId;
    const before = (from === undefined ? undefined : this.memory.kept?.get(from)) ?? this.memory.state;
    if (from !== undefined) this.#history.wentBack++;
    this.memory.state = applyPatch(isFirst && resumed !== true ? {} : before, patch);
    if (epoch !== undefined) this.memory.kept = new Map();
    if (mark !== undefined) this.memory.mark = mark;
    if (seq !== undefined) this.memory.kept?.set(seq, this.memory.state);
    const known = epoch ?? this.memory.position?.epoch;
    if (seq !== undefined && known !== undefined) this.memory.position = { seq, epoch: known };
    for (const [at, line] of Object.entries((patch["log"] as Lines | undefined) ?? {})) {
      if (typeof line === "object" && line.text !== undefined) this.#history.learn(Number(at), line.text);
    }
    if (isFirst) this.#welcome.resolve();
  }

  #end(how: Refused): Refused {
    this.#isOpen = false;
    this.#welcome.reject(how);
    this.#welcome.promise.catch(() => {});
    return how;
  }
}
