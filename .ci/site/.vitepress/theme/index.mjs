import DefaultTheme from "vitepress/theme";
// oxlint-disable-next-line import/no-unassigned-import -- Vite needs styles to be imported like this
import "./tables.css";

export default DefaultTheme;
