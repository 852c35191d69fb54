"""Which modules read a stranger's bytes: those whose branches the fuzzer follows.

To have the others followed too, which the targets' routes bring along, takes half a minute of the
processor's time at each start, and says nothing of an input.
"""

from typing import Final

READERS: Final = (
    "exchange.messages.units",
    "gateway.access.api_keys.signed_call",
    "gateway.access.client_address",
    "gateway.accounts.api_keys.curve",
    "gateway.accounts.api_keys.fields",
    "gateway.accounts.api_keys.signing",
    "gateway.accounts.fields",
    "gateway.accounts.passwords.hashing",
    "gateway.accounts.sessions.cookies",
    "gateway.accounts.sessions.keys",
    "gateway.accounts.sessions.tokens",
    "gateway.accounts.wallets.messages",
    "gateway.http.reading.query_strings",
    "gateway.http.routing",
    "gateway.settings.values",
    "gateway.sockets.framing.client_frames",
    "gateway.sockets.framing.frames",
    "gateway.sockets.framing.protocol",
    "gateway.wire.errors",
    "gateway.wire.nesting",
    "gateway.wire.plain_words",
    "gateway.wire.scalars",
    "gateway.wire.strict_json",
)
