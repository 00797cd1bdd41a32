"""The simulated market beyond stocks: the Fed's balance sheet, the Treasury, rates, the dollar and coins.

Each figure wanders around a level that depends on the hidden regime: in a decline spreads are wide and the Fed buys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class World:
    """What drives every figure, one row a calendar day; ``noise`` gives each name a stream of its own."""

    regime: npt.NDArray[np.int64]
    market: Floats
    small: Floats
    coins: Floats
    noise: Callable[[str], np.random.Generator]


@dataclass(frozen=True, slots=True)
class Wanderer:
    """A figure that returns to the level of its regime (advance, range, decline) by ``back`` a day, with noise."""

    levels: tuple[float, float, float]
    back: float
    noise: float
    least: float = -np.inf


# In the units their publishers use.
_WANDERERS = {
    "WALCL": Wanderer((6.6e6, 6.9e6, 7.8e6), 0.003, 6e3),
    "TGA_DTS_CLOSING": Wanderer((4.5e5, 5.5e5, 6.5e5), 0.02, 1.6e4, least=3e4),
    "RRPONTSYD": Wanderer((300.0, 350.0, 250.0), 0.01, 12.0, least=1.0),
    "DTS_NET_WITHDRAWALS": Wanderer((3e3, 4e3, 7e3), 1.0, 1.5e4),
    "NFCI": Wanderer((-0.5, -0.25, 0.4), 0.03, 0.02),
    "BAA10Y": Wanderer((1.8, 2.1, 3.2), 0.02, 0.03, least=1.0),
    "BAMLH0A0HYM2": Wanderer((3.4, 4.4, 7.5), 0.02, 0.06, least=2.0),
    "DGS10": Wanderer((3.6, 3.3, 2.6), 0.004, 0.03, least=0.5),
    "IORB": Wanderer((3.2, 3.4, 1.6), 0.002, 0.01, least=0.1),
    "^MOVE": Wanderer((72.0, 90.0, 130.0), 0.03, 2.0, least=40.0),
    "DX-Y.NYB": Wanderer((96.0, 99.0, 103.0), 0.008, 0.25, least=70.0),
}
# Figures that follow another one: what it is, their share of it, their distance, and noise of their own.
_FOLLOWERS = {
    "WDTGAL": ("TGA_DTS_CLOSING", 1.0, 0.0, 0.0),
    "RRP_NYFED": ("RRPONTSYD", 1.0, 0.0, 0.0),
    "TREAST": ("WALCL", 0.60, 0.0, 0.0),
    "WSHOMCB": ("WALCL", 0.28, 0.0, 0.0),
    "WRESBAL": ("WALCL", 0.45, 0.0, 8e3),
    "SOFR": ("IORB", 1.0, -0.03, 0.02),
    "MORTGAGE30US": ("DGS10", 1.0, 1.75, 0.03),
}
# Bitcoin's and the others' loadings on the stock market and on small caps, and yearly volatility of their own.
_BITCOIN = (1.5, 0.5, 0.45)
_COIN = (0.4, 1.0, 0.40)
_COIN_LEVEL = {"BTC-USD": 400.0, "ETH-USD": 12.0}
ECONOMY = frozenset((*_WANDERERS, *_FOLLOWERS))


def simulate(key: str, world: World, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Return a figure on every calendar day: ``value``, and for coins ``volume`` in USD."""
    if key in ECONOMY:
        return pd.DataFrame({"value": _economy(key, world).round(6)}, index=days)
    return _coin(key, world, days)


def _economy(key: str, world: World) -> Floats:
    if key in _FOLLOWERS:
        leader, share, distance, noise = _FOLLOWERS[key]
        own = noise * world.noise(key).standard_normal(len(world.regime))
        return np.asarray(_economy(leader, world) * share + distance + own)
    wanderer = _WANDERERS[key]
    levels = np.array(wanderer.levels)[world.regime].tolist()
    shocks = (wanderer.noise * world.noise(key).standard_normal(len(levels))).tolist()
    value, path = levels[0], []
    for level, shock in zip(levels, shocks, strict=True):
        value = max(value + wanderer.back * (level - value) + shock, wanderer.least)
        path.append(value)
    return np.array(path)


def _coin(key: str, world: World, days: pd.DatetimeIndex) -> pd.DataFrame:
    moves = _moves("BTC-USD", _BITCOIN, world) + world.coins
    if key != "BTC-USD":
        moves = moves + _moves(key, _COIN, world)
    close = _COIN_LEVEL.get(key, 5.0) * np.exp(np.cumsum(np.clip(moves, -0.3, 0.3)))
    volume = 1e9 * np.exp(0.3 * world.noise(f"{key} volume").standard_normal(len(days)) + 8.0 * np.abs(moves))
    return pd.DataFrame({"value": close.round(6), "volume": volume.round()}, index=days)


def _moves(key: str, loadings: tuple[float, float, float], world: World) -> Floats:
    on_market, on_small, own = loadings
    noise = own / 365**0.5 * world.noise(key).standard_normal(len(world.regime))
    return np.asarray(on_market * world.market + on_small * world.small + noise)
