"""Settings, from the environment and ``.env``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AnyHttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from storage.database import DatabaseURLError, parse_url

TELEGRAM = "https://api.telegram.org"
_EXAMPLES = {
    "telegram_bot_token": "TELEGRAM_BOT_TOKEN=123456789:AAExample, as BotFather gave it",
    "telegram_api_url": f"TELEGRAM_API_URL={TELEGRAM}",
    "database_url": "DATABASE_URL=sqlite+aiosqlite:///data/cascade.db",
    "operator_ids": "OPERATOR_IDS=123456789,987654321",
    "market_data": "MARKET_DATA=live, MARKET_DATA=folder:/srv/market or MARKET_DATA=simulated",
}


class SettingsError(ValueError):
    """A setting is missing or malformed; the message is one line that names it and gives an example."""


class Settings(BaseSettings):
    """What an operator can set. Every name is that of an environment variable, in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    telegram_bot_token: SecretStr | None = None
    telegram_api_url: AnyHttpUrl = AnyHttpUrl(TELEGRAM)
    database_url: str = "sqlite+aiosqlite:///data/cascade.db"
    operator_ids: Annotated[tuple[int, ...], NoDecode] = ()
    market_data: str = "live"

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
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        what = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name.upper()} {what}; for example {_EXAMPLES.get(name, '')}") from None
