"""The series that the four properties are measured from."""

from __future__ import annotations

from signals.conditions.table import CONDITIONS, LINKS
from signals.data.series import SECTORS

COMPOSITE = ("SPY", "IWM", "RSP", "EEM", "HYG", "BTC-USD", "ETH-USD")
"""What the inverse-volatility composite is made of."""

RISK_PANEL = ("SPY", "IWM", "RSP", "IWC", "IJR", "EEM", "HYG", "SPHB", *SECTORS, "BTC-USD", "ETH-USD")

PROPERTY_NEEDS = {
    "support": {"^RUT", *CONDITIONS["net_liquidity"].needs, *(key for row in LINKS[1] for key in row.needs)},
    "corrections": {"^RUT", "BTC-USD"},
    "rotation": {*RISK_PANEL},
    "runway": {"IWM", "SPY", "ETH-USD", "BTC-USD", "SPHB", "SPLV"},
}
