// Passkeys: what the exchange asks for, put to the browser, and what the browser says, as the exchange takes it.

import type { AssertionAnswer, PasskeyCreationView, PasskeyRequestView, RegistrationAnswer } from "@/api/schema";

/** Whether this browser makes passkeys on this page; pages that are neither https nor localhost can't. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
}

/** Have the reader prove a passkey; throws a DOMException "NotAllowedError" if they don't. */
export async function proved(asked: PasskeyRequestView): Promise<AssertionAnswer> {
  const options = asked.publicKey as unknown as PublicKeyCredentialRequestOptionsJSON;
  const found = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return answered(found) as AssertionAnswer;
}

/** Have the reader make a passkey. */
export async function made(asked: PasskeyCreationView): Promise<RegistrationAnswer> {
  const options = asked.publicKey as unknown as PublicKeyCredentialCreationOptionsJSON;
  const found = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  return answered(found) as RegistrationAnswer;
}

type Sent = Readonly<Record<string, unknown>> & { readonly response: Readonly<Record<string, unknown>> };

const ASKED_FOR = ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject", "transports"];

function answered(found: Credential | null): unknown {
  if (!(found instanceof PublicKeyCredential)) throw new Error("no passkey");
  const sent = found.toJSON() as Sent;
  // Browsers add what the exchange doesn't take.
  const response = Object.fromEntries(Object.entries(sent.response).filter(([name]) => ASKED_FOR.includes(name)));
  return { id: sent["id"], rawId: sent["rawId"], type: sent["type"], response };
}
