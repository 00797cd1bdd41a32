"""Settings, from the environment and ``.env``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AnyHttpUrl, DirectoryPath, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.delivery.pacing import Limits
from signals.data.series import SERIES
from signals.sources.options import SourceOptions
from storage.database import DatabaseURLError, parse_url

TELEGRAM = "https://api.telegram.org"
_FREE_RATE = 30
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_EXAMPLES = {
    "telegram_bot_token": "TELEGRAM_BOT_TOKEN=123456789:AAExample, as BotFather gave it",
    "telegram_api_url": f"TELEGRAM_API_URL={TELEGRAM}",
    "database_url": "DATABASE_URL=sqlite+aiosqlite:///data/cascade.db or postgresql+asyncpg://cascade:secret@host/cascade",
    "messages_per_second": "MESSAGES_PER_SECOND=30, up to 1000 with PAID_BROADCAST=true",
    "chat_messages_per_second": "CHAT_MESSAGES_PER_SECOND=1",
    "group_messages_per_minute": "GROUP_MESSAGES_PER_MINUTE=20",
    "paid_broadcast": "PAID_BROADCAST=false",
    "webhook_url": "WEBHOOK_URL=https://bot.example.org, where your proxy passes /telegram on to WEBHOOK_LISTEN",
    "webhook_secret": "WEBHOOK_SECRET=what openssl rand -hex 32 prints",
    "webhook_listen": "WEBHOOK_LISTEN=0.0.0.0:8080",
    "operator_ids": "OPERATOR_IDS=123456789,987654321",
    "operator_data": "OPERATOR_DATA=/srv/operator, a folder of CSV files",
    "operator_note": "OPERATOR_NOTE=2026-11-01: a sentence of at most 500 characters",
    "fallbacks": "FALLBACKS=ETH-USD=/srv/operator/ETH-USD_coinbase.csv",
    "market_data": "MARKET_DATA=live, MARKET_DATA=folder:/srv/market or MARKET_DATA=simulated",
}


class SettingsError(ValueError):
    """A setting is missing or malformed; the message is one line that names it and gives an example."""


class _Together(Exception):  # noqa: N818 - becomes a SettingsError
    """Two settings that do not go together; pydantic would not say which one to change."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


