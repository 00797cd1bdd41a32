"""The altcoin universe: a dated list. History computed from today's list leaves out what has failed since."""

from __future__ import annotations

from datetime import date

LISTED_ON = date(2026, 11, 22)

ALTCOINS = {
    "ETH-USD": "Ether",
    "XRP-USD": "XRP",
    "BNB-USD": "BNB",
    "SOL-USD": "Solana",
    "ADA-USD": "Cardano",
    "DOGE-USD": "Dogecoin",
    "TRX-USD": "Tron",
    "AVAX-USD": "Avalanche",
    "LINK-USD": "Chainlink",
    "LTC-USD": "Litecoin",
    "BCH-USD": "Bitcoin Cash",
    "DOT-USD": "Polkadot",
    "XLM-USD": "Stellar",
}
"""Large coins without stablecoins, wrapped or staked tokens, each from its first price."""

BASKET = tuple(key for key in ALTCOINS if key != "ETH-USD")
"""The members of the basket. Ether counts in the breadth and not here."""

LEAST_PRICED = 8
"""With fewer priced members, breadth and basket are unknown."""
