"""Every threshold of the method, once. Those marked † in the docs are judgement; none is optimised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

METHOD_VERSION = "1"


@dataclass(frozen=True, slots=True)
class BreakoutRules:
    """Breakout from a long base to a record close. Counts are NYSE sessions, depths are fractions."""

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
    trend_mean: int = 200
    trend_rising: int = 20
    atr: int = 20


@dataclass(frozen=True, slots=True)
class GateRules:
    """The data gate: how old a daily series may be, and how far it may move, before it is unknown."""

    late_sessions: int = 3
    confirming_points: float = 0.015
    blocking: tuple[str, ...] = ("^RUT", "IWM", "SPY")


@dataclass(frozen=True, slots=True)
class EveningRules:
    """When a session is decided. Times are America/New_York."""

    decision: time = time(17, 30)
    retries: tuple[time, ...] = (time(17, 45), time(18, 15), time(19, 0), time(20, 30), time(22, 0))
    last_call: time = time(8, 0)
    stale_news: timedelta = timedelta(days=1)


BREAKOUT = BreakoutRules()
CHECKS = CheckRules()
GATE = GateRules()
EVENING = EveningRules()
