import DefaultTheme from "vitepress/theme";
// oxlint-disable-next-line import/no-unassigned-import -- that is how Vite takes a style
import "./tables.css";

export default DefaultTheme;
