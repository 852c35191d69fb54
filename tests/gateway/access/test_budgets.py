"""The table of limits: the document shows it, settings size it, every row of the API is in it."""

import re
from pathlib import Path

from gateway.access.budgets import POLICIES, Budget, Policy, Tier
from gateway.bootstrap.settings import load_settings
from gateway.settings.reader import settings_of
from tests.gateway.trading_desk import all_tables

DOCUMENT = Path(__file__).parents[3] / "docs" / "limits.md"
DEFAULTS = load_settings({}).limits
BUDGETS = {
    "POST /auth/login": Budget.SIGN_IN,
    "POST /auth/register": Budget.SIGN_IN,
    "POST /auth/password/forgot": Budget.SIGN_IN,
    "POST /auth/password/reset": Budget.SIGN_IN,
    "POST /auth/email/verify": Budget.SIGN_IN,
    "GET /auth/wallet/nonce": Budget.SIGN_IN,
    "POST /auth/wallet": Budget.SIGN_IN,
    "POST /auth/2fa/verify": Budget.SIGN_IN,
    "POST /auth/2fa/options": Budget.SIGN_IN,
    "POST /auth/passkeys": Budget.SIGN_IN,
    "POST /auth/passkeys/options": Budget.SIGN_IN,
    "GET /auth/x": Budget.SIGN_IN,
    "GET /auth/x/callback": Budget.SIGN_IN,
    "GET /auth/google": Budget.SIGN_IN,
    "GET /auth/google/callback": Budget.SIGN_IN,
    "POST /auth/code": Budget.SIGN_IN,
    "POST /auth/refresh": Budget.RENEWAL,
    "POST /auth/logout": Budget.RENEWAL,
    "DELETE /orders/{id}": Budget.CANCEL,
    "DELETE /orders/by-client-id/{clientOrderId}": Budget.CANCEL,
    "DELETE /orders": Budget.CANCEL_ALL,
    "POST /orders/heartbeat": Budget.CANCEL,
    "POST /order-groups/{id}/reset": Budget.CANCEL,
}
"""Every row below /api/v1 that isn't STANDARD, but for those of the description, which are NONE."""


def line(policy: Policy) -> str:
    size = f"{policy.limit(DEFAULTS)} in {policy.window_ms(DEFAULTS) // 1_000} s"
    names = ", ".join(f"`{name}`" for name in policy.settings)
    return f"| `{policy.name}` | {policy.per.value} | {size} | {policy.counts} | {names} |"


def test_the_document_shows_the_table() -> None:
    assert table_under("# Limits") == [line(policy) for policy in POLICIES]


def test_names_are_unique_and_every_setting_sizes_a_limit() -> None:
    names = [policy.name for policy in POLICIES]
    assert len(set(names)) == len(names)
    # They go into headers of every answer, where nobody looks at them any more.
    assert all(re.fullmatch("[a-z-]+", name) for name in names)
    used = {name for policy in POLICIES for name in policy.settings}
    known = {setting.name for _, setting in settings_of(type(DEFAULTS))}
    assert used == known - {"RATE_LIMIT_TRACKED_KEYS"}


def test_a_setting_moves_its_limits_and_no_others() -> None:
    for policy in POLICIES:
        changed = load_settings({policy.settings[0]: "7"}).limits
        moved = {p.name for p in POLICIES if p.limit(changed) != p.limit(DEFAULTS)}
        assert policy.name in moved
        for other in moved:
            found = next(p for p in POLICIES if p.name == other)
            assert policy.settings[0] in found.settings or found.name in {"sign-in", "write"}


def test_every_row_declares_its_budget() -> None:
    api, root = all_tables()
    found = {f"{row.method} {row.path}": row.budget for row in api.routes}
    free = {name for name, budget in found.items() if budget is Budget.NONE}
    assert free == {"GET /asyncapi.json", "GET /docs", "GET /openapi.json"}
    special = {n: b for n, b in found.items() if b not in (Budget.STANDARD, Budget.NONE)}
    assert special == BUDGETS
    assert {row.budget for row in root.routes} == {Budget.NONE}
    assert not [row for row in api.routes if "auth" in row.path and row.path not in AUTH_PATHS]


AUTH_PATHS = {
    "/auth/login",
    "/auth/register",
    "/auth/refresh",
    "/auth/logout",
    "/auth/me",
    "/auth/password/forgot",
    "/auth/password/reset",
    "/auth/email/verify",
    # It is about the exchange, and asked by each page on which one signs in.
    "/auth/ways",
    "/auth/wallet/nonce",
    "/auth/wallet",
    "/auth/x",
    "/auth/x/callback",
    "/auth/google",
    "/auth/google/callback",
    "/auth/code",
    # Counted by the address that mail goes to.
    "/auth/email/send",
    # Whoever calls these is signed in; what is guessed there is counted as at the door.
    "/auth/password/change",
    "/auth/wallet/step-up",
    "/auth/step-up",
    "/auth/step-up/options",
    "/auth/2fa",
    "/auth/2fa/totp",
    "/auth/2fa/totp/confirm",
    "/auth/2fa/recovery",
    "/auth/2fa/passkeys",
    "/auth/2fa/passkeys/{id}",
    "/auth/2fa/passkeys/options",
    # Of whoever has proved one factor, or none yet.
    "/auth/2fa/verify",
    "/auth/2fa/options",
    "/auth/passkeys",
    "/auth/passkeys/options",
}


def test_what_changes_something_is_a_write_and_what_it_costs_is_told() -> None:
    api, _ = all_tables()
    for row in api.routes:
        if row.budget is Budget.STANDARD:
            assert (row.counted_as is Budget.WRITE) is (row.method != "GET"), row.path
        else:
            assert row.counted_as is row.budget
    dear = [
        f"| `{row.method} {row.path}` | `{row.counted_as.value}` | {row.cost} |"
        for row in api.routes
        if row.cost != 1
    ]
    assert dear
    assert table_under("## What a call costs") == dear
    assert {row.path for row in api.routes if row.cost_each} == {
        *("/orders/batch", "/orders/oco", "/orders/preview"),
    }


def test_the_document_shows_the_tiers() -> None:
    assert table_under("## Tiers") == [f"| `{tier.value}` | {tier.factor} |" for tier in Tier]


def table_under(heading: str) -> list[str]:
    """Return the rows of the first table below a heading of the document."""
    _, _, below = DOCUMENT.read_text("utf-8").partition(f"{heading}\n")
    part = below.partition("\n## ")[0]
    return [text for text in part.splitlines() if text.startswith("| `")]
