"""An authenticator app, and somebody who has set it up."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.accounts.second_factor.totp import code_at, step_of
from persistence.clock import now_us
from tests.gateway.conftest import PASSWORD, Person, Web

API = "/api/v1"
LOGIN = f"{API}/auth/login"
VERIFY = f"{API}/auth/2fa/verify"
TOTP = f"{API}/auth/2fa/totp"
STEP_UP = f"{API}/auth/step-up"


@dataclass
class App:
    """Shows codes."""

    secret: str
    recovery_codes: list[str] = field(default_factory=list)
    used: str = ""
    """The code that set it up."""

    def code(self, steps_ahead: int = 0) -> str:
        return code_at(self.secret, step_of(now_us()) + steps_ahead)

    def wrong_code(self) -> str:
        """A code that is none of those that are taken now or in the next minutes."""
        good = {self.code(ahead) for ahead in range(-3, 20)}
        return next(code for code in (f"{number:06}" for number in range(100)) if code not in good)


async def call(
    web: Web, method: str, path: str, who: Person | None = None, body: Any = None
) -> httpx.Response:
    headers = {} if who is None else who.bearer
    answer = await web.client.request(method, path, headers=headers, json=body)
    web.client.cookies.clear()
    return answer


async def data(
    web: Web, method: str, path: str, who: Person | None = None, body: Any = None
) -> Any:
    answer = await call(web, method, path, who, body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()["data"]


async def set_up(web: Web, person: Person) -> App:
    """Set the app up; the code of now is used up, that of the next step isn't."""
    begun = await data(web, "POST", TOTP, person)
    app = App(begun["secret"])
    app.used = app.code()
    done = await data(web, "POST", f"{TOTP}/confirm", person, {"code": app.used})
    app.recovery_codes = done["recoveryCodes"]
    return app


async def forget_steps(web: Web) -> None:
    """Let codes be taken again, as if minutes had passed."""
    await web.parts.pool.execute("UPDATE totp_factors SET last_step = 0")


async def begin_sign_in(web: Web, person: Person) -> dict[str, Any]:
    """Give the password; return what asks for the second factor."""
    answer = await call(web, "POST", LOGIN, body={"email": person.email, "password": PASSWORD})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "SECOND_FACTOR_REQUIRED"), answer.text
    assert "probity_refresh" not in answer.headers.get("set-cookie", "")
    asked: dict[str, Any] = error["secondFactor"]
    return asked


async def verify(web: Web, challenge: str, **factor: Any) -> httpx.Response:
    return await call(web, "POST", VERIFY, body={"challenge": challenge, **factor})


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    """The status, the code and the first field of a refusal."""
    error = answer.json()["error"]
    fields = [detail["field"] for detail in error["details"]]
    return answer.status_code, error["code"], fields[0] if fields else ""


async def audited(web: Web, action: str) -> list[tuple[int | None, str | None, str]]:
    """(actor, target, outcome) of the lines of an action, oldest first."""
    entries, _ = await web.accounts.audit.page(200)
    found = [entry for entry in reversed(entries) if entry.action == action]
    return [(entry.actor_id, entry.target, entry.outcome) for entry in found]
