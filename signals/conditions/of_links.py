"""The conditions of the four links, as rows; financial conditions of link 1 stand with those of liquidity."""

from __future__ import annotations

from signals.conditions.condition import Condition, Limit, Number
from signals.data.series import SECTORS, Days
from signals.data.universe import ALTCOINS, BASKET
from signals.model import Unit
from signals.nine_decimals import Sign

_BONDS = (
    Condition(
        key="credit",
        link=1,
        title="Credit spread",
        sentence="The Baa spread is not wide for its year and not widening fast",
        needs=("BAA10Y",),
        days=Days.BUSINESS,
        numbers=(
            Number("over its 252-day median", Unit.POINTS, Limit(Sign.AT_MOST, 0.10), Limit(Sign.ABOVE, 0.30)),
            Number("21-day change", Unit.POINTS, Limit(Sign.AT_MOST, 0.20), Limit(Sign.ABOVE, 0.35)),
        ),
        measure=lambda m: (m.over_median(m.figures("BAA10Y"), 252), m.change(m.figures("BAA10Y"), 21)),
    ),
    Condition(
        key="funding",
        link=1,
        title="Funding",
        sentence="Overnight funding costs no more than 0.05 points above interest on reserves",
        needs=("SOFR", "IORB"),
        days=Days.BOND,
        numbers=(
            Number("5-day median of SOFR − IORB", Unit.POINTS, Limit(Sign.AT_MOST, 0.05), Limit(Sign.ABOVE, 0.10)),
        ),
        measure=lambda m: (m.funding(5),),
    ),
    Condition(
        key="rate_volatility",
        link=1,
        title="Rate volatility",
        sentence="The MOVE index is below 100 and not high for its year",
        needs=("^MOVE",),
        days=Days.BOND,
        numbers=(
            Number("MOVE", Unit.INDEX, Limit(Sign.BELOW, 100.0), Limit(Sign.ABOVE, 120.0)),
            Number("against its 252-day median", Unit.TIMES, Limit(Sign.AT_MOST, 1.10), Limit(Sign.ABOVE, 1.35)),
        ),
        measure=lambda m: (m.prices("^MOVE"), m.times_median(m.prices("^MOVE"), 252)),
    ),
)

_EQUITIES = (
    Condition(
        key="equity_trend",
        link=2,
        title="SPY trend",
        sentence="SPY is above a rising 200-day mean",
        needs=("SPY",),
        days=Days.SESSION,
        numbers=(
            Number("against its 200-day mean", Unit.PERCENT, Limit(Sign.ABOVE, 0.0), Limit(Sign.BELOW, -0.02)),
            Number("that mean against 20 sessions ago", Unit.PERCENT, Limit(Sign.ABOVE, 0.0)),
        ),
        measure=lambda m: (m.against_mean(m.prices("SPY"), 200), m.mean_rise(m.prices("SPY"), 200, 20)),
    ),
    Condition(
        key="proximity",
        link=2,
        title="SPY near its high",
        sentence="SPY is within 5 % of its 252-day high",
        needs=("SPY",),
        days=Days.SESSION,
        numbers=(Number("of its 252-day high", Unit.SHARE, Limit(Sign.AT_LEAST, 0.95), Limit(Sign.BELOW, 0.92)),),
        measure=lambda m: (m.of_high(m.prices("SPY"), 252),),
    ),
    Condition(
        key="breadth",
        link=2,
        title="Stock breadth",
        sentence="The equal-weight index leads its 50-day mean, or 60 % of the sectors are above theirs",
        needs=("RSP", "SPY", *SECTORS),
        days=Days.SESSION,
        numbers=(
            Number(
                "RSP/SPY against its 50-day mean",
                Unit.PERCENT,
                Limit(Sign.ABOVE, 0.0),
                Limit(Sign.AT_MOST, 0.0),
                exit_for=10,
            ),
            Number(
                "sectors above their 50-day means",
                Unit.SHARE,
                Limit(Sign.AT_LEAST, 0.60),
                Limit(Sign.BELOW, 0.60),
                exit_for=10,
            ),
        ),
        measure=lambda m: (m.against_mean(m.ratio("RSP", "SPY"), 50), m.sectors_above_mean(50)),
        members=tuple(SECTORS),
        enters=((0,), (1,)),
        exits=((0, 1),),
    ),
)

