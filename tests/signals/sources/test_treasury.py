"""The Daily Treasury Statement: three eras of labels, pages, and rows that would count twice."""

from __future__ import annotations

import csv
import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from signals.data.series import SERIES
from signals.sources.shape import Fetched
from signals.sources.treasury import TreasurySource
from tests.signals.sources.server import FAILURES, NOW, Asked, Plan, Reply, by_day, serving, web, web_for

BALANCE = SERIES["TGA_DTS_CLOSING"]
NET = SERIES["DTS_NET_WITHDRAWALS"]
Row = dict[str, str]


def answer(rows: list[Row], total: int | None = None, pages: int = 1) -> Reply:
    """Return an answer of FiscalData in its documented shape."""
    meta = {
        "count": len(rows),
        "labels": {},
        "total-count": len(rows) if total is None else total,
        "total-pages": pages,
    }
    return Reply(json.dumps({"data": rows, "meta": meta, "links": {"self": "", "next": None}}))


def database(rows: list[Row]) -> Plan:
    """Answer as FiscalData does: filtered, sorted, in pages, with only the fields asked for."""

    def plan(asked: Asked) -> Reply:
        query = asked.query
        since = query["filter"].removeprefix("record_date:gte:")
        keys, fields = query["sort"].split(","), query["fields"].split(",")
        kept = sorted((row for row in rows if row["record_date"] >= since), key=lambda row: [row[key] for key in keys])
        size, number = int(query["page[size]"]), int(query["page[number]"])
        page = kept[(number - 1) * size : number * size]
        return answer([{name: row[name] for name in fields} for row in page], len(kept), math.ceil(len(kept) / size))

    return plan


def ask(plan: Plan | Reply | list[Reply], series: Any = BALANCE, since: date | None = None) -> Fetched:
    with serving(plan) as server:
        return TreasurySource(web(), server.url).fetch(series, since, NOW)


def balance(day: str, label: str, close: str = "null", opened: str = "null") -> Row:
    """Return a row of the operating cash balance."""
    amounts = {"close_today_bal": close, "open_today_bal": opened}
    return {"record_date": day, "src_line_nbr": "1", "account_type": label, **amounts}


CLOSING = "Treasury General Account (TGA) Closing Balance"


