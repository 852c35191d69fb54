"""The one way any venue is asked over HTTP.

Laws: a request goes when the breaker lets it and a token is there; a try ends by one of the time
bounds at the latest; only what may come right by itself is tried again (time-outs, broken
connections, 5xx, 408, 425, 429, torn answers), after growing waits with jitter, or as long as the
venue asks for, up to a bound; redirects aren't followed; readers use up no more than their share of
our own limit. Whatever goes wrong is VenueUnavailable or
VenueRefused, is counted, and stands in `condition()`. What `parse` raises of its own (say,
Unrepresentable) passes through: the venue did answer.

One try is counted once, by what became of it (`Result`); labels are the endpoints' templates.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import stamina

from gateway.feeds.upstream import bodies
from gateway.feeds.upstream.askers import is_for_a_reader
from gateway.feeds.upstream.bodies import BadBody, Parse
from gateway.feeds.upstream.bounds import Bounds, Rate
from gateway.feeds.upstream.breaker import BreakerOpen, BreakerState, CircuitBreaker
from gateway.feeds.upstream.bucket import TokenBucket, TooManyWaiting
from gateway.feeds.upstream.validators import Validators
from gateway.feeds.venue import Condition, VenueRefused, VenueUnavailable
from gateway.jobs.supervisor import Clock, LoopClock
from gateway.observability.logs import Logger
from gateway.observability.metrics import UpstreamMetrics
from gateway.outbound.asking import wait_of

T = TypeVar("T")
Pairs = Sequence[tuple[str, str]]
Sign = Callable[[str, str], Awaitable[Mapping[str, str]]]
"""Makes a try's own headers from its method and its path with the base URL's, without query."""

OK: Final = range(200, 300)
NOT_MODIFIED: Final = 304
RATE_LIMITED: Final = 429
REFUSED: Final = range(400, 500)
_AGAIN: Final = frozenset({408, 425, *range(500, 600)})
_MESSAGE_MAX: Final = 200
_MICROSECONDS: Final = 1_000_000


class _Failed(Exception):
    """One try came to nothing; `wait_s` is the venue's own wish, 0 for none."""

    def __init__(self, result: str, message: str, *, again: bool, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.result = result
        self.again = again
        self.wait_s = wait_s


class _Refused(Exception):
    """The venue understood, and said no."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Upstream:
    """Asks one base URL of one venue."""

    def __init__(
        self,
        platform: str,
        base_url: str,
        endpoints: Sequence[str],
        rate: Rate,
        metrics: UpstreamMetrics,
        logger: Logger,
        *,
        bounds: Bounds | None = None,
        headers: Mapping[str, str] | None = None,
        sign: Sign | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Ask nothing yet; `endpoints` are all templates that `ask` will be given."""
        self._platform = platform
        self._bounds = bounds = bounds or Bounds()
        self._clock = clock or LoopClock()
        self._logger = logger
        self._sign = sign
        self._base = httpx.URL(base_url.rstrip("/"))
        self._bucket = TokenBucket(rate, self._clock)
        self._readers_bucket = TokenBucket(rate.part(bounds.readers_share), self._clock)
        self._breaker = CircuitBreaker(bounds, self._clock)
        self._validators = Validators(bounds)
        self._meter = metrics.register(platform, endpoints)
        self._counts: dict[str, int] = {}
        self._last_success: int | None = None
        self._last_error: str | None = None
        self._last_error_at: int | None = None
        self._skew_s: int | None = None
        # The library would count in a registry of its own and log a line a retry.
        stamina.instrumentation.set_on_retry_hooks(())
        is_secure = self._base.scheme == "https"
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(bounds.read_s, connect=bounds.connect_s, pool=bounds.whole_s),
            limits=httpx.Limits(max_connections=bounds.connections),
            headers={
                "accept": "application/json",
                "accept-encoding": bodies.ACCEPT_ENCODING,
                **(headers or {}),
            },
            follow_redirects=False,
            # A proxy of the environment is for the world outside, not for a stand-in beside us.
            trust_env=is_secure,
            # Reading the certificates takes tens of milliseconds.
            verify=ssl.create_default_context()
            if is_secure
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    async def ask(
        self,
        endpoint: str,
        parse: Parse[T],
        *,
        path: Mapping[str, str] | None = None,
        query: Pairs = (),
        body: bytes | None = None,
    ) -> T:
        """Return what `parse` makes of the answer's JSON text; with `body` (JSON) it is a POST.

        `endpoint` is a template such as "/markets/{id}", `path` fills it. `parse` may run in a
        thread and raises msgspec's errors for what isn't as promised. Raises VenueUnavailable,
        VenueRefused, and what `parse` raises else.
        """
        filled = {name: quote(text, safe="") for name, text in (path or {}).items()}
        url = self._base.copy_with(
            raw_path=(self._base.path.rstrip("/") + endpoint.format(**filled)).encode("ascii")
        )
        if query:
            url = url.copy_with(params=httpx.QueryParams(list(query)))
        deadline = self._clock.monotonic() + self._bounds.all_tries_s

        def how_long(error: Exception) -> bool | float:
            """Tell the retries: not again, again after their own wait, or after the venue's."""
            if not isinstance(error, _Failed) or not error.again:
                return False
            is_in_time = self._clock.monotonic() + error.wait_s < deadline
            return is_in_time and (error.wait_s or True)

        try:
            async for attempt in stamina.retry_context(
                on=how_long,
                attempts=self._bounds.tries,
                timeout=self._bounds.all_tries_s,
                wait_initial=self._bounds.first_wait_s,
                wait_max=self._bounds.longest_wait_s,
                wait_jitter=self._bounds.jitter_s,
            ):
                with attempt:
                    return await self._try(endpoint, url, body, parse)
        except _Failed as failed:
            wait = failed.wait_s or None
            raise VenueUnavailable(self._platform, str(failed), wait) from None
        except _Refused as refused:
            raise VenueRefused(self._platform, refused.status, endpoint) from None
        raise AssertionError("the library gave no try")

    def condition(self) -> Condition:
        """Return how things stand with this base URL."""
        state = self._breaker.state
        return Condition(
            name=self._base.host,
            last_success_at=self._last_success,
            last_error=self._last_error,
            last_error_at=self._last_error_at,
            failures=self._breaker.failures,
            breaker=state.value,
            retry_in_s=self._breaker.seconds_left() if state is not BreakerState.CLOSED else None,
            rate_left=self._bucket.left,
            clock_skew_s=self._skew_s,
            counts=dict(self._counts),
        )

    async def close(self) -> None:
        """Close all connections; nobody asks any more."""
        await self._client.aclose()

    async def _try(self, endpoint: str, url: httpx.URL, body: bytes | None, parse: Parse[T]) -> T:
        """Make one try and note what became of it."""
        try:
            await self._turn()
            self._breaker.enter()
        except (BreakerOpen, TooManyWaiting) as error:
            # Nothing was asked, so it is no failure of the venue.
            result = "left_alone" if isinstance(error, BreakerOpen) else "over_limit"
            self._count(endpoint, result)
            raise _Failed(result, str(error), again=False, wait_s=error.seconds) from None
        try:
            async with asyncio.timeout(self._bounds.whole_s):
                result, value = await self._exchange(url, body, parse)
        except _Refused as refused:
            self._answered(endpoint, "refused")
            self._note(f"{endpoint}: {refused}")
            raise
        except _Failed as failed:
            self._failed(endpoint, failed)
            raise
        except (TimeoutError, httpx.TimeoutException):
            raise self._failed(endpoint, _Failed("timeout", "too slow", again=True)) from None
        except BadBody as bad:
            torn = _Failed(bad.result, str(bad), again=bad.again)
            raise self._failed(endpoint, torn) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            lost = _Failed("connection", type(error).__name__, again=True)
            raise self._failed(endpoint, lost) from None
        except (VenueUnavailable, VenueRefused, asyncio.CancelledError):
            # What makes the try's headers had to ask first, or we don't want to know any more.
            self._breaker.left()
            raise
        except Exception:
            # The venue answered; what the parser thinks of it is its caller's affair.
            self._answered(endpoint, "unfit")
            raise
        self._answered(endpoint, result)
        return value

    async def _turn(self) -> None:
        """Wait for a token; raises TooManyWaiting."""
        at_most_s = self._bounds.queue_s
        if is_for_a_reader():
            at_most_s = self._bounds.readers_queue_s
            await self._readers_bucket.take(at_most_s)
        await self._bucket.take(at_most_s)

    async def _exchange(self, url: httpx.URL, body: bytes | None, parse: Parse[T]) -> tuple[str, T]:
        method = "GET" if body is None else "POST"
        address = str(url)
        known = self._validators.get(address) if body is None else None
        headers = dict(known.headers) if known is not None else {}
        if body is not None:
            headers["content-type"] = "application/json"
        if self._sign is not None:
            headers |= await self._sign(method, url.path)
        request = self._client.build_request(method, url, headers=headers, content=body)
        answer = await self._client.send(request, stream=True)
        try:
            self._look_at_clock(answer.headers.get("date", ""))
            if answer.status_code == NOT_MODIFIED and known is not None:
                _, value = await bodies.opened(known.body, "", self._bounds, parse)
                return "not_modified", value
            self._check_status(answer)
            bodies.check_type(answer.headers.get("content-type", ""))
            packed = await bodies.collect(answer.aiter_raw(), self._bounds)
        finally:
            await answer.aclose()
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        text, value = await bodies.opened(packed, encoding, self._bounds, parse)
        if body is None:
            self._validators.keep(address, answer.headers, text)
        return "ok", value

    def _check_status(self, answer: httpx.Response) -> None:
        """Raise _Failed or _Refused unless the answer is one."""
        status = answer.status_code
        if status in OK:
            return
        if status == RATE_LIMITED:
            wait = wait_of(answer.headers.get("retry-after", ""), self._clock.wall())
            wait = min(wait, self._bounds.retry_after_max_s)
            # Everybody else's requests would be refused as well.
            self._bucket.hold(wait or self._bounds.first_wait_s)
            raise _Failed("rate_limited", "over the venue's limit", again=True, wait_s=wait)
        if status in _AGAIN:
            wait = wait_of(answer.headers.get("retry-after", ""), self._clock.wall())
            wait = min(wait, self._bounds.retry_after_max_s)
            raise _Failed("server_error", f"status {status}", again=True, wait_s=wait)
        if status in REFUSED:
            raise _Refused(status)
        raise _Failed("wrong_status", f"status {status}", again=False)

    def _look_at_clock(self, date: str) -> None:
        try:
            there = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        self._skew_s = round(there - self._clock.wall())

    def _answered(self, endpoint: str, result: str) -> None:
        if self._breaker.state is not BreakerState.CLOSED:
            self._logger.info("venue answers again", platform=self._platform, endpoint=endpoint)
        self._breaker.succeeded()
        self._count(endpoint, result)
        now = self._clock.wall()
        self._last_success = int(now * _MICROSECONDS)
        self._meter.succeeded(now)

    def _failed(self, endpoint: str, failed: _Failed) -> _Failed:
        was = self._breaker.state
        if failed.result == "rate_limited":
            self._breaker.left()
        else:
            self._breaker.failed()
        self._count(endpoint, failed.result)
        self._note(f"{endpoint}: {failed}")
        if self._breaker.state is BreakerState.OPEN and was is BreakerState.CLOSED:
            self._logger.warning(
                "venue left alone",
                platform=self._platform,
                endpoint=endpoint,
                result=failed.result,
                pause_s=round(self._breaker.seconds_left()),
            )
        return failed

    def _count(self, endpoint: str, result: str) -> None:
        self._counts[result] = self._counts.get(result, 0) + 1
        self._meter.asked(endpoint, result)

    def _note(self, message: str) -> None:
        self._last_error = message[:_MESSAGE_MAX]
        self._last_error_at = int(self._clock.wall() * _MICROSECONDS)
