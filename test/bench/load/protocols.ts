import { colyseus } from "./colyseus.ts";
import { json } from "./protocol.ts";

export const PROTOCOLS = { json, colyseus };
