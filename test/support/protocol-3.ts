import { spoken } from "./spoken.ts";

// This is a setup file. With it, clients that would use protocol 2 use protocol 3.
spoken.query = (query) => query.replace("protocol=2", "protocol=3");
