"""The four links of the cascade, and how many of them are on from the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from signals.conditions.hysteresis import Bools, Floats, follow
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.rows import optional, since, states
from signals.conditions.table import LINKS, MANDATORY
from signals.model import Cascade, Link, State
from signals.rules import LINK

_BESIDE = {"KRE": "regional banks", "XBI": "biotech"}


@dataclass(frozen=True)
class LinkHistory:
    """One link over all sessions.

    ``raw`` is by its conditions alone, ``firm`` the same but unknown where a late one decides, and ``published``
    follows that.
    """

    number: int
    members: tuple[Measured, ...]
    days: list[date]
    raw: Floats
    firm: Floats
    published: Floats
    toward: list[int]

    @cached_property
    def state(self) -> Floats:
        """What is shown: the published state, unknown where what is missing decides."""
        return np.where(np.isnan(self.raw), np.nan, self.published)

    @cached_property
    def on(self) -> Floats:
        """How many of its conditions are on."""
        return np.asarray(np.nansum(np.stack([m.state for m in self.members]), axis=0))

    @cached_property
    def measured(self) -> Floats:
        """How many of its conditions are measured."""
        return np.asarray((~np.isnan(np.stack([m.state for m in self.members]))).sum(axis=0), dtype=np.float64)

    @cached_property
    def fraction(self) -> Floats:
        """On over measured, NaN where the link has under half of its conditions."""
        enough = 2 * self.measured >= len(self.members)
        return np.where(enough, self.on / np.maximum(self.measured, 1), np.nan)

    @cached_property
    def _lists(self) -> tuple[list[State], list[State], list[date | None], list[int], list[int]]:
        counts = [[int(x) for x in values.tolist()] for values in (self.on, self.measured)]
        return states(self.state), states(self.published), since(self.published, self.days), counts[0], counts[1]

    def at(self, session: int) -> Link:
        """Return the link on the session at a position."""
        shown, held, began, on, measured = self._lists
        return Link(
            number=self.number,
            state=shown[session],
            last_published=held[session],
            on=on[session],
            measured=measured[session],
            of=len(self.members),
            toward=self.toward[session],
            since=began[session],
        )


@dataclass(frozen=True)
class CascadeHistory:
    """The cascade over all sessions."""

    links: tuple[LinkHistory, ...]
    beside: dict[str, list[float | None]]

    @cached_property
    def score(self) -> list[float | None]:
        """100 × the mean fraction of the measured links."""
        fractions = np.stack([link.fraction for link in self.links])
        known = (~np.isnan(fractions)).sum(axis=0)
        score = np.where(known > 0, 100.0 * np.nansum(fractions, axis=0) / np.maximum(known, 1), np.nan)
        return optional(score)

    @cached_property
    def last_published(self) -> list[int]:
        """The stage by the published links, which transitions compare."""
        on = np.stack([link.published == 1.0 for link in self.links])
        stages: list[int] = np.logical_and.accumulate(on, axis=0).sum(axis=0).tolist()
        return stages

    def at(self, session: int) -> Cascade:
        """Return the cascade on the session at a position."""
        links = tuple(link.at(session) for link in self.links)
        stage = _leading([link.state for link in links])
        shown = [link.state for link in links]
        first_off = shown.index(State.OFF) if State.OFF in shown else len(shown)
        return Cascade(
            stage=stage,
            at_least=stage < len(links) and links[stage].state is State.UNKNOWN,
            last_published=self.last_published[session],
            score=self.score[session],
            links=links,
            out_of_order=State.ON in shown[first_off:],
            coverage=sum(link.measured for link in links) / sum(link.of for link in links),
            beside={name: values[session] for name, values in self.beside.items()},
        )


def _leading(links: Sequence[State]) -> int:
    return next((i for i, state in enumerate(links) if state is not State.ON), len(links))


def cascade_history(measuring: Measuring, measured: dict[str, Measured]) -> CascadeHistory:
    """Judge the four links over the whole history."""
    links = tuple(_link(number, tuple(measured[row.key] for row in rows)) for number, rows in LINKS.items())
    beside = {name: _beside(measuring, key) for key, name in _BESIDE.items()}
    return CascadeHistory(links, beside)


def _beside(measuring: Measuring, key: str) -> list[float | None]:
    change = measuring.growth(measuring.ratio(key, "IWM"), 63).reindex(measuring.panel.sessions)
    return optional(change)


def _link(number: int, members: tuple[Measured, ...]) -> LinkHistory:
    had = np.stack([member.had for member in members])
    mandatory = next((i for i, m in enumerate(members) if m.row.key == MANDATORY.get(number)), None)
    raw = _votes(number, np.stack([member.state for member in members]), had, mandatory)
    firm = _votes(number, np.stack([member.firm for member in members]), had, mandatory)
    firm = np.where(np.isnan(raw), np.nan, firm)
    published, toward = follow(firm, LINK.sessions, start=0.0)
    return LinkHistory(number, members, members[0].days, raw, firm, published, toward.tolist())


def _votes(number: int, members: Floats, had: Bools, mandatory: int | None) -> Floats:
    """Return where a link is on: enough of its conditions, tried both ways where one is missing for now."""
    counted = had.sum(axis=0)
    needed = np.where(counted >= LINK.many, LINK.of_many, LINK.of_few) if number == 1 else LINK.of_few
    on, missing = np.nansum(members, axis=0), (had & np.isnan(members)).sum(axis=0)
    surely, possibly = on >= needed, on + missing >= needed
    if mandatory is not None:
        surely &= members[mandatory] == 1.0
        possibly &= (members[mandatory] == 1.0) | (np.isnan(members[mandatory]) & had[mandatory])
    result = np.where(surely, 1.0, np.where(possibly, np.nan, 0.0))
    return np.where(2 * (counted - missing) >= len(members), result, np.nan)
