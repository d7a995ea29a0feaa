import type { Sender } from "./value.ts";

/** The settings of a load test. Times are in ms. */
export interface LoadSettings {
  readonly origin: string;
  readonly party: string;
  readonly room: string;
  /** The id of the World to connect through. */
  readonly world?: string | undefined;
  readonly action: string;
  readonly makeValue: (sender: Sender) => unknown;
  readonly clients: number;
  /** Actions per client and second. */
  readonly rate: number;
  readonly duration: number;
  /** The time in which the clients connect. */
  readonly ramp: number;
  /** How long a client waits to connect, and for an answer. */
  readonly timeout: number;
  readonly token?: string | undefined;
  /** Whether its sockets offer compression. */
  readonly compress: boolean;
}
