"""Optional error reports to Sentry: on with SENTRY_DSN, without personal data, silent otherwise.

Of an exception that isn't ours only its class is told: a driver's message quotes the values at
hand (`Key (email)=(...) already exists`), as logs leave it out too.

The only module that imports `sentry_sdk`, which comes with the extra `probity[sentry]`.
"""

import importlib
from typing import Any, Final

from gateway.settings.reader import SettingsError

_OURS: Final = ("exchange", "gateway", "persistence")


def _without_values(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what others' exceptions say."""
    for told in event.get("exception", {}).get("values", ()):
        if (told.get("module") or "").partition(".")[0] not in _OURS:
            told["value"] = ""
    return event


class ErrorReports:
    """Sends faults of ours to Sentry, or does nothing without a DSN."""

    __slots__ = ("_sentry",)

    def __init__(self, dsn: str | None) -> None:
        self._sentry: Any = None
        if dsn is None:
            return
        try:
            self._sentry = importlib.import_module("sentry_sdk")
        except ImportError:
            raise SettingsError("SENTRY_DSN: needs the package probity[sentry]") from None
        try:
            self._sentry.init(
                dsn=dsn,
                # Personal data is off by default; newer versions warn of the old name for that.
                max_request_body_size="never",
                include_local_variables=False,
                default_integrations=False,
                before_send=_without_values,
                traces_sample_rate=0.0,
            )
        except self._sentry.utils.BadDsn:
            raise SettingsError("SENTRY_DSN: is not a valid DSN") from None

    def capture(self, error: BaseException, **tags: str) -> None:
        """Report one error with tags that hold no personal data."""
        if self._sentry is None:
            return
        with self._sentry.new_scope() as scope:
            for name, value in tags.items():
                scope.set_tag(name, value)
            scope.capture_exception(error)

    def close(self) -> None:
        """Send what is waiting."""
        if self._sentry is not None:
            self._sentry.flush(timeout=2)
