"""A folder of CSV files: what is read, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from signals.data.series import SERIES
from signals.sources.folder import FolderSource
from tests.signals.sources.server import NOW

IWM = SERIES["IWM"]


class TestFolder:
    def write(self, folder: Path, text: str, name: str = "IWM.csv") -> FolderSource:
        (folder / name).write_text(text)
        return FolderSource(folder)

    def test_it_reads_prices(self, tmp_path: Path) -> None:
        text = "date,open,high,low,close,adj_close,volume\n2020-11-12,1,3,1,2,1.9,100\n2020-11-13,2,4,2,3,2.9,200\n"
        fetched = self.write(tmp_path, text).fetch(IWM, None, NOW)
        assert fetched.reason == ""
        assert list(fetched.frame["value"]) == [2.0, 3.0]
        assert list(fetched.frame["adj_close"]) == [1.9, 2.9]

    def test_the_file_of_an_index_has_no_caret(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, "date,close\n2020-11-13,3\n", "RUT.csv")
        assert list(source.fetch(SERIES["^RUT"], None, NOW).frame["value"]) == [3.0]

    @pytest.mark.parametrize("column", ["close", "value"])
    def test_a_close_may_be_called_value(self, tmp_path: Path, column: str) -> None:
        fetched = self.write(tmp_path, f"date,{column}\n2020-11-13,3\n").fetch(IWM, None, NOW)
        assert list(fetched.frame["value"]) == [3.0]

    def test_a_file_with_only_adjusted_closes_gives_no_close(self, tmp_path: Path) -> None:
        fetched = self.write(tmp_path, "date,adj_close\n2020-11-13,3\n").fetch(IWM, None, NOW)
        assert "value" not in fetched.frame

    def test_since_is_included(self, tmp_path: Path) -> None:
        source = self.write(tmp_path, "date,close\n2020-11-12,2\n2020-11-13,3\n")
        assert list(source.fetch(IWM, date(2020, 11, 13), NOW).frame["value"]) == [3.0]

    def test_a_missing_file_is_a_series_that_is_absent(self, tmp_path: Path) -> None:
        fetched = FolderSource(tmp_path).fetch(IWM, None, NOW)
        assert fetched.absent
        assert fetched.reason == "there is no file IWM.csv in the data folder"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("day,close\n2020-11-13,3\n", "cannot be read"),
            ("", "cannot be read"),
            ("date,price\n2020-11-13,3\n", "has the columns price; expected close, adj_close or value"),
            ("date,close\n13.11.2020,3\n", "has a date that is not like 2020-11-13"),
        ],
    )
    def test_a_file_of_another_shape_is_named_and_gives_nothing(self, tmp_path: Path, text: str, sentence: str) -> None:
        fetched = self.write(tmp_path, text).fetch(IWM, None, NOW)
        assert sentence in fetched.reason
        assert len(fetched.frame) == 0
        assert not fetched.absent

    def test_a_figure_that_is_no_number_is_missing(self, tmp_path: Path) -> None:
        fetched = self.write(tmp_path, "date,close\n2020-11-12,.\n2020-11-13,3\n").fetch(IWM, None, NOW)
        assert np.isnan(fetched.frame["value"].iloc[0])
