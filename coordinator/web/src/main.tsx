/** The page's start. */
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/tables.css";
import "./styles/pictures.css";
import { render } from "preact";
import { takeKeyFromAddress } from "./api.ts";
import { App } from "./app.tsx";

takeKeyFromAddress();

const root = document.getElementById("app");
if (root !== null) {
  render(<App />, root);
}
