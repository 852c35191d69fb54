// The events of the sockets, as the exchange's AsyncAPI document lists them.

import { Failed, Waiting } from "@/parts/DataTable";
import { useLoaded } from "@/parts/loading";
import { t } from "./texts";

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
}
interface Described {
  readonly operations: Readonly<Record<string, { readonly action: "send" | "receive"; readonly "x-needs-user"?: boolean }>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly messages: Readonly<Record<string, { readonly name: string; readonly summary?: string; readonly payload: Schema }>>;
  };
}

const DOCUMENT = "/api/v1/asyncapi.json";

export function Sockets() {
  const { data, error, reload } = useLoaded(async (signal) => {
    const answer = await fetch(DOCUMENT, { signal });
    if (!answer.ok) throw new Error(answer.statusText);
    return (await answer.json()) as Described;
  }, []);
  if (error !== null) return <Failed error={error} reload={reload} />;
  if (data === null) return <Waiting />;
  return (
    <div class="stack">
      <p class="quiet">{t("socketsWhy")} <a href={DOCUMENT}>{t("document")}</a> (AsyncAPI 3.0)</p>
      <Events title={t("send")} action="receive" document={data} />
      <Events title={t("hear")} action="send" document={data} />
    </div>
  );
}

function Events({ title, action, document }: { title: string; action: "send" | "receive"; document: Described }) {
  const keys = Object.entries(document.operations).filter(([, one]) => one.action === action);
  return (
    <section class="panel">
      <header><h2>{title}</h2></header>
      <dl class="body stack">
        {keys.map(([key, one]) => {
          const message = document.components.messages[key.replace(/^send_/, "")];
          if (message === undefined) return null;
          return (
            <div key={key} data-event={message.name}>
              <dt><code class="mono">{message.name}</code> {one["x-needs-user"] === true && <span class="badge">{t("signedIn")}</span>}</dt>
              <dd>
                <p>{message.summary}</p>
                <p class="mono quiet">{fieldsOf(message.payload, document).join(", ")}</p>
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}

/** The fields of a message, "?" behind those that may be left out. */
function fieldsOf(payload: Schema, document: Described): string[] {
  const first = payload.anyOf?.[0] ?? payload;
  const schema = first.$ref === undefined ? first : (document.components.schemas[first.$ref.split("/").at(-1) ?? ""] ?? {});
  return Object.keys(schema.properties ?? {}).map((name) => (schema.required?.includes(name) === true ? name : `${name}?`));
}
