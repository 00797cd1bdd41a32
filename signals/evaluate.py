"""From the archive to one verdict a session, over the whole history at once; today is the last row."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd

from signals.breakout.checks import Checks
from signals.breakout.episodes import base_class, find_episodes, find_highs
from signals.breakout.standing import Standing
from signals.cascade import CascadeHistory, cascade_history
from signals.conditions.measured import Measured, measure
from signals.conditions.measuring import Measuring
from signals.crypto.window import CryptoHistory, crypto_history
from signals.data.gate import Gate, contradictions, gate
from signals.data.panel import Panel, align
from signals.data.series import SERIES
from signals.data.vintages import Archive
from signals.episode import Episode, High, Outcome
from signals.liquidity import LiquidityHistory, liquidity_history
from signals.model import Breakout, Check, State, Verdict
from signals.rules import BREAKOUT, CHECKS, METHOD_VERSION
from signals.supercycle.properties import SupercycleHistory, supercycle_history

_VOLUME_SESSIONS_BEFORE = 4


@dataclass(frozen=True, slots=True)
class History:
    """The evaluated history, from which any session's verdict is read."""

    panel: Panel
    gate: Gate
    checks: Checks
    standing: Standing
    episodes: list[Episode]
    highs: list[High]
    last_usable: np.ndarray
    conditions: dict[str, Measured]
    liquidity: LiquidityHistory
    cascade: CascadeHistory
    crypto: CryptoHistory
    supercycle: SupercycleHistory

    def verdict(self, session: date, decided_at: datetime) -> Verdict:
        """Return the verdict of one session.

        Raises
        ------
        KeyError
            When ``session`` is not a NYSE session within the evaluated history.
        """
        at = self.panel.position(session)
        today = self.checks.on(session)
        sources = tuple(self.gate.source(key, at) for key in SERIES)
        conditions = tuple(condition.at(at) for condition in self.conditions.values())
        return Verdict(
            session=session,
            decided_at=decided_at,
            method_version=METHOD_VERSION,
            coverage=sum(c.state is not State.UNKNOWN for c in conditions) / len(conditions),
            breakout=self._breakout(at, today),
            conditions=conditions,
            liquidity=self.liquidity.at(at),
            cascade=self.cascade.at(at),
            crypto=self.crypto.at(at),
            supercycle=self.supercycle.at(at),
            sources=sources,
        )

    def _breakout(self, at: int, today: tuple[Check, ...]) -> Breakout:
        # Until ^RUT is known again, what was last known is held.
        held = int(self.last_usable[at])
        episode = self._episode(held)
        is_open = episode is not None and episode.is_open
        checks = (self._close_check(episode if is_open else None, held), *today)
        known = held == at and at >= 0
        reason = None if known else f"^RUT: {self.gate.source('^RUT', at).reason}"
        standing, value = self.standing, _Reader(at if known else None)
        base, broken = value(standing.base_sessions), value(standing.base_broken)
        return Breakout(
            close=value(standing.close),
            record=value(standing.record),
            distance=value(standing.distance),
            distance_atr=value(standing.distance_atr),
            base_sessions=_whole(base),
            armed=_armed(value(standing.close), value(standing.record), base),
            new_high=None if broken is None else base_class(int(broken)),
            round_hundred=_whole(value(standing.round_hundred)),
            ytd=value(standing.year_to_date),
            change_12m=value(standing.change_12m),
            relative_change=_Reader(at)(self.checks.relative_change),
            episode=episode,
            checks=checks,
            episode_checks=self.checks_of(episode, at) if episode is not None and is_open else (),
            reason=reason,
            past=self._past(episode),
        )

    def _past(self, current: Episode | None) -> dict[Outcome, int]:
        if current is None:
            return {}
        earlier = (e for e in self.episodes if e.level_verified and e.attempt < current.attempt)
        return dict(Counter(episode.outcome for episode in earlier))

    def _episode(self, at: int) -> Episode | None:
        if at < 0:
            return None
        session = self.panel.days[at]
        index = bisect_right(self.episodes, session, key=lambda episode: episode.attempt) - 1
        return self.episodes[index].as_of(session) if index >= 0 else None

    def checks_of(self, episode: Episode, at: int) -> tuple[Check, ...]:
        """Return the five checks of an episode as known at a position, frozen at its confirmation."""
        decided = episode.confirmed
        end = at if decided is None else self.panel.position(decided)
        start = max(self.panel.position(episode.attempt) - _VOLUME_SESSIONS_BEFORE, 0)
        return (
            self._close_check(episode, end),
            *self.checks.on(self.panel.days[end], self.panel.days[start]),
        )

    def _close_check(self, episode: Episode | None, at: int) -> Check:
        needed = float(BREAKOUT.confirm_closes)
        if episode is None:
            return Check("close", None, None, needed)
        if episode.confirmed:
            return Check("close", True, needed, needed)
        if not episode.is_open:
            return Check("close", False, None, needed)
        closes = self.standing.close.iloc[self.panel.position(episode.attempt) : at + 1].dropna()
        above = (closes > episode.level).to_numpy()[::-1]
        in_a_row = len(above) if above.all() else int(np.argmin(above))
        return Check("close", None, float(in_a_row), needed)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one position of an array, ``None`` for unknown."""

    at: int | None

    def __call__(self, series: pd.Series[float]) -> float | None:
        if self.at is None:
            return None
        value = float(series.array[self.at])
        return value if np.isfinite(value) else None


def _armed(close: float | None, record: float | None, base: float | None) -> bool | None:
    if close is None or record is None or base is None:
        return None
    return close >= (1 - BREAKOUT.armed_within) * record and base >= BREAKOUT.intermediate


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def evaluate(
    archive: Archive, calendar: pd.DatetimeIndex, through: date, reasons: Mapping[str, str] | None = None
) -> History:
    """Evaluate the whole history through one session.

    Parameters
    ----------
    archive
        Per series one value a date (see ``vintages.settle``).
    calendar
        All NYSE sessions, reaching about a year past ``through``.
    reasons
        What the newest request said of a series; used in the sentences of the last session.
    """
    panel, episodes, contradicted = _believed(align(archive, calendar, through))
    judged = gate(panel, reasons or {}, contradicted)
    measuring = Measuring(judged, tuple(episodes))
    conditions = measure(measuring)
    cascade = cascade_history(measuring, conditions)
    return History(
        panel=panel,
        gate=judged,
        checks=Checks(panel, judged, CHECKS),
        standing=Standing(panel),
        episodes=episodes,
        highs=find_highs(panel.close("^RUT")),
        last_usable=_last_usable(judged),
        conditions=conditions,
        liquidity=liquidity_history(measuring, conditions),
        cascade=cascade,
        crypto=crypto_history(measuring),
        supercycle=supercycle_history(measuring, conditions, cascade.links[0]),
    )


def _believed(panel: Panel) -> tuple[Panel, list[Episode], pd.Series[bool]]:
    """Take out the closes of attempts that IWM contradicts, until no attempt is left that it does.

    Returns the panel without them, its episodes, and the sessions they were taken from.
    """
    doubtful = contradictions(panel)
    taken = pd.Series(False, index=panel.sessions)
    while True:
        episodes = find_episodes(panel.close("^RUT"), panel.calendar)
        attempts = pd.DatetimeIndex([episode.attempt for episode in episodes])
        wrong = doubtful & pd.Series(panel.sessions.isin(attempts), index=panel.sessions)
        if not wrong.any():
            return panel, episodes, taken
        taken |= wrong
        panel = panel.without("^RUT", panel.sessions[wrong])


def _last_usable(judged: Gate) -> np.ndarray:
    usable = judged.usable.get("^RUT")
    if usable is None:
        return np.full(len(judged.panel.sessions), -1)
    return np.maximum.accumulate(np.where(usable, np.arange(len(usable)), -1))
