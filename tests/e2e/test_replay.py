"""Recorded tapes through a real server by the real command, compared by the command itself."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.server_process import PROBITY, ServerProcess

KALSHI = "kalshi/tape/trades_multi_market_2026-07_08.jsonl.gz"
POLYMARKET = "polymarket/tape/trades_multi_market_2026-07_08.jsonl.gz"
POLYMARKET_CSV = "polymarket/tape/updown_15m_and_dota_trades_2026-01-08.csv.gz"
SMALL = """\
{"market":"a","traded_at":"2026-01-01 00:00:00","price":"0.0500","size":"2","taker_side":"yes"}
{"market":"a","traded_at":"2026-01-01 00:00:01","price":"0.0700","size":"3","taker_side":"no"}
{"market":"b","traded_at":"2026-01-01 00:00:02","price":"0.9","size":"0.004","taker_side":"no"}
"""


def replay(server: ServerProcess, *arguments: str | Path) -> tuple[int, list[dict[str, str]], str]:
    """Run the command; return its exit code, each report's figures, and all it said."""
    done = server.run("replay", "--url", server.url, *map(str, arguments), timeout=110)
    reports = [
        dict(re.findall(r"^  (\w+) +(.+)$", report, re.MULTILINE))
        for report in re.split(r"^(?=\S)", done.stdout, flags=re.MULTILINE)[1:]
    ]
    print(done.stdout)
    return done.returncode, reports, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tape", "count", "rounded"),
    [(KALSHI, 1350, 0), (POLYMARKET, 950, 153), (POLYMARKET_CSV, 2406, 1643)],
)
def test_a_recorded_tape_comes_out_as_it_was(
    server: ServerProcess, recordings: Path, tape: str, count: int, rounded: int
) -> None:
    code, (report,), said = replay(server, recordings / tape)
    assert report["differences"] == "0", said
    assert (report["read"], report["skipped"], report["compared"]) == (str(count), "0", str(count))
    assert (report["rounded"], code) == (str(rounded), 0)


def test_a_tape_can_be_replayed_again_and_leaves_no_market_open(
    server: ServerProcess, tmp_path: Path
) -> None:
    tape = tmp_path / "small.jsonl"
    tape.write_text(SMALL)
    for _ in range(2):
        code, reports, said = replay(server, tape, tape)
        assert code == 0, said
        assert [report["compared"] for report in reports] == ["2", "2"]
        assert reports[0]["skipped"] == "1 (1 size rounds to zero)"
    assert server.call("GET", "/markets?status=OPEN") == []


def test_kept_markets_stay_open(server: ServerProcess, tmp_path: Path) -> None:
    tape = tmp_path / "small.jsonl"
    tape.write_text(SMALL)
    code, _, said = replay(server, "--keep", tape)
    assert code == 0, said
    (market,) = server.call("GET", "/markets?status=OPEN&category=replay")
    body = {"outcome": "VOID"}
    server.call("POST", f"/markets/{market['slug']}/resolve", server.admin(), body)


def test_a_difference_is_exit_code_one(server: ServerProcess, tmp_path: Path) -> None:
    tape = tmp_path / "small.jsonl"
    tape.write_text(SMALL)
    server.call("POST", "/admin/exchange/mode", server.admin(), {"mode": "cancel-only"})
    try:
        code, (report,), said = replay(server, tape)
    finally:
        server.call("POST", "/admin/exchange/mode", server.admin(), {"mode": "open"})
    assert (code, report["differences"]) == (1, "2")
    assert "EXCHANGE_CANCEL_ONLY" in said
    assert "the exchange has nothing" in said


def test_what_can_t_work_is_one_line(server: ServerProcess, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.txt"
    nonsense.write_text("price,size\n1,2\n")
    code, _, said = replay(server, nonsense)
    assert (code, said.count("\n")) == (1, 1)
    assert "nonsense.txt: is neither" in said
    tape = tmp_path / "small.jsonl"
    tape.write_text(SMALL)
    code, _, said = replay(server, "--admin-password", "not the password", tape)
    assert (code, said.count("\n")) == (1, 1)
    assert "401 UNAUTHORIZED" in said


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_replay_leaves_no_market_open(server: ServerProcess, tmp_path: Path) -> None:
    tape = tmp_path / "long.jsonl"
    tape.write_text("".join(SMALL.replace('"a"', f'"m{n % 20}"') for n in range(5_000)))
    open_markets = "/markets?status=OPEN&category=replay"
    running = subprocess.Popen(
        [PROBITY, "replay", "--url", server.url, str(tape)],
        env=server.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that runs the tests in the background makes what they start deaf to Ctrl-C.
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - no threads run here
    )
    try:
        while not server.call("GET", open_markets):
            assert running.poll() is None, "it was over before it could be interrupted"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert (running.returncode, said) == (1, b"\nAborted!\n")
    assert server.call("GET", open_markets) == []


@pytest.mark.slow
def test_a_server_killed_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    tape = tmp_path / "long.jsonl"
    tape.write_text("".join(SMALL.replace('"a"', f'"m{n % 20}"') for n in range(1_000)))
    try:
        server.start()
        with subprocess.Popen(
            [PROBITY, "replay", "--url", server.url, str(tape)],
            env=server.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as running:
            for _ in range(2):
                while not traded(server):
                    assert running.poll() is None, "it was over before the server was killed"
                server.kill()
                server.start()
            said, _ = running.communicate(timeout=90)
        print(said.decode())
        assert running.returncode == 0
        assert b"differences  0" in said
        assert server.end() == 0
    finally:
        server.clean_up()


def traded(server: ServerProcess) -> bool:
    """Whether a replay's market has trades and isn't done."""
    found = server.call("GET", "/markets?status=OPEN&category=replay")
    return any(market["trades"] for market in found)


def test_the_limits_of_users_are_obeyed(tmp_path: Path) -> None:
    limits = {"RATE_LIMIT_USER_MAX_REQUESTS": "20", "RATE_LIMIT_USER_WINDOW_MS": "1000"}
    server = ServerProcess(tmp_path / "data", limits)
    row = '{"market":"a","traded_at":"2026-01-01 00:00:00","price":"0.5","size":"2","taker_side":'
    tape = tmp_path / "tape.jsonl"
    tape.write_text(f'{row}"yes"}}\n' * 45)
    try:
        server.start()
        code, (report,), said = replay(server, tape)
        assert (code, report["differences"]) == (0, "0"), said
        assert "too many requests, waiting 1 s as told" in said
        assert server.end() == 0
    finally:
        server.clean_up()
