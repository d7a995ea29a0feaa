import { expect, it } from "vitest";
import { createResponses } from "../../../src/room/requests/response.ts";

it("a built answer that is not returned leaves no trace in the next", () => {
  const res = createResponses();
  res.notFound("prepared, in case");
  expect(res.success().status).toBe(200);
  res.redirect("/elsewhere");
  expect(res.json(1).headers.has("location")).toBe(false);
});

it("status and headers apply to later answers; an error has its own status", () => {
  const res = createResponses().status(201).header("x-a", "1");
  expect([res.json(1).status, res.text("a").status, res.success().status]).toEqual([201, 201, 201]);
  expect([res.badRequest().status, res.redirect("/x").status]).toEqual([400, 302]);
  expect(res.redirect("/x").headers.get("x-a")).toBe("1");
});
