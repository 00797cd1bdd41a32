"""The New York Fed's markets API: SOFR, and what was accepted at the overnight reverse repo operations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from signals.data.series import Series
from signals.data.sessions import NEW_YORK
from signals.sources.figures import answered, dated, gave_nothing, not_carried, number, reading
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
                    values = _rates(self._search("rates/secured/sofr", since or _FIRST_RATE, now))
                elif series.key in ("RRP_NYFED", "RRPONTSYD"):
                    answer = self._search("rp/reverserepo/propositions", since or _FIRST_OPERATION, now)
                    values = _accepted(answer, _BILLION * series.scale)
                else:
                    return not_carried("the New York Fed", series)
                return answered("the New York Fed", series, dated(values, since, now))
        except NoAnswerError as error:
            return gave_nothing("the New York Fed", series, error)

    def _search(self, table: str, since: date, now: datetime) -> Any:
        until = now.astimezone(NEW_YORK).date()
        query = {"startDate": since.isoformat(), "endDate": until.isoformat()}
        return self.web.json(f"{self.base_url}/api/{table}/search.json", query)


def _rates(answer: Any) -> dict[str, float]:
    rows = [row for row in answer["refRates"] if row.get("type", "SOFR") == "SOFR"]
    # A rate that was revised the same day is listed twice: the marked row is read last, and stays.
    rows.sort(key=lambda row: bool(row.get("revisionIndicator")))
    return {row["effectiveDate"]: rate for row in rows if (rate := number(row["percentRate"])) is not None}


def _accepted(answer: Any, unit: float) -> dict[str, float]:
    """Return the dollars accepted by day, in multiples of ``unit`` dollars."""
    sums: dict[str, float] = {}
    for operation in answer["repo"]["operations"]:
        if not _is_overnight(operation) or _EXERCISE in str(operation.get("note", "")).lower():
            continue
        accepted = number(operation["totalAmtAccepted"])
        if accepted is not None:
            day = operation["operationDate"]
            sums[day] = sums.get(day, 0.0) + accepted
    return {day: dollars / unit for day, dollars in sums.items()}


def _is_overnight(operation: dict[str, Any]) -> bool:
    """Whether it is; most answers say nothing of a term, because there have been few others."""
    return str(operation.get("term") or "overnight").lower().startswith("overnight")
