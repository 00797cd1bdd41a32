"""The Daily Treasury Statement from FiscalData: USD millions by business day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from signals.data.series import Series
from signals.sources.figures import answered, dated, gave_nothing, joined, not_carried, reading
from signals.sources.patience import NoAnswerError
from signals.sources.shape import Fetched
from signals.sources.treasury_tables import ClosingBalance, NetWithdrawals
from signals.sources.web import Web

_FIRST = date(2005, 10, 3)
_PAGE = 10_000
# Twenty years of deposits and withdrawals are some 60.
_MOST_PAGES = 200
_TABLES: dict[str, type[ClosingBalance | NetWithdrawals]] = {
    "TGA_DTS_CLOSING": ClosingBalance,
    "DTS_NET_WITHDRAWALS": NetWithdrawals,
}


@dataclass(frozen=True, slots=True)
class TreasurySource:
    """Asks FiscalData."""

    web: Web
    base_url: str = "https://api.fiscaldata.treasury.gov/services/api/fiscal_service"

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return the figures in USD millions by date; see ``shape.Source``. An answer with a gap is not used."""
        table = _TABLES.get(series.key)
        if table is None:
            return not_carried("the Treasury", series)
        read = table()
        try:
            with reading():
                for row in self._rows(read, since or _FIRST):
                    with read.rows.row():
                        read.add(row)
                values, reason = read.result()
                reasons = joined(read.rows.reason, reason)
                return answered("the Treasury", series, dated(values, since, now), reasons)
        except NoAnswerError as error:
            return gave_nothing("the Treasury", series, error)

    def _rows(self, table: ClosingBalance | NetWithdrawals, since: date) -> Iterator[dict[str, Any]]:
        page, came = 1, 0
        while True:
            answer = self._page(table, since, page)
            rows, meta = answer["data"], answer["meta"]
            if len(rows) > _PAGE or page > _MOST_PAGES:
                raise NoAnswerError(f"its answer has more than {_PAGE} rows a page, or {_MOST_PAGES} pages")
            yield from rows
            came += len(rows)
            if page >= int(meta["total-pages"]) or not rows:
                break
            page += 1
        total = int(meta["total-count"])
        if came < total:
            raise NoAnswerError(f"only {came} of {total} rows came")

    def _page(self, table: ClosingBalance | NetWithdrawals, since: date, page: int) -> Any:
        query = {
            "fields": ",".join(table.fields),
            "filter": f"record_date:gte:{since.isoformat()}",
            # Every field of the key: with the date alone rows of one day may change places between two pages.
            "sort": ",".join(table.key),
            "page[size]": str(_PAGE),
            "page[number]": str(page),
        }
        return self.web.json(f"{self.base_url}/v1/accounting/dts/{table.name}", query)
