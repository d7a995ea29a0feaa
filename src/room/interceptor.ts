import type { Packet } from "../define/types.ts";
import type { Intercept } from "./outbox.ts";

function encode(packet: Packet | null): string | null {
  return packet === null ? null : JSON.stringify(packet);
}

/**
 * Makes an interceptor of the developer's work on text. Each packet is parsed anew for each connection, so
 * that changing it changes nobody else's. What throws sends nothing: it may have meant to hide something.
 */
export function createIntercept(
  run: (packet: Packet) => Packet | null | Promise<Packet | null>,
  onError: (error: unknown) => void,
): Intercept {
  const drop = (error: unknown) => {
    onError(error);
    return null;
  };
  return (text) => {
    try {
      const outcome = run(JSON.parse(text) as Packet);
      return outcome instanceof Promise ? outcome.then(encode).catch(drop) : encode(outcome);
    } catch (error) {
      return drop(error);
    }
  };
}
