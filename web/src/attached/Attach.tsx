// The ticket's fold for what is attached to its order: its fields are loaded by who opens it.

import { signal } from "@preact/signals";
import type { Forecast } from "@/ticket/forecast";
import type { Draft } from "@/ticket/order";
import { t as ticketText } from "@/ticket/texts";
import type * as Parts from "./AttachPart";
import type { Attached } from "./legs";

const loaded = signal<typeof Parts | null>(null);

function load(): void {
  if (loaded.peek() === null) void import("./AttachPart").then((part) => (loaded.value = part));
}

export function Attach(props: Parts.AttachProps) {
  const Part = loaded.value?.AttachPart;
  return (
    <details data-attaching onToggle={(event) => event.currentTarget.open && load()}>
      <summary>{ticketText("attach")}</summary>
      {Part !== undefined && <Part {...props} />}
    </details>
  );
}

export function AttachedWords(props: { attached: Attached; draft: Draft; tick: number; forecast: Forecast | null }) {
  const Said = loaded.value?.AttachWords;
  return Said === undefined ? null : <Said {...props} />;
}
