"""A whole verdict made by hand: the evening of 17 November 2020, roughly as it was; and one of a market never seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from signals.conditions.condition import Condition, Number
from signals.conditions.table import CONDITIONS, LINKS
from signals.data.series import SERIES
from signals.episode import BaseClass, Episode, Outcome
from signals.model import (
    Breakout,
    Cascade,
    Check,
    CoinState,
    ConditionState,
    Course,
    Crypto,
    Freshness,
    Link,
    Liquidity,
    Property,
    Reading,
    Regime,
    SourceVerdict,
    State,
    Supercycle,
    Supplied,
    Unit,
    Verdict,
    Window,
)
from signals.nine_decimals import Sign
from signals.rules import METHOD_VERSION

SESSION = date(2020, 11, 17)
DECIDED = datetime(2020, 11, 17, 22, 30, tzinfo=UTC)
ON, OFF, UNKNOWN = State.ON, State.OFF, State.UNKNOWN

EPISODE = Episode(
    attempt=date(2020, 11, 13),
    close=1744.04,
    level=1740.75,
    base_sessions=555,
    base_class=BaseClass.PRIMARY,
    level_verified=True,
    confirm_by=date(2020, 12, 11),
    confirmed=SESSION,
    hold_until=date(2020, 12, 16),
)
CHECKS = (
    Check("close", True, 3.0, 3.0, Unit.COUNT),
    Check(
        "volume",
        True,
        1.9,
        1.4,
        Unit.TIMES,
        (Check("volume_day", True, 1.9, 1.4, Unit.TIMES), Check("volume_days", False, 1.12, 1.2, Unit.TIMES)),
    ),
    Check(
        "participation",
        True,
        4.0,
        3.0,
        Unit.COUNT,
        (
            Check("iwm_spy_high", True, 0.0, 10.0, Unit.SESSIONS_AGO),
            Check("iwc_iwm_mean", True, 0.031, 0.0, Unit.PERCENT),
            Check("rsp_spy_mean", True, 0.008, 0.0, Unit.PERCENT),
            Check("ijr_near_high", False, -0.041, -0.03, Unit.PERCENT),
            Check("sectors", True, 0.8, 0.6, Unit.SHARE),
        ),
    ),
    Check(
        "trend",
        True,
        0.235,
        0.0,
        Unit.PERCENT,
        (Check("above_mean", True, 0.235, 0.0, Unit.PERCENT), Check("mean_rising", True, 0.011, 0.0, Unit.PERCENT)),
    ),
    Check("relative_strength", True, 0.0, 10.0, Unit.SESSIONS_AGO),
)
BREAKOUT = Breakout(
    close=1791.91,
    record=1791.91,
    distance=0.0,
    distance_atr=0.0,
    base_sessions=0,
    armed=False,
    new_high=None,
    record_after=1,
    round_hundred=None,
    ytd=0.074,
    change_12m=0.123,
    relative_change=0.08,
    episode=EPISODE,
    course=Course(attempt=2, confirmed=0, ended=None, below=0, change=0.0),
    checks=CHECKS,
    episode_checks=CHECKS,
    reason=None,
    past={Outcome.ESTABLISHED: 9, Outcome.FAILED: 3, Outcome.REJECTED: 1},
)
UNKNOWN_BREAKOUT = replace(
    BREAKOUT,
    close=None,
    record=None,
    distance=None,
    distance_atr=None,
    base_sessions=None,
    record_after=None,
    armed=None,
    ytd=None,
    change_12m=None,
    relative_change=None,
    episode=None,
    course=None,
    checks=tuple(replace(check, passed=None, value=None, parts=()) for check in CHECKS),
    episode_checks=(),
    reason="^RUT: no observation yet",
    past={},
)
LIQUIDITY = Liquidity(
    score=50.0,
    regime=Regime.NEUTRAL,
    last_published=Regime.NEUTRAL,
    raw=Regime.NEUTRAL,
    since=date(2020, 7, 17),
    unknown_since=None,
    silent=False,
    toward=0,
    on=4,
    measured=8,
    coverage=8 / 9,
    net_liquidity_bn=5604.649,
    net_liquidity_on=date(2020, 11, 11),
    nowcast_bn=5591.704,
    nowcast_on=date(2020, 11, 16),
)
UNKNOWN_LIQUIDITY = replace(
    LIQUIDITY,
    score=None,
    regime=Regime.INSUFFICIENT,
    last_published=Regime.INSUFFICIENT,
    raw=Regime.INSUFFICIENT,
    since=None,
    on=2,
    measured=4,
    coverage=4 / 9,
    net_liquidity_bn=None,
    net_liquidity_on=None,
    nowcast_bn=None,
    nowcast_on=None,
)


def link(number: int, state: State, **changes: Any) -> Link:
    """Return a link of the table with its state; unknown ones have nothing measured."""
    of = len(LINKS[number])
    measured = 0 if state is UNKNOWN else of
    made = Link(
        number=number,
        state=state,
        last_published=OFF if state is UNKNOWN else state,
        on=2 if state is ON else 0,
        measured=measured,
        of=of,
        needs=3 if number == 1 else 2,
        toward=0,
        since=SESSION,
        unknown_since=None,
        sessions_since_on=0 if state is ON else None,
        silent=False,
    )
    return replace(made, **changes)


def cascade(*states: State, **changes: Any) -> Cascade:
    """Return a cascade of four links in these states."""
    links = tuple(link(number, state) for number, state in enumerate(states, 1))
    stage = next((i for i, state in enumerate(states) if state is not ON), len(states))
    made = Cascade(
        stage=stage,
        at_least=stage < len(states) and states[stage] is UNKNOWN,
        last_published=stage,
        score=68.0,
        links=links,
        out_of_order=False,
        coverage=13 / 14,
        beside={"regional banks": 0.031, "biotech": None},
    )
    return replace(made, **changes)


def coin(key: str, state: State = OFF) -> CoinState:
    """Return one of the three assets with every number of it known."""
    return CoinState(
        key=key,
        drawdown=-0.52,
        current_drawdown=-0.11,
        mayer=1.55,
        mayer_low=1.02,
        mayer_low_on=date(2020, 7, 16),
        rsi=79.0,
        rsi_low=51.0,
        rsi_low_on=date(2020, 7, 12),
        volatility_rank=0.47,
        volume_ratio=1.02,
        days_since_low=249,
        capitulated=ON,
        exhausted=state,
        precondition=state,
    )


def crypto(window: Window, **changes: Any) -> Crypto:
    """Return crypto with its window in a state, as after the confirmation of 17 November 2020."""
    days = {Window.WAITING: 12, Window.OPEN: 47, Window.RESPONDED: 48, Window.CANCELLED: 20}
    day = days.get(window, 92)
    made = Crypto(
        window=window,
        day=day,
        ended=None if window in (Window.WAITING, Window.OPEN) else 0,
        confirmed=SESSION,
        anchor=482.33,
        change=0.324,
        responded=date(2021, 1, 3) if window is Window.RESPONDED else None,
        early=None,
        capitulated=ON,
        exhausted=OFF,
        precondition=OFF,
        last_published=OFF,
        unknown_since=None,
        silent=False,
        coins=tuple(coin(key) for key in ("BTC-USD", "ETH-USD", "altcoin basket")),
        beta=(0.96, 0.12),
        correlation=(0.48, 0.06),
        supplied=(Supplied("ETF_FLOWS", None, None), Supplied("LEVERAGE", None, None)),
    )
    if window is Window.NOT_OPEN:
        made = replace(made, day=None, ended=None, confirmed=None, anchor=None, change=None)
    if window is Window.UNMEASURED:
        made = replace(made, anchor=None, change=None)
    return replace(made, **changes)


NUMBERS = {
    "support": (
        Reading("leg in sessions", 111.0, Unit.SESSIONS),
        Reading("median leg", 52.5, Unit.SESSIONS),
        Reading("share of legs outlived", 0.6875, Unit.SHARE),
        Reading("net liquidity, 13-week change", 282.6, Unit.BN),
    ),
    "corrections": (
        Reading("^RUT, deepest fall", -0.408, Unit.PERCENT),
        Reading("^RUT, earlier years that fell further", 0.012, Unit.SHARE),
        Reading("BTC, deepest fall", -0.526, Unit.PERCENT),
        Reading("BTC, earlier years that fell further", 0.55, Unit.SHARE),
    ),
    "rotation": (
        Reading("risk panel above its 200-day means", 1.0, Unit.SHARE),
        Reading("members measured", 21.0, Unit.COUNT),
        Reading("members", 21.0, Unit.COUNT),
        Reading("composite of its high", 0.98, Unit.SHARE),
        Reading("rank correlation", 0.41, Unit.INDEX),
    ),
    "runway": (
        Reading("IWM/SPY, sessions since a 3-year low", 170.0, Unit.SESSIONS),
        Reading("SPHB/SPLV, rank in its year", 0.996, Unit.SHARE),
    ),
}


def supercycle(*states: State, **changes: Any) -> Supercycle:
    """Return the four properties in these states."""
    properties = tuple(
        Property(key, state, state, date(2020, 6, 1), None, False, NUMBERS[key])
        for key, state in zip(NUMBERS, states, strict=True)
    )
    holds = sum(state is ON for state in states)
    coverage = sum(state is not UNKNOWN for state in states) / 4
    return replace(Supercycle(holds, holds, coverage, 0, properties), **changes)


def _figure(number: Number) -> float:
    """Return a number that speaks for on, a little beyond its threshold."""
    if number.unit is Unit.YES:
        return 1.0
    if number.enter is None:
        return 0.0
    beyond = max(abs(number.enter.figure) * 0.1, 0.01)
    is_high = number.enter.sign in (Sign.ABOVE, Sign.AT_LEAST)
    return number.enter.figure + (beyond if is_high else -beyond)


def condition(row: Condition, state: State = ON, **changes: Any) -> ConditionState:
    """Return a condition's state, with a value for each number unless it is unknown."""
    values = tuple(None if state is UNKNOWN else _figure(number) for number in row.numbers)
    first = row.numbers[0]
    enter, leave = (side.figure if side else None for side in (first.enter, first.exit))
    as_of = None if state is UNKNOWN else SESSION - timedelta(days=1)
    since = date(2020, 9, 9)
    made = ConditionState(row.key, row.link, state, values[0], first.unit, enter, leave, values[1:], as_of, since)
    return replace(made, **changes)


