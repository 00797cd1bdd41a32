"""Files of an operator: in place of a source, and before one began."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from signals.data.series import SERIES
from signals.sources.folder import FolderSource
from signals.sources.operator import EarlierSource, OperatorSource
from signals.sources.routed import RoutedSource
from signals.sources.shape import Fetched
from tests.signals.sources.server import NOW

ETH, FLOWS = SERIES["ETH-USD"], SERIES["ETF_FLOWS"]


def write(file: Path, *rows: str, header: str = "date,close") -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join((header, *rows, "")))
    return file


@pytest.fixture
def inner(tmp_path: Path) -> FolderSource:
    """A source that has ETH from 2017-11-09 on, and no flows."""
    write(tmp_path / "inner" / "ETH-USD.csv", "2017-11-09,320", "2017-11-10,299")
    return FolderSource(tmp_path / "inner")


class TestInPlaceOfASource:
    def fetch(self, folder: Path, inner: FolderSource, since: date | None = None) -> Fetched:
        return OperatorSource(folder, inner).fetch(ETH, since, NOW)

    def test_a_file_replaces_the_source(self, tmp_path: Path, inner: FolderSource) -> None:
        write(tmp_path / "own" / "ETH-USD.csv", "2017-11-09,1", "2017-11-10,2")
        assert list(self.fetch(tmp_path / "own", inner).frame["value"]) == [1.0, 2.0]
        assert list(self.fetch(tmp_path / "own", inner, date(2017, 11, 10)).frame["value"]) == [2.0]

    def test_without_a_file_the_source_is_asked(self, tmp_path: Path, inner: FolderSource) -> None:
        fetched = self.fetch(tmp_path / "own", inner)
        assert list(fetched.frame["value"]) == [320.0, 299.0]
        assert fetched.reason == ""

    def test_a_file_that_cannot_be_read_is_said_and_the_source_does_not_take_over(
        self, tmp_path: Path, inner: FolderSource
    ) -> None:
        write(tmp_path / "own" / "ETH-USD.csv", "2017-11-09,1", header="date,price")
        fetched = self.fetch(tmp_path / "own", inner)
        assert fetched.frame.empty
        assert fetched.reason == "ETH-USD.csv has the columns price; expected close, adj_close or value"

    def test_a_series_without_a_feed_comes_from_its_file(self, tmp_path: Path) -> None:
        write(tmp_path / "own" / "ETF_FLOWS.csv", "2025-11-25,0.2", header="date,value")
        fetched = OperatorSource(tmp_path / "own", RoutedSource({})).fetch(FLOWS, None, NOW)
        assert list(fetched.frame["value"]) == [0.2]


class TestBeforeASource:
    rows = ("2016-05-18,14", "2017-11-08,308", "2017-11-09,999", "2018-01-01,999")

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return write(tmp_path / "ETH-USD_coinbase.csv", *self.rows)

    def test_a_first_download_begins_with_the_file(self, file: Path, inner: FolderSource) -> None:
        fetched = EarlierSource({"ETH-USD": file}, inner).fetch(ETH, None, NOW)
        assert list(fetched.frame["value"]) == [14.0, 308.0, 320.0, 299.0]
        assert fetched.frame.index.is_monotonic_increasing
        assert fetched.reason == "before 2017-11-09 from ETH-USD_coinbase.csv, as the operator named"

    def test_later_only_the_source_is_asked(self, file: Path, inner: FolderSource) -> None:
        fetched = EarlierSource({"ETH-USD": file}, inner).fetch(ETH, date(2017, 11, 10), NOW)
        assert list(fetched.frame["value"]) == [299.0]
        assert fetched.reason == ""

    def test_other_series_are_left_alone(self, file: Path, inner: FolderSource) -> None:
        write(inner.folder / "BTC-USD.csv", "2017-11-09,7000")
        fetched = EarlierSource({"ETH-USD": file}, inner).fetch(SERIES["BTC-USD"], None, NOW)
        assert list(fetched.frame["value"]) == [7000.0]

    def test_a_source_that_fails_is_not_replaced(self, file: Path, inner: FolderSource) -> None:
        write(inner.folder / "ETH-USD.csv", "2017-11-09,1", header="date,price")
        fetched = EarlierSource({"ETH-USD": file}, inner).fetch(ETH, None, NOW)
        assert fetched.frame.empty
        assert fetched.reason.startswith("ETH-USD.csv has the columns price")

    def test_where_the_source_has_no_such_series_the_file_is_all_there_is(self, tmp_path: Path, file: Path) -> None:
        source = EarlierSource({"ETH-USD": file}, FolderSource(tmp_path / "nothing"))
        fetched = source.fetch(ETH, None, NOW)
        assert list(fetched.frame["value"]) == [14.0, 308.0, 999.0, 999.0]
        assert fetched.reason == (
            "there is no file ETH-USD.csv in the data folder; all of it from ETH-USD_coinbase.csv, as the operator named"
        )
        assert not fetched.absent
        assert list(source.fetch(ETH, date(2018, 1, 1), NOW).frame["value"]) == [999.0]

    def test_a_missing_file_is_said_beside_the_figures_there_are(self, tmp_path: Path, inner: FolderSource) -> None:
        fetched = EarlierSource({"ETH-USD": tmp_path / "gone.csv"}, inner).fetch(ETH, None, NOW)
        assert list(fetched.frame["value"]) == [320.0, 299.0]
        assert fetched.reason == "there is no file gone.csv in the data folder"

    def test_a_missing_file_of_a_series_without_a_source_is_said_too(self, tmp_path: Path) -> None:
        fetched = EarlierSource({"ETF_FLOWS": tmp_path / "gone.csv"}, RoutedSource({})).fetch(FLOWS, None, NOW)
        assert fetched.absent
        assert fetched.reason == (
            "no free feed; an operator may supply it as ETF_FLOWS.csv; there is no file gone.csv in the data folder"
        )

    def test_a_file_that_begins_no_earlier_is_said(self, tmp_path: Path, inner: FolderSource) -> None:
        file = write(tmp_path / "late.csv", "2018-01-01,999")
        fetched = EarlierSource({"ETH-USD": file}, inner).fetch(ETH, None, NOW)
        assert list(fetched.frame["value"]) == [320.0, 299.0]
        assert fetched.reason == "late.csv, which the operator named, has nothing before 2017-11-09"

    def test_what_the_source_said_is_not_lost(self, tmp_path: Path, file: Path, inner: FolderSource) -> None:
        twice = EarlierSource(
            {"ETH-USD": write(tmp_path / "old.csv", "2016-01-01,1")}, EarlierSource({"ETH-USD": file}, inner)
        )
        assert twice.fetch(ETH, None, NOW).reason == (
            "before 2017-11-09 from ETH-USD_coinbase.csv, as the operator named; "
            "before 2016-05-18 from old.csv, as the operator named"
        )

    def test_the_recorded_years_of_ether_before_yahoos(self, real_history: Path) -> None:
        file = real_history / "ETH-USD_coinbase.csv"
        fetched = EarlierSource({"ETH-USD": file}, FolderSource(real_history)).fetch(ETH, None, NOW)
        assert fetched.frame.index.is_unique
        assert fetched.frame["value"].notna().all()
        assert "from ETH-USD_coinbase.csv" in fetched.reason
