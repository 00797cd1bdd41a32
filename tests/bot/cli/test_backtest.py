"""``python -m bot backtest`` on the real history: the JSON, and the page as people see it."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from bot.cli.readme import brief_record
from bot.cli.words import record_text
from bot.messages.languages import messages_of
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from signals.as_json import decode_record
from storage.market import Market
from tests.bot.browser import DESK, PHONE, browsing, faint, overflow, picture, resize
from tests.bot.cli.test_readme import written
from tests.bot.messages.reviewed import plain, reviewed
from tests.bot.running import ran
from tests.signals.breakout.test_breakout_history import EPISODES
from tests.signals.record import independent_record as by_hand

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, real_history: Path) -> Path:
    """A folder with the page and the JSON of one run, made once for all workers."""
    own_folder = tmp_path_factory.getbasetemp()
    # Beside other workers the run's folder is one up; alone that would be the folder of every run.
    folder = (own_folder.parent if "PYTEST_XDIST_WORKER" in os.environ else own_folder) / "published"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "record.json").exists():
            asked = ("backtest", "--data", str(real_history), "--json", "--html", str(folder / "record.html"))
            done = ran(folder, asked, os.environ)
            assert done.returncode == 0, done.stderr
            (folder / "record.json").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def found(published: Path) -> Any:
    return json.loads((published / "record.json").read_text())


@pytest.fixture(scope="module")
def html(published: Path) -> str:
    return (published / "record.html").read_text()


def test_the_record_in_words_reads_as_reviewed(found: Any) -> None:
    record = decode_record(json.dumps(found["record"]))
    assert plain(record_text(record, Market("live", None, None))) == reviewed("real_record", "the whole record")
    events = Messages().text("record_events", r=record, market=Market("live", None, None))
    assert plain(parse_html(events).text) == reviewed("real_record", "every breakout")


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.fr.md", "fr")])
def test_the_readmes_have_it_in_five_lines(found: Any, page: str, language: str) -> None:
    record = decode_record(json.dumps(found["record"]))
    name = "record in brief" if language == "en" else f"record in brief {language}"
    lines = brief_record(messages_of(language), record, Market("folder", None, None))
    assert written(page, name) == lines
    assert len(lines.splitlines()) == 5


class TestJson:
    def test_the_episodes_are_the_documented_ones(self, found: Any) -> None:
        episodes = {e["attempt"]: e for e in found["episodes"]}
        for attempt, close, level, base, base_class, confirmed, outcome, outcome_date, recovered in EPISODES:
            expected = (close, level, base, base_class, confirmed, outcome, outcome_date, recovered)
            keys = ("close", "level", "base_sessions", "class", "confirmed", "outcome", "outcome_date", "recovered")
            assert tuple(episodes[attempt][key] for key in keys) == expected
        assert "2024-11-25" not in episodes
        assert "2024-11-25" not in [high["date"] for high in found["highs"]]

    def test_every_event_has_the_forward_returns_of_an_independent_script(self, found: Any, real_history: Path) -> None:
        expected = by_hand.followed(real_history)
        events = {e["episode"]["attempt"]: e for e in found["record"]["events"]}
        assert len(events) == 16
        for attempt, answers in expected.items():
            for asset, horizon, case in events[attempt]["followed"]:
                answer, outcome = answers[asset][str(horizon)], case["outcome"]
                assert (answer is None) == (outcome is None)
                if answer is not None:
                    assert [outcome["change"], outcome["worst"]] == pytest.approx(
                        [answer["change"], answer["worst"]], abs=1e-9
                    )

    def test_the_record_says_how_it_was_sampled(self, found: Any) -> None:
        record = found["record"]
        assert (record["draws"], record["resamples"], record["through"]) == (10_000, 1_000, "2025-06-30")


class Fetched(HTMLParser):
    """Collects whatever a page would ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "srcset") and not (value or "").startswith("#"):
                self.asked.append(f"{tag} {name}={value}")


