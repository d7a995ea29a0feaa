import { promiseOf } from "../../protocol/values.ts";
import type { Plain } from "../../protocol/values.ts";
import type { SentFrame } from "../../platform/ports.ts";
import type { Packet } from "../../define/types.ts";
import { toPlain } from "../../state/to-plain.ts";
import type { Intercept } from "./outbox.ts";

/**
 * Makes the developer's interceptor work on text. Each packet is parsed separately for each connection, so an
 * interceptor that changes its packet does not change those of others. If it throws, nothing is sent: it may have been
 * about to hide something.
 *
 * @param write encodes what is sent: a copy that is JSON data
 */
export function createIntercept(
  run: (packet: Packet) => Packet | null | Promise<Packet | null>,
  onError: (error: unknown) => void,
  write: (packet: Plain) => SentFrame = JSON.stringify,
): Intercept {
  // Drops the packet for undefined too: an interceptor in plain JavaScript may return nothing.
  const encode = (packet: Packet | null | undefined) => (packet ? write(toPlain(packet) as Plain) : null);
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
