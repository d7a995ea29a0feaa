import type { LocationHint } from "./assignment.ts";

/** Countries from which the Middle East is nearest, whatever continent they are counted to. */
const MIDDLE_EAST: ReadonlySet<unknown> = new Set(
  ["AE", "BH", "EG", "IL", "IQ", "IR", "JO", "KW", "LB", "OM", "PS", "QA", "SA", "SY", "TR", "YE"], //
);
/** Degrees east: where the west of North America ends, and where the east of Europe begins. */
const WEST_OF_AMERICA = -100;
const EAST_OF_EUROPE = 16;

/** Roughly where the data centres of a region are: degrees north and east. */
const COORDINATES: Readonly<Record<LocationHint, readonly [north: number, east: number]>> = {
  wnam: [37, -120],
  enam: [39, -77],
  sam: [-23, -47],
  weur: [50, 5],
  eeur: [51, 21],
  apac: [14, 114],
  oc: [-34, 150],
  afr: [-26, 28],
  me: [26, 52],
};
const EARTH_RADIUS = 6371;
/** Half of the equator: as far as two points can be apart, in km. */
const FARTHEST = 20_015;
/** Regions that are no farther apart than this count as neighbours, in km: some 50 ms for a message there and back. */
export const NEAR = 5500;

/**
 * The region that a client is in, as Cloudflare names it in `request.cf`.
 * https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
 * @returns undefined if it is not known
 */
export function hintOf(cf: unknown): LocationHint | undefined {
  if (typeof cf !== "object" || cf === null) return undefined;
  const { continent, country, longitude } = cf as Record<string, unknown>;
  if (MIDDLE_EAST.has(country)) return "me";
  const east = typeof longitude === "string" && longitude !== "" ? Number(longitude) : Number.NaN;
  switch (continent) {
    case "NA":
      return east < WEST_OF_AMERICA ? "wnam" : "enam";
    case "EU":
      return east >= EAST_OF_EUROPE ? "eeur" : "weur";
    case "AS":
      return "apac";
    case "OC":
      return "oc";
    case "SA":
      return "sam";
    case "AF":
      return "afr";
    default:
      return undefined;
  }
}

/** How far apart two regions are, in km. One that is not known is as far away as can be. */
export function distance(a: LocationHint | undefined, b: LocationHint | undefined): number {
  if (!a || !b) return FARTHEST;
  const [north1, east1] = COORDINATES[a].map(toRadians) as [number, number];
  const [north2, east2] = COORDINATES[b].map(toRadians) as [number, number];
  // https://en.wikipedia.org/wiki/Haversine_formula
  const across = Math.cos(north1) * Math.cos(north2) * Math.sin((east2 - east1) / 2) ** 2;
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(Math.sin((north2 - north1) / 2) ** 2 + across));
}

function toRadians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
