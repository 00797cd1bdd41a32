"""Logging in which the token cannot appear."""

from __future__ import annotations

import logging
import re
import sys

_TOKEN = re.compile(r"(?<!\d)\d{3,}:[A-Za-z0-9_-]{20,}")


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and then removes whatever is or looks like a bot token."""

    def __init__(self, token: str | None = None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without any token."""
        return redact(super().format(record), self._token)


def redact(text: str, token: str | None = None) -> str:
    """Replace every token in a text."""
    if token:
        text = text.replace(token, "<token>")
    return _TOKEN.sub("<token>", text)


def set_up_logging(token: str | None = None, level: int = logging.INFO) -> None:
    """Log to standard error through the redacting formatter; httpx, which logs URLs, only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(token))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "alembic"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
