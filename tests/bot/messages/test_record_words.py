"""The words of the record: fixed outputs reviewed in ``answers_record.md``, and what no sentence may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.messages.record import MAIN, command_of, p_values
from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html
from signals.episode import BaseClass
from signals.record.model import Followed, TrackRecord
from storage.market import Market
from tests.bot.messages.followed import UNKNOWN_BASE, claim, event, followed, past, record
from tests.bot.messages.reviewed import plain, reviewed
from tests.bot.messages.whole import SESSION, whole

MESSAGES, LIVE, SIMULATED = Messages(), Market("live", None, None), Market("simulated", None, None)
TEMPLATES = Path(__file__).parents[3] / "bot"


def answer(title: str) -> str:
    """Return the block of the answer file under a heading."""
    return reviewed("record", title)


def beside(*each: Followed, live: int = 0) -> str:
    """Return the block of past cases as an alert shows it."""
    told = ShownChange("breakout.confirmed", "breakout:2020-11-13", SESSION, SESSION, past=past(*each))
    html = MESSAGES.alert(whole(), [told], LIVE, alert_id=1, summary=False, again=False, live=live)
    text = parse_html(html).text
    return plain(text[text.index("Past cases of") : text.index("\nInvalid if")])


def of(made: TrackRecord, key: str = "breakout.confirmed", market: Market = LIVE) -> str:
    rule = next(rule for rule in made.rules if rule.key == key)
    html = MESSAGES.text("record", r=made, rule=rule, market=market, shown=p_values(rule))
    return plain(parse_html(html).text)


class TestFixedOutputs:
    @pytest.mark.parametrize("n", [0, 1, 4, 5, 30])
    def test_the_number_of_cases_beside_an_alert(self, n: int) -> None:
        assert beside(followed(n)) == answer(f"{n} cases beside an alert")

    def test_an_asset_without_any_price(self) -> None:
        assert beside(followed(0, base=UNKNOWN_BASE)) == answer("an asset without any price")

    @pytest.mark.parametrize("n", [0, 1, 4, 5, 30])
    def test_the_number_of_cases_in_the_record(self, n: int) -> None:
        line = next(line for line in of(record(n)).splitlines() if line.startswith("21 sessions"))
        assert line == answer(f"{n} cases in the record")

    def test_what_is_further_than_chance_says_so(self) -> None:
        made = record()
        made = replace(made, rules=(replace(made.rules[0], followed=(followed(30, p=0.0005),)),))
        assert answer("further than chance") in of(made)

    def test_an_event_in_full(self) -> None:
        html = MESSAGES.text("record_event", r=record(), event=event(), market=LIVE)
        text = plain(parse_html(html).text)
        assert text.startswith(answer("one event in full"))

    def test_the_articles_dates(self) -> None:
        html = MESSAGES.text("record_thesis", r=record(), market=LIVE)
        assert plain(parse_html(html).text) == answer("the article's dates")


SHOWN = [
    *(beside(followed(n)) for n in (0, 1, 4, 5, 30)),
    *(of(record(n)) for n in (0, 1, 4, 5, 30)),
    *(of(record(n), "stage.up:3", SIMULATED) for n in (0, 5)),
    *(
        parse_html(MESSAGES.text("record_states", r=record(n), market=LIVE, command_of=command_of, main=MAIN)).text
        for n in (1, 30)
    ),
]


class TestWhatNoSentenceSays:
    @pytest.mark.parametrize("text", SHOWN)
    def test_a_rate_without_its_number_and_its_range(self, text: str) -> None:
        for found in re.finditer(r"rose", text):
            around = text[max(found.start() - 60, 0) : found.end() + 30]
            assert re.search(r"\d+(\s%)? of [\d,]+ rose \(range \d+\s% to \d+\s%\)", around), around

    @pytest.mark.parametrize("text", SHOWN)
    def test_a_rate_of_fewer_than_five(self, text: str) -> None:
        assert all(int(n) >= 5 for n in re.findall(r"\b\d+ of (\d+) rose", text))

    @pytest.mark.parametrize(
        "words",
        [
            "significant",
            "imminent",
            "limited risk",
            "guarante",
            "price target",
            "win rate",
            "success rate",
            "proves",
            "!",
        ],
    )
    def test_words_that_say_more_than_the_numbers(self, words: str) -> None:
        assert not any(words in text.lower() for text in SHOWN)
        for template in (*TEMPLATES.glob("messages/templates/*.j2"), *TEMPLATES.glob("report/*.j2")):
            body = re.sub(r"<!doctype|!=|<style>.*</style>", "", template.read_text(), flags=re.DOTALL)
            assert words not in body.lower(), template.name

    @pytest.mark.parametrize("text", SHOWN[:5])
    def test_every_alert_says_that_it_is_a_backtest(self, text: str) -> None:
        assert text.endswith("Backtest, not live. Live: 0 such cases.")


class TestRecord:
    def test_a_simulated_market_is_named_first(self) -> None:
        assert of(record(), market=SIMULATED).startswith("SIMULATED MARKET: every figure is made up")

    def test_a_single_live_case_is_singular(self) -> None:
        assert beside(followed(1), live=1).endswith("Live: 1 such case.")

    def test_events_without_a_price_are_counted(self) -> None:
        cases = (replace(followed(1).cases[0], entry=None, due=None, outcome=None), *followed(1).cases)
        rows = (replace(followed(1), cases=cases),)
        made = replace(record(), rules=(replace(record().rules[0], followed=rows),))
        assert "ETH · 1 earlier event has no price" in of(made)

    def test_an_unverified_level_is_named(self) -> None:
        shown = event()
        made = record(events=(replace(shown, episode=replace(shown.episode, level_verified=False)),))
        assert "13 Nov 2020: 1,740.75, 555 sessions, established (level unverified, left out)" in of(made)

    def test_a_record_without_any_breakout_is_still_a_record(self) -> None:
        assert "/record 2020-11-13" in of(record(events=()))

    @pytest.mark.parametrize(
        ("base_class", "words"),
        [
            (
                BaseClass.CONTINUATION,
                "a continuation, not a breakout from a long base. No alert: it needs 126 sessions",
            ),
            (BaseClass.MINOR, "a minor high, not a breakout from a long base. No alert"),
            (BaseClass.PRIMARY, "an attempt out of a primary base"),
            (None, "an ordinary record, without a class. No alert"),
        ],
    )
    def test_a_claim_is_called_what_it_was(self, base_class: BaseClass | None, words: str) -> None:
        html = MESSAGES.text("record_thesis", r=record(claims=(claim(base_class=base_class),)), market=LIVE)
        assert words in parse_html(html).text

    def test_an_event_that_is_still_open_says_until_when(self) -> None:
        shown = event()
        paths = tuple((key, h, replace(case, outcome=None)) for key, h, case in shown.followed)
        html = MESSAGES.text("record_event", r=record(), event=replace(shown, followed=paths), market=LIVE)
        assert "91 days: open until 16 Feb 2021" in parse_html(html).text
