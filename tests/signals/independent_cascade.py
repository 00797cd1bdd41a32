"""Liquidity and cascade of §§ 5 and 6 written a second time, by a plain walk over days, sharing no code with the project.

``independent_rows`` makes each condition a list of observations in the order of their days, each with its number and
whether the enter and the exit words hold on it. Here a walk over those switches the states, and another over the
sessions counts what was public. Run it as ``python tests/signals/independent_cascade.py FOLDER 2021-03-15``.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.signals import independent_calendar as calendar
from tests.signals import independent_rows as rows_of
from tests.signals import independent_series as by_hand
from tests.signals.independent_calendar import DAY
from tests.signals.independent_rows import Row
from tests.signals.independent_series import Series, Test, read

Clock = Callable[[date], date]

LIQUIDITY = (
    "net_liquidity",
    "tga_drawdown",
    "fed_treasuries",
    "fed_mbs",
    "mortgage_spread",
    "fiscal_impulse",
    "financial_conditions",
    "reserves",
    "dollar",
)
LINKS: dict[int, tuple[str, ...]] = {
    1: ("credit", "funding", "rate_volatility", "financial_conditions"),
    2: ("equity_trend", "proximity", "breadth"),
    3: ("breakout", "leadership", "beta_appetite"),
    4: ("crypto_trend", "rotation", "altcoin_breadth", "dominance"),
}
KEYS = tuple(dict.fromkeys([*LIQUIDITY, *(key for keys in LINKS.values() for key in keys)]))


@dataclass
class Condition:
    """All the observations of a condition; `due` is when the observation after that of a day should have been there."""

    rows: list[Row]
    clock: Clock
    following: Clock
    weekly: bool = False
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        on = False
        for row in self.rows:
            answers = {not leave and (on or enter) for enter in _tried(row.enter) for leave in _tried(row.leave)}
            row.on, row.known_from = answers.pop() if len(answers) == 1 else None, self.clock(row.day)
            # After what could not be decided the earlier state resumes.
            on = on if row.on is None else row.on

    def due(self, day: date) -> date:
        return self.clock(self.following(day))


def _tried(answer: bool | None) -> tuple[bool, ...]:
    return (False, True) if answer is None else (answer,)


# The table.


def _in_a_week(day: date) -> date:
    return day + 7 * DAY


def _next_kept(day: date) -> date:
    day = calendar.next_business(day)
    while by_hand.is_dropped(day):
        day = calendar.next_business(day)
    return day


def _weekly_conditions(folder: Path) -> dict[str, Condition]:
    def fed(series: Series, weeks: int, enter: Test, leave: Test) -> Condition:
        return Condition(
            rows_of.change_rows(series, weeks, enter, leave), calendar.fed_release, _in_a_week, weekly=True
        )

    def held(name: str) -> Series:
        return by_hand.in_billions(read(folder, name))

    spreads = rows_of.mortgage_rows(by_hand.mortgage_spread(folder))
    nfci = rows_of.nfci_rows(read(folder, "NFCI"))
    return {
        "net_liquidity": fed(by_hand.net_liquidity(folder), 13, lambda x: x > 50, lambda x: x < -50),
        "tga_drawdown": fed(by_hand.treasury_account(folder), 8, lambda x: x < -50, lambda x: x > 0),
        "fed_treasuries": fed(held("TREAST"), 13, lambda x: x > 30, lambda x: x <= 0),
        "fed_mbs": fed(held("WSHOMCB"), 13, lambda x: x > 0, lambda x: x < 0),
        "mortgage_spread": Condition(spreads, calendar.next_business, _in_a_week, weekly=True),
        "fiscal_impulse": Condition([], calendar.same_day, _in_a_week, weekly=True),
        "financial_conditions": Condition(nfci, calendar.nfci_release, _in_a_week, weekly=True),
        "reserves": fed(held("WRESBAL"), 4, lambda x: x >= 0, lambda x: x < -50),
    }


def _session_conditions(folder: Path) -> dict[str, Condition]:
    spy, equal_weight = read(folder, "SPY"), read(folder, "RSP")
    rows = {
        "dollar": rows_of.dollar_rows(read(folder, "DX-Y.NYB")),
        "rate_volatility": rows_of.move_rows(read(folder, "MOVE")),
        "equity_trend": rows_of.trend_rows(spy, 0.98, rising=True),
        "proximity": rows_of.proximity_rows(spy),
        "breadth": rows_of.breadth_rows(by_hand.ratio(equal_weight, spy), by_hand.sector_share(folder)),
        "breakout": rows_of.breakout_rows(read(folder, "RUT")),
        "leadership": rows_of.fresh_high_rows(by_hand.ratio(read(folder, "IWM"), spy)),
        "beta_appetite": rows_of.beta_rows(by_hand.ratio(read(folder, "SPHB"), read(folder, "SPLV"))),
    }
    needs = {
        "rate_volatility": ("MOVE",),
        "equity_trend": ("SPY",),
        "proximity": ("SPY",),
        "breadth": ("RSP", "SPY"),
        "breakout": ("RUT",),
        "leadership": ("IWM", "SPY"),
        "beta_appetite": ("SPHB", "SPLV"),
    }
    return {
        key: Condition(found, calendar.same_day, calendar.next_utc_day, needs=needs.get(key, ()))
        for key, found in rows.items()
    }


def _crypto_conditions(folder: Path) -> dict[str, Condition]:
    bitcoin, ether = read(folder, "BTC-USD"), read(folder, "ETH-USD")
    rows = {
        "crypto_trend": rows_of.trend_rows(bitcoin, 0.97, rising=False),
        "rotation": rows_of.fresh_high_rows(by_hand.ratio(ether, bitcoin)),
        "altcoin_breadth": [
            Row(day, share.value, share.tried(lambda x: x >= 0.60), share.tried(lambda x: x < 0.45))
            for day, share in by_hand.altcoin_share(folder).items()
        ],
        "dominance": rows_of.dominance_rows(by_hand.ratio(bitcoin, by_hand.altcoin_basket(folder))),
    }
    others = {"rotation": ("ETH-USD",), "dominance": tuple(f"{name}-USD" for name in by_hand.ALTCOINS)}
    return {
        key: Condition(found, calendar.next_utc_day, calendar.next_utc_day, needs=("BTC-USD", *others.get(key, ())))
        for key, found in rows.items()
    }


def _conditions(folder: Path) -> dict[str, Condition]:
    credit, funding = rows_of.credit_rows(read(folder, "BAA10Y")), rows_of.funding_rows(by_hand.funding_spread(folder))
    return {
        **_weekly_conditions(folder),
        **_session_conditions(folder),
        **_crypto_conditions(folder),
        "credit": Condition(credit, calendar.same_day, calendar.next_business),
        "funding": Condition(funding, calendar.next_business, _next_kept),
    }


# The walk over the sessions. A state is "on", "off", "missing" (known before, not now) or "never".


@dataclass
class Published:
    """A state that is published after `needed` sessions in a row, held for ten unknown ones and unknown from then on.

    It is unknown before the first known session and `begins` there.
    """

    needed: int
    begins: str = "unknown"
    holds: int = 10
    state: str = "unknown"
    unknown_for: int = 0
    running: str = ""
    in_a_row: int = 0
    begun: bool = False

    def see(self, raw: str) -> None:
        if raw == "unknown":
            self.unknown_for += 1
            if self.unknown_for > self.holds:
                self.lapse()
            return
        if not self.begun:
            self.state, self.begun = self.begins, True
        self.unknown_for = 0
        self.in_a_row = self.in_a_row + 1 if raw == self.running else 1
        self.running = raw
        if self.in_a_row >= self.needed:
            self.state = raw

    def lapse(self) -> None:
        self.state, self.running, self.in_a_row = "unknown", "", 0


@dataclass
class Link:
    """A link of the cascade as it stands."""

    raw: str = "unknown"
    published: Published = field(default_factory=lambda: Published(5, "off"))
    on: int = 0
    measured: int = 0
    of: int = 0

    @property
    def shown(self) -> str:
        return "unknown" if self.raw == "unknown" else self.published.state

    def see(self, number: int, states: dict[str, str]) -> None:
        """Take in one session: `states` are those of the link's own conditions."""
        known = [state for state in states.values() if state in ("on", "off")]
        self.on, self.measured, self.of = known.count("on"), len(known), len(states)
        self.raw = _raw(number, states) if 2 * self.measured >= self.of else "unknown"
        self.published.see(self.raw)


