"""The `probity replay` command: its options, its progress bar, its report.

The bar is drawn on stderr and only on a terminal; the report goes to stdout, a few plain lines a
tape. Exit code 1 for any difference, and for a tape or an exchange that can't be read; 2 for an
option that is missing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from gateway.cli.replay.accounts import ReplayAccount
from gateway.cli.replay.formats import MalformedTape
from gateway.cli.replay.run import Replay, Report
from gateway.cli.replay.tapes import Tape, load_tape
from gateway.client.rest import ApiClient, ApiRefused, ApiUnreachable


@click.command(epilog="Exit code: 0 if every trade is the same, else 1.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--url", default="http://localhost:8080", show_default=True, help="The exchange.")
@click.option(
    "--admin-email", envvar="PROBITY_ADMIN_EMAIL", required=True, help="Or PROBITY_ADMIN_EMAIL."
)
@click.option(
    "--admin-password",
    envvar="PROBITY_ADMIN_PASSWORD",
    required=True,
    help="Or PROBITY_ADMIN_PASSWORD, which other users of the machine can't see.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Markets replayed side by side.",
)
@click.option("--keep", is_flag=True, help="Leave the replayed markets open instead of VOID.")
def replay(
    files: tuple[Path, ...],
    url: str,
    admin_email: str,
    admin_password: str,
    parallel: int,
    keep: bool,
) -> None:
    """Send recorded trades through a running exchange and compare its tape with theirs.

    FILES are trades as Kalshi or Polymarket printed them (json lines, csv or the answers of their
    trades endpoints, gzip or not; which of them is found by content). For each trade a resting and
    an incoming order are placed at its price and size; then the exchange's own GET trades must
    hold the same prices, quantities, outcomes and sides in the same order.

    Numbers finer than ours (prices of 0.0001, sizes of 0.01) are rounded to the nearest, ties to
    the even one, before anything is sent. Rows that leave 0.0001..0.9999, or round to no size, are
    skipped. Where a tape doesn't say which outcome was traded, the trade counts as YES.

    The exchange takes 1000 requests a minute from a user by default, so a pair of accounts is
    registered for each 900 trades, and a refusal for too many requests is waited out as long as it
    says. Raise RATE_LIMIT_USER_MAX_REQUESTS on the server to replay the same tape often.
    """
    try:
        tapes = [load_tape(path) for path in files]
        client = ApiClient(url, on_limit=_say_limit)
        try:
            admin = ReplayAccount(client, admin_email, admin_password)
            admin.sign_in()
            reports = _replay(Replay(client, admin, workers=parallel, keep=keep), tapes)
        finally:
            client.close()
    except (MalformedTape, ApiUnreachable, ApiRefused) as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(1)
    if any(report.differences for report in reports):
        sys.exit(1)


def _replay(run: Replay, tapes: Sequence[Tape]) -> list[Report]:
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    reports = []
    with progress:
        task = progress.add_task("replaying", total=sum(tape.trade_count for tape in tapes))
        for report in run.run(tapes, lambda count: progress.advance(task, count)):
            click.echo(report_text(report))
            reports.append(report)
    return reports


def _say_limit(seconds: int) -> None:
    click.echo(f"probity: too many requests, waiting {seconds} s as told", err=True)


def report_text(report: Report) -> str:
    """Return the lines that say what came of a tape."""
    tape = report.tape
    reasons = [f"{count} {reason}" for reason, count in sorted(tape.skipped.items())]
    skipped = f" ({'; '.join(reasons)})" if reasons else ""
    rate = report.compared / report.seconds if report.seconds else 0.0
    lines = [
        f"{tape.path.name}: {tape.format}, {len(tape.markets)} markets",
        f"  read         {tape.read}",
        f"  skipped      {tape.skipped.total()}{skipped}",
        f"  rounded      {tape.rounded}",
        f"  compared     {report.compared}",
        f"  differences  {report.differences}",
        f"  seconds      {report.seconds:.1f} ({rate:.0f} trades a second)",
    ]
    return "\n".join([*lines, *(f"  ! {line}" for line in report.shown)])
