"""Settings, from the environment, from ``.env``, and secrets from files of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from dotenv import dotenv_values

from bot.delivery.pacing import Limits
from bot.logs import LOG_FORMATS
from signals.data.series import SERIES
from signals.sources.options import SourceOptions
from storage.database import SQLITE, DatabaseURLError, parse_url

TELEGRAM = "https://api.telegram.org"
_FROM_FILE = "_file"
_LONGEST_SECRET = 4_096
# What is shorter stands in every other word, and keeps nobody out.
_SHORTEST_SECRET = 4
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")
_FREE_RATE = 30
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_LONGEST_NOTE = 500
_BOOLEANS = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True) | dict.fromkeys(
    ("false", "f", "no", "n", "off", "0"), False
)


class SettingsError(ValueError):
    """A setting is missing or malformed; the message is one line that names it and gives an example."""


def _bot_token(text: str) -> str:
    bot, colon, secret = text.partition(":")
    if not (bot.isdigit() and colon and secret and secret.isascii() and secret.isprintable()) or " " in secret:
        raise ValueError("is not a bot token (digits, a colon, letters)")
    return text


def _web_address(text: str) -> str:
    # The text itself is not repeated: an address may hold a password or a token.
    address = text.strip()
    try:
        parts = urlsplit(address)
        # What other programs would read as another host than this one does is none.
        is_usable = parts.scheme in ("http", "https") and parts.port != 0 and _HOST.fullmatch(_host(address))
    except ValueError:
        is_usable = False
    if not is_usable or "\\" in address or any(letter.isspace() for letter in address):
        raise ValueError("is not a web address (https:// or http://, then a host)")
    if "?" in address or "#" in address:
        raise ValueError("ends in a query or a fragment, and a path is appended to it")
    return address


def _host(address: str) -> str:
    """Return the host as name servers know it, whatever its spelling: small letters, ASCII, no dot at the end.

    Raises
    ------
    ValueError
        When it can be none.
    """
    host = urlsplit(address).hostname or ""
    # A network address of version 6 has no letters to be translated.
    plain = host if ":" in host else host.encode("idna").decode()
    return plain.lower().rstrip(".")


def _webhook_address(text: str) -> str:
    address = _web_address(text)
    if urlsplit(address).scheme != "https" and _host(address) not in ("127.0.0.1", "localhost"):
        raise ValueError("is not https, and Telegram calls nothing else")
    return address


def _webhook_secret(text: str) -> str:
    if not _SECRET.fullmatch(text):
        raise ValueError("is not 16 to 256 of the characters A-Z, a-z, 0-9, _ and -")
    return text


def _ping_address(text: str) -> str:
    address, _, query = text.strip().partition("?")
    if any(letter.isspace() for letter in query):
        raise ValueError("is not a web address (a space in its query)")
    _web_address(address)
    return text.strip()


def _address_and_port(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdigit() and int(port) < 1 << 16):
        raise ValueError(f"is {text!r}, expected an address and a port")
    return text


def _database_url(text: str) -> str:
    try:
        parse_url(text)
    except DatabaseURLError as error:
        raise ValueError(str(error).partition(";")[0]) from None
    return text


def _ids(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not re.fullmatch(r"-?[0-9]{1,18}", part):
            raise ValueError(f"has {part!r}, which is not a number")
    return tuple(map(int, parts))


def _market_data(text: str) -> str:
    kind, _, folder = text.partition(":")
    if kind == "folder":
        _folder(folder)
    elif text not in ("live", "simulated"):
        raise ValueError(f"is {text!r}")
    return text


def _folder(text: str) -> str:
    if not Path(text).is_dir():
        raise ValueError(f"names the folder {text!r}, which does not exist")
    return text


def _fallbacks(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [part.strip().partition("=") for part in text.split(",")]
    for key, _, path in pairs:
        if key not in SERIES:
            raise ValueError(f"names {key!r}, which is no series")
        if not (path.endswith(".csv") and Path(path).is_file()):
            raise ValueError(f"names the file {path!r} for {key}, which is no CSV file there is")
    return tuple((key, path) for key, _, path in pairs)


def _log_format(text: str) -> str:
    if text not in LOG_FORMATS:
        raise ValueError(f"is {text!r}, expected {' or '.join(LOG_FORMATS)}")
    return text


def _note(text: str) -> str:
    if len(text) > _LONGEST_NOTE:
        raise ValueError(f"has {len(text)} characters, expected at most {_LONGEST_NOTE}")
    return text


def _boolean(text: str) -> bool:
    if text.strip().lower() not in _BOOLEANS:
        raise ValueError(f"is {text!r}, expected true or false")
    return _BOOLEANS[text.strip().lower()]


def _whole_number(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (re.fullmatch(r"[0-9]{1,9}", text.strip()) and 1 <= int(text) <= most):
            raise ValueError(f"is {text!r}, expected a whole number from 1 to {most}")
        return int(text)

    return parse


def _itself(text: str) -> Iterable[str]:
    return (text,)


def _password(text: str) -> Iterable[str]:
    """Return the password in an address, as it is written there."""
    _, _, password = text.rpartition("@")[0].rpartition("/")[2].partition(":")
    return (password, unquote(password))


def _database_passwords(text: str) -> Iterable[str]:
    # The driver takes one from the query, too.
    url = parse_url(text)
    queried = [value for name, value in parse_qsl(urlsplit(text).query) if "pass" in name.lower()]
    return (*_password(text), url.password or "", *queried)


def _setting(
    default: Any,
    parse: Callable[[str], Any],
    example: str,
    hides: Callable[[str], Iterable[str]] | None = None,
) -> Any:
    """Describe a setting.

    Parameters
    ----------
    parse
        Makes a value of its text, or raises ``ValueError``.
    hides
        Says what of its text must be shown nowhere. A setting that is hidden whole may come from a file, too.
    """
    return field(default=default, repr=hides is None, metadata={"parse": parse, "example": example, "hides": hides})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can set. Every name is that of an environment variable, in capitals."""

    telegram_bot_token: str | None = _setting(
        None, _bot_token, "TELEGRAM_BOT_TOKEN=123456789:AAExample, as BotFather gave it", _itself
    )
    telegram_api_url: str = _setting(TELEGRAM, _web_address, f"TELEGRAM_API_URL={TELEGRAM}", _password)
    database_url: str = _setting(
        "sqlite+aiosqlite:///data/cascade.db", _database_url,
        "DATABASE_URL=sqlite+aiosqlite:///data/cascade.db or postgresql+asyncpg://cascade:secret@host/cascade",
        _database_passwords,
    )  # fmt: skip
    operator_ids: tuple[int, ...] = _setting((), _ids, "OPERATOR_IDS=123456789,987654321")
    market_data: str = _setting(
        "live", _market_data, "MARKET_DATA=live, MARKET_DATA=folder:/srv/market or MARKET_DATA=simulated"
    )
    operator_data: str | None = _setting(None, _folder, "OPERATOR_DATA=/srv/operator, a folder of CSV files")
    fallbacks: tuple[tuple[str, str], ...] = _setting(
        (), _fallbacks, "FALLBACKS=ETH-USD=/srv/operator/ETH-USD_coinbase.csv"
    )
    fred_api_key: str | None = _setting(None, str, "FRED_API_KEY=what FRED gave you", _itself)
    tiingo_token: str | None = _setting(None, str, "TIINGO_TOKEN=what Tiingo gave you", _itself)
    messages_per_second: int = _setting(
        _FREE_RATE, _whole_number(1000), "MESSAGES_PER_SECOND=30, up to 1000 with PAID_BROADCAST=true"
    )
    chat_messages_per_second: int = _setting(1, _whole_number(30), "CHAT_MESSAGES_PER_SECOND=1")
    group_messages_per_minute: int = _setting(20, _whole_number(60), "GROUP_MESSAGES_PER_MINUTE=20")
    paid_broadcast: bool = _setting(False, _boolean, "PAID_BROADCAST=false")
    webhook_url: str | None = _setting(
        None, _webhook_address,
        "WEBHOOK_URL=https://bot.example.org, where your proxy passes /telegram on to WEBHOOK_LISTEN",
        _password,
    )  # fmt: skip
    webhook_secret: str | None = _setting(
        None, _webhook_secret, "WEBHOOK_SECRET=what openssl rand -hex 32 prints", _itself
    )
    webhook_listen: str = _setting("0.0.0.0:8080", _address_and_port, "WEBHOOK_LISTEN=0.0.0.0:8080")
    backup_dir: str | None = _setting(None, str, "BACKUP_DIR=/srv/backups, a folder on another disk")
    backups_kept: int = _setting(14, _whole_number(1000), "BACKUPS_KEPT=14")
    health_listen: str | None = _setting(None, _address_and_port, "HEALTH_LISTEN=127.0.0.1:9090")
    ping_url: str | None = _setting(
        None, _ping_address, "PING_URL=https://hc-ping.com/what-the-service-gave-you", _itself
    )
    log_format: str = _setting("text", _log_format, "LOG_FORMAT=json")
    operator_note: str = _setting("", _note, "OPERATOR_NOTE=2026-11-01: a sentence of at most 500 characters")

    @property
    def limits(self) -> Limits:
        """How fast messages may leave."""
        return Limits(self.messages_per_second, self.chat_messages_per_second, self.group_messages_per_minute)

    @property
    def source_options(self) -> SourceOptions:
        """What was set about sources."""
        return SourceOptions(
            fred_api_key=self.fred_api_key,
            tiingo_token=self.tiingo_token,
            operator_data=self.operator_data,
            fallbacks=self.fallbacks,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must appear nowhere: neither in a log nor in a message."""
        return secrets_in({name: getattr(self, name) for name in _HIDING})

    @property
    def token(self) -> str:
        """The bot token.

        Raises
        ------
        SettingsError
            When none is set.
        """
        if self.telegram_bot_token is None:
            raise _wrong("telegram_bot_token", "is missing")
        return self.telegram_bot_token

    @property
    def api_host(self) -> str:
        """The host of the Bot API, however its address spells it."""
        return _host(self.telegram_api_url)

    @property
    def uses_telegram(self) -> bool:
        """Whether messages go to Telegram itself and not to a server of one's own."""
        return self.api_host == "api.telegram.org"

    @property
    def bot_api_base(self) -> str:
        """The Bot API address in the form python-telegram-bot wants it: the token is appended."""
        return self.telegram_api_url.rstrip("/") + "/bot"


_FIELDS: Mapping[str, Field[Any]] = {setting.name: setting for setting in fields(Settings)}
_HIDING = {name: setting.metadata["hides"] for name, setting in _FIELDS.items() if setting.metadata["hides"]}
# An address that may hold a password is no secret as a whole.
_SECRETS = [name for name, hides in _HIDING.items() if hides is not _password]
NAMES = frozenset(name.upper() for name in _FIELDS) | {f"{name}{_FROM_FILE}".upper() for name in _SECRETS}
"""Every environment variable that is a setting, or names the file that a setting is in."""


def load_settings(*, unless_set: Mapping[str, str] | None = None, **given: str | None) -> Settings:
    """Read the settings.

    Parameters
    ----------
    unless_set
        Other defaults, by the names of the settings.
    given
        What wins over the environment, which wins over ``.env``; ``None`` is not given. Empty is not set, either.

    Raises
    ------
    SettingsError
        For the first setting that is malformed, or that another one does not go with.
    """
    texts = dict(unless_set or {}) | _texts(given)
    values = {name: _parsed(name, texts[name]) for name in _FIELDS if name in texts}
    settings = Settings(**values)
    if settings.webhook_url and not settings.webhook_secret:
        raise _wrong("webhook_secret", "is missing, and WEBHOOK_URL needs it")
    if settings.messages_per_second > _FREE_RATE and not settings.paid_broadcast and settings.uses_telegram:
        raise _wrong("messages_per_second", f"is {settings.messages_per_second}, and Telegram allows 30 for free")
    if settings.backup_dir and parse_url(settings.database_url).drivername != SQLITE:
        raise _wrong("backup_dir", "is set, and DATABASE_URL is a PostgreSQL server, whose own pg_dump copies it")
    return settings


def secrets_set() -> tuple[str, ...]:
    """Return what must be shown nowhere of the settings as they are set now, malformed ones included."""
    try:
        return secrets_in(_texts({}))
    except (SettingsError, OSError, UnicodeError):
        return secrets_in({name.lower(): text for name, text in os.environ.items()})


def _texts(given: Mapping[str, str | None]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for source in (dotenv_values(".env", encoding="utf-8"), os.environ, given):
        own = {name.lower(): text for name, text in source.items() if text}
        for name in _SECRETS:
            if path := own.get(name + _FROM_FILE):
                if name in own:
                    raise SettingsError(f"{name.upper()} and {name.upper()}_FILE are both set: keep one of them")
                own[name] = _read(name, path)
        texts |= own
    return texts


def _read(name: str, path: str) -> str:
    what, example = f"{name.upper()}_FILE", f"for example {name.upper()}_FILE=/run/secrets/{name}"
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(_LONGEST_SECRET + 1).strip()
    except (OSError, UnicodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise SettingsError(f"{what} names the file {path!r}, which cannot be read ({why}); {example}") from None
    if not 0 < len(text) <= _LONGEST_SECRET:
        raise SettingsError(f"{what} names the file {path!r}, which is {'too long' if text else 'empty'}; {example}")
    return text


def secrets_in(texts: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return what the texts of settings, by their names, hide: as it is and as an address writes it, longest first."""
    found: set[str] = set()
    for name, hides in _HIDING.items():
        if text := texts.get(name):
            # A malformed address says nothing of its parts, so it is hidden as a whole.
            try:
                found |= {*hides(text)}
            except ValueError:
                found.add(text)
    found |= {quote(secret, safe="") for secret in found}
    return tuple(sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=lambda one: (-len(one), one)))


def _parsed(name: str, text: str) -> Any:
    try:
        return _FIELDS[name].metadata["parse"](text)
    except ValueError as error:
        raise _wrong(name, str(error)) from None


def _wrong(name: str, what: str) -> SettingsError:
    return SettingsError(f"{name.upper()} {what}; for example {_FIELDS[name].metadata['example']}")
