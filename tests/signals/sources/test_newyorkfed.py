"""The New York Fed: SOFR, and the reverse repo in the unit each series declares."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from signals.data.series import SERIES, Series
from signals.sources.newyorkfed import NewYorkFedSource
from signals.sources.shape import Fetched
from tests.signals.sources.server import FAILURES, NOW, Reply, by_day, serving, web, web_for

SOFR, RRP, OFFICIAL = SERIES["SOFR"], SERIES["RRPONTSYD"], SERIES["RRP_NYFED"]


def ask(reply: Reply, series: Series, since: date | None = None) -> Fetched:
    with serving(reply) as server:
        return NewYorkFedSource(web(), server.url).fetch(series, since, NOW)


def rate(day: str, percent: Any, revised: str = "", kind: str = "SOFR") -> dict[str, Any]:
    """Return a row of the reference rates."""
    return {
        "effectiveDate": day, "type": kind, "percentRate": percent, "percentPercentile1": 3.6,
        "percentPercentile99": 3.75, "volumeInBillions": 3205, "revisionIndicator": revised,
    }  # fmt: skip


def rates(*rows: dict[str, Any]) -> Reply:
    return Reply(json.dumps({"refRates": list(rows)}))


def operation(day: str, dollars: Any, **fields: Any) -> dict[str, Any]:
    """Return a reverse repo operation."""
    propositions = [{"counterpartyType": "mmf", "amtAccepted": dollars}]
    return {
        "operationId": "RP",
        "operationDate": day,
        "note": "",
        "totalAmtAccepted": dollars,
        "propositions": propositions,
    } | fields


def operations(*rows: dict[str, Any]) -> Reply:
    return Reply(json.dumps({"repo": {"operations": list(rows)}}))


class TestRate:
    def test_it_is_read_in_per_cent_by_date(self) -> None:
        fetched = ask(rates(rate("2025-11-26", 3.66), rate("2025-11-25", 3.65)), SOFR)
        assert by_day(fetched) == {"2025-11-25": 3.65, "2025-11-26": 3.66}
        assert fetched.reason == ""

    def test_it_asks_for_the_days_from_the_newest_on(self) -> None:
        with serving(rates(rate("2025-11-26", 3.66))) as server:
            source = NewYorkFedSource(web(), server.url)
            source.fetch(SOFR, None, NOW)
            source.fetch(SOFR, date(2025, 11, 25), datetime(2025, 12, 2, 3, tzinfo=UTC))
        assert [asked.path for asked in server.asked] == ["/api/rates/secured/sofr/search.json"] * 2
        assert server.asked[0].query == {"startDate": "2018-04-02", "endDate": "2025-12-01"}
        # In New York it is still the evening before.
        assert server.asked[1].query == {"startDate": "2025-11-25", "endDate": "2025-12-01"}

    def test_a_rate_revised_the_same_day_is_the_revised_one(self) -> None:
        rows = rate("2025-11-26", 3.70, "r"), rate("2025-11-26", 3.66)
        assert by_day(ask(rates(*rows), SOFR)) == {"2025-11-26": 3.70}
        assert by_day(ask(rates(*reversed(rows)), SOFR)) == {"2025-11-26": 3.70}

    def test_other_rates_are_not_taken_for_it(self) -> None:
        assert by_day(ask(rates(rate("2025-11-26", 3.66), rate("2025-11-26", 4.0, kind="BGCR")), SOFR)) == {
            "2025-11-26": 3.66
        }

    @pytest.mark.parametrize("missing", [None, "", "."])
    def test_a_missing_rate_is_left_out(self, missing: Any) -> None:
        assert by_day(ask(rates(rate("2025-11-25", missing), rate("2025-11-26", "3.66")), SOFR)) == {"2025-11-26": 3.66}

    def test_no_rate_at_all_is_said(self) -> None:
        assert ask(rates(), SOFR).reason == "the New York Fed had no figures for SOFR"


class TestReverseRepo:
    def test_each_series_gets_dollars_in_its_own_unit(self) -> None:
        reply = operations(operation("2024-01-10", 679_961_000_000))
        assert by_day(ask(reply, RRP)) == pytest.approx({"2024-01-10": 679.961})
        official = ask(reply, OFFICIAL)
        assert by_day(official)["2024-01-10"] * OFFICIAL.scale == pytest.approx(679.961)

    def test_operations_of_a_day_are_added(self) -> None:
        reply = operations(operation("2024-01-10", 2_000_000_000), operation("2024-01-10", "500000000"))
        assert by_day(ask(reply, RRP)) == {"2024-01-10": 2.5}

    def test_a_day_without_takers_is_zero(self) -> None:
        assert by_day(ask(operations(operation("2024-01-10", 0)), RRP)) == {"2024-01-10": 0.0}

    @pytest.mark.parametrize(
        "other",
        [
            operation("2024-01-10", 9e9, term="Term"),
            operation("2024-01-10", 9e9, note="Reverse Repo Small Value Exercise"),
            operation("2024-01-10", None),
        ],
    )
    def test_longer_terms_and_exercises_are_not_take_up(self, other: dict[str, Any]) -> None:
        assert by_day(ask(operations(other, operation("2024-01-10", 2e9, term="Overnight")), RRP)) == {
            "2024-01-10": 2.0
        }

    def test_it_asks_for_all_of_it_since_2003(self) -> None:
        with serving(operations(operation("2024-01-10", 1))) as server:
            NewYorkFedSource(web(), server.url).fetch(RRP, None, NOW)
        assert server.asked[0].path == "/api/rp/reverserepo/propositions/search.json"
        assert server.asked[0].query == {"startDate": "2003-02-07", "endDate": "2025-12-01"}


@pytest.mark.parametrize("series", [SOFR, RRP, OFFICIAL])
@pytest.mark.parametrize(("reply", "sentence"), FAILURES)
def test_every_failure_is_a_sentence_and_no_figure(series: Series, reply: Reply, sentence: str) -> None:
    with serving(reply) as server:
        fetched = NewYorkFedSource(web_for(reply), server.url).fetch(series, None, NOW)
    assert fetched.reason.startswith(f"the New York Fed gave nothing for {series.key}: {sentence}")
    assert fetched.frame.empty
    assert not fetched.absent


@pytest.mark.parametrize(
    ("series", "body", "sentence"),
    [
        (SOFR, '{"rates": []}', "its answer lacks refRates"),
        (
            SOFR,
            '{"refRates": [{"effectiveDate": "2025-11-26", "percentRate": NaN}]}',
            "127.0.0.1 answered with something that is not JSON",
        ),
        (SOFR, '{"refRates": 3}', "its answer has another shape than documented"),
        (SOFR, '{"refRates": [', "127.0.0.1 answered with something that is not JSON"),
        (RRP, '{"repo": {}}', "its answer lacks operations"),
        (RRP, "null", "its answer has another shape than documented"),
    ],
)
def test_another_shape_is_a_sentence_and_nothing_of_it_is_used(series: Series, body: str, sentence: str) -> None:
    fetched = ask(Reply(body), series)
    assert fetched.reason.startswith(f"the New York Fed gave nothing for {series.key}: {sentence}")
    assert fetched.frame.empty


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        ({"effectiveDate": "2025-11-25", "rate": 3}, "it lacks percentRate"),
        ({"effectiveDate": "26.11.2025", "percentRate": 3}, "'26.11.2025' is no date"),
        ({"effectiveDate": 3, "percentRate": 3}, "it has another shape than documented"),
        ({"effectiveDate": "2025-11-25", "percentRate": "x"}, "'x' is no number"),
    ],
)
def test_an_odd_rate_costs_that_rate(odd: dict[str, Any], what: str) -> None:
    fetched = ask(rates(odd, rate("2025-11-26", 3.66)), SOFR)
    assert by_day(fetched) == {"2025-11-26": 3.66}
    assert fetched.reason == f"one row of its answer is left out: {what}"


@pytest.mark.parametrize("odd", [{"operationDate": "2024-01-10"}, operation("2024-01-10", "much"), "none"])
def test_an_odd_operation_costs_its_day(odd: Any) -> None:
    good = [operation("2024-01-09", 1e9), operation("2024-01-11", 2e9)]
    fetched = ask(operations(*good, odd), RRP)
    assert by_day(fetched) == {"2024-01-09": 1.0, "2024-01-11": 2.0}
    assert fetched.reason.startswith("one row of its answer is left out: ")


def test_a_day_with_an_odd_operation_beside_a_good_one_has_no_sum() -> None:
    rows = [operation("2024-01-10", 1e9), operation("2024-01-10", "much"), operation("2024-01-11", 2e9)]
    assert by_day(ask(operations(*rows), RRP)) == {"2024-01-11": 2.0}


def test_an_equal_operation_twice_is_one() -> None:
    rows = [operation("2024-01-10", 1e9)] * 2
    assert by_day(ask(operations(*rows), RRP)) == {"2024-01-10": 1.0}


def test_a_series_it_does_not_carry_is_absent() -> None:
    fetched = NewYorkFedSource(web(), "http://127.0.0.1:9").fetch(SERIES["WALCL"], None, NOW)
    assert fetched.absent
    assert fetched.reason == "the New York Fed does not carry WALCL"
