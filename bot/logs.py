"""Logging in which the token cannot appear."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from signals.sentences import without_controls

IDS = ("session", "alert")
"""What a record may say in ``extra``: the session that it is about, and the number of an alert."""
_TOKEN = re.compile(r"(?<!\d)\d{3,}(?::|%3[Aa])[A-Za-z0-9_-]{20,}")


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and then removes every secret and what looks like a bot token."""

    def __init__(self, *secrets: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the record without any secret, and without what moves a terminal's cursor or turns its letters."""
        return _clean(super().format(record), self._secrets)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; ``session`` and ``alert`` follow one evening from its end to its chats."""

    def __init__(self, *secrets: str) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the record, cleaned as by the other."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _clean(record.getMessage(), self._secrets),
        }
        said |= {name: getattr(record, name) for name in IDS if hasattr(record, name)}
        if record.exc_info:
            said["traceback"] = _clean(self.formatException(record.exc_info), self._secrets)
        # Cleaned before it is JSON, which writes some letters otherwise.
        return json.dumps(said, ensure_ascii=False, default=str)


LOG_FORMATS = {"text": RedactingFormatter, "json": JsonFormatter}
"""How a line of the log is written, by the name that LOG_FORMAT gives it."""


def _clean(text: str, secrets: Sequence[str]) -> str:
    return redact("\n".join(map(without_controls, text.split("\n"))), *secrets)


def redact(text: str, *secrets: str) -> str:
    """Replace every secret, in their order, and whatever looks like a bot token, in a text."""
    for secret in secrets:
        text = text.replace(secret, "<token>")
    return _TOKEN.sub("<token>", text)


def set_up_logging(*secrets: str, level: int = logging.INFO, form: str = "text") -> None:
    """Log to standard error, without secrets; httpx, which logs URLs, only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LOG_FORMATS[form](*secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "alembic"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
