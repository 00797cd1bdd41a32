"""The nine conditions of US liquidity, as rows."""

from __future__ import annotations

from signals.conditions.condition import Condition, Limit, Number
from signals.data.series import Days
from signals.model import Unit
from signals.nine_decimals import Sign

_QUARTER = 13

LIQUIDITY = (
    Condition(
        key="net_liquidity",
        link=None,
        title="Net liquidity",
        sentence="Fed assets less the Treasury's account and reverse repo grew by more than 50 bn in 13 weeks",
        needs=("WALCL", "WDTGAL", "RRPONTSYD"),
        days=Days.WEDNESDAY,
        numbers=(Number("13-week change", Unit.BN, Limit(Sign.ABOVE, 50.0), Limit(Sign.BELOW, -50.0)),),
        measure=lambda m: (m.weeks_change(m.net_liquidity, _QUARTER),),
        in_liquidity=True,
    ),
    Condition(
        key="tga_drawdown",
        link=None,
        title="Treasury account",
        sentence="The Treasury drew its account at the Fed down by more than 50 bn in 8 weeks",
        needs=("WDTGAL",),
        days=Days.WEDNESDAY,
        numbers=(Number("8-week change", Unit.BN, Limit(Sign.BELOW, -50.0), Limit(Sign.ABOVE, 0.0)),),
        measure=lambda m: (m.weeks_change(m.treasury_account, 8),),
        in_liquidity=True,
    ),
    Condition(
        key="fed_treasuries",
        link=None,
        title="Fed Treasuries",
        sentence="The Fed's Treasuries grew by more than 30 bn in 13 weeks",
        needs=("TREAST",),
        days=Days.WEDNESDAY,
        numbers=(Number("13-week change", Unit.BN, Limit(Sign.ABOVE, 30.0), Limit(Sign.AT_MOST, 0.0)),),
        measure=lambda m: (m.weeks_change(m.figures("TREAST"), _QUARTER),),
        in_liquidity=True,
    ),
    Condition(
        key="fed_mbs",
        link=None,
        title="Fed mortgage bonds",
        sentence="The Fed's mortgage bonds grew in 13 weeks",
        needs=("WSHOMCB",),
        days=Days.WEDNESDAY,
        numbers=(Number("13-week change", Unit.BN, Limit(Sign.ABOVE, 0.0), Limit(Sign.BELOW, 0.0)),),
        measure=lambda m: (m.weeks_change(m.figures("WSHOMCB"), _QUARTER),),
        in_liquidity=True,
    ),
    Condition(
        key="mortgage_spread",
        link=None,
        title="Mortgage spread",
        sentence="The 30-year mortgage rate came at least 0.10 points closer to the 10-year yield in 13 weeks",
        needs=("MORTGAGE30US", "DGS10"),
        days=Days.THURSDAY,
        numbers=(Number("13-week change", Unit.POINTS, Limit(Sign.AT_MOST, -0.10), Limit(Sign.ABOVE, 0.10)),),
        measure=lambda m: (m.weeks_change_within(m.mortgage_spread, _QUARTER, 3),),
        in_liquidity=True,
    ),
    Condition(
        key="fiscal_impulse",
        link=None,
        title="Fiscal impulse",
        sentence="In 12 months the Treasury paid out more, beyond what came in and without debt, than the year before",
        needs=("DTS_NET_WITHDRAWALS",),
        days=Days.BUSINESS,
        numbers=(Number("12-month sum against a year ago", Unit.BN, Limit(Sign.ABOVE, 0.0), Limit(Sign.BELOW, 0.0)),),
        measure=lambda m: (m.year_on_year(m.figures("DTS_NET_WITHDRAWALS")),),
        in_liquidity=True,
    ),
    Condition(
        key="financial_conditions",
        link=1,
        title="Financial conditions",
        sentence="The Chicago Fed's index is below zero, looser than average, and not tightening fast",
        needs=("NFCI",),
        days=Days.FRIDAY,
        numbers=(
            Number("NFCI", Unit.INDEX, Limit(Sign.BELOW, 0.0), Limit(Sign.ABOVE, 0.10)),
            Number("13-week change", Unit.INDEX, Limit(Sign.AT_MOST, 0.05), Limit(Sign.ABOVE, 0.15)),
        ),
        measure=lambda m: (m.figures("NFCI"), m.weeks_change(m.figures("NFCI"), _QUARTER)),
        in_liquidity=True,
    ),
    Condition(
        key="reserves",
        link=None,
        title="Bank reserves",
        sentence="Reserve balances did not shrink in 4 weeks",
        needs=("WRESBAL",),
        days=Days.WEDNESDAY,
        numbers=(Number("4-week change", Unit.BN, Limit(Sign.AT_LEAST, 0.0), Limit(Sign.BELOW, -50.0)),),
        measure=lambda m: (m.weeks_change(m.figures("WRESBAL"), 4),),
        in_liquidity=True,
    ),
    Condition(
        key="dollar",
        link=None,
        title="Dollar",
        sentence="The dollar index is below its 50-day mean",
        needs=("DX-Y.NYB",),
        days=Days.BUSINESS,
        numbers=(
            Number(
                "against its 50-day mean", Unit.PERCENT, Limit(Sign.BELOW, 0.0), Limit(Sign.ABOVE, 0.0), exit_for=10
            ),
        ),
        measure=lambda m: (m.against_mean(m.prices("DX-Y.NYB"), 50),),
        in_liquidity=True,
    ),
)
