import type { Packet } from "../../define/types.ts";
import type { Intercept } from "./outbox.ts";

/** Who writes JavaScript may return nothing at all, which has no JSON. */
function encode(packet: Packet | null | undefined): string | null {
  return packet ? JSON.stringify(packet) : null;
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
