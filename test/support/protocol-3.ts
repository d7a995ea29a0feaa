import { spoken } from "./spoken.ts";

// A setup file: the clients of tests that would speak protocol 2 speak protocol 3.
spoken.query = (query) => query.replace("protocol=2", "protocol=3");
