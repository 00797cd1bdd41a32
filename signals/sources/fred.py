"""FRED of the Federal Reserve Bank of St. Louis: without a key the CSV behind its graphs, with one its API.

The API's first download is as first published, so that what was known then is not replaced by later revisions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from signals.data.series import Series
from signals.sources.figures import Readings, answered, dated, day, gave_nothing, joined, reading
from signals.sources.patience import NoAnswerError
from signals.sources.shape import Fetched
from signals.sources.web import Web

_FIRST_PUBLISHED = {"output_type": "4", "realtime_start": "1776-07-04", "realtime_end": "9999-12-31"}
_PAGE = 100_000
# The longest series has 17,000 observations.
_MOST_PAGES = 5
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
                read, reason = self._ask(series.key, since)
                return answered("FRED", series, dated(read.values, since, now), joined(read.reason, reason))
        except NoAnswerError as error:
            return gave_nothing("FRED", series, error)

    def _ask(self, name: str, since: date | None) -> tuple[Readings, str]:
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
        return today, _put_first_published(name, today.values, first.values)

    def _observations(self, name: str, options: dict[str, str]) -> Readings:
        read = Readings()
        came, count, pages = 0, 1, 0
        while came < count:
            if pages == _MOST_PAGES:
                raise NoAnswerError(f"its answer has more than {_MOST_PAGES} pages")
            query = {"series_id": name, "file_type": "json", "limit": str(_PAGE), "offset": str(came), **options}
            answer = self.web.json(f"{self.api_url}/fred/series/observations", query | {"api_key": self.api_key or ""})
            rows, count, pages = answer["observations"], int(answer["count"]), pages + 1
            if not rows:
                break
            for row in rows:
                with read.row():
                    read.add(day(row["date"]), row["value"])
            came += len(rows)
        if came < count:
            raise NoAnswerError(f"only {came} of {count} rows came")
        return read


def _parse_csv(name: str, text: str) -> Readings:
    """Read it by position: the first column was called ``DATE`` once, and is ``observation_date`` now."""
    lines = text.splitlines()
    columns = lines[0].split(",")
    if len(columns) != 2 or columns[1].strip() != name:
        raise ValueError(f"it has the columns {','.join(columns)[:80]}; expected a date and {name}")
    read = Readings()
    for line in lines[1:]:
        # A line without anything, as at the end, is no row.
        if line.strip():
            with read.row():
                on, comma, figure = line.partition(",")
                if not comma or "," in figure:
                    raise ValueError(f"it is {line[:40]!r}")
                read.add(day(on), figure)
    return read


def _put_first_published(name: str, today: dict[date, float], first: dict[date, float]) -> str:
    """Replace figures by those first published, where they have the unit of today; return where they have not."""
    known = {on: value for on, value in first.items() if on in today}
    rescaled = {on for on, value in known.items() if _in_another_unit(value, today[on])}
    today.update({on: value for on, value in known.items() if on not in rescaled})
    if not rescaled:
        return ""
    return f"{name} was published in another unit until {max(rescaled)}; up to then figures are as revised today"


def _in_another_unit(first: float, today: float) -> bool:
    small, large = sorted((first, today), key=abs)
    return small != 0 and _ANOTHER_UNIT[0] < large / small < _ANOTHER_UNIT[1]
