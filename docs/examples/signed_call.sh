#!/bin/sh
# Call Probity with an API key by curl and openssl.
#
#     PROBITY_KEY=pk_... PROBITY_SECRET=... signed_call.sh GET /api/v1/user/balance
#     PROBITY_KEY=pk_... PROBITY_PRIVATE_KEY=key.pem signed_call.sh POST /api/v1/orders/rain '{...}'
#
# The secret stands in the list of processes for a moment: for trying things out, not for a machine
# that others use. A query goes with the path: /api/v1/orders?market=rain. PROBITY_URL is
# http://localhost:8080 if it is unset.
set -eu
method=$1 target=$2 body=${3-}
path=${target%%\?*} query=
[ "$path" = "$target" ] || query=${target#*\?}

timestamp=$(date +%s)000 window=5000 nonce=$(openssl rand -hex 12)
digest=$(printf %s "$body" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
text=$(mktemp)
trap 'rm -f "$text"' EXIT

# No line's end behind the last line.
sign() {
  printf 'PROBITY-V1\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s' "$1" "$PROBITY_KEY" "$timestamp" \
    "$window" "$nonce" "$method" "$path" "$query" "$digest" > "$text"
}
if [ -n "${PROBITY_SECRET-}" ]; then
  sign hmac-sha256
  signature=$(openssl dgst -sha256 -hmac "$PROBITY_SECRET" -binary "$text" | openssl base64 -A)
else
  sign ed25519
  signature=$(openssl pkeyutl -sign -inkey "$PROBITY_PRIVATE_KEY" -rawin -in "$text" | openssl base64 -A)
fi

set -- --silent --show-error --request "$method" \
  --header "Probity-Key: $PROBITY_KEY" --header "Probity-Timestamp: $timestamp" \
  --header "Probity-Window: $window" --header "Probity-Nonce: $nonce" \
  --header "Probity-Signature: $signature" --header 'Content-Type: application/json'
[ -z "$body" ] || set -- "$@" --data-binary "$body"
curl "$@" "${PROBITY_URL-http://localhost:8080}$target"
