"""FRED of the Federal Reserve Bank of St. Louis: without a key the CSV behind its graphs, with one its API.

The API's first download is as first published, so that what was known then is not replaced by later revisions.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date, datetime

from signals.data.series import Series
from signals.sources.figures import answered, dated, gave_nothing, number, reading
from signals.sources.patience import NoAnswerError
from signals.sources.shape import Fetched
from signals.sources.web import Web

_FIRST_PUBLISHED = {"output_type": "4", "realtime_start": "1776-07-04", "realtime_end": "9999-12-31"}
_PAGE = 100_000
_BAD_REQUEST = 400
# Some series were published in billions once and are now in millions, history included.
_ANOTHER_UNIT = (500.0, 2_000.0)


@dataclass(frozen=True, slots=True)
class FredSource:
    """Asks FRED. ``api_key`` is optional; without it history is as revised today."""

    web: Web
    base_url: str = "https://fred.stlouisfed.org"
    api_url: str = "https://api.stlouisfed.org"
    api_key: str | None = field(default=None, repr=False)

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the series' figures, in FRED's own unit, by observation date; see ``shape.Source``."""
        try:
            with reading():
                values, reason = self._ask(series.key, since)
                return answered("FRED", series, dated(values, since, now), reason)
        except NoAnswerError as error:
            return gave_nothing("FRED", series, error)

    def _ask(self, name: str, since: date | None) -> tuple[dict[str, float], str]:
        if self.api_key is None:
            query = {"id": name} | ({"cosd": since.isoformat()} if since else {})
            return _parse_csv(name, self.web.text(f"{self.base_url}/graph/fredgraph.csv", query)), ""
        if since is not None:
            return self._observations(name, {"observation_start": since.isoformat()}), ""
        today = self._observations(name, {})
        try:
            first = self._observations(name, _FIRST_PUBLISHED)
        except NoAnswerError as error:
            # FRED refuses it for a daily series: it lists at most 2,000 publications.
            refused = error.status == _BAD_REQUEST
            return today, "" if refused else f"{name} is as revised today, not as first published: {error}"
        return _as_first_published(name, today, first)

    def _observations(self, name: str, options: dict[str, str]) -> dict[str, float]:
        values: dict[str, float] = {}
        offset, count = 0, 1
        while offset < count:
            query = {"series_id": name, "file_type": "json", "limit": str(_PAGE), "offset": str(offset), **options}
            answer = self.web.json(f"{self.api_url}/fred/series/observations", query | {"api_key": self.api_key or ""})
            rows, count = answer["observations"], int(answer["count"])
            if not rows:
                break
            values |= {row["date"]: value for row in rows if (value := number(row["value"])) is not None}
            offset += len(rows)
        if offset < count:
            raise NoAnswerError(f"only {offset} of {count} rows came")
        return values


def _parse_csv(name: str, text: str) -> dict[str, float]:
    """Read it by position: the first column was called ``DATE`` once, and is ``observation_date`` now."""
    header, *rows = csv.reader(text.splitlines())
    if len(header) != 2 or header[1].strip() != name:
        raise ValueError(f"it has the columns {','.join(header)[:80]}; expected a date and {name}")
    odd = next((row for row in rows if len(row) != 2), None)
    if odd is not None:
        raise ValueError(f"a line of it is {','.join(odd)[:40]!r}")
    return {day: value for day, figure in rows if (value := number(figure)) is not None}


def _as_first_published(name: str, today: dict[str, float], first: dict[str, float]) -> tuple[dict[str, float], str]:
    known = {day: value for day, value in first.items() if day in today}
    rescaled = {day for day, value in known.items() if _in_another_unit(value, today[day])}
    values = today | {day: value for day, value in known.items() if day not in rescaled}
    if not rescaled:
        return values, ""
    until = max(rescaled)
    return values, f"{name} was published in another unit until {until}; up to then figures are as revised today"


def _in_another_unit(first: float, today: float) -> bool:
    small, large = sorted((first, today), key=abs)
    return small != 0 and _ANOTHER_UNIT[0] < large / small < _ANOTHER_UNIT[1]
