import { promiseOf } from "../../protocol/values.ts";
import type { Packet } from "../../define/types.ts";
import { toPlain } from "../../state/to-plain.ts";
import type { Intercept } from "./outbox.ts";

/** Drops the packet for undefined too: an interceptor in plain JavaScript may return nothing. */
function encode(packet: Packet | null | undefined): string | null {
  return packet ? JSON.stringify(toPlain(packet)) : null;
}

/**
 * Makes the developer's interceptor work on text. Each packet is parsed separately for each connection, so an
 * interceptor that changes its packet does not change those of others. If it throws, nothing is sent: it may have been
 * about to hide something.
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
      const pending = promiseOf(outcome);
      return pending ? pending.then(encode).catch(drop) : encode(outcome as Packet | null);
    } catch (error) {
      return drop(error);
    }
  };
}
