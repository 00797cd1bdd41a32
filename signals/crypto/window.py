"""Whether crypto answered a confirmed breakout in the one to three months that the thesis expects."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from signals.conditions.measuring import Measuring
from signals.conditions.rows import day, number, state, unknown_since
from signals.crypto.capitulation import CapitulationHistory, capitulation_history
from signals.data.panel import LATE, Alignment, Floats, Ints, floats
from signals.data.series import Days
from signals.episode import Episode
from signals.model import Crypto, Supplied, Window
from signals.nine_decimals import Sign, meets
from signals.rules import GATE, WINDOW

_SUPPLIED = ("ETF_FLOWS", "LEVERAGE")


@dataclass(frozen=True, slots=True)
class WindowResponse:
    """What ether did after one confirmation: everything known in the end, read as of a session.

    ``anchor`` is its close on the day of the confirmation, in USD; ``responded`` and ``early`` are UTC days.
    """

    episode: Episode
    confirmed: date
    anchor: float | None
    responded: date | None
    early: date | None


@dataclass(frozen=True)
class CryptoHistory:
    """The crypto window and its precondition over all sessions."""

    measuring: Measuring
    responses: Sequence[WindowResponse]
    capitulation: CapitulationHistory
    ether: Alignment
    betas: tuple[Floats, ...]
    supplied: dict[str, Alignment]

    @cached_property
    def _believed_ether(self) -> Alignment:
        # A bar that is not to be believed answers nothing.
        return self.measuring.gate.before_invalid(self.ether, ("ETH-USD", "BTC-USD"))

    @cached_property
    def _ether_prices(self) -> Floats:
        return floats(self.measuring.prices("ETH-USD"))

    @cached_property
    def _unknown_since(self) -> Ints:
        return unknown_since(self.capitulation.aggregates["precondition"].shown)

    def at(self, session: int) -> Crypto:
        """Return crypto on the session at a position."""
        today = self.measuring.panel.days[session]
        response = self._response(today)
        newest = self._believed_ether.day(session)
        window, responded, early = self._window(response, session, newest)
        anchor = response.anchor if response and newest and newest >= response.confirmed else None
        states = self.capitulation.aggregates
        betas = [number(values, session) for values in self.betas]
        return Crypto(
            window=window,
            day=None if response is None else (today - response.confirmed).days,
            ended=None if response is None else self._ended(response, window, responded, session),
            confirmed=None if response is None else response.confirmed,
            anchor=anchor,
            change=self._change(anchor, session) if anchor else None,
            responded=responded,
            early=early,
            capitulated=state(states["capitulated"].shown, session),
            exhausted=state(states["exhausted"].shown, session),
            precondition=state(states["precondition"].shown, session),
            last_published=state(states["precondition"].last_published, session),
            unknown_since=day(self.measuring.panel.days, self._unknown_since, session),
            silent=states["precondition"].silent.item(session),
            coins=tuple(coin.at(session) for coin in self.capitulation.coins),
            beta=(betas[0], betas[2]),
            correlation=(betas[1], betas[3]),
            supplied=tuple(self._supplied(key, session) for key in _SUPPLIED),
        )

    def _change(self, anchor: float, session: int) -> float | None:
        if self.ether.status.item(session) > LATE:
            return None
        price: float = self._ether_prices.item(self._believed_ether.position.item(session))
        return price / anchor - 1

    def _response(self, today: date) -> WindowResponse | None:
        index = bisect_right(self.responses, today, key=lambda response: response.confirmed) - 1
        return self.responses[index] if index >= 0 else None

    def _window(
        self, response: WindowResponse | None, session: int, newest: date | None
    ) -> tuple[Window, date | None, date | None]:
        """Return the state of the window and the days of a response, by what was public on a session."""
        if response is None:
            return Window.NOT_OPEN, None, None
        today = self.measuring.panel.days[session]
        elapsed = (today - response.confirmed).days
        responded, early = (
            on if on and newest and on <= newest else None for on in (response.responded, response.early)
        )
        failed = response.episode.failed
        if failed is not None and failed <= today and not (responded and responded < failed):
            return Window.CANCELLED, None, early
        if responded:
            return Window.RESPONDED, responded, early
        # The bar of day 0 is public the evening after; without it no response can be measured.
        awaited = newest is not None and newest < response.confirmed and self.ether.status.item(session) <= LATE
        if response.anchor is None and not awaited:
            return Window.UNMEASURED, None, None
        if elapsed < WINDOW.opens:
            return Window.WAITING, None, early
        if elapsed <= WINDOW.closes:
            return Window.OPEN, None, early
        # Only with every day of the window known can it be said that none of them answered.
        if newest is not None and newest >= response.confirmed + timedelta(days=WINDOW.closes):
            return Window.ELAPSED, None, early
        return Window.OPEN if elapsed <= WINDOW.closes + GATE.late_sessions else Window.UNMEASURED, None, early

    def _ended(self, response: WindowResponse, window: Window, responded: date | None, session: int) -> int | None:
        """Return the sessions since a window ended; ``None`` while it has a date ahead of it."""
        last = response.confirmed + timedelta(days=WINDOW.closes)
        failed = response.episode.failed if window is Window.CANCELLED else None
        days = self.measuring.panel.days
        ended = bisect_left(days, failed or responded or last + timedelta(days=1))
        return None if window is Window.OPEN or ended > session else session - ended

    def _supplied(self, key: str, session: int) -> Supplied:
        alignment = self.supplied.get(key)
        if alignment is None or alignment.status.item(session) > LATE:
            return Supplied(key, None, None)
        figures = self.measuring.figures(key)
        return Supplied(key, float(figures.iloc[alignment.position.item(session)]), alignment.day(session))


def crypto_history(measuring: Measuring) -> CryptoHistory:
    """Judge every window and the precondition over the whole history."""
    panel = measuring.panel
    ether = panel.align(measuring.prices("ETH-USD").index, ["ETH-USD"], Days.DAY)
    return CryptoHistory(
        measuring=measuring,
        responses=[find_response(measuring, e, e.confirmed) for e in measuring.episodes if e.confirmed is not None],
        capitulation=capitulation_history(measuring),
        ether=ether,
        betas=tuple(x for lag in (0, WINDOW.lag_weeks) for x in _beta(measuring, lag)),
        supplied={key: panel.alignments[key] for key in _SUPPLIED if key in panel.alignments},
    )


def find_response(measuring: Measuring, episode: Episode, confirmed: date) -> WindowResponse:
    """Return what ether did in the days after a confirmation, as far as the data go."""
    day_0 = pd.Timestamp(confirmed)
    price = measuring.daily("ETH-USD")
    anchor = float(price.get(day_0, np.nan))
    if np.isnan(anchor):
        return WindowResponse(episode, confirmed, None, None, None)
    ratio_gap = measuring.against_mean(measuring.ratio("ETH-USD", "BTC-USD"), WINDOW.ratio_mean)
    above = meets(ratio_gap, Sign.ABOVE, 0.0)
    up = meets(price / anchor - 1, Sign.AT_LEAST, WINDOW.response)
    days = up.index[up & above.reindex(up.index, fill_value=False)]
    within = [_first(days, day_0 + pd.Timedelta(days=a), day_0 + pd.Timedelta(days=b)) for a, b in _SPANS]
    return WindowResponse(episode, confirmed, anchor, within[1], within[0])


_SPANS = ((1, WINDOW.opens - 1), (WINDOW.opens, WINDOW.closes))


def _first(days: pd.Index, begin: pd.Timestamp, end: pd.Timestamp) -> date | None:
    found = days[(days >= begin) & (days <= end)]
    return found[0].date() if len(found) else None


def _beta(measuring: Measuring, lag: int) -> tuple[Floats, Floats]:
    """Return ether's beta and correlation to ^RUT over 52 Fridays, its returns ``lag`` weeks after the index's."""
    sessions = measuring.panel.sessions
    ether = measuring.daily("ETH-USD")
    on_fridays = ether[pd.DatetimeIndex(ether.index).day_of_week == 4]
    if not len(on_fridays):
        return np.full(len(sessions), np.nan), np.full(len(sessions), np.nan)
    dates, fridays = pd.DatetimeIndex(on_fridays.index), on_fridays.pct_change(fill_method=None)
    index = measuring.figures("^RUT").reindex(sessions.union(dates)).ffill(limit=3).reindex(dates)
    moves = index.pct_change(fill_method=None).shift(lag)
    window = WINDOW.beta_weeks
    beta = fridays.rolling(window).cov(moves) / moves.rolling(window).var()
    # A Friday's UTC close is public after that evening: it counts from the next session on.
    position = np.searchsorted(dates.asi8, (sessions - pd.Timedelta(days=1)).asi8, side="right") - 1
    shown = [
        np.where(position >= 0, floats(values)[np.maximum(position, 0)], np.nan)
        for values in (beta, fridays.rolling(window).corr(moves))
    ]
    return shown[0], shown[1]
