"""Logging in which the token cannot appear."""

from __future__ import annotations

import logging
import re
import sys

from signals.sentences import without_controls

_TOKEN = re.compile(r"(?<!\d)\d{3,}(?::|%3[Aa])[A-Za-z0-9_-]{20,}")


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and then removes every secret and what looks like a bot token."""

    def __init__(self, *secrets: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the record without any secret, and without what moves a terminal's cursor or turns its letters."""
        lines = super().format(record).split("\n")
        return redact("\n".join(map(without_controls, lines)), *self._secrets)


def redact(text: str, *secrets: str) -> str:
    """Replace every secret, in their order, and whatever looks like a bot token, in a text."""
    for secret in secrets:
        text = text.replace(secret, "<token>")
    return _TOKEN.sub("<token>", text)


def set_up_logging(*secrets: str, level: int = logging.INFO) -> None:
    """Log to standard error through the redacting formatter; httpx, which logs URLs, only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(*secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "alembic"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