def conditions(**states: State) -> tuple[ConditionState, ...]:
    """Return all conditions, on unless said otherwise."""
    return tuple(condition(row, states.get(row.key, ON)) for row in CONDITIONS.values())


def sources(**verdicts: tuple[Freshness, str]) -> tuple[SourceVerdict, ...]:
    """Return all series in order, but for those named (``^`` and ``-`` left out of the name)."""
    made = []
    for key in SERIES:
        verdict, reason = verdicts.get(key.strip("^").replace("-", "_"), (Freshness.OK, ""))
        newest = None if verdict is Freshness.NEVER_HAD else SESSION
        made.append(SourceVerdict(key, verdict, newest, reason))
    return tuple(made)


def whole(**changes: Any) -> Verdict:
    """Return a verdict in which nearly everything is measured: stage 2, small caps not leading yet."""
    made = Verdict(
        session=SESSION,
        decided_at=DECIDED,
        method_version=METHOD_VERSION,
        coverage=1 - 1 / len(CONDITIONS),
        breakout=BREAKOUT,
        conditions=conditions(fiscal_impulse=UNKNOWN),
        liquidity=LIQUIDITY,
        cascade=cascade(ON, ON, OFF, OFF),
        crypto=crypto(Window.WAITING),
        supercycle=supercycle(ON, OFF, ON, UNKNOWN),
        sources=sources(DTS_NET_WITHDRAWALS=(Freshness.NEVER_HAD, "no observation yet")),
    )
    return replace(made, **changes)


