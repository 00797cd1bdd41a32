"""What the record says: every case, or a rate with its range beside any date, and what chance has to do with it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.messages.record import MAIN, MONTHS, command_of, of_months, rule_named
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from signals.episode import BaseClass
from signals.record.model import TrackRecord
from storage.market import Market
from tests.bot.messages.followed import case, claim, event, followed, record
from tests.bot.messages.reviewed import plain, reviewed

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()
ROOM = Path(__file__).parents[3] / "bot"
MOST = 900


def text(template: str, made: TrackRecord, market: Market = LIVE, **context: Any) -> str:
    html = MESSAGES.text(template, r=made, market=market, command_of=command_of, main=MAIN, **context)
    return plain(parse_html(html).text)


def of(made: TrackRecord, key: str = MAIN, months: int = 3, market: Market = LIVE, live: int = 0) -> str:
    rule = rule_named(made, command_of(key))
    assert rule is not None
    return text("record", made, market, rule=rule, rows=of_months(rule, months), live=live)


class TestWholeAnswers:
    @pytest.mark.parametrize("n", [0, 1, 4, 5, 30])
    def test_the_record_of_so_many_cases(self, n: int) -> None:
        assert of(record(n)) == reviewed("record", f"{n} cases")

    def test_another_rule(self) -> None:
        assert of(record(5), "stage.up:3") == reviewed("record", "another rule")

    @pytest.mark.parametrize("part", ["events", "states", "thesis"])
    def test_a_part_of_the_record(self, part: str) -> None:
        assert text(f"record_{part}", record()) == reviewed("record", part)

    def test_an_event_in_full(self) -> None:
        assert text("record_event", record(), event=event()) == reviewed("record", "one event in full")

    @pytest.mark.parametrize("months", MONTHS)
    def test_the_first_answer_is_short(self, months: int) -> None:
        assert utf16_length(of(record(30), months=months, market=SIMULATED, live=100)) <= MOST


def test_no_line_breaks_between_a_case_and_its_year() -> None:
    rule = rule_named(record(4), command_of(MAIN))
    assert rule is not None
    html = MESSAGES.text(
        "record", r=record(4), market=LIVE, main=MAIN, rule=rule, rows=of_months(rule, 3), live=0, command_of=command_of
    )
    assert "2016\u00a0+30\u00a0%" in html
    assert not re.search(r"\d{4} [+−]\d", html)


SHOWN = [
    *(of(record(n)) for n in (0, 1, 4, 5, 30)),
    *(of(record(n), "stage.up:3", market=SIMULATED) for n in (0, 5)),
    *(text("record_states", record(n)) for n in (1, 30)),
]


class TestWhatNoSentenceSays:
    @pytest.mark.parametrize("shown", SHOWN[:-2])
    def test_a_rate_without_its_number_and_its_range(self, shown: str) -> None:
        for found in re.finditer(r"rose", shown):
            around = shown[max(found.start() - 60, 0) : found.end() + 30]
            assert re.search(r"\d+ of \d+ rose \(true rate likely \d+–\d+\s%\)", around), around

    @pytest.mark.parametrize("shown", SHOWN)
    def test_a_rate_of_fewer_than_five(self, shown: str) -> None:
        assert all(int(n) >= 5 for n in re.findall(r"\b\d+ of (\d+) rose", shown))

    @pytest.mark.parametrize("shown", SHOWN)
    def test_a_p_value_a_draw_or_an_interval_of_a_median(self, shown: str) -> None:
        assert not re.search(r"Holm|draws|\bp\b|interval|Wilson", shown)

    @pytest.mark.parametrize(
        "words",
        ["significant", "imminent", "limited risk", "guarante", "price target", "win rate", "success rate", "proves"],
    )
    def test_words_that_say_more_than_the_numbers(self, words: str) -> None:
        assert not any(words in shown.lower() for shown in SHOWN)
        for template in (*ROOM.glob("messages/templates/*.j2"), *ROOM.glob("cli/report/*.j2")):
            assert words not in template.read_text().lower(), template


class TestRecord:
    @pytest.mark.parametrize(
        ("p", "median", "words"),
        [(0.0005, 0.3, "better than chance"), (0.3, 0.3, "no better than chance"), (0.0005, -0.2, "worse than chance")],
    )
    def test_what_chance_has_to_do_with_it(self, p: float, median: float, words: str) -> None:
        row = followed(30, p=p)
        assert row.numbers is not None
        row = replace(row, numbers=replace(row.numbers, median=median))
        made = record()
        shown = of(replace(made, rules=(replace(made.rules[0], followed=(row,)),)))
        assert shown.splitlines()[1].endswith(f": {words}")

    def test_a_simulated_market_is_named_first(self) -> None:
        assert of(record(), market=SIMULATED).startswith("SIMULATED MARKET: every figure is made up")

    def test_live_alerts_are_counted(self) -> None:
        assert "Live: none yet" in of(record())
        assert "Live: 1 alert, /record live" in of(record(), live=1)

    def test_an_unverified_level_is_marked(self) -> None:
        unverified = replace(event(), episode=replace(event().episode, level_verified=False))
        shown = text("record_events", record(events=(unverified,)))
        assert "2020-11-13 held +10 % *" in shown
        assert "* level unverified, left out of every rate." in shown

    def test_a_record_without_any_breakout_is_still_a_record(self) -> None:
        assert of(record(0, events=())).startswith("0 confirmed breakouts since 2025: 0 held, 0 failed")
        assert "One in full" not in text("record_events", record(0, events=()))

    @pytest.mark.parametrize(
        ("base_class", "words"),
        [
            (None, "42 sessions after the record before it; a breakout needs 126, so no alert"),
            (BaseClass.MINOR, "42 sessions after the record before it; a breakout needs 126, so no alert"),
            (BaseClass.PRIMARY, "an attempt, 42 sessions after the record before it"),
        ],
    )
    def test_a_claim_is_called_what_it_was(self, base_class: BaseClass | None, words: str) -> None:
        assert words in text("record_thesis", record(claims=(claim(base_class=base_class),)))

    def test_a_case_that_is_still_open_says_so(self) -> None:
        open_event = replace(event(), followed=(("ETH-USD", 91, case(date(2020, 11, 17), None)),), lowest=None)
        assert "ETH: 3 m open" in text("record_event", record(), event=open_event)
