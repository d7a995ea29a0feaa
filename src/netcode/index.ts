export { interpolate } from "./interpolate.ts";
export type { Interpolation, InterpolateOptions } from "./interpolate.ts";
export { serverClock } from "./link.ts";
export { predict } from "./predict.ts";
export type { InputName, InputValue, Prediction, PredictOptions } from "./predict.ts";
export type { ServerClock } from "./server-clock.ts";
// For a file that room and page share: the package's main entry point contains code that only a Worker can run.
export { boolean, float32, integer, oneOf, quantized } from "../state/codecs.ts";
export { angle, number, vector } from "./values.ts";
export type { StepContext } from "../define/inputs.ts";