def _raw(number: int, states: dict[str, str]) -> str:
    """Count with every missing condition off, then on."""
    answers = {_counted(number, states, instead) for instead in ("off", "on")}
    return answers.pop() if len(answers) == 1 else "unknown"


def _counted(number: int, states: dict[str, str], instead: str) -> str:
    tried = {key: instead if state == "missing" else state for key, state in states.items() if state != "never"}
    needed = 3 if number == 1 and len(tried) == 4 else 2
    enough = list(tried.values()).count("on") >= needed
    return "on" if enough and (number != 3 or tried.get("breakout") == "on") else "off"


@dataclass
class Liquidity:
    """The regime as it stands."""

    score: float | None = None
    measured: int = 0
    raw: str = "unknown"
    published: Published = field(default_factory=lambda: Published(10))
    before: str = "neutral"

    def see(self, states: list[str]) -> None:
        on, off, missing = (states.count(state) for state in ("on", "off", "missing"))
        self.measured, self.raw, self.score = on + off, "unknown", None
        if self.measured / len(states) >= 0.60:
            self.score = 100 * on / self.measured
            tried = {_regime(self.before, 100 * (on + more) / (self.measured + missing)) for more in range(missing + 1)}
            if len(tried) == 1:
                self.raw = self.before = tried.pop()
        self.published.see(self.raw)

    def _named(self, regime: str) -> str:
        return "insufficient data" if regime == "unknown" and self.score is None else regime

    def shown(self) -> dict[str, Any]:
        regime = "unknown" if self.raw == "unknown" else self.published.state
        return {
            "score": self.score,
            "regime": self._named(regime),
            "published": self._named(self.published.state),
            "raw_regime": self._named(self.raw),
            "coverage": self.measured / len(LIQUIDITY),
        }