_SMALL_CAPS = (
    Condition(
        key="breakout",
        link=3,
        title="Russell at or near its record",
        sentence="A confirmed breakout holds, or ^RUT is within 3 % of its record over a rising 200-day mean",
        needs=("^RUT",),
        days=Days.SESSION,
        numbers=(
            Number("from its record close", Unit.PERCENT, Limit(Sign.AT_LEAST, -0.03), Limit(Sign.BELOW, -0.10)),
            Number("its 200-day mean against 20 sessions ago", Unit.PERCENT, Limit(Sign.ABOVE, 0.0)),
            Number("confirmed or established", Unit.YES, Limit(Sign.AT_LEAST, 1.0)),
            Number("against its 200-day mean", Unit.PERCENT, None, Limit(Sign.BELOW, -0.02)),
        ),
        measure=lambda m: (
            m.from_record(m.prices("^RUT")),
            m.mean_rise(m.prices("^RUT"), 200, 20),
            m.breakout_holds,
            m.against_mean(m.prices("^RUT"), 200),
        ),
        enters=((2,), (0, 1)),
    ),
    Condition(
        key="leadership",
        link=3,
        title="IWM/SPY leadership",
        sentence="IWM/SPY made a 63-session high within 10 sessions",
        needs=("IWM", "SPY"),
        days=Days.SESSION,
        numbers=(
            Number("63-session high", Unit.AGO, Limit(Sign.BELOW, 10.0)),
            Number("IWM/SPY against its 50-day mean", Unit.PERCENT, None, Limit(Sign.BELOW, 0.0), exit_for=10),
        ),
        measure=lambda m: (m.since_high(m.ratio("IWM", "SPY"), 63), m.against_mean(m.ratio("IWM", "SPY"), 50)),
    ),
    Condition(
        key="beta_appetite",
        link=3,
        title="High-beta stocks",
        sentence="High-beta stocks lead low-volatility ones over 63 sessions and their 50-day mean",
        needs=("SPHB", "SPLV"),
        days=Days.SESSION,
        numbers=(
            Number("63-session change of SPHB/SPLV", Unit.PERCENT, Limit(Sign.ABOVE, 0.0)),
            Number(
                "SPHB/SPLV against its 50-day mean",
                Unit.PERCENT,
                Limit(Sign.ABOVE, 0.0),
                Limit(Sign.BELOW, 0.0),
                exit_for=10,
            ),
        ),
        measure=lambda m: (m.growth(m.ratio("SPHB", "SPLV"), 63), m.against_mean(m.ratio("SPHB", "SPLV"), 50)),
    ),
)

_CRYPTO = (
    Condition(
        key="crypto_trend",
        link=4,
        title="Bitcoin trend",
        sentence="Bitcoin is above its 200-day mean",
        needs=("BTC-USD",),
        days=Days.DAY,
        numbers=(Number("against its 200-day mean", Unit.PERCENT, Limit(Sign.ABOVE, 0.0), Limit(Sign.BELOW, -0.03)),),
        measure=lambda m: (m.against_mean(m.prices("BTC-USD"), 200),),
    ),
    Condition(
        key="rotation",
        link=4,
        title="ETH/BTC rotation",
        sentence="ETH/BTC made a 63-day high within 10 days",
        needs=("ETH-USD", "BTC-USD"),
        days=Days.DAY,
        numbers=(
            Number("63-day high", Unit.AGO, Limit(Sign.BELOW, 10.0)),
            Number("ETH/BTC against its 50-day mean", Unit.PERCENT, None, Limit(Sign.BELOW, 0.0), exit_for=10),
        ),
        measure=lambda m: (
            m.since_high(m.ratio("ETH-USD", "BTC-USD"), 63),
            m.against_mean(m.ratio("ETH-USD", "BTC-USD"), 50),
        ),
    ),
    Condition(
        key="altcoin_breadth",
        link=4,
        title="Altcoin breadth",
        sentence="At least 60 % of the altcoins are ahead of bitcoin over 90 days",
        needs=("BTC-USD", *ALTCOINS),
        days=Days.DAY,
        numbers=(Number("altcoins ahead of bitcoin", Unit.SHARE, Limit(Sign.AT_LEAST, 0.60), Limit(Sign.BELOW, 0.45)),),
        measure=lambda m: (m.altcoins_ahead(90),),
        members=tuple(ALTCOINS),
    ),
    Condition(
        key="dominance",
        link=4,
        title="Bitcoin against altcoins",
        sentence="Bitcoin lost more than 3 % against the altcoin basket in 63 days",
        needs=("BTC-USD", *BASKET),
        days=Days.DAY,
        numbers=(
            Number("63-day change of BTC/basket", Unit.PERCENT, Limit(Sign.BELOW, -0.03), Limit(Sign.ABOVE, 0.03)),
        ),
        measure=lambda m: (m.growth(m.bitcoin_to_basket, 63),),
    ),
)

CASCADE = (*_BONDS, *_EQUITIES, *_SMALL_CAPS, *_CRYPTO)