class Settings(BaseSettings):
    """What an operator can set. Every name is that of an environment variable, in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    telegram_bot_token: SecretStr | None = None
    telegram_api_url: AnyHttpUrl = AnyHttpUrl(TELEGRAM)
    database_url: str = "sqlite+aiosqlite:///data/cascade.db"
    operator_ids: Annotated[tuple[int, ...], NoDecode] = ()
    market_data: str = "live"
    operator_data: DirectoryPath | None = None
    fallbacks: Annotated[tuple[tuple[str, str], ...], NoDecode] = ()
    fred_api_key: SecretStr | None = None
    tiingo_token: SecretStr | None = None
    messages_per_second: Annotated[int, Field(ge=1, le=1000)] = _FREE_RATE
    chat_messages_per_second: Annotated[int, Field(ge=1, le=30)] = 1
    group_messages_per_minute: Annotated[int, Field(ge=1, le=60)] = 20
    paid_broadcast: bool = False
    webhook_url: AnyHttpUrl | None = None
    webhook_secret: SecretStr | None = None
    webhook_listen: str = "0.0.0.0:8080"
    operator_note: Annotated[str, Field(max_length=500)] = ""

    @field_validator("telegram_bot_token")
    @classmethod
    def _token(cls, token: SecretStr | None) -> SecretStr | None:
        bot, colon, secret = (token.get_secret_value() if token else "1:x").partition(":")
        if not (bot.isdigit() and colon and secret and secret.isascii() and secret.isprintable()) or " " in secret:
            raise ValueError("is not a bot token (digits, a colon, letters)")
        return token

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: str) -> str:
        try:
            parse_url(url)
        except DatabaseURLError as error:
            raise ValueError(str(error).partition(";")[0]) from None
        return url

    @field_validator("operator_ids", mode="before")
    @classmethod
    def _ids(cls, value: Any) -> Any:
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        for part in parts:
            if not str(part).lstrip("-").isdigit():
                raise ValueError(f"has {part!r}, which is not a number")
        return parts

    @field_validator("market_data")
    @classmethod
    def _market(cls, value: str) -> str:
        kind, _, folder = value.partition(":")
        if kind == "folder" and not Path(folder).is_dir():
            raise ValueError(f"names the folder {folder!r}, which does not exist")
        if kind != "folder" and value not in ("live", "simulated"):
            raise ValueError(f"is {value!r}")
        return value

    @field_validator("fallbacks", mode="before")
    @classmethod
    def _fallbacks(cls, value: Any) -> Any:
        pairs = [part.strip().partition("=") for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(value, str):
            return pairs
        for key, _, path in pairs:
            if key not in SERIES:
                raise ValueError(f"names {key!r}, which is no series")
            if not (path.endswith(".csv") and Path(path).is_file()):
                raise ValueError(f"names the file {path!r} for {key}, which is no CSV file there is")
        return tuple((key, path) for key, _, path in pairs)

    @field_validator("webhook_url")
    @classmethod
    def _webhook(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url is not None and url.scheme != "https" and url.host not in ("127.0.0.1", "localhost"):
            raise ValueError("is not https, and Telegram calls nothing else")
        if url is not None and (url.query or url.fragment):
            raise ValueError("ends in a query or a fragment, and /telegram is appended to it")
        return url

    @field_validator("webhook_secret")
    @classmethod
    def _secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError("is not 16 to 256 of the characters A-Z, a-z, 0-9, _ and -")
        return secret

    @field_validator("webhook_listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (host and colon and port.isdigit() and int(port) < 1 << 16):
            raise ValueError(f"is {value!r}, expected an address and a port")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.webhook_url and not self.webhook_secret:
            raise _Together("webhook_secret", "is missing, and WEBHOOK_URL needs it")
        if self.messages_per_second > _FREE_RATE and not self.paid_broadcast and self.uses_telegram:
            raise _Together("messages_per_second", f"is {self.messages_per_second}, and Telegram allows 30 for free")
        return self

    @property
    def limits(self) -> Limits:
        """How fast messages may leave."""
        return Limits(self.messages_per_second, self.chat_messages_per_second, self.group_messages_per_minute)

    @property
    def source_options(self) -> SourceOptions:
        """What was set about sources."""
        return SourceOptions(
            fred_api_key=self.fred_api_key.get_secret_value() if self.fred_api_key else None,
            tiingo_token=self.tiingo_token.get_secret_value() if self.tiingo_token else None,
            operator_data=str(self.operator_data) if self.operator_data else None,
            fallbacks=self.fallbacks,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must appear nowhere."""
        held = (self.telegram_bot_token, self.fred_api_key, self.tiingo_token, self.webhook_secret)
        password = parse_url(self.database_url).password
        return (*(secret.get_secret_value() for secret in held if secret), *([password] if password else ()))

    @property
    def token(self) -> str:
        """The bot token.

        Raises
        ------
        SettingsError
            When none is set.
        """
        if self.telegram_bot_token is None:
            raise SettingsError(f"TELEGRAM_BOT_TOKEN is missing; for example {_EXAMPLES['telegram_bot_token']}")
        return self.telegram_bot_token.get_secret_value()

    @property
    def uses_telegram(self) -> bool:
        """Whether messages go to Telegram itself and not to a server of one's own."""
        return self.telegram_api_url.host == "api.telegram.org"

    @property
    def bot_api_base(self) -> str:
        """The Bot API address in the form python-telegram-bot wants it: the token is appended."""
        return str(self.telegram_api_url).rstrip("/") + "/bot"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises
    ------
    SettingsError
        For the first setting that is malformed.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except _Together as error:
        raise SettingsError(f"{error.name.upper()} {error}; for example {_EXAMPLES[error.name]}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        what = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name.upper()} {what}; for example {_EXAMPLES.get(name, '')}") from None
