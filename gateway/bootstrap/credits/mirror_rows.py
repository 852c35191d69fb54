"""The rows of mirrors and the house, put together."""

from gateway.bootstrap.credits.mirrors import mirroring_of
from gateway.bootstrap.parts import Parts
from gateway.economy.mirrors.routes import MirrorRoutes
from persistence.repositories.economy.mirrors import Mirrors


def mirror_routes(parts: Parts) -> MirrorRoutes:
    """Return what has the rows of mirrors and the house."""
    return MirrorRoutes(
        Mirrors(parts.pool),
        mirroring_of(parts.settings, parts.feeds, parts.pool, parts.engine, parts.people),
        parts.feeds.following,
        parts.engine.view,
        parts.people.audit,
        parts.settings.mirrors,
        parts.settings.pages,
    )
