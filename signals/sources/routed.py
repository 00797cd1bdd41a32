"""One source made of several: each series is asked of the source its row of the table names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from signals.data.series import Series
from signals.sources.figures import joined
from signals.sources.shape import NOTHING, Fetched, Source, asked


@dataclass(frozen=True, slots=True)
class RoutedSource:
    """Asks ``series.source``, and where that has nothing ``series.fallback``; names are keys of ``sources``."""

    sources: Mapping[str, Source]

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the first answer that has figures; see ``shape.Source``."""
        first = self._first(series, since, now)
        fallback = self.sources.get(series.fallback or "")
        if not first.frame.empty or fallback is None:
            return first
        instead = asked(fallback, series, since, now)
        if instead.frame.empty:
            return Fetched(NOTHING, joined(first.reason, instead.reason), absent=first.absent and instead.absent)
        used = f"{series.fallback} was used instead"
        return Fetched(instead.frame, joined(first.reason, used, instead.reason), restated=instead.restated)

    def _first(self, series: Series, since: date | None, now: datetime) -> Fetched:
        source = self.sources.get(series.source)
        if source is not None:
            return asked(source, series, since, now)
        return Fetched(NOTHING, f"no free feed; an operator may supply it as {series.file_stem}.csv", absent=True)
