"""A second factor by codes: set up, asked for at sign-in, used once, limited, audited."""

import asyncio
from typing import Any

import pytest

from gateway.accounts.second_factor.challenges import TRIES
from gateway.sealing.seal import Seal
from persistence.repositories.second_factor.challenges import OF_ONE_MOST
from persistence.repositories.second_factor.factors import FactorRows
from tests.gateway.accounts.second_factor.app import (
    API,
    LOGIN,
    TOTP,
    App,
    audited,
    begin_sign_in,
    call,
    data,
    forget_steps,
    refused,
    set_up,
    verify,
)
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web, person_of

STATE = f"{API}/auth/2fa"
RECOVERY = f"{STATE}/recovery"
ME = f"{API}/auth/me"


async def test_it_is_set_up_and_asked_for(web: Web) -> None:
    ada = await web.register("ada@example.org")
    phone = person_of(
        await call(web, "POST", LOGIN, body={"email": ada.email, "password": PASSWORD})
    )
    nothing: dict[str, Any] = {
        "methods": [],
        "totpSince": None,
        "passkeys": 0,
        "recoveryCodesLeft": 0,
        "required": False,
    }
    assert await data(web, "GET", STATE, ada) == nothing
    begun = await data(web, "POST", TOTP, ada)
    assert begun["uri"].startswith("otpauth://totp/Probity:ada%40example.org?secret=")
    assert begun["secret"] in begun["uri"]
    # Until its first code has come nothing is asked for.
    assert await data(web, "GET", STATE, ada) == nothing
    app = App(begun["secret"])
    wrong = await call(web, "POST", f"{TOTP}/confirm", ada, {"code": app.wrong_code()})
    assert refused(wrong) == (400, "VALIDATION_ERROR", "code")
    done = await data(web, "POST", f"{TOTP}/confirm", ada, {"code": app.code()})
    assert len(done["recoveryCodes"]) == 10
    shown = await data(web, "GET", STATE, ada)
    assert shown["methods"] == ["totp", "recovery"]
    assert (shown["totpSince"] is not None, shown["recoveryCodesLeft"]) == (True, 10)
    # Whoever was signed in elsewhere has no second factor: that session is over.
    assert (await call(web, "GET", ME, phone)).status_code == 401
    assert (await call(web, "GET", ME, ada)).status_code == 200
    again = await call(web, "POST", f"{TOTP}/confirm", ada, {"code": app.code(1)})
    assert refused(again)[:2] == (409, "CONFLICT")

    asked = await begin_sign_in(web, ada)
    assert (asked["methods"], asked["expiresIn"]) == (["totp", "recovery"], 300)
    answer = await verify(web, asked["challenge"], code=app.code(1))
    assert answer.status_code == 200, answer.text
    assert (await call(web, "GET", ME, person_of(answer))).status_code == 200
    assert (await verify(web, asked["challenge"], code=app.code())).status_code == 401
    assert await audited(web, "auth.login") == [
        (ada.id, f"user:{ada.id} password", "ok"),
        (ada.id, f"user:{ada.id} password", "second factor"),
        (ada.id, f"user:{ada.id} password", "ok"),
        (None, None, "refused"),
    ]
    assert await audited(web, "auth.2fa") == [(ada.id, f"user:{ada.id} totp", "ok")]
    assert await audited(web, "user.2fa.totp.add") == [(ada.id, f"user:{ada.id}", "ok")]
    stored = repr(await web.parts.pool.fetch("SELECT * FROM totp_factors"))
    stored += repr(await web.parts.pool.fetch("SELECT * FROM recovery_codes"))
    stored += repr(await web.parts.pool.fetch("SELECT * FROM sign_in_challenges"))
    secrets = (app.secret, asked["challenge"], *done["recoveryCodes"])
    for secret in secrets:
        assert secret not in stored
        assert secret not in web.log.getvalue()


