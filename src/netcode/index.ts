export { interpolate } from "./interpolate.ts";
export type { Interpolation, InterpolateOptions } from "./interpolate.ts";
export { serverClock } from "./link.ts";
export { predict } from "./predict.ts";
export type { InputName, InputValue, Prediction, PredictOptions } from "./predict.ts";
export type { ServerClock } from "./server-clock.ts";
// For the file that room and page share: that of the package brings what only a Worker has.
export { boolean, float32, integer, oneOf, quantized } from "../state/codecs.ts";
export { angle, number, vector } from "./values.ts";
export type { StepContext } from "../define/inputs.ts";
