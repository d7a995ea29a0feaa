import type { Billed, Burst, Figures, Rows } from "./load/jobs.ts";
import type { VariantName } from "./variants.ts";

/** How long to measure, in ms. */
export interface Timing {
  readonly isQuick: boolean;
  readonly warmUp: number;
  readonly duration: number;
}
/** The result for one variant. */
export interface Found {
  readonly variant: VariantName;
  readonly figures?: Figures;
  readonly held?: Figures;
  readonly burst?: Burst;
  readonly rows?: Rows;
  readonly billed?: Billed;
  readonly failed?: string;
}
