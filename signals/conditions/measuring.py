"""The numbers conditions are made of: series on the dates they were observed on, never carried, never looking ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from signals.conditions.hysteresis import votes
from signals.data.basket import Basket, basket, daily
from signals.data.gate import Gate, believed_rows
from signals.data.panel import Panel, floats
from signals.data.release import expected_dates
from signals.data.series import SECTORS, Days
from signals.data.universe import ALTCOINS, BASKET, LEAST_PRICED
from signals.episode import Episode
from signals.nine_decimals import Sign, meets

Figures = pd.Series  # of float, index dates (naive, ascending), without NaN

SHARE_COLUMNS = ("share", "least", "most", "measured", "of")
"""Columns of a share of members: of those measured; while every missing one is tried both ways; and how many there are.
"""

_NO_OPERATION_IS_ZERO_BEFORE = pd.Timestamp("2013-09-23")
_LEAST_SECTORS = 8
_YEAR_OF_BUSINESS_DAYS = 240


@dataclass(frozen=True)
class Measuring:
    """Reads a panel for the rows of the table. Everything it returns has an observation's date as its index."""

    gate: Gate
    episodes: tuple[Episode, ...]
    _kept: dict[tuple[Any, ...], Figures] = field(default_factory=dict, repr=False)

    @property
    def panel(self) -> Panel:
        """The panel read."""
        return self.gate.panel

    def _once(self, key: tuple[Any, ...], make: Callable[[], Figures]) -> Figures:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def figures(self, key: str) -> Figures:
        """Return a series' figures in the unit of the rules."""
        return self._once(("figures", key), partial(self._read, key, "value"))

    def volumes(self, key: str) -> Figures:
        """Return a series' volumes."""
        return self._once(("volumes", key), partial(self._read, key, "volume"))

    def _read(self, key: str, column: str) -> Figures:
        frame = believed_rows(self.panel, key)
        return (
            pd.Series(dtype=float, index=pd.DatetimeIndex([], dtype="datetime64[us]"))
            if frame is None
            else _known(frame[column])
        )

    def prices(self, key: str) -> Figures:
        """Return dividend-adjusted closes; of ^RUT, an index, those as traded."""
        return self._once(("prices", key), partial(self._prices, key))

    def _prices(self, key: str) -> Figures:
        frame = believed_rows(self.panel, key)
        if frame is None or key == "^RUT":
            return self.figures(key)
        closes = self.panel.adjusted_closes(key)
        if len(frame) < len(closes):
            closes = closes.reindex(frame.index)
        return _known(closes)

    def ratio(self, over: str, under: str) -> Figures:
        """Return one price over another, on the dates both have."""
        return self._once(("ratio", over, under), lambda: (self.prices(over) / self.prices(under)).dropna())

    # Arithmetic on one series. Windows count its own observations.

    @staticmethod
    def change(values: Figures, back: int) -> Figures:
        """Return the change over ``back`` observations."""
        return values.diff(back)

    @staticmethod
    def growth(values: Figures, back: int) -> Figures:
        """Return the relative change over ``back`` observations, as a fraction."""
        return values / values.shift(back) - 1

    @staticmethod
    def weeks_change(values: Figures, weeks: int) -> Figures:
        """Return the change against the figure dated exactly so many weeks before; unknown without one."""
        before = values.reindex(pd.DatetimeIndex(values.index) - pd.Timedelta(weeks=weeks))
        return pd.Series(values.to_numpy() - before.to_numpy(), index=values.index)

    @staticmethod
    def weeks_change_within(values: Figures, weeks: int, days: int) -> Figures:
        """Return the change against the figure dated so many weeks before, or the nearest within so many days of it."""
        then = pd.DatetimeIndex(values.index) - pd.Timedelta(weeks=weeks)
        before = values.reindex(then, method="nearest", tolerance=pd.Timedelta(days=days))
        return pd.Series(values.to_numpy() - before.to_numpy(), index=values.index)

    @staticmethod
    def against_mean(values: Figures, window: int) -> Figures:
        """Return how far a series is above its mean, as a fraction."""
        if not len(values):
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return pd.Series(floats(values) / floats(values.rolling(window).mean()) - 1, index=values.index)

    @staticmethod
    def mean_rise(values: Figures, window: int, back: int) -> Figures:
        """Return how far that mean is above its own value ``back`` observations ago, as a fraction."""
        return Measuring.growth(values.rolling(window).mean(), back)

    @staticmethod
    def median(values: Figures, window: int) -> Figures:
        """Return the median of the newest observations."""
        return values.rolling(window).median()

    @staticmethod
    def over_median(values: Figures, window: int) -> Figures:
        """Return the difference to the median."""
        return values - Measuring.median(values, window)

    @staticmethod
    def times_median(values: Figures, window: int) -> Figures:
        """Return the multiple of the median."""
        return values / Measuring.median(values, window)

    @staticmethod
    def of_high(values: Figures, window: int) -> Figures:
        """Return the share of the highest value in the window."""
        return values / values.rolling(window).max()

    @staticmethod
    def from_record(values: Figures) -> Figures:
        """Return the distance to the highest value so far, a fraction of zero or less."""
        return values / values.cummax() - 1

    @staticmethod
    def since_high(values: Figures, window: int) -> Figures:
        """Return how many observations ago the series last was at its high of the window, 0 now, inf never."""
        known = values.notna()
        return Measuring.since(values >= values.rolling(window).max(), known & (known.cumsum() >= window))

    @staticmethod
    def since(event: pd.Series[bool], known: pd.Series[bool]) -> Figures:
        """Return how many observations ago something last happened, 0 now, inf never; NaN where not known."""
        position = np.arange(len(event), dtype=float)
        last = np.maximum.accumulate(np.where(event.to_numpy(), position, -np.inf)) if len(event) else position
        return pd.Series(position - last, index=event.index).where(known)

    # Series made of several.

    @cached_property
    def treasury_account(self) -> Figures:
        """Treasury General Account on Wednesdays, USD bn; where WDTGAL has none, that day of the daily statement.

        On a holiday Wednesday the statement of the business day before is the balance. Never a week average.
        """
        weekly, daily = self.figures("WDTGAL"), self.figures("TGA_DTS_CLOSING")
        return weekly.combine_first(self._on_wednesdays(daily))

    def _on_wednesdays(self, daily: Figures) -> Figures:
        """Return a daily level on Wednesdays; on one without a figure that is a holiday, the business day's before."""
        if not len(daily):
            return daily
        return self._or_day_before(daily, self._since(Days.WEDNESDAY, daily), Days.BUSINESS).dropna()

    @cached_property
    def mortgage_spread(self) -> Figures:
        """The 30-year mortgage rate less the 10-year yield of the survey's date, percentage points.

        On a survey's date on which bonds rest the yield is that of the business day before.
        """
        rate, yields = self.figures("MORTGAGE30US"), self.figures("DGS10")
        if not len(rate) or not len(yields):
            return rate - yields
        return (rate - self._or_day_before(yields, pd.DatetimeIndex(rate.index), Days.BOND)).dropna()

    def _or_day_before(self, daily: Figures, dates: pd.DatetimeIndex, days: Days) -> Figures:
        """Return a daily figure on dates; on one that is a holiday and has none, that of the business day before."""
        business = self._since(days, daily)
        # A day of mourning is no federal holiday by law; the offices are closed with the exchange.
        business = business[business.isin(self.panel.calendar) | business.isin(daily.index)]
        before = business[np.maximum(business.searchsorted(dates) - 1, 0)]
        day_before = pd.Series(daily.reindex(before).to_numpy(), index=dates).where(~dates.isin(business))
        return daily.reindex(dates).combine_first(day_before)

    def _since(self, days: Days, values: Figures) -> pd.DatetimeIndex:
        """Return the days from a series' first to the last session, whether there is a figure yet or not."""
        return expected_dates(days, values.index[0], self.panel.sessions[-1], self.panel.calendar)

    @cached_property
    def reverse_repo(self) -> Figures:
        """Overnight reverse repo, USD bn. Until operations became daily, a day without one counts as zero, by rule."""
        figures = self.figures("RRPONTSYD")
        if not len(figures):
            return figures
        early = self._since(Days.BUSINESS, figures)
        return figures.combine_first(pd.Series(0.0, index=early[early < _NO_OPERATION_IS_ZERO_BEFORE]))

    @cached_property
    def net_liquidity(self) -> Figures:
        """Fed assets less the Treasury's account and reverse repo on Wednesdays, USD bn."""
        parts = (self.figures("WALCL"), self.treasury_account, self._on_wednesdays(self.reverse_repo))
        assets, account, repo = parts
        return _plausible((assets - account - repo).dropna())

    @cached_property
    def net_liquidity_nowcast(self) -> Figures:
        """The same daily: the last balance sheet public by then, the daily statement's balance, the day's repo."""
        account, repo = self.figures("TGA_DTS_CLOSING"), self.reverse_repo
        assets = self.figures("WALCL")
        level = assets.reindex(assets.index.union(account.index)).ffill(limit=8).reindex(account.index)
        return _plausible((level - account - repo).dropna())

    def funding(self, window: int) -> Figures:
        """Return the median of SOFR less the rate on reserves, percentage points.

        Days on which dealers' books distort it are dropped from the window; on them the median stands still.
        """
        rate = self.figures("IORB").combine_first(self.figures("IOER"))
        spread = (self.figures("SOFR") - rate).dropna()
        # Cheaper than half a point below the floor, or four above it, is one of the two in another unit.
        spread = spread[meets(spread, Sign.ABOVE, -0.5) & meets(spread, Sign.BELOW, 4.0)]
        if not len(spread):
            return spread
        first, last = spread.index[0] - pd.offsets.MonthBegin(1), spread.index[-1] + pd.offsets.MonthEnd(1)
        business = expected_dates(Days.BOND, first, last, self.panel.calendar)
        quiet = spread[~spread.index.isin(_distorted(business))]
        return self.median(quiet, window).reindex(spread.index).ffill()

    @staticmethod
    def year_on_year(flows: Figures) -> Figures:
        """Return the sum of the last 12 months less that of the 12 before; unknown until both years are held."""
        if not len(flows):
            return flows
        year = flows.rolling("365D").sum().where(flows.rolling("365D").count() >= _YEAR_OF_BUSINESS_DAYS)
        full = year[year.index >= year.index[0] + pd.Timedelta(days=364)]
        before = full.reindex(full.index - pd.Timedelta(days=365), method="ffill", tolerance=pd.Timedelta(days=5))
        return pd.Series(full.to_numpy() - before.to_numpy(), index=full.index)

    def sectors_above_mean(self, window: int) -> pd.DataFrame:
        """Return the share of the listed sectors above their means; unknown under eight."""
        gaps = {key: self._believed(key, self.against_mean(self.prices(key), window)) for key in SECTORS}
        return _share(pd.DataFrame(gaps), Sign.ABOVE, 0.0, _LEAST_SECTORS)

    def _believed(self, key: str, values: Figures) -> Figures:
        """Leave out what was measured on a bar that moved too far: on its evening nothing had confirmed it yet."""
        if not len(values) or not self.panel.far_moves(key).any():
            return values
        far: pd.Series[bool] = pd.Series(self.panel.far_moves(key), index=self.panel.archive[key].index)
        return values.where(~far.reindex(values.index, fill_value=False))

    @cached_property
    def breakout_holds(self) -> Figures:
        """1 on sessions with a breakout that is confirmed or established and has neither failed nor ended, else 0."""
        closes = self.figures("^RUT")
        holds = pd.Series(0.0, index=closes.index)
        for episode in self.episodes:
            if episode.confirmed is None:
                continue
            until = episode.failed or episode.ended
            within = holds.index >= pd.Timestamp(episode.confirmed)
            holds[within if until is None else within & (holds.index < pd.Timestamp(until))] = 1.0
        return holds

    def altcoins_ahead(self, back: int) -> pd.DataFrame:
        """Return the share of the altcoins whose change over so many days is above bitcoin's; unknown under eight."""
        bitcoin = self._growth_of_days("BTC-USD", back)
        gains = {key: self._believed(key, self._growth_of_days(key, back)) for key in ALTCOINS}
        coins = pd.DataFrame(gains).reindex(bitcoin.index)
        return _share(coins.sub(bitcoin, axis=0), Sign.ABOVE, 0.0, LEAST_PRICED).where(bitcoin.notna())

    def _growth_of_days(self, key: str, back: int) -> Figures:
        """Return a coin's growth over UTC days, on those that have a price: on its evening one without is missing."""
        return self.growth(self.daily(key), back).reindex(self.prices(key).index)

    def daily(self, key: str) -> Figures:
        """Return a coin's prices on every UTC day between its first and last."""
        return self._once(("daily", key), lambda: daily(self.prices(key)))

    @cached_property
    def basket(self) -> Basket:
        """The altcoin basket: level and relative dollar volume on UTC days."""
        return basket({key: self.prices(key) for key in BASKET}, {key: self.volumes(key) for key in BASKET})

    @cached_property
    def bitcoin_to_basket(self) -> Figures:
        """Bitcoin over the basket, on UTC days."""
        return (self.prices("BTC-USD") / self.basket.level).dropna()


