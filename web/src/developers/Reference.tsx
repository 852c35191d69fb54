// The reference of the REST API, in a viewer that comes when it is looked at.

import { useEffect, useRef, useState } from "preact/hooks";
import { asApiError, type ApiError } from "@/api/errors";
import { Failed, Waiting } from "@/parts/DataTable";
import { isSignedIn } from "@/session/session";
import { shownTheme } from "@/shell/preferences";
import { t } from "./texts";

const DOCUMENT = "/api/v1/openapi.json";

export function Reference() {
  const place = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<"loading" | "shown" | ApiError>("loading");
  useEffect(() => {
    let isLeft = false;
    let end: (() => void) | undefined;
    const load = async () => {
      const [viewer, answer] = await Promise.all([import("./viewer"), fetch(DOCUMENT)]);
      if (!answer.ok) throw new Error(answer.statusText);
      const document = (await answer.json()) as { servers?: object[] };
      if (isLeft || place.current === null) return;
      // One of the two mounts is enough to try things.
      const spec = { ...document, servers: document.servers?.slice(0, 1) ?? [] };
      end = viewer.show(place.current, spec, { body: t("body"), filter: t("filter"), choice: t("choice") });
      setState("shown");
    };
    load().catch((thrown: unknown) => {
      if (!isLeft) setState(asApiError(thrown));
    });
    return () => {
      isLeft = true;
      end?.();
    };
  }, []);
  const isDark = shownTheme.value === "dark";
  useEffect(() => {
    document.documentElement.classList.toggle("dark-mode", isDark);
    return () => document.documentElement.classList.remove("dark-mode");
  }, [isDark]);
  return (
    <div class="stack">
      <p class="quiet">
        {t("referenceWhy", { who: t(isSignedIn.value ? "yourself" : "nobody") })} <a href={DOCUMENT}>{t("document")}</a>
      </p>
      {state === "loading" && <Waiting />}
      {typeof state === "object" && <Failed error={state} reload={() => location.reload()} />}
      <div class="panel reference" data-reference={state === "shown" ? "" : undefined} ref={place} />
    </div>
  );
}
