import type { Sender } from "./value.ts";

/** A load, as it will be run. Times are in ms. */
export interface LoadSettings {
  readonly origin: string;
  readonly party: string;
  readonly room: string;
  /** The id of the World to go through. */
  readonly world?: string | undefined;
  readonly action: string;
  readonly makeValue: (sender: Sender) => unknown;
  readonly clients: number;
  /** Actions of each client in a second. */
  readonly rate: number;
  readonly duration: number;
  /** The clients come within this time. */
  readonly ramp: number;
  /** How long a client waits to be let in, and for an answer. */
  readonly timeout: number;
  readonly token?: string | undefined;
  /** Whether its sockets offer compression. */
  readonly compress: boolean;
}
