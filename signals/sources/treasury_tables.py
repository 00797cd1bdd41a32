"""Two tables of the Daily Treasury Statement, each read row by row so that twenty years need no memory.

Labels changed over the years. A row is used only where its label is known; a day that does not add up is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

from signals.sources.figures import number

# Until 2021-09-30, until 2022-04-15, and since: the last one has its balance in the column of another name.
_BALANCE_FIELD = {
    "Federal Reserve Account": "close_today_bal",
    "Treasury General Account (TGA)": "close_today_bal",
    "Treasury General Account (TGA) Closing Balance": "open_today_bal",
}
_SIGNS = {"Withdrawals": 1.0, "Deposits": -1.0}
_DEBT = ("public debt cash issues", "public debt cash redemp")
# Sums of other rows, and moves between the Treasury's own accounts.
_NOT_A_FLOW = ("total", "sub-total", "subtotal", "net change", "change in balance", "transfers from", "transfers to")
_WHOLE_SIDE = ("treasury general account total ", "total tga deposits", "total tga withdrawals")
# Rows are rounded to millions one by one; about 200 of them differ from their total by a few millions.
_ROUNDING = 500.0


@dataclass(slots=True)
class ClosingBalance:
    """The closing balance of the Treasury General Account, in USD millions."""

    name: ClassVar[str] = "operating_cash_balance"
    key: ClassVar[tuple[str, ...]] = ("record_date", "src_line_nbr")
    fields: ClassVar[tuple[str, ...]] = (*key, "account_type", "close_today_bal", "open_today_bal")
    _values: dict[str, float] = field(default_factory=dict)
    _days: set[str] = field(default_factory=set)

    def add(self, row: dict[str, Any]) -> None:
        """Read one row; KeyError or ValueError where it is not as documented."""
        day = row["record_date"]
        self._days.add(day)
        column = _BALANCE_FIELD.get(row["account_type"])
        balance = number(row[column]) if column else None
        if balance is not None:
            self._values[day] = balance

    def result(self) -> tuple[dict[str, float], str]:
        """Return the balances by ISO date, and a sentence about days without one."""
        return self._values, _left_out(self._days - self._values.keys(), "has no closing balance under a known label")


@dataclass(slots=True)
class NetWithdrawals:
    """Withdrawals less deposits without public debt, in USD millions."""

    name: ClassVar[str] = "deposits_withdrawals_operating_cash"
    key: ClassVar[tuple[str, ...]] = ("record_date", "transaction_type", "src_line_nbr")
    fields: ClassVar[tuple[str, ...]] = (
        *key,
        "account_type",
        "transaction_catg",
        "transaction_catg_desc",
        "transaction_today_amt",
    )
    _net: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _sides: dict[tuple[str, str], float] = field(default_factory=dict)
    _published: dict[tuple[str, str], float] = field(default_factory=dict)
    _days: set[str] = field(default_factory=set)

    def add(self, row: dict[str, Any]) -> None:
        """Read one row; KeyError or ValueError where it is not as documented."""
        day, kind = row["record_date"], row["transaction_type"]
        category = str(row["transaction_catg"]).strip().lower()
        labels = (category, str(row["account_type"]).lower(), str(row.get("transaction_catg_desc") or "").lower())
        amount = number(row["transaction_today_amt"])
        self._days.add(day)
        if kind not in _SIGNS or amount is None:
            return
        side = (day, kind)
        if any(label.startswith(_WHOLE_SIDE) for label in labels):
            self._published[side] = amount
        elif category not in ("", "null", "none") and not any(label.startswith(_NOT_A_FLOW) for label in labels):
            self._sides[side] = self._sides.get(side, 0.0) + amount
            self._net[day] += 0.0 if category.startswith(_DEBT) else _SIGNS[kind] * amount

    def result(self) -> tuple[dict[str, float], str]:
        """Return the sums by ISO date, and a sentence about days whose rows do not add up."""
        whole = {day for day in self._days if all(self._adds_up((day, kind)) for kind in _SIGNS)}
        values = {day: self._net[day] for day in whole}
        return values, _left_out(self._days - whole, "has deposits and withdrawals that do not add up")

    def _adds_up(self, side: tuple[str, str]) -> bool:
        """Whether there are rows, and they make the published total where the statement has one."""
        rows = self._sides.get(side)
        return rows is not None and abs(rows - self._published.get(side, rows)) <= _ROUNDING


def _left_out(days: Collection[str], what: str) -> str:
    if not days:
        return ""
    others = len(days) - 1
    more = f" and of {others} other day{'s' if others > 1 else ''}" if others else ""
    return f"the Treasury's statement of {max(days)}{more} {what}; left out"
