import type { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import type { LoadSettings } from "./settings.ts";
import { ms, times } from "./summary.ts";
import type { Tally } from "./tally.ts";

const EVERY = 250;
const CLEAR_LINE = "\r\u001B[K";

/**
 * Updates one line of a terminal. Writes nothing if the stream is not a terminal.
 * @returns a function that stops it and clears the line
 */
export function showProgress(stream: WriteStream, settings: LoadSettings, tally: Tally): () => void {
  if (!stream.isTTY) return () => {};
  const show = () =>
    stream.write(CLEAR_LINE + stripVTControlCharacters(line(settings, tally)).slice(0, stream.columns || 80));
  const timer = setInterval(show, EVERY);
  return () => {
    clearInterval(timer);
    stream.write(CLEAR_LINE);
  };
}

function line({ clients, duration }: LoadSettings, tally: Tally): string {
  const here = `${tally.connected} of ${clients} clients`;
  if (!tally.hasStarted) return `${here} connected …`;
  const time = `${tally.measured.seconds.toFixed(0)} of ${duration / 1000} s`;
  const { p50, p99 } = times(tally.latency);
  return `${time}   ${here}   ${tally.sent} sent   ${tally.refusedCount + tally.errorCount} errors   p50 ${ms(p50)}   p99 ${ms(p99)}`;
}
