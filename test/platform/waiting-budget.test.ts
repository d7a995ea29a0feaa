import { beforeEach, describe, expect, it } from "vitest";
import { userOf, WaitingBudget } from "../../src/platform/waiting-budget.ts";

describe("WaitingBudget", () => {
  let closed: string[];
  let budget: WaitingBudget<string>;
  beforeEach(() => {
    closed = [];
    budget = new WaitingBudget<string>({ client: 100, user: 200, all: 500 }, (client) => closed.push(client));
  });

  it("closes a client with more waiting messages than allowed for one", () => {
    expect(budget.add("a1", "a", 99)).toBe(true);
    expect(budget.add("a1", "a", 1000)).toBe(true);
    expect(budget.add("a1", "a", 1)).toBe(false);
    expect(closed).toEqual(["a1"]);
  });

  it("closes the client with the most if a user has more than allowed for one", () => {
    budget.add("a1", "a", 70);
    budget.add("a2", "a", 90);
    budget.add("a3", "a", 40);
    expect(budget.add("a1", "a", 5)).toBe(true);
    expect(closed).toEqual(["a2"]);
  });

  it("closes the client with the most of the user with the most if there are too many in total", () => {
    for (const client of ["a1", "a2"]) budget.add(client, "a", 80);
    for (const user of ["b", "c", "d", "e"]) budget.add(user, user, 85);
    expect(budget.add("f", "f", 1)).toBe(true);
    expect(closed).toEqual(["a1"]);
  });

  it("closes as many as needed, and the sender only if it has the most", () => {
    for (const user of ["b", "c", "d", "e"]) budget.add(user, user, 99);
    budget.add("huge", "huge", 600);
    expect(budget.add("b", "b", 1)).toBe(true);
    expect(closed).toEqual(["huge"]);
    budget.add("huge", "huge", 90);
    budget.add("f", "f", 99);
    expect(budget.add("b", "b", 1)).toBe(false);
    expect(closed).toEqual(["huge", "b"]);
  });

  it("does not count handled messages, and those of clients that left", () => {
    for (let round = 0; round < 100; round++) {
      budget.add("a1", "a", 99);
      budget.remove("a1", 99);
      budget.add("a2", "a", 60);
      budget.add("a2", "a", 60);
      budget.clear("a2");
    }
    budget.remove("a2", 60);
    expect(budget.add("a1", "a", 99)).toBe(true);
    expect(closed).toEqual([]);
  });
});

describe("userOf", () => {
  it("gives no session the name of a client without a session id", () => {
    for (const clientId of [7, "shard 7"]) {
      const name = userOf(undefined, clientId);
      for (const id of [`${clientId}`, `client ${clientId}`, name]) expect(userOf(id, 8)).not.toBe(name);
    }
    expect(userOf("same", 1)).toBe(userOf("same", 2));
    expect(userOf(undefined, 1)).not.toBe(userOf(undefined, 2));
  });
});
