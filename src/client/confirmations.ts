/**
 * Answers the room's requests to confirm that packets were read: with the next message, or at once if the room asks
 * again before there is one.
 */
export class Confirmations {
  readonly #send: (text: string) => boolean;
  #request: number | undefined;

  /** @param send sends text now, or returns false */
  constructor(send: (text: string) => boolean) {
    this.#send = send;
  }

  /** Requests of another connection have no meaning for this one. */
  connected(): void {
    this.#request = undefined;
  }

  /** The room asks for a confirmation. */
  asked(request: number): void {
    const isUrgent = this.#request !== undefined;
    this.#request = request;
    if (isUrgent && this.#send(`{"confirm":${request}}`)) this.#request = undefined;
  }

  /**
   * Sends a message, or several in an array, with a confirmation if one is due. @returns whether there was a connection
   */
  send(text: string): boolean {
    const isSent = this.#send(this.#request === undefined ? text : text.replace("{", `{"confirm":${this.#request},`));
    if (isSent) this.#request = undefined;
    return isSent;
  }
}
