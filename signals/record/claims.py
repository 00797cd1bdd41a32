"""The dates that the thesis itself names, as claimed, beside what the rules say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from signals.breakout.episodes import RecordHighs, base_class, record_highs
from signals.nine_decimals import Sign, meets
from signals.record.model import Claim
from signals.record.studies import Studies


@dataclass(frozen=True, slots=True)
class Claimed:
    """One date that the thesis names; ``matches`` finds the record highs that it may be, given their years."""

    key: str
    title: str
    matches: Callable[[RecordHighs, np.ndarray], np.ndarray]


def _first_record_of(year: int) -> Callable[[RecordHighs, np.ndarray], np.ndarray]:
    return lambda highs, years: highs.is_high & (years == year)


CLAIMED = (
    Claimed("2017", "the first record close of 2017", _first_record_of(2017)),
    Claimed("2021", "the first record close of 2021", _first_record_of(2021)),
    Claimed(
        "2026",
        "the first close above 2,600, January 2026",
        lambda highs, years: meets(highs.close, Sign.ABOVE, 2_600.0) & (years == 2026),
    ),
)


def claims(studies: Studies) -> tuple[Claim, ...]:
    """Return the three dates; one that the data do not hold is there without figures."""
    panel = studies.history.panel
    highs = record_highs(panel.close("^RUT"))
    years = np.asarray(panel.sessions.year)[highs.ordinal]
    return tuple(_claim(studies, highs, np.flatnonzero(c.matches(highs, years)), c) for c in CLAIMED)


def _claim(studies: Studies, highs: RecordHighs, found: np.ndarray, claimed: Claimed) -> Claim:
    if not len(found):
        return Claim(claimed.key, claimed.title, None, None, None, None, (), None, None, ())
    history, first = studies.history, int(found[0])
    at = int(highs.ordinal[first])
    day, base = history.panel.days[at], int(highs.base[first])
    liquidity = history.liquidity.at(at)
    return Claim(
        key=claimed.key,
        title=claimed.title,
        on=day,
        close=float(highs.close[first]),
        base_sessions=base,
        base_class=base_class(base),
        checks=history.checks.on(day),
        liquidity=liquidity.score,
        regime=liquidity.regime,
        followed=studies.cases(day, "ETH-USD"),
    )
