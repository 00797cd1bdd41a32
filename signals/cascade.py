"""The four links of the cascade, and how many of them are on from the first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signals.conditions.hysteresis import Published, Votes, first_measured, lapsed, publish, votes
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.rows import began, day, number, state, unknown_since
from signals.conditions.table import LINKS, MANDATORY
from signals.data.panel import Bools, Floats, floats
from signals.model import Cascade, Link, State
from signals.rules import LINK

_BESIDE = {"KRE": "regional banks", "XBI": "biotech"}


@dataclass(frozen=True)
class LinkHistory:
    """One link over all sessions.

    Attributes
    ----------
    state_by_conditions
        What its conditions alone say: 1.0 on, 0.0 off, NaN where what is missing decides.
    state_without_late_data
        The same, but unknown where a late one decides: what ``published`` follows.
    published
        The state after it held for five sessions.
    counted
        How many of its conditions are on and measured.
    """

    number: int
    days: list[date]
    of: int
    counted: Votes
    state_by_conditions: Floats
    state_without_late_data: Floats
    published: Published

    @cached_property
    def state(self) -> Floats:
        """What is shown: the published state, unknown where what is missing decides."""
        return np.where(np.isnan(self.state_by_conditions), np.nan, self.published.state)

    @cached_property
    def fraction(self) -> Floats:
        """On over measured, NaN where the link has under half of its conditions."""
        measured = self.counted.measured
        return np.where(2 * measured >= self.of, self.counted.on / np.maximum(measured, 1), np.nan)

    @cached_property
    def _measured(self) -> Floats:
        return self.counted.measured

    @cached_property
    def _needs(self) -> Floats:
        return _needs(self.number, self.counted)

    @cached_property
    def _began(self) -> npt.NDArray[np.int64]:
        return began(self.published.state)

    @cached_property
    def _unknown_since(self) -> npt.NDArray[np.int64]:
        return unknown_since(self.state)

    @cached_property
    def _switched_on(self) -> npt.NDArray[np.int64]:
        """Per session the position at which it last switched on as news, -1 while it is off or was found on."""
        on, position = self.published.state == 1.0, np.arange(len(self.days))
        switched = np.diff(on, prepend=False) & on & ~self.published.silent
        begins = np.maximum.accumulate(np.where(switched, position, -1))
        return np.where(on & (begins >= self._began), begins, -1)

    def at(self, session: int) -> Link:
        """Return the link on the session at a position."""
        switched_on = self._switched_on.item(session)
        return Link(
            number=self.number,
            state=state(self.state, session),
            last_published=state(self.published.state, session),
            on=int(self.counted.on.item(session)),
            measured=int(self._measured.item(session)),
            of=self.of,
            needs=int(self._needs.item(session)),
            toward=self.published.toward.item(session),
            since=self.days[self._began.item(session)],
            unknown_since=day(self.days, self._unknown_since, session),
            sessions_since_on=None if switched_on < 0 else session - switched_on,
            silent=self.published.silent.item(session),
        )


@dataclass(frozen=True)
class CascadeHistory:
    """The cascade over all sessions."""

    links: tuple[LinkHistory, ...]
    beside: dict[str, Floats]

    @cached_property
    def score(self) -> Floats:
        """100 × the mean fraction of the measured links."""
        fractions = np.stack([link.fraction for link in self.links])
        known = (~np.isnan(fractions)).sum(axis=0)
        return np.where(known > 0, 100.0 * np.nansum(fractions, axis=0) / np.maximum(known, 1), np.nan)

    @cached_property
    def stage(self) -> npt.NDArray[np.int64]:
        """The stage as shown: at least that, where the first link that is not on is unknown."""
        return _stages(np.stack([link.state == 1.0 for link in self.links]))

    @cached_property
    def last_published(self) -> npt.NDArray[np.int64]:
        """The stage by the published links, which transitions compare."""
        return _stages(np.stack([link.published.state == 1.0 for link in self.links]))

    @cached_property
    def stage_before(self) -> npt.NDArray[np.int64]:
        """The stage of the session before, with what changed silently as it is now: a change against it is news."""
        now = np.stack([link.published.state == 1.0 for link in self.links])
        silent = np.stack([link.published.silent for link in self.links])
        return _stages(np.where(silent, now, np.concatenate((now[:, :1], now[:, :-1]), axis=1)))

    def at(self, session: int) -> Cascade:
        """Return the cascade on the session at a position."""
        links = tuple(link.at(session) for link in self.links)
        shown = [link.state for link in links]
        stage = self.stage.item(session)
        first_off = shown.index(State.OFF) if State.OFF in shown else len(shown)
        return Cascade(
            stage=stage,
            at_least=stage < len(links) and links[stage].state is State.UNKNOWN,
            last_published=self.last_published.item(session),
            score=number(self.score, session),
            links=links,
            out_of_order=State.ON in shown[first_off:],
            coverage=sum(link.measured for link in links) / sum(link.of for link in links),
            beside={name: number(values, session) for name, values in self.beside.items()},
        )


def _stages(on: Bools) -> npt.NDArray[np.int64]:
    """Return how many links are on from the first; a row a link, a column a session."""
    return np.asarray(np.logical_and.accumulate(on, axis=0).sum(axis=0), dtype=np.int64)


def cascade_history(measuring: Measuring, measured: dict[str, Measured]) -> CascadeHistory:
    """Judge the four links over the whole history."""
    links = tuple(_link(number, tuple(measured[row.key] for row in rows)) for number, rows in LINKS.items())
    beside = {name: _relative_growth(measuring, key) for key, name in _BESIDE.items()}
    return CascadeHistory(links, beside)


def _relative_growth(measuring: Measuring, key: str) -> Floats:
    change = Measuring.growth(measuring.ratio(key, "IWM"), 63)
    return floats(change.reindex(measuring.panel.sessions))


def _link(number: int, members: tuple[Measured, ...]) -> LinkHistory:
    had = [member.had for member in members]
    mandatory = next((i for i, m in enumerate(members) if m.row.key == MANDATORY.get(number)), None)
    counted, by_conditions = _judge(number, [member.state for member in members], had, mandatory)
    states = [member.state_without_late_data for member in members]
    without_late_data = np.where(np.isnan(by_conditions), np.nan, _judge(number, states, had, mandatory)[1])
    arrivals = first_measured([member.state for member in members])
    published = publish(without_late_data, LINK.sessions, lapsed(by_conditions), arrivals, start=0.0)
    return LinkHistory(number, members[0].days, len(members), counted, by_conditions, without_late_data, published)


def _needs(number: int, counted: Votes) -> Floats:
    """Return how many conditions have to be on: more where a link has many, as far as they were ever measured."""
    return np.where((number == 1) & (counted.counted >= LINK.many), float(LINK.of_many), float(LINK.of_few))


def _judge(number: int, members: list[Floats], had: list[Bools], mandatory: int | None) -> tuple[Votes, Floats]:
    """Return where a link is on: enough of its conditions, tried both ways where one is missing for now."""
    counted = votes(members, had)
    result = counted.at_least(_needs(number, counted))
    if mandatory is not None:
        must = members[mandatory]
        surely_off = (must == 0.0) | (np.isnan(must) & ~had[mandatory])
        result = np.where(surely_off, 0.0, np.where((result == 1.0) & (must != 1.0), np.nan, result))
    return counted, np.where(2 * counted.measured >= len(members), result, np.nan)
