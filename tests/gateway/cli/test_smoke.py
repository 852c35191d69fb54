"""`probity smoke`: a trade goes through a real server, and what goes wrong is said."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.smoke import smoke as smoke_command
from gateway.cli.smoke import trade
from gateway.client.rest import ApiClient, ApiRefused, ApiUnreachable, Envelope
from tests.server_process import ADMIN_EMAIL, ADMIN_PASSWORD, ServerProcess, running_server

ADMIN = ("--admin-email", ADMIN_EMAIL, "--admin-password", ADMIN_PASSWORD)


def smoke(server: ServerProcess, *arguments: str) -> tuple[int, str, str]:
    done = server.run("smoke", *arguments)
    return done.returncode, done.stdout, done.stderr


def test_a_trade_goes_through_and_leaves_no_money_moved(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        code, out, err = smoke(server, server.url, *ADMIN)
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[-3:] == [
            "both orders are filled, and the trade is told",
            "void, and everybody has theirs back",
            "A trade went through.",
        ]
        slug = lines[1].removeprefix("listed ")
        assert server.call("GET", f"/markets/{slug}")["status"] == "VOID"
        stats = server.call("GET", "/admin/stats", server.admin())
        assert stats["collateral"] == "0.000000" or float(stats["collateral"]) == 0

        # In a market that is kept for it; then in one that isn't open.
        server.market("kept")
        code, out, _ = smoke(server, server.url, "--market", "kept")
        assert (code, out.splitlines()[-1]) == (0, "A trade went through.")
        assert server.call("GET", "/markets/kept")["status"] == "OPEN"
        server.call("PATCH", "/markets/kept/status", server.admin(), {"status": "HALTED"})
        code, _, err = smoke(server, server.url, "--market", "kept")
        assert code == 1
        assert "422 MARKET_NOT_OPEN" in err
        code, _, err = smoke(server, server.url, *ADMIN[:3], "wrong password")
        assert code == 1
        assert err.startswith("probity: 401 ")
        server.environment.pop("PROBITY_ADMIN_EMAIL")
        assert smoke(server, server.url)[0] == 2


def test_who_types_is_asked_for_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a command line other users of the machine, or a cluster's log of calls, have it."""
    given: list[tuple[str, str]] = []

    def account(_client: ApiClient, email: str, password: str) -> None:
        given.append((email, password))

    monkeypatch.delenv("PROBITY_ADMIN_PASSWORD", raising=False)
    monkeypatch.setattr("gateway.cli.smoke.ReplayAccount", account)
    monkeypatch.setattr("gateway.cli.smoke.trade_in_own_market", lambda *_: None)
    words = ["http://127.0.0.1:1", "--admin-email", ADMIN_EMAIL]
    assert CliRunner().invoke(smoke_command, words).exit_code == 2
    monkeypatch.setattr("gateway.cli.smoke._somebody_types", lambda: True)
    done = CliRunner().invoke(smoke_command, words, input="typed unseen\n")
    assert (done.exit_code, given) == (0, [(ADMIN_EMAIL, "typed unseen")])
    assert "typed unseen" not in done.output


def test_an_exchange_that_takes_no_trade_fails_and_its_market_is_ended(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        server.call("POST", "/admin/exchange/mode", server.admin(), {"mode": "cancel-only"})
        code, out, err = smoke(server, server.url, *ADMIN)
        assert code == 1
        assert "EXCHANGE_CANCEL_ONLY" in err
        assert "void, and everybody has theirs back" in out


class _Failing(ApiClient):
    """Fails at the second call of a kind; or at the first, which the exchange does carry out."""

    def __init__(self, url: str, path: str, *, is_lost: bool) -> None:
        super().__init__(url)
        self._path = path
        self._is_lost = is_lost
        self._met = 0

    def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, token: str = ""
    ) -> Envelope:
        if (method, path) == ("POST", self._path):
            self._met += 1
            if self._is_lost:
                super().call(method, path, body, token)
                raise ApiUnreachable("lost")
            if self._met == 2:
                raise ApiRefused(422, "REFUSED", "no")
        return super().call(method, path, body, token)


def test_whatever_fails_in_a_kept_market_no_order_is_left_in_it(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        server.market("kept")
        said: list[str] = []
        for path, is_lost, error in (
            ("/auth/register", False, ApiRefused),
            ("/orders/kept", False, ApiRefused),
            ("/orders/kept", True, ApiUnreachable),
        ):
            client = _Failing(server.url, path, is_lost=is_lost)
            with pytest.raises(error):
                trade(client, "kept", said.append)
            client.close()
            book = server.call("GET", "/orders/kept/orderbook")
            assert (book["bids"], book["asks"]) == ([], []), path
        # One user where the second isn't made, or the first's answer is lost; else both.
        assert said.count("open orders of the new user are cancelled") == 1 + 2 + 1


def test_two_persons_leave_a_closed_market(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", {"TWO_PERSON_RULE": "on"}) as server:
        code, out, err = smoke(server, server.url, *ADMIN)
        assert (code, err) == (0, "")
        assert "two persons have to void it" in out


def test_no_exchange_at_all(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    assert smoke(server, "ftp://x", *ADMIN)[:2] == (1, "")
