"""From the archive to one verdict a session, over the whole history at once; today is the last row."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np
import pandas as pd

from signals.breakout.checks import Checks
from signals.breakout.episodes import base_class, find_episodes, find_highs
from signals.breakout.standing import Standing
from signals.cascade import CascadeHistory, cascade_history
from signals.conditions.measured import Measured, measure
from signals.conditions.measuring import Measuring
from signals.conditions.rows import number
from signals.crypto.window import CryptoHistory, crypto_history
from signals.data.gate import Gate, contradictions, gate
from signals.data.panel import Floats, Ints, Panel, align
from signals.data.series import SERIES
from signals.data.vintages import Archive
from signals.episode import Episode, High, Outcome
from signals.liquidity import LiquidityHistory, liquidity_history
from signals.model import Breakout, Check, Course, State, Unit, Verdict
from signals.nine_decimals import Sign, meets
from signals.rules import BREAKOUT, CHECKS, METHOD_VERSION
from signals.supercycle.properties import SupercycleHistory, supercycle_history

_VOLUME_SESSIONS_BEFORE = 4


@dataclass(frozen=True)
class History:
    """The evaluated history, from which any session's verdict is read; each part is computed when it is first read."""

    panel: Panel
    gate: Gate
    episodes: list[Episode]

    @cached_property
    def checks(self) -> Checks:
        """The checks of a breakout, on any session."""
        return Checks(self.panel, self.gate, CHECKS)

    @cached_property
    def standing(self) -> Standing:
        """Where the index stands against its record, on sessions."""
        return Standing(self.panel)

    @cached_property
    def highs(self) -> list[High]:
        """The records of the index, by base."""
        return find_highs(self.panel.close("^RUT"))

    @cached_property
    def conditions(self) -> dict[str, Measured]:
        """Every condition, by its key."""
        return measure(self._measuring)

    @cached_property
    def liquidity(self) -> LiquidityHistory:
        """The regime of liquidity."""
        return liquidity_history(self._measuring, self.conditions)

    @cached_property
    def cascade(self) -> CascadeHistory:
        """The links and the stage."""
        return cascade_history(self._measuring, self.conditions)

    @cached_property
    def crypto(self) -> CryptoHistory:
        """The crypto window and capitulation."""
        return crypto_history(self._measuring)

    @cached_property
    def supercycle(self) -> SupercycleHistory:
        """The properties of the supercycle."""
        return supercycle_history(self._measuring, self.conditions, self.cascade.links[0])

    @cached_property
    def last_usable(self) -> Ints:
        """Per session the position of the last one on which ^RUT may be used, -1 before the first."""
        usable = self.gate.usable("^RUT")
        return np.maximum.accumulate(np.where(usable, np.arange(len(usable)), -1))

    @cached_property
    def _measuring(self) -> Measuring:
        return Measuring(self.gate, tuple(self.episodes))

    def verdict(self, session: date, decided_at: datetime) -> Verdict:
        """Return the verdict of one session.

        Raises
        ------
        KeyError
            When ``session`` is not a NYSE session within the evaluated history.
        """
        at = self.panel.position(session)
        sources = tuple(self.gate.source(key, at) for key in SERIES)
        conditions = tuple(condition.at(at) for condition in self.conditions.values())
        return Verdict(
            session=session,
            decided_at=decided_at,
            method_version=METHOD_VERSION,
            coverage=sum(c.state is not State.UNKNOWN for c in conditions) / len(conditions),
            breakout=self.breakout(session),
            conditions=conditions,
            liquidity=self.liquidity.at(at),
            cascade=self.cascade.at(at),
            crypto=self.crypto.at(at),
            supercycle=self.supercycle.at(at),
            sources=sources,
        )

    def breakout(self, session: date) -> Breakout:
        """Return where ^RUT and its breakout stand on one session.

        Raises
        ------
        KeyError
            When ``session`` is not a NYSE session within the evaluated history.
        """
        at = self.panel.position(session)
        # Until ^RUT is known again, what was last known stays.
        last_known = self.last_usable.item(at)
        episode = self._episode(last_known)
        is_open = episode is not None and episode.is_open
        checks = (self._close_check(episode if is_open else None, last_known), *self.checks.on(session))
        is_known, standing = last_known == at and at >= 0, self.standing

        def known(values: Floats) -> float | None:
            return number(values, at) if is_known else None

        base, broken = known(standing.base_sessions), known(standing.base_broken)
        return Breakout(
            close=known(standing.close),
            record=known(standing.record),
            distance=known(standing.distance),
            distance_atr=known(standing.distance_atr),
            base_sessions=_whole(base),
            armed=_armed(known(standing.close), known(standing.record), base),
            new_high=None if broken is None else base_class(int(broken)),
            record_after=_whole(broken),
            round_hundred=_whole(known(standing.round_hundred)),
            ytd=known(standing.year_to_date),
            change_12m=known(standing.change_12m),
            relative_change=number(self.checks.relative_change, at),
            episode=episode,
            course=None if episode is None else self._course(episode, last_known),
            checks=checks,
            episode_checks=self.checks_of(episode, at) if episode is not None and is_open else (),
            reason=None if is_known else f"^RUT: {self.gate.source('^RUT', at).reason}",
            past=self._past(episode),
        )

    def _past(self, current: Episode | None) -> dict[Outcome, int]:
        if current is None:
            return {}
        return self._outcomes_before[current.attempt]

    @cached_property
    def _outcomes_before(self) -> dict[date, dict[Outcome, int]]:
        """By attempt, how the earlier episodes with a verified level turned out."""
        verified = [episode for episode in self.episodes if episode.level_verified]
        return {
            current.attempt: dict(Counter(e.outcome for e in verified if e.attempt < current.attempt))
            for current in self.episodes
        }

    def _episode(self, at: int) -> Episode | None:
        if at < 0:
            return None
        session = self.panel.days[at]
        index = bisect_right(self.episodes, session, key=lambda episode: episode.attempt) - 1
        return self.episodes[index].as_of(session) if index >= 0 else None

    def _course(self, episode: Episode, at: int) -> Course:
        """Return how an episode has gone through a position."""

        def since(day: date | None) -> int | None:
            return None if day is None else at - self.panel.position(day)

        closes = self.standing.close[self.panel.position(episode.attempt) : at + 1]
        below = meets(closes[~np.isnan(closes)], Sign.BELOW, episode.level)[::-1]
        confirmed = self.standing.close.item(self.panel.position(episode.confirmed)) if episode.confirmed else None
        return Course(
            attempt=at - self.panel.position(episode.attempt),
            confirmed=since(episode.confirmed),
            ended=since(episode.failed or episode.rejected or episode.ended),
            below=len(below) if below.all() else int(np.argmin(below)),
            change=self.standing.close.item(at) / confirmed - 1 if confirmed else None,
        )

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
            return Check("close", None, None, needed, Unit.COUNT)
        if episode.confirmed:
            return Check("close", True, needed, needed, Unit.COUNT)
        if not episode.is_open:
            return Check("close", False, None, needed, Unit.COUNT)
        closes = self.standing.close[self.panel.position(episode.attempt) : at + 1]
        above = meets(closes[~np.isnan(closes)], Sign.ABOVE, episode.level)[::-1]
        in_a_row = len(above) if above.all() else int(np.argmin(above))
        return Check("close", None, float(in_a_row), needed, Unit.COUNT)


def _armed(close: float | None, record: float | None, base: float | None) -> bool | None:
    if close is None or record is None or base is None:
        return None
    near = meets(close, Sign.AT_LEAST, (1 - BREAKOUT.armed_within) * record)
    return bool(near) and base >= BREAKOUT.intermediate


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
    panel, episodes, contradicted = _without_contradicted_attempts(align(archive, calendar, through))
    return History(panel, gate(panel, reasons or {}, contradicted), episodes)


def _without_contradicted_attempts(panel: Panel) -> tuple[Panel, list[Episode], pd.Series[bool]]:
    """Take out the closes of attempts that IWM contradicts, until no attempt is left that it does.

    Returns the panel without them, its episodes, and the sessions they were taken from.
    """
    contradicted = contradictions(panel)
    taken = pd.Series(False, index=panel.sessions)
    while True:
        episodes = find_episodes(panel.close("^RUT"), panel.calendar)
        attempts = pd.DatetimeIndex([episode.attempt for episode in episodes])
        wrong = contradicted & pd.Series(panel.sessions.isin(attempts), index=panel.sessions)
        if not wrong.any():
            return panel, episodes, taken
        taken |= wrong
        panel = panel.without("^RUT", panel.sessions[wrong])