class TestClosingBalance:
    @pytest.mark.parametrize(
        "row",
        [
            balance("2021-09-30", "Federal Reserve Account", close="215160", opened="173745"),
            balance("2022-04-15", "Treasury General Account (TGA)", close="215160", opened="500000"),
            balance("2022-04-18", CLOSING, opened="215160"),
        ],
    )
    def test_each_era_has_its_balance_under_another_label(self, row: Row) -> None:
        fetched = ask(answer([row]))
        assert by_day(fetched) == {row["record_date"]: 215160.0}
        assert fetched.reason == ""

    def test_the_opening_balance_and_the_other_accounts_are_not_it(self) -> None:
        rows = [
            balance("2025-11-26", "Treasury General Account (TGA) Opening Balance", opened="931736"),
            balance("2025-11-26", "Total TGA Deposits (Table II)", opened="25308"),
            balance("2025-11-26", CLOSING, opened="899678"),
            balance("2025-11-26", "Short-Term Cash Investments (Table V)", "7", "7"),
        ]
        assert by_day(ask(answer(rows))) == {"2025-11-26": 899678.0}

    def test_a_day_under_an_unknown_label_is_left_out_and_named(self) -> None:
        rows = [balance("2025-11-26", CLOSING, opened="1"), balance("2027-01-04", "Cash of the Treasury", "2", "2")]
        fetched = ask(answer([*rows, balance("2027-01-05", "Cash of the Treasury", "3", "3")]))
        assert by_day(fetched) == {"2025-11-26": 1.0}
        assert fetched.reason == (
            "the Treasury's statement of 2027-01-05 and of 1 other day has no closing balance under a known label; left out"
        )

    def test_a_balance_that_is_null_is_left_out_and_named(self) -> None:
        fetched = ask(answer([balance("2025-11-26", CLOSING, close="5")]))
        assert fetched.frame.empty
        assert fetched.reason == (
            "the Treasury had no figures for TGA_DTS_CLOSING: "
            "the Treasury's statement of 2025-11-26 has no closing balance under a known label; left out"
        )

    def test_it_asks_as_documented(self) -> None:
        with serving(answer([balance("2025-11-26", CLOSING, opened="1")])) as server:
            TreasurySource(web(), server.url).fetch(BALANCE, date(2025, 11, 20), NOW)
        assert server.asked[0].path == "/v1/accounting/dts/operating_cash_balance"
        assert server.asked[0].query == {
            "fields": "record_date,src_line_nbr,account_type,close_today_bal,open_today_bal",
            "filter": "record_date:gte:2025-11-20", "sort": "record_date,src_line_nbr",
            "page[size]": "10000", "page[number]": "1",
        }  # fmt: skip

    def test_a_recorded_answer_gives_the_known_balances_across_all_three_eras(self, real_history: Path) -> None:
        file = real_history / "raw" / "fiscaldata_dts_operating_cash_balance_2020-2025.csv"
        with file.open() as lines:
            fetched = ask(database(list(csv.DictReader(lines))))
        known = pd.read_csv(real_history / "TGA_DTS_CLOSING.csv", parse_dates=["date"], index_col="date")["value"]
        both = fetched.frame["value"].index.intersection(known.index)
        assert fetched.reason == ""
        assert list(fetched.frame["value"][both]) == list(known[both])
        for era in (slice(None, "2021-09-30"), slice("2021-10-01", "2022-04-15"), slice("2022-04-18", None)):
            assert len(fetched.frame.loc[both].loc[era]) > 100

    def test_a_recorded_answer_from_a_date_on_begins_with_it(self, real_history: Path) -> None:
        file = real_history / "raw" / "fiscaldata_dts_operating_cash_balance_2020-2025.csv"
        with file.open() as lines:
            fetched = ask(database(list(csv.DictReader(lines))), since=date(2025, 11, 24))
        assert list(by_day(fetched)) == ["2025-11-24", "2025-11-25", "2025-11-26"]


class TestPages:
    days = tuple(f"2025-11-{day:02}" for day in (3, 4, 5))

    def page(self, *days: str, total: int = 3, pages: int = 2) -> Reply:
        return answer([balance(day, CLOSING, opened="7") for day in days], total, pages)

    def test_all_pages_are_read(self) -> None:
        with serving([self.page(*self.days[:2]), self.page(self.days[2])]) as server:
            fetched = TreasurySource(web(), server.url).fetch(BALANCE, None, NOW)
        assert list(by_day(fetched)) == list(self.days)
        assert [asked.query["page[number]"] for asked in server.asked] == ["1", "2"]

    def test_fewer_rows_than_there_are_is_said_and_nothing_of_it_is_used(self) -> None:
        fetched = ask(self.page(*self.days[:2], pages=1))
        assert fetched.reason == "the Treasury gave nothing for TGA_DTS_CLOSING: only 2 of 3 rows came"
        assert fetched.frame.empty

    def test_an_empty_page_before_the_last_is_said_and_nothing_of_it_is_used(self) -> None:
        fetched = ask([self.page(*self.days[:2], pages=9), self.page(pages=9)])
        assert fetched.reason == "the Treasury gave nothing for TGA_DTS_CLOSING: only 2 of 3 rows came"

    def test_a_page_that_fails_leaves_nothing(self) -> None:
        fetched = ask([self.page(*self.days[:2]), Reply("down", 500)])
        assert fetched.reason == "the Treasury gave nothing for TGA_DTS_CLOSING: 127.0.0.1 is out of order (HTTP 500)"
        assert fetched.frame.empty

    def test_no_row_at_all_is_said(self) -> None:
        assert ask(answer([], pages=0)).reason == "the Treasury had no figures for TGA_DTS_CLOSING"


def flow(
    kind: str, category: str, amount: str, account: str = "Treasury General Account (TGA)", day: str = "2025-11-26"
) -> Row:
    """Return a row of deposits and withdrawals."""
    return {
        "record_date": day,
        "src_line_nbr": "1",
        "account_type": account,
        "transaction_type": kind,
        "transaction_catg": category,
        "transaction_catg_desc": "null",
        "transaction_today_amt": amount,
    }


