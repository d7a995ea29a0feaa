import { describe, expect, it } from "vitest";
import { decode, objectName, parseObjectName, parseRoomUrl } from "../../src/protocol/urls.ts";

const parse = (path: string) => parseRoomUrl(new URL(path, "http://rooms.test"));

describe("parseRoomUrl", () => {
  it.each([
    ["/parties/main/game-1", "main", "game-1", "/"],
    ["/parties/main/game-1/", "main", "game-1", "/"],
    ["/parties/main/game-1/players/7?x=1#y", "main", "game-1", "/players/7"],
    ["/parties/A_z-9/x//y", "A_z-9", "x", "//y"],
    ["/parties/main/%C3%A9%20b", "main", "é b", "/"],
  ])("reads %s", (path, party, room, rest) => {
    expect(parse(path)).toEqual({ party, room, path: rest });
  });

  it("P1.2: decodes the room id exactly once", () => {
    expect(parse("/parties/main/%2541")?.room).toBe("%41");
    expect(parse("/parties/main/100%25")?.room).toBe("100%");
  });

  it("leaves the path as it was sent", () => {
    expect(parse("/parties/main/a/%2F%E0%A4%A/%41")?.path).toBe("/%2F%E0%A4%A/%41");
  });

  it("keeps an encoded slash inside the id", () => {
    expect(parse("/parties/main/a%2Fb/c")).toEqual({ party: "main", room: "a/b", path: "/c" });
    expect(parse("/parties/main/a%2F..%2Fb")?.room).toBe("a/../b");
    expect(parse("/parties/main%2Fother/a")).toBeUndefined();
  });

  it("handles dot segments, also encoded ones, as URL does", () => {
    expect(parse("/parties/main/%2e%2e/other/room")).toEqual({ party: "other", room: "room", path: "/" });
    expect(parse("/parties/main/%2e%2e")).toBeUndefined();
    expect(parse("/parties/main/a/%2E%2E/b")).toEqual({ party: "main", room: "b", path: "/" });
    // An id that consists of dots only is a dot segment, however it is encoded. So no room can have such an id.
    expect(parse("/parties/main/..%2F")?.room).toBe("../");
  });

  it.each([
    ["no room", "/parties/main"],
    ["an empty room", "/parties/main/"],
    ["an empty room with a path", "/parties/main//status"],
    ["an empty party", "/parties//room"],
    ["a party with other characters", "/parties/ma.in/room"],
    ["a party that is too long", `/parties/${"a".repeat(65)}/room`],
    ["another prefix", "/party/main/room"],
    ["a prefix before it", "/x/parties/main/room"],
    ["a malformed escape", "/parties/main/%"],
    ["bytes that are no UTF-8", "/parties/main/%E0%A4%A"],
    ["half a surrogate pair", "/parties/main/%ED%A0%80"],
    ["an overlong slash", "/parties/main/%C0%AF"],
    ["a NUL", "/parties/main/a%00b"],
    ["an id that is too long", `/parties/main/${"a".repeat(513)}`],
  ])("refuses %s", (_, path) => {
    expect(parse(path)).toBeUndefined();
  });

  it("counts the bytes of the id after decoding: the name of an object has up to 1,024", () => {
    expect(parse(`/parties/main/${"%C3%A9".repeat(450)}`)?.room).toBe("é".repeat(450));
    expect(parse(`/parties/main/${"%C3%A9".repeat(451)}`)).toBeUndefined();
  });
});

describe("object names", () => {
  it.each([
    ["main", "game-1"],
    ["main", "a/b//c"],
    ["other", "main/é%2F"],
  ])("lead back to %s and %s", (party, room) => {
    expect(parseObjectName(objectName(party, room))).toEqual({ party, room });
  });

  it("need a party and a slash", () => {
    expect(parseObjectName("")).toBeUndefined();
    expect(parseObjectName("main")).toBeUndefined();
    expect(parseObjectName("/room")).toBeUndefined();
  });
});

it("decode returns undefined for malformed text", () => {
  expect(decode("a%2Fb")).toBe("a/b");
  expect(decode("%zz")).toBeUndefined();
});
