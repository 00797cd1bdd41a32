"""Fill the page: everything the record says, with its method and what happened live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.cli.report.charts import distribution_charts, price_chart
from bot.messages.figures import ENGLISH
from bot.messages.record import MAIN, MONTHS, LiveCase, live_cases
from signals import rules
from signals.data.universe import LISTED_ON
from signals.evaluate import History
from signals.record.better_than_chance import compared, compared_in, tally
from signals.record.model import ASSETS, Asset, Followed, RuleRecord, TrackRecord
from signals.record.studies import Studies
from storage import market, track_record
from storage.database import read_only, run_until_complete
from storage.market import SIMULATED, Market


@dataclass(frozen=True, slots=True)
class Live:
    """What a database holds of the live record; ``market_row`` is ``None`` for a database that has never run.

    ``elsewhere``: it holds another market than the page shows, and none of it may stand there.
    """

    market_row: Market | None
    cases: Sequence[LiveCase] = ()
    elsewhere: bool = False


async def load_live(url: str) -> Live:
    """Read the live record of a database."""
    async with read_only(url) as connection:
        market_row = await market.load_market(connection)
        rows = await track_record.live_transitions(connection)
        outcomes = await track_record.outcomes(connection)
    return Live(market_row, list(live_cases(rows, outcomes)))


def live_of(url: str, *, exists: bool) -> Live:
    """Read the live record of a database, if there is one."""
    return run_until_complete(load_live(url)) if exists else Live(None)


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of a page as SVG, made here of figures alone: the only text on it that is not escaped."""

    price: str
    distributions: Mapping[str, str]

    @classmethod
    def of(cls, history: History, record: TrackRecord) -> Charts:
        """Draw them, the second kind for each asset that has cases."""
        return cls(price_chart(history.panel.close("^RUT"), record), distribution_charts(Studies.of(history), record))


def page(record: TrackRecord, charts: Charts, live: Live, origin: str, now: datetime) -> str:
    """Return the whole record as one HTML page that needs nothing else; ``origin`` is the market it is of."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= ENGLISH.filters()
    if live.market_row is not None and live.market_row.origin != origin:
        live = Live(None, elsewhere=True)
    main = next(rule for rule in record.rules if rule.key == MAIN)
    return environment.get_template("page.html.j2").render(
        r=record,
        main=main,
        n=tally(record),
        compared=compared,
        verdict=compared_in(record, MAIN, "^RUT", 63),
        price=Markup(charts.price),  # noqa: S704
        assets=list(_assets(main, charts.distributions)),
        live=live,
        now=now,
        is_simulated=origin == SIMULATED,
        ASSETS=ASSETS,
        BREAKOUT=rules.BREAKOUT,
        LISTED_ON=LISTED_ON,
        RECORD=rules.RECORD,
    )


def _assets(rule: RuleRecord, charts: Mapping[str, str]) -> Iterator[tuple[Asset, list[tuple[int, Followed]], Markup]]:
    """Yield each asset with what followed it after so many months, and its chart, empty where there is none."""
    for key, asset in ASSETS.items():
        rows = [followed for followed in rule.followed if followed.asset == key]
        if rows:
            yield asset, list(zip(MONTHS, rows, strict=True)), Markup(charts.get(key, ""))  # noqa: S704
