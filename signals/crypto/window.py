"""Whether crypto answered a confirmed breakout in the one to three months that the thesis expects."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from signals.conditions.measuring import Measuring
from signals.conditions.rows import optional
from signals.crypto.capitulation import CapitulationHistory, capitulation_history
from signals.data.panel import Alignment
from signals.data.series import Days
from signals.episode import Episode
from signals.model import Crypto, Supplied, Window
from signals.rules import GATE, WINDOW

_SUPPLIED = ("ETF_FLOWS", "LEVERAGE")


@dataclass(frozen=True, slots=True)
class Answer:
    """What ether did after one confirmation: everything known in the end, read as of a session."""

    episode: Episode
    confirmed: date
    anchor: float | None
    responded: date | None
    early: date | None


@dataclass(frozen=True)
class CryptoHistory:
    """The crypto window and its precondition over all sessions."""

    measuring: Measuring
    answers: Sequence[Answer]
    capitulation: CapitulationHistory
    ether: Alignment
    betas: tuple[list[float | None], ...]
    supplied: dict[str, Alignment]

    @cached_property
    def _position(self) -> list[int]:
        # A bar that cannot be believed answers nothing.
        return [int(at) for at in self.measuring.trusted(self.ether, ("ETH-USD", "BTC-USD"))]

    @cached_property
    def _ether_days(self) -> list[date]:
        return [day.date() for day in self.ether.dates]

    @cached_property
    def _ether_prices(self) -> list[float]:
        return [float(price) for price in self.measuring.daily("ETH-USD").tolist()]

    def at(self, session: int) -> Crypto:
        """Return crypto on the session at a position."""
        today = self.measuring.panel.days[session]
        answer = self._answer(today)
        position = self._position[session]
        newest = self._ether_days[position] if position >= 0 else None
        window, responded, early = self._window(answer, today, newest)
        measured = (
            answer is not None and answer.anchor is not None and newest is not None and newest >= answer.confirmed
        )
        anchor = answer.anchor if answer and measured else None
        capitulation, betas = self.capitulation, [values[session] for values in self.betas]
        return Crypto(
            window=window,
            day=None if answer is None else (today - answer.confirmed).days,
            confirmed=None if answer is None else answer.confirmed,
            anchor=anchor,
            change=self._ether_prices[position] / anchor - 1 if anchor and self.ether.usable[session] else None,
            responded=responded,
            early=early,
            capitulated=capitulation.shown["capitulated"][session],
            exhausted=capitulation.shown["exhausted"][session],
            precondition=capitulation.shown["precondition"][session],
            last_published=capitulation.last_published["precondition"][session],
            coins=tuple(coin.at(session) for coin in capitulation.coins),
            beta=(betas[0], betas[2]),
            correlation=(betas[1], betas[3]),
            supplied=tuple(self._supplied(key, session) for key in _SUPPLIED),
        )

    def _answer(self, today: date) -> Answer | None:
        index = bisect_right(self.answers, today, key=lambda answer: answer.confirmed) - 1
        return self.answers[index] if index >= 0 else None

    def _window(
        self, answer: Answer | None, today: date, newest: date | None
    ) -> tuple[Window, date | None, date | None]:
        """Return the state of the window and the days of a response, by what was public on ``today``."""
        if answer is None:
            return Window.NOT_OPEN, None, None
        day = (today - answer.confirmed).days
        responded, early = (on if on and newest and on <= newest else None for on in (answer.responded, answer.early))
        failed = answer.episode.failed
        if failed is not None and failed <= today and not (responded and responded < failed):
            return Window.CANCELLED, None, early
        if responded:
            return Window.RESPONDED, responded, early
        if day < WINDOW.opens:
            return Window.WAITING, None, early
        if answer.anchor is None:
            return Window.OPEN if day <= WINDOW.closes else Window.UNMEASURED, None, None
        if day <= WINDOW.closes:
            return Window.OPEN, None, early
        # Only with every day of the window known can it be said that none of them answered.
        if newest is not None and newest >= answer.confirmed + timedelta(days=WINDOW.closes):
            return Window.ELAPSED, None, early
        return Window.OPEN if day <= WINDOW.closes + GATE.late_sessions else Window.UNMEASURED, None, early

    def _supplied(self, key: str, session: int) -> Supplied:
        alignment = self.supplied.get(key)
        if alignment is None or not alignment.usable[session]:
            return Supplied(key, None, None)
        at = int(alignment.position[session])
        return Supplied(key, float(self.measuring.figures(key).iloc[at]), alignment.dates[at].date())


def crypto_history(measuring: Measuring) -> CryptoHistory:
    """Judge every window and the precondition over the whole history."""
    panel = measuring.panel
    ether = panel.align(pd.DatetimeIndex(measuring.daily("ETH-USD").index), ["ETH-USD"], Days.DAY)
    confirmed = [episode for episode in measuring.episodes if episode.confirmed is not None]
    return CryptoHistory(
        measuring=measuring,
        answers=[_look(measuring, episode) for episode in confirmed],
        capitulation=capitulation_history(measuring),
        ether=ether,
        betas=tuple(x for lag in (0, WINDOW.lag_weeks) for x in _beta(measuring, lag)),
        supplied={key: panel.alignments[key] for key in _SUPPLIED if key in panel.alignments},
    )


def _look(measuring: Measuring, episode: Episode) -> Answer:
    """Return what ether did in the days after a confirmation, as far as the data go."""
    assert episode.confirmed is not None
    day_0 = pd.Timestamp(episode.confirmed)
    price = measuring.daily("ETH-USD")
    anchor = float(price.get(day_0, np.nan))
    if np.isnan(anchor):
        return Answer(episode, episode.confirmed, None, None, None)
    above = measuring.against_mean(measuring.ratio("ETH-USD", "BTC-USD"), WINDOW.ratio_mean) > 0
    up = (price / anchor - 1).round(9) >= WINDOW.response
    days = up.index[up & above.reindex(up.index, fill_value=False)]
    within = [_first(days, day_0 + pd.Timedelta(days=a), day_0 + pd.Timedelta(days=b)) for a, b in _SPANS]
    return Answer(episode, episode.confirmed, anchor, within[1], within[0])


_SPANS = ((1, WINDOW.opens - 1), (WINDOW.opens, WINDOW.closes))


def _first(days: pd.Index, begin: pd.Timestamp, end: pd.Timestamp) -> date | None:
    found = days[(days >= begin) & (days <= end)]
    return found[0].date() if len(found) else None


def _beta(measuring: Measuring, lag: int) -> tuple[list[float | None], list[float | None]]:
    """Return ether's beta and correlation to ^RUT over 52 Fridays, its returns ``lag`` weeks after the index's."""
    sessions = measuring.panel.sessions
    ether = measuring.daily("ETH-USD")
    if not len(ether):
        return [None] * len(sessions), [None] * len(sessions)
    on_fridays = ether[pd.DatetimeIndex(ether.index).day_of_week == 4]
    dates, fridays = pd.DatetimeIndex(on_fridays.index), on_fridays.pct_change(fill_method=None)
    index = measuring.figures("^RUT").reindex(sessions.union(dates)).ffill(limit=3).reindex(dates)
    moves = index.pct_change(fill_method=None).shift(lag)
    window = WINDOW.beta_weeks
    covariance, variance = fridays.rolling(window).cov(moves), moves.rolling(window).var()
    numbers = (covariance / variance, fridays.rolling(window).corr(moves))
    # A Friday's UTC close is public after that evening: it counts from the next session on.
    position = np.searchsorted(dates.asi8, (sessions - pd.Timedelta(days=1)).asi8, side="right") - 1
    known = np.maximum(position, 0)
    beta, correlation = (optional(np.where(position >= 0, x.to_numpy()[known], np.nan)) for x in numbers)
    return beta, correlation