# The figures of 2026-08-27 as Treasury published them: totals, public debt, and the rest as one row each.
WHOLE_DAY = [
    flow("Deposits", "Taxes - Withheld Individual/FICA", "9787"),
    flow("Deposits", "Public Debt Cash Issues (Table IIIB)", "278792"),
    flow("Deposits", "null", "288576", "Treasury General Account Total Deposits"),
    flow("Withdrawals", "HHS - Medicare", "20002"),
    flow("Withdrawals", "Thrift Savings Plan Transfer", "3000"),
    flow("Withdrawals", "Public Debt Cash Redemp. (Table IIIB)", "274205"),
    flow("Withdrawals", "null", "297207", "Treasury General Account Total Withdrawals"),
]


class TestNetWithdrawals:
    def net(self, rows: list[Row]) -> dict[str, float]:
        fetched = ask(answer(rows), NET)
        assert fetched.reason == ""
        return by_day(fetched)

    def test_it_is_withdrawals_less_deposits_without_public_debt_and_totals(self) -> None:
        assert self.net(WHOLE_DAY) == {"2025-11-26": 20002.0 + 3000.0 - 9787.0}

    def test_it_asks_as_documented(self) -> None:
        with serving(answer(WHOLE_DAY)) as server:
            TreasurySource(web(), server.url).fetch(NET, None, NOW)
        assert server.asked[0].path == "/v1/accounting/dts/deposits_withdrawals_operating_cash"
        assert server.asked[0].query["filter"] == "record_date:gte:2005-10-03"

    @pytest.mark.parametrize(
        "row",
        [
            flow("Deposits", "Sub-Total Deposits", "9787"),
            flow("Withdrawals", "Sub-Total Withdrawals", "23002"),
            flow("Deposits", "Total Other Deposits", "500"),
            flow("Withdrawals", "Total, Other Withdrawals", "500"),
            flow("Deposits", "Total Deposits (excluding transfers)", "500"),
            flow("Deposits", "null", "500", "Total Federal Reserve Account"),
            flow("Withdrawals", "Net Change in Operating Cash Balance", "500"),
            flow("Deposits", "Transfers from Depositaries", "500"),
            flow("Withdrawals", "Transfers to Federal Reserve Account (Table V)", "500"),
            flow("Withdrawals", "Defense Vendor Payments (EFT)", "null"),
            flow("Withdrawals", "null", "null"),
        ],
    )
    def test_a_row_that_sums_others_or_moves_between_accounts_does_not_count(self, row: Row) -> None:
        assert self.net([*WHOLE_DAY, row]) == self.net(WHOLE_DAY)

    @pytest.mark.parametrize("spelling", ["(Table III-B)", "(Table IIIB)", "(Table IIIC)"])
    def test_public_debt_is_recognised_under_every_table_number(self, spelling: str) -> None:
        rows = [
            flow("Deposits", f"Public Debt Cash Issues {spelling}", "5000"),
            flow("Deposits", "Customs Duties", "10"),
            flow("Withdrawals", f"Public Debt Cash Redemp. {spelling}", "4000"),
            flow("Withdrawals", "Postal Service", "30"),
        ]
        assert self.net(rows) == {"2025-11-26": 20.0}

    def test_accounts_of_the_older_statements_are_added(self) -> None:
        rows = [
            flow("Deposits", "Customs Duties", "10", "Federal Reserve Account"),
            flow("Deposits", "FTD's Received (Table IV)", "5", "Tax and Loan Note Accounts (Table V)"),
            flow("Withdrawals", "Postal Service", "30", "Federal Reserve Account"),
        ]
        assert self.net(rows) == {"2025-11-26": 15.0}

    @pytest.mark.parametrize(
        "rows",
        [
            # An unknown sum among the rows.
            [*WHOLE_DAY, flow("Withdrawals", "All agencies together", "23002")],
            # A row that did not come.
            [row for row in WHOLE_DAY if row["transaction_catg"] != "HHS - Medicare"],
            # One side only.
            [row for row in WHOLE_DAY if row["transaction_type"] == "Deposits"],
        ],
    )
    def test_a_day_that_does_not_add_up_is_left_out_and_named(self, rows: list[Row]) -> None:
        fetched = ask(answer([row | {"record_date": "2025-11-25"} for row in rows] + WHOLE_DAY), NET)
        assert list(by_day(fetched)) == ["2025-11-26"]
        assert fetched.reason == (
            "the Treasury's statement of 2025-11-25 has deposits and withdrawals that do not add up; left out"
        )

    def test_an_equal_row_twice_is_one(self) -> None:
        assert self.net([*WHOLE_DAY, *WHOLE_DAY]) == {"2025-11-26": 13215.0}

    def test_an_odd_row_costs_its_day(self) -> None:
        odd = [row | {"record_date": "2025-11-25"} for row in WHOLE_DAY]
        odd[0]["transaction_today_amt"] = "much"
        fetched = ask(answer([*odd, *WHOLE_DAY]), NET)
        assert list(by_day(fetched)) == ["2025-11-26"]
        assert fetched.reason.startswith("one row of its answer is left out: 'much' is no number; the Treasury's")

    def test_each_day_is_summed_by_itself(self) -> None:
        rows = WHOLE_DAY + [row | {"record_date": "2025-11-25"} for row in WHOLE_DAY]
        assert self.net(rows) == {"2025-11-25": 13215.0, "2025-11-26": 13215.0}


