"""One session's verdict: evaluated from a data folder, or as the bot decided it that evening."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from bot.cli.history import database_exists, load
from bot.cli.progress import progress_shown
from bot.cli.words import verdict_text
from bot.settings import Settings
from signals.as_json import decode_verdict, encode
from signals.data.sessions import check_session, decision_time, nyse_sessions
from signals.errors import NoHistoryError, NotASessionError
from signals.model import Verdict
from storage import ledger
from storage.database import read_only, run_until_complete
from storage.market import Market, load_market


def evaluation(settings: Settings, session: date | None, now: datetime, *, stored: bool, as_json: bool) -> str:
    """Return the verdict of one session, by default the newest, in the words of messages or as JSON.

    Parameters
    ----------
    stored
        Read what the bot decided from its database; otherwise evaluate ``settings.market_data`` as known that evening.

    Raises
    ------
    signals.errors.HistoryError
        When there is no verdict of that session; the message says why.
    """
    if stored:
        verdict, market_row = _stored(settings.database_url, session)
    else:
        verdict, market_row = _evaluated(settings, session, now), Market(settings.market_data, None, None)
    if as_json:
        return msgspec.json.format(encode(verdict), indent=2).decode()
    return verdict_text(verdict, market_row)


def _evaluated(settings: Settings, session: date | None, now: datetime) -> Verdict:
    if session is not None:
        _check(session, now)
        now = decision_time(session)
    with progress_shown() as report:
        loaded = load(settings.market_data, settings.database_url, now, settings.source_options, report)
        report("evaluating", 0, None)
        history = loaded.evaluate(session)
        newest = history.panel.days[-1]
        return history.verdict(newest, decision_time(newest))


def _check(session: date, now: datetime) -> None:
    """Refuse a date that is no session, or whose decision time has not come, before anything is loaded."""
    if decision_time(session) > now:
        raise NotASessionError(f"{session} is not decided yet: its decision time is after {now:%Y-%m-%d %H:%M} UTC")
    check_session(session, nyse_sessions(now))


def _stored(database_url: str, session: date | None) -> tuple[Verdict, Market]:
    """Return what was decided for a session, by default for the newest, and in which market; it is never rewritten."""
    nothing = (None, None, None)
    body, nearest, found = (
        run_until_complete(_body(database_url, session)) if database_exists(database_url) else nothing
    )
    if nearest is None or found is None:
        raise NoHistoryError("the database has no verdict yet: run the bot first, or give --data FOLDER")
    if body is None:
        raise NotASessionError(f"the database has no verdict of {session}; the nearest before it is of {nearest}")
    return decode_verdict(body), found


async def _body(url: str, session: date | None) -> tuple[str | None, date | None, Market | None]:
    """Return the verdict of a session, if there is one; the nearest before it, or else the first; and the market."""
    async with read_only(url) as connection:
        nearest = await ledger.nearest_body(connection, session or date.max)
        first = await ledger.first_session(connection)
        market_row = await load_market(connection)
    if nearest is None:
        return None, first, market_row
    found = decode_verdict(nearest).session
    return (nearest if session in (None, found) else None), found, market_row
