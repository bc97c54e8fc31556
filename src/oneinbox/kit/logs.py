"""Structured logs: JSON lines on stderr, with secrets taken out and tracebacks without the values of variables."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_NAMES = re.compile(r"password|secret|token|api_key|authorization|ticket|cookie|pepper|master_key", re.IGNORECASE)
SECRET_SHAPES = re.compile(
    r"oi_[sp]k_[0-9A-Za-z_]{8,}|whsec_[0-9A-Za-z+/=]{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:(?<=bearer )[\w.~+/-]{8,}=*)|(?i:(?<=response=\")[0-9a-f]{8,})"
)
HIDDEN = "[redacted]"
MOST_DEPTH = 6


def configure(level: str, process: str) -> None:
    """Log to stderr from now on; every line names the `process`. Standard library loggers go the same way."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(process),
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)
        ),
        hide_secrets,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    logging.getLogger("baresip.native").setLevel(logging.ERROR)
    for noisy in ("httpx", "httpcore", "httpx2", "asyncio", "livekit", "livekit.agents", "openai", "alembic"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))


def hide_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace what a secret's name or shape gives away, at any depth."""
    return {str(name): _hide(str(name), value, 0) for name, value in event.items()}


def _hide(name: str, value: object, depth: int) -> object:
    if SECRET_NAMES.search(name):
        return HIDDEN
    match value:
        case str():
            return SECRET_SHAPES.sub(HIDDEN, value)
        case Mapping() if depth < MOST_DEPTH:
            return {str(key): _hide(str(key), member, depth + 1) for key, member in value.items()}
        case list() | tuple() if depth < MOST_DEPTH:
            return [_hide("", member, depth + 1) for member in value]
        case int() | float() | None:
            return value
        case Exception() | bytes():
            return SECRET_SHAPES.sub(HIDDEN, type(value).__name__)
        case _ if name.startswith("_"):
            return value
        case _:
            return SECRET_SHAPES.sub(HIDDEN, str(value))


def _naming(process: str) -> Processor:
    def add(_logger: WrappedLogger, _name: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
        event.setdefault("process", process)
        return event

    return add
