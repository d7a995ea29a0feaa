import { createRooms, jwt } from "../../src/index.ts";
import { casino } from "./guide-guards.ts";

const rooms = createRooms({
  rooms: [casino],
  auth: jwt({
    jwksUrl: "https://id.example.com/.well-known/jwks.json",
    issuer: "https://id.example.com/", // or a list of them
    audience: "rooms", // or a list
  }),
});

export default rooms.app;
