"""All conditions: the table that the evaluation, /why, the docs and the contract tests read."""

from __future__ import annotations

from signals.conditions.condition import Condition
from signals.conditions.of_links import CASCADE
from signals.conditions.of_liquidity import LIQUIDITY

CONDITIONS: dict[str, Condition] = {row.key: row for row in (*LIQUIDITY, *CASCADE)}

LINKS = {
    number: tuple(row for row in CONDITIONS.values() if row.link == number)
    for number in sorted({row.link for row in CONDITIONS.values() if row.link})
}
"""The conditions of each link of the cascade."""

MANDATORY = {3: "breakout"}
"""Without this condition a link is never on."""

LINK_NAMES = {1: "Bonds", 2: "Equities", 3: "Small caps", 4: "Crypto"}
