// Who invited whoever is about to make an account: the code of a link (`/register?ref=...`), kept in this tab
// until there is an account, whichever way that is made.
//
// Law: a code that is nobody's bars nobody: it is shown, and can be emptied.

import { computed, signal } from "@preact/signals";
import { query } from "@/shell/router";

const KEY = "probity.invitation";
const LONGEST = 64;

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function store(code: string): void {
  try {
    if (code === "") sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, code);
  } catch {
    // Storage is off in this browser: the code counts as long as the page lives.
  }
}

class Invitation {
  /** As it is typed and sent; empty for none. */
  readonly code = signal("");
  private readonly came = signal(false);
  /** Whether somebody came by a code, be it one that was emptied since. */
  readonly isAsked = computed(() => this.came.value);

  /** Take the code of the address, or the one of before. */
  take(): void {
    const code = (query.peek().get("ref") ?? stored()).trim().slice(0, LONGEST);
    if (code === "") return;
    this.code.value = code;
    this.came.value = true;
    store(code);
  }

  /** What a call that makes an account sends along. */
  sent(): { readonly referralCode?: string } {
    const code = this.code.peek().trim();
    store(code);
    return code === "" ? {} : { referralCode: code };
  }

  /** There is an account: the code has counted, or counts no more. */
  end(): void {
    this.code.value = "";
    this.came.value = false;
    store("");
  }
}

export const invitation = new Invitation();