def _share(members: pd.DataFrame, sign: Sign, limit: float, least: int) -> pd.DataFrame:
    """Return the share of members, a column each, on a side of a limit; unknown under so many ever measured."""
    figures = floats(members)
    counted = votes(list(np.where(np.isnan(figures), np.nan, meets(figures, sign, limit)).T))
    table = np.stack([counted.share, counted.span.low, counted.span.high, counted.measured, counted.counted])
    shares = np.where(counted.counted >= least, table, np.nan)
    return pd.DataFrame(shares.T, index=members.index, columns=list(SHARE_COLUMNS))


def _known(values: Figures) -> Figures:
    return values.dropna() if values.hasnans else values


def _plausible(values: Figures) -> Figures:
    """Leave out net liquidity that cannot be: each part can be plausible and the whole not, in another unit."""
    return values[meets(values, Sign.AT_LEAST, 400.0) & meets(values, Sign.AT_MOST, 10_000.0)]


def _distorted(business: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the first and last business day of each month, and the tax days or the business day after them."""
    month = pd.Series(business, index=business).groupby([business.year, business.month])
    tax = pd.DatetimeIndex([pd.Timestamp(y, m, 15) for y in sorted(set(business.year)) for m in (1, 4, 6, 9)])
    following = business.searchsorted(tax)
    days = business[following[following < len(business)]]
    return pd.DatetimeIndex([*month.first(), *month.last(), *days]).as_unit("us")
