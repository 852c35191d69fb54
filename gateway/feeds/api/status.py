"""How each venue stands, as `GET /feed/status` shows it: its jobs, and its addresses.

Laws: what jobs did is read from the store, so it is of whichever process ran them; what is said of
an address is of the process that answers, which asks for itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.feeds.intake import ingestion
from gateway.feeds.venue import Condition, Venue, Watched
from gateway.wire.scalars import time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.feeds.state import Standing


class FeedJobView(AnswerStruct, frozen=True, kw_only=True):
    """How one job of one venue stands; `counts` are of its last run that ended well."""

    job: str
    last_success_at: str | None
    age_ms: int | None
    last_failure_at: str | None
    last_error: str | None
    took_ms: int | None
    counts: dict[str, Any]


class AddressView(AnswerStruct, frozen=True, kw_only=True):
    """How one address of a venue answers the process that tells this.

    `breaker` is closed, open (the address is left alone for `retryInMs`) or half_open (tried
    again); `counts` are of all tries since the start, by what became of them.
    """

    name: str
    last_success_at: str | None
    age_ms: int | None
    last_error: str | None
    last_error_at: str | None
    failures: int
    breaker: str
    retry_in_ms: int | None
    rate_left: int | None
    clock_skew_s: int | None
    counts: dict[str, int]


class VenueStatusView(AnswerStruct, frozen=True, kw_only=True):
    """How one venue stands; `ok` if its list could be read the last time it was tried, and that
    isn't overdue.
    """

    platform: str
    title: str
    currency: str
    ok: bool
    is_overdue: bool
    """Whether its list should have been read again by now: no worker runs, or none gets to it."""
    last_success_at: str | None
    age_ms: int | None
    last_error: str | None
    rate_left: int | None
    """Requests that may go at once, of the address that has the fewest left; null: no limit."""
    markets: int
    active: int
    jobs: list[FeedJobView]
    addresses: list[AddressView]


def venue_status(
    venue: Venue,
    standings: list[Standing],
    counts: Mapping[str, int],
    due: Callable[[int, int | None], int],
    now: int,
) -> VenueStatusView:
    """Return how a venue stands: its jobs by the store, its addresses by this process.

    `due` tells by when lists that were read at a time, in so many ms, have been read again.
    """
    conditions = venue.conditions() if isinstance(venue, Watched) else ()
    left = [one.rate_left for one in conditions if one.rate_left is not None]
    listed = next((one for one in standings if one.job == ingestion.JOB), None)
    success = None if listed is None else listed.last_success_at
    failure = None if listed is None else listed.last_failure_at
    is_overdue = listed is not None and success is not None and due(success, listed.took_ms) < now
    return VenueStatusView(
        platform=venue.platform,
        title=venue.title,
        currency=venue.currency,
        ok=success is not None and (failure is None or success > failure) and not is_overdue,
        is_overdue=is_overdue,
        last_success_at=time_if_known(success),
        age_ms=_age(success, now),
        last_error=None if listed is None else listed.last_error,
        rate_left=min(left, default=None),
        markets=sum(counts.values()),
        active=counts.get("OPEN", 0),
        jobs=[
            FeedJobView(
                job=one.job,
                last_success_at=time_if_known(one.last_success_at),
                age_ms=_age(one.last_success_at, now),
                last_failure_at=time_if_known(one.last_failure_at),
                last_error=one.last_error,
                took_ms=one.took_ms,
                counts=one.counts,
            )
            for one in standings
        ],
        addresses=[_address(one, now) for one in conditions],
    )


def _address(one: Condition, now: int) -> AddressView:
    return AddressView(
        name=one.name,
        last_success_at=time_if_known(one.last_success_at),
        age_ms=_age(one.last_success_at, now),
        last_error=one.last_error,
        last_error_at=time_if_known(one.last_error_at),
        failures=one.failures,
        breaker=one.breaker,
        retry_in_ms=None if one.retry_in_s is None else round(one.retry_in_s * 1_000),
        rate_left=one.rate_left,
        clock_skew_s=one.clock_skew_s,
        counts=one.counts,
    )


def _age(at: int | None, now: int) -> int | None:
    return None if at is None else max(0, now - at) // 1_000
