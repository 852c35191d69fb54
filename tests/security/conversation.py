"""The API's document, taken at its word: cases made of it by Schemathesis, asked of a real server.

For each operation there are cases that the document allows and cases that it forbids, each sent by
nobody or by somebody of each role in turn, with things in paths that are there and with some that
aren't. Every check of Schemathesis is asked; what is left out says why. Whoever calls gets a list
of what differs, one line a difference.

Laws: the seed is fixed, so that a run can be repeated; a run ends when its time or its cases are
used up, whichever is first, and has asked each operation about as often as any other.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    ensure_resource_availability,
    ignored_auth,
    positive_data_acceptance,
    use_after_free,
)

from tests.server_process import ServerProcess

SEED: Final = 20_260_101
ROLES: Final = ("nobody", "user", "market maker", "auditor", "admin")
LEFT_OUT: Final = (
    # 503 and 504 are said of a mail server that isn't there and of a command that isn't yet; 500 is
    # looked for below.
    not_a_server_error,
    # A body that the schema allows may contradict itself (a MARKET order with a price): 400.
    positive_data_acceptance,
    # Who may call is asked row by row in `test_who_may.py`; this one repeats each call.
    ignored_auth,
    # These need one case to be built on another.
    ensure_resource_availability,
    use_after_free,
)
ENDS: Final = (
    ("DELETE", "/users/me"),
    ("DELETE", "/users/me/sessions"),
    ("DELETE", "/users/me/sessions/{id}"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/password/change"),
    ("POST", "/admin/exchange/mode"),
    ("PATCH", "/admin/users/{id}/role"),
    ("POST", "/admin/users/{id}/suspend"),
)
"""What may take the callers their rights, or others the exchange: asked last."""
THERE: Final = {
    "slug": "rain",
    "category": "weather",
    "clientOrderId": "one",
    "kind": "trades",
    "day": "2026-01-01",
    "itemId": "1",
}
"""What is there, for one half of the cases; an id is 1."""

Operation = APIOperation[Any, Any, Any, Any]


@dataclass
class Conversation:
    """Asks a server, and remembers what it answered otherwise than its document says."""

    server: ServerProcess
    tokens: dict[str, str]
    asked: int = 0
    asked_by: Counter[str] = field(default_factory=Counter)
    differences: dict[str, str] = field(default_factory=dict)
    is_cut_short: bool = False
    """Whether the time was up before all was asked."""
    statuses: set[int] = field(default_factory=set)
    operations_asked: set[tuple[str, str]] = field(default_factory=set)
    session: requests.Session = field(default_factory=requests.Session)

    def operations(self) -> list[Operation]:
        """Return what the document names, what ends the callers' rights last."""
        document = requests.get(f"{self.server.url}/api/v1/openapi.json", timeout=10).json()
        schema = schemathesis.openapi.from_dict(document)
        found = []
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            found.append(result.ok())
        found.sort(key=lambda one: ((one.method.upper(), one.path) in ENDS, one.path, one.method))
        return found

    def ask(self, case: Case[Any], role: str) -> None:
        """Send one case as somebody, and check the answer."""
        self.asked += 1
        self.asked_by[role] += 1
        self.operations_asked.add((case.operation.method.upper(), case.operation.path))
        token = self.tokens[role]
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            answer = case.call_and_validate(
                base_url=f"{self.server.url}/api/v1",
                session=self.session,
                headers=headers,
                excluded_checks=list(LEFT_OUT),
            )
        except FailureGroup as group:
            for failure in group.exceptions:
                name = f"{case.method} {case.operation.path} {role}: {type(failure).__name__}"
                self.differences.setdefault(name, f"{failure}\n{case.as_curl_command()}")
        else:
            self.statuses.add(answer.status_code)
            if answer.status_code == requests.codes.server_error:
                name = f"{case.method} {case.operation.path} {role}: a fault of ours"
                self.differences.setdefault(name, case.as_curl_command())


def ask_everything(conversation: Conversation, each: int, seconds: float) -> None:
    """Ask every operation `each` times in each of four ways, as long as there is time."""
    deadline = time.monotonic() + seconds
    for number, operation in enumerate(conversation.operations()):
        for way, (mode, there) in enumerate(_ways(operation)):
            if time.monotonic() > deadline:
                conversation.is_cut_short = True
                return
            _ask(conversation, operation, mode, there, each, number + way)


def _ways(operation: Operation) -> Iterator[tuple[GenerationMode, dict[str, Any]]]:
    names = {parameter.name for parameter in operation.path_parameters}
    there = {name: THERE.get(name, "1") for name in names}
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        yield mode, {}
        if there:
            yield mode, there


def _ask(
    conversation: Conversation,
    operation: Operation,
    mode: GenerationMode,
    there: dict[str, Any],
    each: int,
    number: int,
) -> None:
    asked = 0

    @seed(SEED + number)
    @settings(
        max_examples=each,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, path_parameters=there or None))
    def ask(case: Case[Any]) -> None:
        nonlocal asked
        role = ROLES[(number + asked) % len(ROLES)]
        asked += 1
        conversation.ask(case, role)

    try:
        ask()
    except Unsatisfiable:
        return  # nothing is forbidden where nothing is asked for


def tokens_of(server: ServerProcess) -> dict[str, str]:
    """Return a token for each role, and make what paths name."""
    server.market("rain", category="weather")
    server.market("snow", category="weather")
    _, user = server.trader("ann")
    order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "1"}
    server.call("POST", "/orders/rain", user, {**order, "clientOrderId": "one"})
    server.call("POST", "/watchlists", user, {"name": "a"})
    server.call("POST", "/portfolios", user, {"name": "a"})
    return {
        "nobody": "",
        "user": user,
        "market maker": _in_role(server, "mia", "MARKET_MAKER"),
        "auditor": _in_role(server, "otto", "AUDITOR"),
        "admin": server.admin(),
    }


def _in_role(server: ServerProcess, name: str, role: str) -> str:
    """Return the token of somebody new in a role."""
    user_id, token = server.trader(name)
    server.call("PATCH", f"/admin/users/{user_id}/role", server.admin(), {"role": role})
    return token