@pytest.mark.parametrize("series", [BALANCE, NET])
class TestFailures:
    @pytest.mark.parametrize(("reply", "sentence"), FAILURES)
    def test_every_failure_is_a_sentence_and_no_figure(self, series: Any, reply: Reply, sentence: str) -> None:
        with serving(reply) as server:
            fetched = TreasurySource(web_for(reply), server.url).fetch(series, None, NOW)
        assert fetched.reason.startswith(f"the Treasury gave nothing for {series.key}: {sentence}")
        assert fetched.frame.empty
        assert not fetched.absent

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            ('{"meta": {}}', "its answer lacks data"),
            ('{"data": []}', "its answer lacks meta"),
            ('{"data": [], "meta": {}}', "its answer lacks total-pages"),
            ('{"data": [{"date": "2025-11-26"}], "meta": {}}', "its answer lacks total-pages"),
            ('{"data": [], "meta": {"total-pages": "many"}}', "its answer cannot be read: invalid literal"),
            ('["data"]', "its answer has another shape than documented"),
            ("record_date,account_type", "127.0.0.1 answered with something that is not JSON"),
        ],
    )
    def test_another_shape_is_a_sentence(self, series: Any, body: str, sentence: str) -> None:
        fetched = ask(Reply(body), series)
        assert fetched.reason.startswith(f"the Treasury gave nothing for {series.key}: {sentence}")
        assert fetched.frame.empty


@pytest.mark.parametrize(
    ("series", "row", "column"),
    [
        (BALANCE, balance("2025-11-26", CLOSING, opened="1"), "open_today_bal"),
        (NET, WHOLE_DAY[0], "transaction_today_amt"),
    ],
)
class TestColumns:
    def test_a_renamed_column_is_a_sentence(self, series: Any, row: Row, column: str) -> None:
        fetched = ask(answer([{("new_name" if name == column else name): text for name, text in row.items()}]), series)
        what = f"one row of its answer is left out: it lacks {column}"
        assert fetched.reason.startswith(f"the Treasury had no figures for {series.key}: {what}")

    def test_a_figure_that_is_no_number_is_a_sentence(self, series: Any, row: Row, column: str) -> None:
        fetched = ask(answer([row | {column: "1,5"}]), series)
        what = "one row of its answer is left out: '1,5' is no number"
        assert fetched.reason.startswith(f"the Treasury had no figures for {series.key}: {what}")


def test_a_series_it_does_not_carry_is_absent() -> None:
    fetched = TreasurySource(web(), "http://127.0.0.1:9").fetch(SERIES["IWM"], None, NOW)
    assert fetched.absent
    assert fetched.reason == "the Treasury does not carry IWM"
