"""Two tables of the Daily Treasury Statement, each read row by row so that twenty years need no memory.

Labels changed over the years. A row is used only where its label is known; a day that does not add up is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from signals.sources.figures import Readings, day, number

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
    rows: Readings = field(default_factory=Readings)
    _days: set[date] = field(default_factory=set)

    def add(self, row: dict[str, Any]) -> None:
        """Read one row; KeyError, ValueError or TypeError where it is not as documented."""
        on = day(row["record_date"])
        self._days.add(on)
        column = _BALANCE_FIELD.get(row["account_type"])
        if column:
            self.rows.add(on, row[column])

    def result(self) -> tuple[dict[date, float], str]:
        """Return the balances by date, and a sentence about days without one."""
        values = self.rows.values
        return values, _left_out(self._days - values.keys(), "has no closing balance under a known label")


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
    rows: Readings = field(default_factory=Readings)
    _net: defaultdict[date, float] = field(default_factory=lambda: defaultdict(float))
    _sides: dict[tuple[date, str], float] = field(default_factory=dict)
    _published: dict[tuple[date, str], float] = field(default_factory=dict)
    _days: set[date] = field(default_factory=set)
    _odd: set[date] = field(default_factory=set)
    _seen: set[int] = field(default_factory=set)

    def add(self, row: dict[str, Any]) -> None:
        """Read one row; KeyError, ValueError or TypeError where it is not as documented.

        An equal row twice is one; the sum of a day with an odd one is not known.
        """
        on = day(row["record_date"])
        self._days.add(on)
        # The hash of a row and not the row: there are hundreds of thousands.
        same = hash(tuple(map(str, row.values())))
        if same not in self._seen:
            self._seen.add(same)
            try:
                self._add(on, row)
            except (KeyError, ValueError, TypeError):
                self._odd.add(on)
                raise

    def _add(self, on: date, row: dict[str, Any]) -> None:
        kind, category = row["transaction_type"], str(row["transaction_catg"]).strip().lower()
        labels = (category, str(row["account_type"]).lower(), str(row.get("transaction_catg_desc") or "").lower())
        amount = number(row["transaction_today_amt"])
        if kind not in _SIGNS or amount is None:
            return
        side = (on, kind)
        if any(label.startswith(_WHOLE_SIDE) for label in labels):
            self._published[side] = amount
        elif category not in ("", "null", "none") and not any(label.startswith(_NOT_A_FLOW) for label in labels):
            self._sides[side] = self._sides.get(side, 0.0) + amount
            self._net[on] += 0.0 if category.startswith(_DEBT) else _SIGNS[kind] * amount

    def result(self) -> tuple[dict[date, float], str]:
        """Return the sums by date, and a sentence about days whose rows do not add up."""
        whole = {on for on in self._days - self._odd if all(self._adds_up((on, kind)) for kind in _SIGNS)}
        values = {on: self._net[on] for on in whole}
        return values, _left_out(self._days - whole, "has deposits and withdrawals that do not add up")

    def _adds_up(self, side: tuple[date, str]) -> bool:
        """Whether there are rows, and they make the published total where the statement has one."""
        rows = self._sides.get(side)
        return rows is not None and abs(rows - self._published.get(side, rows)) <= _ROUNDING


def _left_out(days: Collection[date], what: str) -> str:
    if not days:
        return ""
    others = len(days) - 1
    more = f" and of {others} other day{'s' if others > 1 else ''}" if others else ""
    return f"the Treasury's statement of {max(days)}{more} {what}; left out"
