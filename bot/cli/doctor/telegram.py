"""Telegram: the token, what BotFather was told, a web-hook left over, the operators, and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bot.cli.doctor.finding import Finding, fail, note, ok
from bot.settings import Settings, SettingsError

_SECONDS = 5.0
_MOST_SKEW = timedelta(seconds=30)
_RECENT = timedelta(hours=1)
_HOW_TO_FIND_AN_ID = "write /id to your bot, and put the number into OPERATOR_IDS"
# What is to be switched on at BotFather, by the field of getMe that says whether it is.
_AT_BOTFATHER = (
    ("can_join_groups", "groups cannot add it", "send /setjoingroups to BotFather and enable it"),
    ("supports_inline_queries", "nobody can share a state by typing the bot's name", "send /setinline to BotFather"),
)


def examine_telegram(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Ask Telegram; nothing is changed there."""
    try:
        base = f"{settings.bot_api_base}{settings.token}"
    except SettingsError as error:
        yield fail("token", str(error))
        return
    with httpx.Client(timeout=_SECONDS) as client:
        try:
            answer = client.post(f"{base}/getMe")
            yield from _identity(answer)
            if answer.status_code == httpx.codes.OK:
                yield _web_hook(settings, client.post(f"{base}/getWebhookInfo").json()["result"], now)
                yield from _operators(settings, client, base)
            yield _clock(answer.headers.get("Date"), now)
        except httpx.HTTPError as error:
            what = f"{settings.api_host} cannot be reached ({type(error).__name__})"
            yield fail("telegram", what, "check the network and TELEGRAM_API_URL")
        except (ValueError, KeyError, TypeError) as error:
            what = f"{settings.api_host} answers nothing that a Bot API server would ({type(error).__name__})"
            yield fail("telegram", what, "correct TELEGRAM_API_URL")


def _identity(answer: httpx.Response) -> Iterator[Finding]:
    if answer.status_code != httpx.codes.OK:
        yield fail("token", f"refused with {answer.status_code}", "ask BotFather for the current one")
        return
    bot = answer.json()["result"]
    yield ok("token", f"accepted, the bot is @{bot['username']}")
    for name, what, remedy in _AT_BOTFATHER:
        if not bot.get(name):
            yield note("botfather", what, remedy)


def _web_hook(settings: Settings, found: dict[str, Any], now: datetime) -> Finding:
    url, waiting = str(found.get("url", "")), int(found.get("pending_update_count", 0))
    error = found.get("last_error_message")
    at = datetime.fromtimestamp(int(found.get("last_error_date", 0)), now.tzinfo)
    if url and not settings.webhook_url:
        return note("web-hook", "one is set, and the bot polls", "nothing: the bot deletes it when it starts")
    if url and error and now - at < _RECENT:
        remedy = "let the proxy pass /telegram on to WEBHOOK_LISTEN, with a certificate that is valid"
        return fail("web-hook", f"Telegram could not deliver to it: {error} ({waiting} updates wait)", remedy)
    if settings.webhook_url:
        return ok("web-hook", f"{'set' if url else 'will be set when the bot starts'}, {waiting} updates wait")
    return ok("web-hook", f"none, the bot polls; {waiting} updates wait")


def _operators(settings: Settings, client: httpx.Client, base: str) -> Iterator[Finding]:
    if not settings.operator_ids:
        yield fail("operators", "none is set, so nobody is told when something is wrong", _HOW_TO_FIND_AN_ID)
    for number in settings.operator_ids:
        answer = client.post(f"{base}/getChat", json={"chat_id": number})
        if answer.status_code == httpx.codes.OK:
            yield ok("operators", f"{number} can be told")
        else:
            remedy = f"let them press Start in a chat with the bot; or it is another's number: {_HOW_TO_FIND_AN_ID}"
            yield fail("operators", f"{number} cannot be told", remedy)


def _clock(date_header: str | None, now: datetime) -> Finding:
    if date_header is None:
        return ok("clock", "the server told no time to compare with")
    skew = abs(now - parsedate_to_datetime(date_header))
    if skew > _MOST_SKEW:
        return fail("clock", f"{skew.total_seconds():.0f} s off", "let the machine set its time by NTP")
    return ok("clock", "agrees with the server's")
