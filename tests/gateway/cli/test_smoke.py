"""`probity smoke`: a trade goes through a real server, and what goes wrong is said."""

from pathlib import Path

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


def test_an_exchange_that_takes_no_trade_fails_and_its_market_is_ended(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        server.call("POST", "/admin/exchange/mode", server.admin(), {"mode": "cancel-only"})
        code, out, err = smoke(server, server.url, *ADMIN)
        assert code == 1
        assert "EXCHANGE_CANCEL_ONLY" in err
        assert "void, and everybody has theirs back" in out


def test_two_persons_leave_a_closed_market(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", {"TWO_PERSON_RULE": "on"}) as server:
        code, out, err = smoke(server, server.url, *ADMIN)
        assert (code, err) == (0, "")
        assert "two persons have to void it" in out


def test_no_exchange_at_all(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    assert smoke(server, "ftp://x", *ADMIN)[:2] == (1, "")