def early() -> Verdict:
    """Return a verdict of an evening on which nothing at all was measured."""
    numbers = dict.fromkeys(CoinState.__struct_fields__)
    nothing = replace(
        coin("BTC-USD", UNKNOWN), **numbers | {"capitulated": UNKNOWN, "exhausted": UNKNOWN, "precondition": UNKNOWN}
    )
    unknown = {"capitulated": UNKNOWN, "exhausted": UNKNOWN, "precondition": UNKNOWN, "last_published": UNKNOWN}
    reason = "no observation yet: " + "Yahoo answered <404> & more. " * 20
    properties = tuple(
        Property(key, UNKNOWN, UNKNOWN, SESSION, None, False, tuple(replace(number, value=None) for number in numbers))
        for key, numbers in NUMBERS.items()
    )
    return whole(
        coverage=0.0,
        breakout=UNKNOWN_BREAKOUT,
        conditions=tuple(condition(row, UNKNOWN, since=None) for row in CONDITIONS.values()),
        liquidity=replace(UNKNOWN_LIQUIDITY, coverage=0.0),
        cascade=cascade(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, score=None, coverage=0.0, beside={"regional banks": None}),
        crypto=crypto(
            Window.NOT_OPEN,
            coins=tuple(replace(nothing, key=key) for key in ("BTC-USD", "ETH-USD", "altcoin basket")),
            beta=(None, None),
            correlation=(None, None),
            **unknown,
        ),
        supercycle=Supercycle(0, 0, 0.0, 0, properties),
        sources=tuple(SourceVerdict(key, Freshness.NEVER_HAD, None, reason) for key in SERIES),
    )
