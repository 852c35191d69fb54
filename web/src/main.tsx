// The terminal begins here: preferences first, so that the first paint is right, then who is signed in.

import { render } from "preact";
import { startFeed } from "@/feed/start";
import { restore } from "@/session/session";
import { App } from "@/shell/App";
import { listenToOverlayKeys } from "@/shell/overlays";
import { applyPreferences } from "@/shell/preferences";
import { followLinks, navigate, path } from "@/shell/router";
import { pageOf } from "@/shell/routes";
import "@/shell/theme.css";
import "@/shell/base.css";
import "@/shell/shell.css";

// Where the API says that it is described; the exchange answers there with this page.
if (path.peek() === "/api/v1/docs" || path.peek() === "/api/docs") navigate("/developers", true);
applyPreferences();
listenToOverlayKeys();
followLinks((path) => pageOf(path) !== null);
void restore().then(startFeed);
const place = document.getElementById("app");
if (place !== null) render(<App />, place);
