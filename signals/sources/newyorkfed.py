"""The New York Fed's markets API: SOFR, and what was accepted at the overnight reverse repo operations."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from signals.data.series import Series
from signals.data.sessions import NEW_YORK
from signals.sources.figures import Readings, answered, dated, day, gave_nothing, not_carried, number, reading
from signals.sources.patience import NoAnswerError
from signals.sources.shape import Fetched
from signals.sources.web import Web

_FIRST_RATE = date(2018, 4, 2)
_FIRST_OPERATION = date(2003, 2, 7)
_BILLION = 1e9
# Operations that only try out the machinery; their sums are not take-up.
_EXERCISE = "small value exercise"


@dataclass(frozen=True, slots=True)
class NewYorkFedSource:
    """Asks the New York Fed for SOFR in per cent and for reverse repo."""

    web: Web
    base_url: str = "https://markets.newyorkfed.org"

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the figures by date; see ``shape.Source``.

        Reverse repo comes in the unit from which ``series.scale`` makes USD billions: dollars for ``RRP_NYFED``,
        billions for ``RRPONTSYD``.
        """
        try:
            with reading():
                if series.key == "SOFR":
                    read = _rates(self._search("rates/secured/sofr", since or _FIRST_RATE, now))
                elif series.key in ("RRP_NYFED", "RRPONTSYD"):
                    answer = self._search("rp/reverserepo/propositions", since or _FIRST_OPERATION, now)
                    read = _accepted(answer, _BILLION * series.scale)
                else:
                    return not_carried("the New York Fed", series)
                return answered("the New York Fed", series, dated(read.values, since, now), read.reason)
        except NoAnswerError as error:
            return gave_nothing("the New York Fed", series, error)

    def _search(self, table: str, since: date, now: datetime) -> Any:
        until = now.astimezone(NEW_YORK).date()
        query = {"startDate": since.isoformat(), "endDate": until.isoformat()}
        return self.web.json(f"{self.base_url}/api/{table}/search.json", query)


def _rates(answer: Any) -> Readings:
    read, revised = Readings(), Readings()
    for row in answer["refRates"]:
        with read.row():
            if row.get("type", "SOFR") == "SOFR":
                # A rate that was revised the same day is listed twice: the marked row stays.
                into = revised if row.get("revisionIndicator") else read
                into.add(day(row["effectiveDate"]), row["percentRate"])
    read.values |= revised.values
    return read


def _accepted(answer: Any, unit: float) -> Readings:
    """Return the dollars accepted by day, in multiples of ``unit`` dollars; a day with an odd operation has no sum."""
    read, sums, seen = Readings(), defaultdict[date, float](float), set[bytes]()
    odd: set[date] = set()
    for operation in answer["repo"]["operations"]:
        with read.row():
            same = msgspec.json.encode(operation)
            if same in seen or not _is_overnight(operation) or _EXERCISE in str(operation.get("note", "")).lower():
                continue
            seen.add(same)
            on = day(operation["operationDate"])
            try:
                accepted = number(operation["totalAmtAccepted"])
            except (KeyError, ValueError):
                odd.add(on)
                raise
            if accepted is not None:
                sums[on] += accepted / unit
    read.values |= {on: accepted for on, accepted in sums.items() if on not in odd}
    return read


def _is_overnight(operation: dict[str, Any]) -> bool:
    """Whether it is; most answers say nothing of a term, because there have been few others."""
    return str(operation.get("term") or "overnight").lower().startswith("overnight")
