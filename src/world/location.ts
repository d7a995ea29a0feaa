import type { LocationHint } from "./assignment.ts";

/** Countries of the Middle East, whatever their continent. No objects run there, and eastern Europe is nearest. */
const MIDDLE_EAST: ReadonlySet<unknown> = new Set(
  ["AE", "BH", "EG", "IL", "IQ", "IR", "JO", "KW", "LB", "OM", "PS", "QA", "SA", "SY", "TR", "YE"], //
);
/** In degrees east: the end of the west of North America, and the beginning of the east of Europe and of Asia. */
const WEST_OF_AMERICA = -100;
const EAST_OF_EUROPE = 16;
const EAST_OF_ASIA = 105;
/** In degrees north: the end of the south-east of Asia. */
const SOUTH_OF_ASIA = 22;

type Place = readonly [north: number, east: number];
const EASTERN_AMERICA: Place = [39, -77];
const WESTERN_EUROPE: Place = [50, 5];
const EASTERN_EUROPE: Place = [51, 21];

/**
 * The approximate places of objects with a hint, in degrees north and east. With the last three hints, objects run in
 * another place (Cloudflare's documentation of November 2026). Earlier versions used these hints, so stored shards may
 * have them. https://developers.cloudflare.com/durable-objects/reference/data-location/#supported-locations-1
 */
const PLACES: Readonly<Record<LocationHint, Place>> = {
  wnam: [37, -120],
  enam: EASTERN_AMERICA,
  weur: WESTERN_EUROPE,
  eeur: EASTERN_EUROPE,
  apac: [14, 114],
  "apac-ne": [36, 137],
  "apac-se": [3, 104],
  oc: [-34, 150],
  sam: EASTERN_AMERICA,
  afr: WESTERN_EUROPE,
  me: EASTERN_EUROPE,
};
const EARTH_RADIUS = 6371;
/** Half of the equator, the longest distance of two points, in km. */
const FARTHEST = 20_015;
/** Regions within this distance are neighbours, in km: about 50 ms round trip time. */
export const NEAR = 5500;

/**
 * The region in which objects run that is nearest to a client. Cloudflare tells where the client is in `request.cf`.
 * https://developers.cloudflare.com/workers/runtime-apis/request/#incomingrequestcfproperties
 * @returns undefined if the place of the client is unknown
 */
export function hintOf(cf: unknown): LocationHint | undefined {
  if (typeof cf !== "object" || cf === null) return undefined;
  const { continent, country, latitude, longitude } = cf as Record<string, unknown>;
  if (MIDDLE_EAST.has(country)) return "eeur";
  const [north, east] = [degrees(latitude), degrees(longitude)];
  switch (continent) {
    case "NA":
      return east < WEST_OF_AMERICA ? "wnam" : "enam";
    case "EU":
      return east >= EAST_OF_EUROPE ? "eeur" : "weur";
    case "AS":
      if (Number.isNaN(north + east)) return "apac";
      return north >= SOUTH_OF_ASIA && east >= EAST_OF_ASIA ? "apac-ne" : "apac-se";
    case "OC":
      return "oc";
    case "SA":
      return "enam";
    case "AF":
      return "weur";
    default:
      return undefined;
  }
}

/** Reads a coordinate. @returns NaN if it is unknown. No comparison with NaN is true */
function degrees(coordinate: unknown): number {
  return typeof coordinate === "string" && coordinate !== "" ? Number(coordinate) : Number.NaN;
}

/** The distance of two regions, in km. An unknown region is as far away as possible. */
export function distance(a: LocationHint | undefined, b: LocationHint | undefined): number {
  if (!a || !b) return FARTHEST;
  const [north1, east1] = PLACES[a].map(toRadians) as [number, number];
  const [north2, east2] = PLACES[b].map(toRadians) as [number, number];
  // https://en.wikipedia.org/wiki/Haversine_formula
  const across = Math.cos(north1) * Math.cos(north2) * Math.sin((east2 - east1) / 2) ** 2;
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(Math.sin((north2 - north1) / 2) ** 2 + across));
}

function toRadians(angle: number): number {
  return (angle * Math.PI) / 180;
}
