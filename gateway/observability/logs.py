"""Structured logs: one JSON object a line on stdout, by structlog.

What a line may hold: request id, route template, status, milliseconds, the user's number, our own
words. What it never holds: e-mail addresses, tokens, passwords, IP addresses, query strings,
bodies. Libraries that log by the standard library come out in the same form, from WARNING up.
"""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from gateway.settings.values import level_number
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us

Logger = FilteringBoundLogger

_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


def configure_logs(level: str, stream: TextIO | None = None) -> Logger:
    """Set structlog and the standard library up and return the application's logger.

    `level` is a name of LOG_LEVEL; `stream` defaults to stdout.
    """
    out = sys.stdout if stream is None else stream
    structlog.configure(
        processors=[_stamp, _exception_text, _render],
        wrapper_class=structlog.make_filtering_bound_logger(level_number(level)),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, level_number(level)))
    logger: Logger = structlog.get_logger()
    return logger.bind()


def process_logs(level: str) -> Logger:
    """Do the same for a whole process: whatever else would print to stderr becomes a line, too.

    Warnings of libraries, faults in threads and in destructors, and what ends the process.
    """
    logger = configure_logs(level)
    logging.captureWarnings(capture=True)

    def ended(_kind: type[BaseException], error: BaseException, _trace: object) -> None:
        if not isinstance(error, KeyboardInterrupt):
            logger.critical("the process failed", exc_info=error)

    def thread_failed(failed: threading.ExceptHookArgs) -> None:
        logger.error("a thread failed", exc_info=failed.exc_value)

    def unraisable(failed: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs is for checkers only
        logger.error("something failed unnoticed", exc_info=failed.exc_value)

    sys.excepthook = ended
    threading.excepthook = thread_failed
    sys.unraisablehook = unraisable
    return logger


def _stamp(
    _logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {"time": iso_millis(now_us()), "level": method, **event}


def _exception_text(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["traceback"] = _frames(error)
    return event


def _frames(error: BaseException) -> list[str]:
    """Return where an exception came from, innermost last.

    Without its message and its source lines: those of a database driver quote the values at hand.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _render(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return _ENCODER.encode(event).decode("utf-8")


class _LineFormatter(logging.Formatter):
    """The same form for what libraries log."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON line."""
        line: dict[str, Any] = {
            "time": iso_millis(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info is not None and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["traceback"] = _frames(record.exc_info[1])
        return _ENCODER.encode(line).decode("utf-8")