class TestPage:
    def test_it_opens_with_how_many_how_they_turned_out_and_how_that_compares_with_chance(self, html: str) -> None:
        opening = html[html.index('<p class="lead">') : html.index("</p>", html.index('<p class="lead">'))]
        assert re.search(r"\d+ breakouts confirmed since 19\d\d: \d+ held, \d+ failed", opening)
        chance = r"stood higher in \d+ of \d+ cases, after any date in \d+.%: (no better|better|worse) than chance"
        assert re.search(chance, opening)

    def test_then_it_says_what_the_coins_did_and_that_it_is_little(self, html: str) -> None:
        opening = html[html.index('<p class="lead">') : html.index("<h2>")]
        assert re.search(r"ETH 3 months after: 2020\s\+271\s% · 2021\s−41\s%: too few cases to say more\.", opening)

    def test_the_page_asks_for_nothing(self, html: str) -> None:
        parser = Fetched()
        parser.feed(html)
        assert parser.asked == []
        assert "<script" not in html
        assert "@import" not in html
        # Names of XML's own, never fetched, are all the addresses there are.
        assert set(re.findall(r'https?://[^"\s]+', html)) <= {
            "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink",
        }  # fmt: skip

    def test_every_event_rule_cell_and_claim_is_on_it(self, html: str, found: Any) -> None:
        record = found["record"]
        for event in record["events"]:
            assert event["episode"]["attempt"] in html
        for rule in record["rules"][1:]:
            assert f"After {rule['title']}: {len(rule['events'])} event" in html
        assert html.count("<svg") == 6
        grid = html[html.index("Under other thresholds") : html.index("How it is computed")]
        assert grid.count("<tr") == 1 + 27
        assert "the first record close of 2017" in html

    def test_the_page_names_its_method_and_that_it_is_a_backtest(self, html: str) -> None:
        assert "track record through 30 Jun 2025, method" in html
        assert "It is a backtest" in html
        assert "This installation has not run yet: there is nothing live." in html
        assert "SIMULATED" not in html

    def test_a_share_always_has_its_number_and_its_range(self, html: str) -> None:
        cells = re.findall(r"<td>(\d+ of \d+.*?)</td>", html)
        shares = [cell for cell in cells if "measured" not in cell]
        assert len(shares) > 200
        assert all(re.match(r"\d+ of [\d,]+(<small>| \()\d+–\d+\s%", cell) for cell in shares)

    def test_the_same_record_gives_the_same_page(self, html: str) -> None:
        # Drawn without a date or a random id, two pages of one record differ only in when they were computed.
        assert "<dc:date>" not in html
        assert "<metadata>" not in html


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(chromium: str) -> AsyncIterator[Page]:
    """A browser that has no network."""
    async with browsing(chromium, offline=True) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def shown(opened: Page, published: Path) -> Page:
    """The page on a phone."""
    await resize(opened, PHONE)
    await opened.goto((published / "record.html").as_uri())
    return opened


@in_one_loop
async def test_people_see_it_whole_on_a_phone_and_on_a_desk(shown: Page) -> None:
    problems: list[str] = []
    shown.on("console", lambda message: problems.append(message.text))
    shown.on("request", lambda request: problems.append(request.url))
    for name, size in {"phone": PHONE, "desk": DESK}.items():
        await resize(shown, size)
        assert await overflow(shown) <= 0, f"the page is wider than a {name}"
        for chart in await shown.locator("figure svg").all():
            box = await chart.bounding_box()
            assert box is not None
            assert 250 <= box["width"] <= size[0]
            # Text in a chart of 331 points across is 9 points or more: readable from 9 pixels on.
            assert 9 * box["width"] / 331 >= 9
        await picture(shown, f"record-{name}")
    assert problems == []


@in_one_loop
async def test_no_table_is_cut_but_those_that_say_that_they_scroll(shown: Page) -> None:
    unfold = "document.querySelectorAll('details').forEach(each => { each.open = true; })"
    await shown.evaluate(unfold)
    cut = "[...document.querySelectorAll('{tables}')].filter(each => each.scrollWidth > each.clientWidth).length"
    narrow, wide = cut.format(tables=":not(.wide):has(> table)"), cut.format(tables=".wide")
    assert await shown.evaluate(narrow) == 0
    hint = await shown.evaluate("getComputedStyle(document.querySelector('.wide'), '::before').content")
    assert "scroll sideways" in hint
    await resize(shown, DESK)
    assert await shown.evaluate(narrow) + await shown.evaluate(wide) == 0


@in_one_loop
async def test_its_words_stand_out_in_the_light_and_in_the_dark(shown: Page) -> None:
    assert await faint(shown) == []


@in_one_loop
async def test_the_first_screen_of_a_phone_has_the_answer_and_no_p_value(shown: Page) -> None:
    lead = await shown.locator(".lead").bounding_box()
    assert lead is not None
    assert lead["y"] + lead["height"] < PHONE[1] / 2
    assert await shown.get_by_text("p, Holm").first.is_hidden()


@in_one_loop
async def test_what_is_folded_opens(shown: Page) -> None:
    await shown.get_by_text("After a rise to stage 3:").click()
    table = shown.locator("details[open] table")
    assert await table.count() == 1
    assert await table.locator("tbody tr").count() == 20
