import type { Claims } from "../define/types.ts";
import { ObjectReport } from "../platform/object-report.ts";
import { RoomError } from "../protocol/errors.ts";
import type { RoomUrl } from "../protocol/urls.ts";
import { operatesRoom } from "./access.ts";
import { createOperatorVerifier } from "./verify.ts";
import type { Verify } from "./verify.ts";

/** A request of an operator below `/$` of an object. */
export interface OperatorRequest {
  readonly method: string;
  readonly target: RoomUrl;
  readonly auth: Claims;
}

/** The operators of a service. A Worker without them does not contain what only they use. */
export interface Operators {
  /** Verifies operators' tokens. */
  readonly verify: Verify;
  /** Makes the reports of an object. @internal */
  readonly createReport: () => ObjectReport;
  /**
   * Answers a request below `/$`. @param metrics asks the object
   * @throws RoomError `forbidden` or `not_found` @internal
   */
  readonly answer: (request: OperatorRequest, metrics: () => Promise<object>) => Promise<Response>;
}

/** @param secret the name of the Worker's secret. Default `"AUTH_JWT_SECRET"` */
export function createOperators(secret?: string): Operators {
  return { verify: createOperatorVerifier(secret), createReport: () => new ObjectReport(), answer };
}

async function answer({ method, auth, target }: OperatorRequest, metrics: () => Promise<object>): Promise<Response> {
  const { party, room, path } = target;
  if (!operatesRoom(auth, party, room)) throw new RoomError("forbidden", "The token gives no access to this room");
  if (path !== "/$metrics" || method !== "GET") throw new RoomError("not_found", "There is no such path");
  return Response.json(await metrics());
}
