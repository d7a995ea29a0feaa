import { mount, unmount } from "svelte";
import Page from "./page.svelte";
import { out } from "./shared.js";

let page;
Object.assign(globalThis, {
  mount: () => (page = mount(Page, { target: out })),
  unmount: () => unmount(page),
});
