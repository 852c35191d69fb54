"""What a process that faces clients is made of, in the hands of this room alone.

The lists (`routes.py`, `sockets.py`) take from here what each domain needs and hand it on by
constructor: no domain ever sees the whole, so this is no bundle of everything in a handler's reach.
A new part is a field here, and every list can give it to a domain.
"""

from dataclasses import dataclass, field

from gateway.access.rate_limits import RateLimits
from gateway.accounts.linked.revoking import Revoking
from gateway.bootstrap.feeds import Feeds
from gateway.bootstrap.identity.api_keys import Keys
from gateway.bootstrap.identity.people import People
from gateway.bootstrap.identity.second_factor import Factors
from gateway.bootstrap.jobs import Jobs
from gateway.bootstrap.settings import Settings
from gateway.economy.stocks.desk import StockDesk
from gateway.engine_side.clock_skew import ClockSkew
from gateway.engine_side.readiness import Readiness
from gateway.engine_side.replays import ReplayPool
from gateway.engine_side.running import EngineSide
from gateway.feeds.known import MarketCatalogue
from gateway.markets.volumes import MarketVolumes
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.site.reference.socket_document import SocketDescription
from gateway.sockets.topics import Topics
from gateway.trading.desk import Desk
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import DeadlinePool
from persistence.repositories.candles import Candles


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts, each made once a process."""

    settings: Settings
    pool: DeadlinePool
    """Of which a domain's repository is made."""
    engine: EngineSide
    desk: Desk
    catalogue: MarketCatalogue
    """The markets of all platforms."""
    people: People
    factors: Factors
    keys: Keys
    revoking: Revoking
    jobs: Jobs
    feeds: Feeds
    candles: Candles
    volumes: MarketVolumes
    stocks: StockDesk
    topics: Topics
    """Of which a domain opens its own private stream."""
    readiness: Readiness
    clock: ClockSkew
    replays: ReplayPool
    """Where the past is replayed."""
    segments: Segments
    """What of the journal lies in files."""
    limits: RateLimits
    metrics: Metrics
    logger: Logger
    described: SocketDescription = field(default_factory=SocketDescription)
    """The sockets' document, which the sockets fill and a route shows."""


def segments_of(settings: Settings) -> Segments:
    """Return what of the journal lies in files, to be made once a process."""
    return Segments(settings.store.segments_folder)
