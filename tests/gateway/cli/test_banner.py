"""The banner: what it says, and that a shell understands its commands."""

import subprocess
from pathlib import Path

from gateway.cli.banner import Opened, address, banner
from gateway.site.front_page import trade_commands


def test_it_says_where_to_look_and_how_to_trade() -> None:
    text = banner(
        Opened("127.0.0.1", 8080, Path("data"), "admin@probity.local", "s3cret", "demo-rate-cut")
    )
    assert text.startswith("Probity is open at http://localhost:8080\n")
    assert "database  embedded, in data/postgres" in text
    assert "admin     admin@probity.local" in text
    assert "password  s3cret   (shown this once)" in text
    assert "$API/orders/demo-rate-cut " in text
    assert text.endswith("Ctrl-C stops it.")


def test_a_later_start_shows_no_password_and_no_market_no_commands() -> None:
    text = banner(Opened("127.0.0.1", 8080, None))
    assert "password" not in text
    assert "curl" not in text
    assert "database  DATABASE_URL" in text


def test_addresses_are_those_a_browser_here_can_open() -> None:
    assert address("0.0.0.0", 80) == "http://localhost:80"  # noqa: S104 - not bound
    assert address("::1", 80) == "http://localhost:80"
    assert address("fd00::5", 80) == "http://[fd00::5]:80"
    assert address("exchange.example", 80) == "http://exchange.example:80"


def test_the_commands_are_good_shell() -> None:
    script = "\n".join(trade_commands("http://localhost:8080", "demo-rate-cut"))
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
