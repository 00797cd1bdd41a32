"""Which source a series is asked of, and what is said when it is the second one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from signals.data.series import SERIES
from signals.sources.folder import FolderSource
from signals.sources.fred import FredSource
from signals.sources.newyorkfed import NewYorkFedSource
from signals.sources.routed import RoutedSource
from signals.sources.shape import Fetched
from tests.signals.sources.server import NOW, Asked, Reply, serving, web

SOFR = SERIES["SOFR"]
DOWN = Reply("down", 503)
GRAPH = Reply("observation_date,SOFR\n2025-11-25,3.65\n")
RATES = Reply(json.dumps({"refRates": [{"effectiveDate": "2025-11-25", "type": "SOFR", "percentRate": 4.0}]}))


def ask(newyorkfed: Reply, fred: Reply | None) -> Fetched:
    """Ask for SOFR, which is the New York Fed's and has FRED as its fallback; ``None``: FRED is not configured."""

    def plan(asked: Asked) -> Reply:
        return fred if fred is not None and asked.path.startswith("/graph") else newyorkfed

    with serving(plan) as server:
        second = {} if fred is None else {"fred": FredSource(web(), server.url)}
        return RoutedSource({"newyorkfed": NewYorkFedSource(web(), server.url), **second}).fetch(SOFR, None, NOW)


def test_the_source_that_the_table_names_is_asked() -> None:
    fetched = ask(RATES, GRAPH)
    assert list(fetched.frame["value"]) == [4.0]
    assert fetched.reason == ""


def test_where_it_has_nothing_the_fallback_is_used_and_said() -> None:
    fetched = ask(DOWN, GRAPH)
    assert list(fetched.frame["value"]) == [3.65]
    assert fetched.reason == (
        "the New York Fed gave nothing for SOFR: 127.0.0.1 is out of order (HTTP 503); fred was used instead"
    )


def test_where_both_have_nothing_both_reasons_are_said() -> None:
    fetched = ask(DOWN, Reply("no", 404))
    assert fetched.frame.empty
    assert fetched.reason == (
        "the New York Fed gave nothing for SOFR: 127.0.0.1 is out of order (HTTP 503); "
        "FRED gave nothing for SOFR: 127.0.0.1 refused the request (HTTP 404)"
    )
    assert not fetched.absent


def test_a_fallback_that_is_not_configured_is_not_asked() -> None:
    assert ask(DOWN, None).reason == "the New York Fed gave nothing for SOFR: 127.0.0.1 is out of order (HTTP 503)"


def test_what_the_fallback_finds_wrong_is_said_too(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("yahoo", "tiingo")}
    for folder in folders.values():
        folder.mkdir()
    (folders["yahoo"] / "IWM.csv").write_text("date,price\n2025-11-25,1\n")
    (folders["tiingo"] / "IWM.csv").write_text("")
    routed = RoutedSource({name: FolderSource(folder) for name, folder in folders.items()})
    reason = routed.fetch(SERIES["IWM"], None, NOW).reason
    assert reason.startswith("IWM.csv has the columns price; expected")
    assert "; IWM.csv cannot be read" in reason


@pytest.mark.parametrize("key", ["ETF_FLOWS", "LEVERAGE", "MEMBER_BREADTH"])
def test_a_series_without_a_free_feed_is_absent(key: str) -> None:
    fetched = RoutedSource({}).fetch(SERIES[key], None, NOW)
    assert fetched.absent
    assert fetched.reason == f"no free feed; an operator may supply it as {key}.csv"


def test_a_series_neither_source_carries_is_absent(tmp_path: Path) -> None:
    empty = FolderSource(tmp_path)
    assert RoutedSource({"newyorkfed": empty, "fred": empty}).fetch(SOFR, date(2025, 11, 25), NOW).absent
