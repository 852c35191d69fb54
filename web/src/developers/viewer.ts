// The viewer of the API's own document: Swagger UI, built in, loaded by the page that shows it alone.
//
// Laws: it asks nothing but our own origin, which the exchange's policy holds it to. What is tried out
// goes as the reader: with the token of the moment, and the header without which no cookie counts.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import { renew, token } from "@/session/session";

const Nothing = () => null;
/** Signing in is the terminal's, and there is one server: this one. */
const OURS = () => ({ wrapComponents: { authorizeBtn: () => Nothing, authorizeOperationBtn: () => Nothing, ServersContainer: () => Nothing, InfoContainer: () => Nothing } });

/** What of Immutable the viewer's lists are made of is asked here. */
interface Entry {
  get(key: string): unknown;
}
interface Operations {
  readonly size: number;
  filter(keep: (operation: Entry) => boolean): Operations;
}
interface Group {
  get(key: "operations"): Operations;
  set(key: "operations", value: Operations): Group;
}
interface Groups {
  map(change: (group: Group, tag: string) => Group): Groups;
  filter(keep: (group: Group) => boolean): Groups;
}

/** Of its own accord the viewer looks for tags alone: people look for paths and words. */
const FOUND = () => ({
  fn: {
    opsFilter: (groups: Groups, asked: string): Groups => {
      const phrase = asked.trim().toLowerCase();
      const fits = (operation: Entry): boolean => {
        const summary = (operation.get("operation") as Entry).get("summary");
        return `${String(operation.get("method"))} ${String(operation.get("path"))} ${String(summary)}`.toLowerCase().includes(phrase);
      };
      return groups
        .map((group, tag) => (tag.toLowerCase().includes(phrase) ? group : group.set("operations", group.get("operations").filter(fits))))
        .filter((group) => group.get("operations").size > 0);
    },
  },
});

/** The viewer has no way to end: its root shows nothing any more, which takes the whole tree down. */
function ending(): { plugin: () => object; end: () => void } {
  let hide: () => void = () => undefined;
  const plugin = () => ({
    wrapComponents: {
      App: (App: unknown, system: { React: ViewerReact }) => (props: object) => {
        const [isShown, setShown] = system.React.useState(true);
        hide = () => setShown(false);
        return isShown ? system.React.createElement(App, props) : null;
      },
    },
  });
  return { plugin, end: () => hide() };
}

/** What is used of the viewer's own library. */
interface ViewerReact {
  useState(first: boolean): [boolean, (next: boolean) => void];
  createElement(component: unknown, props: object): unknown;
}

/** Show a document within an element; what is tried is sent to where the document came from. Returns what ends it. */
export function show(domNode: HTMLElement, spec: object, words: Words): () => void {
  const watch = new MutationObserver(() => mend(domNode, words));
  watch.observe(domNode, { childList: true, subtree: true });
  const { plugin, end } = ending();
  SwaggerUI({
    domNode,
    spec,
    plugins: [OURS, FOUND, plugin],
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    defaultModelExpandDepth: 3,
    defaultModelRendering: "example",
    displayRequestDuration: true,
    filter: true,
    validatorUrl: null,
    persistAuthorization: false,
    syntaxHighlight: { activated: false },
    requestInterceptor: asTheReader,
  });
  return () => {
    watch.disconnect();
    end();
  };
}

/** How parts are called that the viewer gives no name. */
export interface Words {
  readonly body: string;
  readonly filter: string;
  readonly choice: string;
}

/** Give names to fields that have none, and the keyboard a way into what scrolls. */
function mend(root: HTMLElement, words: Words): void {
  for (const [fields, name] of [["textarea", words.body], [".operation-filter-input", words.filter], ["select", words.choice]] as const) {
    for (const field of root.querySelectorAll(`${fields}:not([aria-label])`)) field.setAttribute("aria-label", name);
  }
  for (const text of root.querySelectorAll("pre:not([tabindex])")) text.setAttribute("tabindex", "0");
}

async function asTheReader<R extends { headers: Record<string, string>; credentials?: RequestCredentials }>(request: R): Promise<R> {
  request.credentials = "same-origin";
  request.headers["X-Requested-With"] = "probity-terminal";
  const now = token.peek();
  const known = now !== null && isEnding(now) ? await renew() : now;
  if (known !== null) request.headers["Authorization"] = `Bearer ${known}`;
  return request;
}

const SOON_MS = 5_000;

/** Whether a token will have run out before it is looked at; one that can't be read has. */
function isEnding(jwt: string): boolean {
  try {
    const claims = JSON.parse(atob((jwt.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"))) as { exp?: number };
    return (claims.exp ?? 0) * 1_000 < Date.now() + SOON_MS;
  } catch {
    return true;
  }
}