def _regime(before: str, score: float) -> str:
    if (before == "easing" and score >= 50) or (before == "tightening" and score <= 40):
        return before
    if score >= 60:
        return "easing"
    return "tightening" if score <= 25 else "neutral"


def _state(condition: Condition, newest: Row | None, session: date, sessions: list[date]) -> str:
    if newest is None or newest.on is None:
        return "missing"
    due = condition.due(newest.day)
    if condition.weekly:
        stale = (session - due).days > 9
    else:
        stale = bisect_right(sessions, session) - bisect_left(sessions, due) > 3
    return "missing" if stale else "on" if newest.on else "off"


@cache
def doubtful_sessions(folder: Path, name: str, clock: Clock) -> set[date]:
    """Sessions on which the newest bar is new and moved too far to be believed at once."""
    sessions = sorted(read(folder, "RUT"))
    bars, far = sorted(read(folder, name)), by_hand.far_moved(folder, name)
    public = [clock(day) for day in bars]
    known = [bisect_right(public, session) for session in sessions]
    return {
        session
        for session, count, before in zip(sessions, known, [0, *known], strict=False)
        if count > before and bars[count - 1] in far
    }


def _newest(condition: Condition, starts: list[date], session: date) -> Row | None:
    known = bisect_right(starts, session)
    return condition.rows[known - 1] if known else None


def _shown(state: str, row: Row | None) -> dict[str, Any]:
    return {
        "state": state if state in ("on", "off") else "unknown",
        "value": None if row is None else row.value,
        "as_of": None if row is None else row.day.isoformat(),
    }


def _from_the_first(states: list[str]) -> int:
    return next((i for i, state in enumerate(states) if state != "on"), len(states))


def _cascade(links: dict[int, Link]) -> dict[str, Any]:
    shown = [links[number].shown for number in sorted(links)]
    fractions = [link.on / link.measured for link in links.values() if 2 * link.measured >= link.of]
    return {
        "stage": _from_the_first(shown),
        "published_stage": _from_the_first([links[number].published.state for number in sorted(links)]),
        "score": 100 * sum(fractions) / len(fractions) if fractions else None,
        "out_of_order": any(pair == ("off", "on") for pair in combinations(shown, 2)),
        "links": {
            str(number): {
                "state": link.shown,
                "published": link.published.state,
                "raw": link.raw,
                "on": link.on,
                "measured": link.measured,
            }
            for number, link in links.items()
        },
    }


def _level(levels: Series, days: list[date], starts: list[date], session: date) -> float | None:
    known = bisect_right(starts, session)
    return levels[days[known - 1]] if known else None


@cache
def _history(folder: Path) -> dict[date, dict[str, Any]]:
    conditions = _conditions(folder)
    starts = {key: [row.known_from for row in condition.rows] for key, condition in conditions.items()}
    levels = by_hand.net_liquidity(folder)
    wednesdays = sorted(levels)
    released = [calendar.fed_release(day) for day in wednesdays]
    sessions = sorted(read(folder, "RUT"))
    doubtful = {
        key: {session for name in condition.needs for session in doubtful_sessions(folder, name, condition.clock)}
        for key, condition in conditions.items()
    }
    links, liquidity = {number: Link() for number in LINKS}, Liquidity()
    had: set[str] = set()
    found: dict[date, dict[str, Any]] = {}
    for session in sessions:
        rows = {key: _newest(conditions[key], starts[key], session) for key in KEYS}
        states = {
            key: "missing" if session in doubtful[key] else _state(conditions[key], rows[key], session, sessions)
            for key in KEYS
        }
        had |= {key for key, state in states.items() if state != "missing"}
        states |= {key: "never" for key in KEYS if key not in had}
        for number, link in links.items():
            link.see(number, {key: states[key] for key in LINKS[number]})
        liquidity.see([states[key] for key in LIQUIDITY])
        found[session] = {
            "session": session.isoformat(),
            "conditions": {key: _shown(states[key], rows[key]) for key in KEYS},
            "liquidity": {**liquidity.shown(), "net_liquidity_bn": _level(levels, wednesdays, released, session)},
            "cascade": _cascade(links),
        }
    return found


def evaluate(folder: Path, session: date) -> dict[str, Any]:
    """Everything about one session of the files in `folder`."""
    return _history(folder)[session]


def _rounded(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _rounded(value) for key, value in found.items()}
    return round(found, 6) if isinstance(found, float) else found


if __name__ == "__main__":
    print(json.dumps(_rounded(evaluate(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))), indent=2))
