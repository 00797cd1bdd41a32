"""Whether a source has a symbol: its newest closed bar, names like it, or that nobody answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from signals.data.sessions import nyse_sessions
from signals.data.symbols import as_series
from signals.sources import symbols
from signals.sources.patience import Patience
from signals.sources.symbols import FoundSymbol, look_up
from tests.signals.sources.server import Asked, Reply
from tests.signals.sources.test_yahoo import chart, yahoo

NOW = datetime(2020, 11, 16, 23, tzinfo=UTC)
NO_CHART = Reply(json.dumps({"chart": {"result": None, "error": {"code": "Not Found"}}}), 404)


def found(market_data: str, symbol: str) -> FoundSymbol:
    series = as_series(symbol)
    assert series is not None
    return look_up(market_data, series, nyse_sessions(NOW), NOW)


def test_the_simulated_market_has_a_price_of_everything() -> None:
    one, other = found("simulated", "NVDA"), found("simulated", "PEPE-USD")
    assert one.on == date(2020, 11, 16)
    assert one.close is not None
    assert one.close != other.close


def test_a_folder_has_what_it_has_a_file_of_and_names_its_files(tmp_path: Path) -> None:
    (tmp_path / "NVDA.csv").write_text("date,close\n2020-11-12,530\n2020-11-13,531.88\n2020-11-17,1\n")
    assert found(f"folder:{tmp_path}", "NVDA") == FoundSymbol(date(2020, 11, 13), 531.88)
    assert found(f"folder:{tmp_path}", "NVDDA") == FoundSymbol(similar=("NVDA",))
    assert found(f"folder:{tmp_path}", "ZZZZ") == FoundSymbol()


def search(*names: str) -> Reply:
    return Reply(json.dumps({"quotes": [{"symbol": name} for name in names], "news": []}))


@pytest.mark.parametrize(
    ("charts", "searched", "expected"),
    [
        (
            Reply(chart(["2020-11-12", "2020-11-13"], [530.0, 531.88])),
            search(),
            FoundSymbol(date(2020, 11, 13), 531.88),
        ),
        (NO_CHART, search("NVDA", "NV<DA", "NVD.F"), FoundSymbol(similar=("NVDA", "NVD.F"))),
        (NO_CHART, search(), FoundSymbol()),
        (Reply("down", 503), Reply("down", 503), FoundSymbol(similar=None)),
        # It knows the symbol: only its bars are out of order.
        (Reply("down", 503), search("NVDDA"), FoundSymbol(similar=None)),
        (NO_CHART, Reply("<html>"), FoundSymbol(similar=None)),
        (NO_CHART, Reply(json.dumps({"quotes": [7]})), FoundSymbol(similar=None)),
    ],
    ids=["known", "unknown with names", "unknown", "down", "bars down", "search broken", "search odd"],
)
def test_yahoo(monkeypatch: pytest.MonkeyPatch, charts: Reply, searched: Reply, expected: FoundSymbol) -> None:
    def other(asked: Asked) -> Reply:
        return searched if asked.path.startswith("/v1/finance/search") else Reply("crumb")

    with yahoo(charts, Patience(waits=()), other=other) as (source, _):
        monkeypatch.setattr(symbols, "_live", lambda: (source, source.similar))
        assert found("live", "NVDA" if expected.on else "NVDDA") == expected
