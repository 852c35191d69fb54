// What those call themselves with whom one has an account elsewhere.

/** "x" -> "X", "google" -> "Google". */
export function providerName(provider: string): string {
  return { x: "X", google: "Google" }[provider] ?? provider;
}
