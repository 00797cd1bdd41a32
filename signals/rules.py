"""Every threshold of the method, once. Those marked † in the docs are judgement; none is optimised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

METHOD_VERSION = "3"


@dataclass(frozen=True, slots=True)
class BreakoutRules:
    """Breakout from a long base to a record close. Counts are NYSE sessions, depths are fractions.

    ``buffer`` is how far above the level a close has to be to confirm; only the sensitivity grid has any.
    """

    primary: int = 252
    intermediate: int = 126
    minor: int = 63
    continuation: int = 10
    unverified_sessions: int = 252
    confirm_closes: int = 3
    confirm_within: int = 20
    depth: float = 0.97
    hold_sessions: int = 20
    fail_closes: int = 10
    warn_closes: int = 5
    recover_within: int = 63
    end_after: int = 126
    armed_within: float = 0.02
    buffer: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckRules:
    """The five checks beside a breakout. Windows are sessions, shares and changes are fractions."""

    volume_mean: int = 50
    volume_day: float = 1.40
    volume_days: int = 5
    volume_days_mean: float = 1.20
    ratio_high: int = 63
    ratio_high_within: int = 10
    proxy_mean: int = 50
    proxy_high: int = 252
    proxy_near_high: float = 0.03
    sector_share: float = 0.60
    sectors_least: int = 8
    participation_parts: int = 3
    member_share: float = 0.60
    trend_mean: int = 200
    trend_rising: int = 20
    atr: int = 20


@dataclass(frozen=True, slots=True)
class GateRules:
    """The data gate: how long a series may be overdue and still be used, and what must agree with what.

    Without a bar of ``blocking`` and of ``closed_sectors`` sectors the exchange was closed. Each evening brings the
    last ``recent_bars`` of every price along; a close that differs from the archived one by more than ``restating``
    (a fraction) has the whole series asked for again. A step within ``split_like`` of a split's, and a distribution
    above ``distribution`` of the close before it, are doubted.
    """

    late_sessions: int = 3
    late_days: int = 9
    rrp_difference: float = 1.0
    confirming_points: float = 0.015
    blocking: tuple[str, ...] = ("^RUT", "IWM", "SPY")
    closed_sectors: int = 8
    recent_bars: int = 10
    restating: float = 0.005
    split_like: float = 0.02
    distribution: float = 0.10


@dataclass(frozen=True, slots=True)
class UnknownRules:
    """How many sessions in a row what was last published is held while it is unknown; then it is unknown too."""

    held_sessions: int = 10


@dataclass(frozen=True, slots=True)
class RegimeRules:
    """Liquidity regime. Scores are 0 to 100; ``sessions`` in a row of one raw regime publish it."""

    easing: float = 60.0
    easing_leaves: float = 50.0
    tightening: float = 25.0
    tightening_leaves: float = 40.0
    least_coverage: float = 0.60
    sessions: int = 10


@dataclass(frozen=True, slots=True)
class LinkRules:
    """Links of the cascade. Link 1 needs ``of_many`` of ``many`` conditions, or ``of_few`` where fewer exist.

    Within ``following`` sessions of the switch to on, a link follows the one before it; later it was on before.
    """

    sessions: int = 5
    many: int = 4
    of_many: int = 3
    of_few: int = 2
    following: int = 63


@dataclass(frozen=True, slots=True)
class WindowRules:
    """The months after a confirmation in which crypto is expected to answer. Days are calendar days, 0 its date."""

    opens: int = 30
    closes: int = 91
    response: float = 0.20
    ratio_mean: int = 50
    beta_weeks: int = 52
    lag_weeks: int = 13


@dataclass(frozen=True, slots=True)
class CapitulationRules:
    """Capitulation and exhaustion of crypto. Days are UTC days; drawdowns are negative fractions."""

    drawdown_days: int = 365
    bitcoin_drawdown: float = -0.50
    altcoin_drawdown: float = -0.60
    bitcoin_still_down: float = -0.25
    altcoin_still_down: float = -0.40
    mayer_mean: int = 200
    mayer: float = 0.70
    rsi: float = 35.0
    recent_days: int = 182
    volatility_days: int = 730
    short_days: int = 30
    low_days: int = 60
    calm_rank: float = 0.30
    quiet_volume: float = 0.70
    days: int = 21


@dataclass(frozen=True, slots=True)
class SupercycleRules:
    """The four properties. Counts are sessions, depths and shares fractions.

    ``milder_than`` is the share of the earlier windows that must have fallen further for a fall to count as absorbed.
    """

    sessions: int = 10
    word_after: int = 20
    leg: float = 0.10
    least_cases: int = 5
    milder_than: float = 0.50
    year: int = 252
    year_of_days: int = 365
    earlier_windows: int = 756
    earlier_windows_of_days: int = 730
    panel_share: float = 0.60
    panel_least: int = 8
    composite_volatility: int = 63
    composite_high: float = 0.95
    leadership: int = 63
    turned: float = 0.3
    low_years: int = 756
    low_years_of_days: int = 1096
    within: int = 504
    within_days: int = 730
    upper: float = 0.60


@dataclass(frozen=True, slots=True)
class RecordRules:
    """The track record. ``draws`` of random dates, ``resamples`` of the bootstrap, both begun from ``seed``.

    Under ``least_cases`` nothing is computed. ``chance`` is where a p-value is still called chance. Grids are the
    sensitivity grid's: base in sessions, closes in a row, buffer above the level.
    """

    least_cases: int = 5
    confidence: float = 0.95
    chance: float = 0.05
    draws: int = 10_000
    resamples: int = 1_000
    seed: int = 20_201_117
    grid_bases: tuple[int, ...] = (63, 126, 252)
    grid_closes: tuple[int, ...] = (1, 3, 5)
    grid_buffers: tuple[float, ...] = (0.0, 0.005, 0.01)


@dataclass(frozen=True, slots=True)
class EveningRules:
    """When a session is decided. Times are America/New_York.

    ``first_wait`` is how long after its first evening the bot waits for series that would be missing from the history.
    """

    decision: time = time(17, 30)
    retries: tuple[time, ...] = (time(17, 45), time(18, 15), time(19, 0), time(20, 30), time(22, 0))
    last_call: time = time(8, 0)
    stale_news: timedelta = timedelta(days=1)
    first_wait: timedelta = timedelta(days=1)


BREAKOUT = BreakoutRules()
CHECKS = CheckRules()
GATE = GateRules()
UNKNOWN = UnknownRules()
REGIME = RegimeRules()
LINK = LinkRules()
WINDOW = WindowRules()
CAPITULATION = CapitulationRules()
SUPERCYCLE = SupercycleRules()
RECORD = RecordRules()
EVENING = EveningRules()
