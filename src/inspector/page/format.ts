const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat("en", { timeStyle: "medium", hourCycle: "h23" });

export const count = (value: number): string => WHOLE.format(value);

/** A number with three significant digits. */
export const short = (value: number): string => SHORT.format(value);

export function bytes(value: number): string {
  if (value < 1000) return `${short(value)} B`;
  return value < 1e6 ? `${short(value / 1000)} KB` : `${short(value / 1e6)} MB`;
}

/** A duration in ms as text, such as `3 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 86_400 ? `${short(seconds / 3600)} h` : `${short(seconds / 86_400)} days`;
}

export const ago = (at: number, now: number): string => `${duration(now - at)} ago`;

export const time = (at: number): string => TIME.format(at);

export function dollars(value: number): string {
  if (value === 0) return "$0";
  return value < 0.000_01 ? "< $0.00001" : `$${value.toPrecision(2)}`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