async def test_a_wrong_password_tells_nothing_of_a_second_factor(web: Web) -> None:
    ada = await web.register()
    await set_up(web, ada)
    wrong = {"email": ada.email, "password": "wrong horse battery"}
    answer = await call(web, "POST", LOGIN, body=wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert "secondFactor" not in answer.json()["error"]


async def test_a_code_is_taken_once_in_its_window(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    # It was used up by setting the app up, and so is every one before it.
    answer = await verify(web, challenge, code=app.used)
    assert refused(answer) == (401, "UNAUTHORIZED", "code")
    assert "used already" in answer.json()["error"]["message"]
    answer = await verify(web, challenge, code=app.code(-1))
    assert answer.status_code == 401
    code = app.code(1)
    assert (await verify(web, challenge, code=code)).status_code == 200
    challenge = (await begin_sign_in(web, ada))["challenge"]
    assert (await verify(web, challenge, code=code)).status_code == 401
    outcomes = [outcome for _, _, outcome in await audited(web, "auth.2fa")]
    assert outcomes == ["used before", "used before", "ok", "used before"]


async def test_of_one_code_at_the_same_moment_one_signs_in(make_web: MakeWeb) -> None:
    webs = [await make_web(RATE_LIMIT_CODE_FAILURES=100) for _ in range(2)]
    ada = await webs[0].register()
    app = await set_up(webs[0], ada)
    challenges = [(await begin_sign_in(web, ada))["challenge"] for web in webs * 4]
    code = app.code(1)
    tries = [verify(web, one, code=code) for web, one in zip(webs * 4, challenges, strict=True)]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_of_one_challenge_at_the_same_moment_one_signs_in(make_web: MakeWeb) -> None:
    webs = [await make_web(RATE_LIMIT_CODE_FAILURES=100) for _ in range(2)]
    ada = await webs[0].register()
    app = await set_up(webs[0], ada)
    challenge = (await begin_sign_in(webs[0], ada))["challenge"]
    codes = app.recovery_codes[:4]
    tries = [
        verify(web, challenge, recoveryCode=code) for web, code in zip(webs * 2, codes, strict=True)
    ]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 3


async def test_a_recovery_code_is_good_once(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    code = app.recovery_codes[3]
    challenge = (await begin_sign_in(web, ada))["challenge"]
    answer = await verify(web, challenge, recoveryCode=code.upper().replace("-", " "))
    assert answer.status_code == 200, answer.text
    challenge = (await begin_sign_in(web, ada))["challenge"]
    answer = await verify(web, challenge, recoveryCode=code)
    assert refused(answer) == (401, "UNAUTHORIZED", "recoveryCode")
    me = person_of(await verify(web, challenge, recoveryCode=app.recovery_codes[4]))
    assert (await data(web, "GET", STATE, me))["recoveryCodesLeft"] == 8
    made = (await data(web, "POST", RECOVERY, me))["recoveryCodes"]
    assert len({*made, *app.recovery_codes}) == 20
    challenge = (await begin_sign_in(web, ada))["challenge"]
    answer = await verify(web, challenge, recoveryCode=app.recovery_codes[5])
    assert answer.status_code == 401
    assert (await verify(web, challenge, recoveryCode=made[0])).status_code == 200
    outcomes = [line[1:] for line in await audited(web, "auth.2fa")]
    target = f"user:{ada.id} recovery"
    assert outcomes == [(target, o) for o in ("ok", "refused", "ok", "refused", "ok")]


async def test_of_one_recovery_code_at_the_same_moment_one_signs_in(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    challenges = [(await begin_sign_in(web, ada))["challenge"] for _ in range(6)]
    tries = [verify(web, one, recoveryCode=app.recovery_codes[0]) for one in challenges]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5


async def test_a_challenge_is_its_users_alone(web: Web) -> None:
    ada, ben = await web.register(), await web.register()
    theirs, bens = await set_up(web, ada), await set_up(web, ben)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    assert (await verify(web, challenge, code=bens.code(1))).status_code == 401
    answer = await verify(web, challenge, recoveryCode=bens.recovery_codes[0])
    assert answer.status_code == 401
    answer = await verify(web, challenge, code=theirs.code(1))
    assert person_of(answer).id == ada.id
    # Ben's were compared with Ada's and not used up.
    challenge = (await begin_sign_in(web, ben))["challenge"]
    assert person_of(await verify(web, challenge, code=bens.code(1))).id == ben.id


async def test_a_challenge_ends_with_its_time_and_its_tries(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    late = (await begin_sign_in(web, ada))["challenge"]
    await web.parts.pool.execute("UPDATE sign_in_challenges SET expires_at = 1")
    assert (await verify(web, late, code=app.code(1))).status_code == 401
    tried = (await begin_sign_in(web, ada))["challenge"]
    for _ in range(TRIES):
        assert (await verify(web, tried, code=app.wrong_code())).status_code == 401
    answer = await verify(web, tried, code=app.code(1))
    assert "sign in anew" in answer.json()["error"]["message"]
    made_up = (await begin_sign_in(web, ada))["challenge"][::-1]
    for text in (made_up, "", "x", "é" * 43):
        assert (await verify(web, text, code=app.code(1))).status_code == 401
    challenge = (await begin_sign_in(web, ada))["challenge"]
    assert (await verify(web, challenge, code=app.code(1))).status_code == 200


async def test_a_sign_in_that_waits_ends_with_the_sessions(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    body = {"currentPassword": PASSWORD, "newPassword": "another password"}
    assert (await call(web, "POST", f"{API}/auth/password/change", ada, body)).status_code == 200
    assert (await verify(web, challenge, code=app.code(1))).status_code == 401


@pytest.mark.parametrize(
    "factors", [{}, {"code": "123456", "recoveryCode": "x"}, {"code": None, "passkey": None}]
)
async def test_exactly_one_factor_is_given_and_costs_no_try(web: Web, factors: Any) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    for _ in range(TRIES + 1):
        answer = await verify(web, challenge, **factors)
        assert refused(answer) == (400, "VALIDATION_ERROR", "code")
    assert (await verify(web, challenge, code=app.code(1))).status_code == 200


async def test_of_somebodys_challenges_the_newest_stay(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    first = (await begin_sign_in(web, ada))["challenge"]
    last = [(await begin_sign_in(web, ada))["challenge"] for _ in range(OF_ONE_MOST)][-1]
    assert await web.parts.pool.fetchval("SELECT count(*) FROM sign_in_challenges") == OF_ONE_MOST
    assert (await verify(web, first, code=app.code(1))).status_code == 401
    assert (await verify(web, last, code=app.code(1))).status_code == 200


async def test_guesses_are_limited_over_all_processes(make_web: MakeWeb) -> None:
    webs = [await make_web(RATE_LIMIT_CODE_FAILURES=6) for _ in range(2)]
    ada = await webs[0].register()
    app = await set_up(webs[0], ada)
    challenges = [(await begin_sign_in(web, ada))["challenge"] for web in webs * 5]
    tries = [
        verify(web, challenge, code=app.wrong_code())
        for web, challenge in zip(webs * 5, challenges, strict=True)
    ]
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [401] * 6 + [429] * 4
    [limited, *_] = [answer for answer in answers if answer.status_code == 429]
    told = limited.json()["error"]["details"][0]
    assert told == {"field": "limit", "message": "second-factor-failures"}
    # The right one isn't looked at either, whatever it is and wherever it comes from.
    challenge = (await begin_sign_in(webs[1], ada))["challenge"]
    for factor in ({"code": app.code(1)}, {"recoveryCode": app.recovery_codes[0]}):
        assert (await verify(webs[1], challenge, **factor)).status_code == 429
    assert len(await audited(webs[0], "auth.2fa")) == 6
    # Another one's isn't touched, and neither is a session that stands.
    ben = await webs[0].register()
    theirs = await set_up(webs[0], ben)
    challenge = (await begin_sign_in(webs[0], ben))["challenge"]
    assert (await verify(webs[0], challenge, code=theirs.code(1))).status_code == 200
    assert (await call(webs[0], "GET", ME, ada)).status_code == 200
    await webs[0].parts.pool.execute("UPDATE sign_in_counts SET ends_at = 1")
    challenge = (await begin_sign_in(webs[0], ada))["challenge"]
    assert (await verify(webs[0], challenge, code=app.code(1))).status_code == 200


async def test_right_codes_count_as_no_failures(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_CODE_FAILURES=2)
    ada = await web.register()
    app = await set_up(web, ada)
    for _ in range(5):
        await forget_steps(web)
        challenge = (await begin_sign_in(web, ada))["challenge"]
        assert (await verify(web, challenge, code=app.code())).status_code == 200


async def test_another_app_takes_the_place_of_the_first(web: Web) -> None:
    ada = await web.register()
    first = await set_up(web, ada)
    begun = await data(web, "POST", TOTP, ada)
    second = App(begun["secret"])
    # Until it is confirmed the first one holds.
    challenge = (await begin_sign_in(web, ada))["challenge"]
    assert (await verify(web, challenge, code=second.code(1))).status_code == 401
    done = await data(web, "POST", f"{TOTP}/confirm", ada, {"code": second.code()})
    assert done["recoveryCodes"] == [], "those of before still hold"
    challenge = (await begin_sign_in(web, ada))["challenge"]
    assert (await verify(web, challenge, code=first.code(1))).status_code == 401
    assert (await verify(web, challenge, code=second.code(1))).status_code == 200
    challenge = (await begin_sign_in(web, ada))["challenge"]
    code = first.recovery_codes[0]
    assert (await verify(web, challenge, recoveryCode=code)).status_code == 200


async def test_an_enrolment_that_was_begun_ends_with_its_time(web: Web) -> None:
    ada = await web.register()
    nothing = await call(web, "POST", f"{TOTP}/confirm", ada, {"code": "123456"})
    assert nothing.status_code == 409
    app = App((await data(web, "POST", TOTP, ada))["secret"])
    await web.parts.pool.execute("UPDATE totp_factors SET pending_at = pending_at - 900000000")
    late = await call(web, "POST", f"{TOTP}/confirm", ada, {"code": app.code()})
    assert late.status_code == 409
    assert (await call(web, "POST", LOGIN, body=credentials(ada))).status_code == 200


def credentials(person: Person) -> dict[str, str]:
    return {"email": person.email, "password": PASSWORD}


async def test_it_is_taken_away_with_its_recovery_codes(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    phone = person_of(await verify(web, challenge, code=app.code(1)))
    assert (await call(web, "DELETE", TOTP, ada)).status_code == 200
    assert (await call(web, "GET", ME, phone)).status_code == 401
    assert (await data(web, "GET", STATE, ada))["recoveryCodesLeft"] == 0
    assert (await call(web, "DELETE", TOTP, ada)).status_code == 404
    assert (await call(web, "POST", RECOVERY, ada)).status_code == 409
    assert (await call(web, "POST", LOGIN, body=credentials(ada))).status_code == 200
    assert await audited(web, "user.2fa.totp.remove") == [(ada.id, f"user:{ada.id}", "ok")]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", TOTP, None),
        ("POST", f"{TOTP}/confirm", {"code": "123456"}),
        ("DELETE", TOTP, None),
        ("POST", RECOVERY, None),
    ],
)
async def test_changes_ask_for_a_fresh_login(web: Web, method: str, path: str, body: Any) -> None:
    ada = await web.register()
    await web.parts.pool.execute("UPDATE sessions SET proved_at = 1")
    answer = await call(web, method, path, ada, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FRESH_LOGIN_REQUIRED")


async def test_secrets_are_sealed_anew_under_a_new_key(web: Web) -> None:
    old, new, other = b"\0" * 32, b"n" * 32, b"o" * 32
    ada, ben = await web.register(), await web.register()
    app = await set_up(web, ada)
    begun = await data(web, "POST", TOTP, ben)
    rows, codes = FactorRows(web.parts.pool), web.parts.factors.codes
    assert await codes.reseal() == (0, 0)
    codes._seal = Seal([new, old])
    assert await codes.reseal() == (2, 0)
    assert await codes.reseal() == (0, 0)
    codes._seal = Seal([new])
    challenge = (await begin_sign_in(web, ada))["challenge"]
    assert (await verify(web, challenge, code=app.code(1))).status_code == 200
    code = App(begun["secret"]).code()
    assert (await call(web, "POST", f"{TOTP}/confirm", ben, {"code": code})).status_code == 200
    codes._seal = Seal([other])
    assert await codes.reseal() == (0, 2)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    lost = await verify(web, challenge, code=app.code(1))
    assert (lost.status_code, "ENCRYPTION_KEY" in lost.text) == (503, True)
    # A secret that somebody has put into another row opens there as nothing.
    codes._seal = Seal([new])
    sealed = await rows.secret(ada.id)
    await web.parts.pool.execute("UPDATE totp_factors SET secret = $1", sealed)
    challenge = (await begin_sign_in(web, ben))["challenge"]
    assert (await verify(web, challenge, code=app.code(1))).status_code == 503
