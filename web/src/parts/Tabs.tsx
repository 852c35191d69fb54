// The parts of a page, each at an address of its own; and a page that is for who has signed in.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { standing } from "@/session/session";
import { path } from "@/shell/router";
import { Waiting } from "./DataTable";
import { t } from "./texts";

interface TabsProps {
  readonly label: string;
  readonly parts: readonly { readonly href: string; readonly text: string }[];
}

export function Tabs({ label, parts }: TabsProps) {
  const place = useRef<HTMLElement>(null);
  const here = path.value;
  useEffect(() => {
    // On a phone the strip is longer than the screen.
    place.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [here, parts.length]);
  return (
    <nav ref={place} class="tabs parts" aria-label={label}>
      {parts.map(({ href, text }) => (
        <a key={href} href={href} aria-current={here === href ? "page" : undefined}>{text}</a>
      ))}
    </nav>
  );
}

/** Show what is within only to who has signed in. */
export function SignedIn({ children }: { children: ComponentChildren }) {
  if (standing.value === "in") return <>{children}</>;
  if (standing.value === "unknown") return <Waiting />;
  return (
    <div class="page empty stack">
      <p>{t("signInFirst")}</p>
      <p><a class="button primary" href={`/sign-in?next=${encodeURIComponent(path.value)}`}>{t("signIn")}</a></p>
    </div>
  );
}
