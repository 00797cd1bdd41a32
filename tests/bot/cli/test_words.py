"""What ``python -m bot evaluate`` and ``backtest`` print: the words of messages, each once, without Telegram's marks."""

from __future__ import annotations

import pytest

from bot.cli.words import record_text, verdict_text
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html
from signals.conditions.table import CONDITIONS
from storage.market import Market
from tests.bot.messages.followed import record
from tests.bot.messages.whole import early, whole

LIVE, SIMULATED = Market("live", None, None), Market("simulated", None, None)
MESSAGES = Messages()


class TestVerdict:
    def test_it_begins_with_where_things_stand(self) -> None:
        status = parse_html(MESSAGES.part("state", whole(), LIVE)).text
        assert verdict_text(whole(), LIVE).startswith(status)

    @pytest.mark.parametrize("part", ["why_breakout", "liquidity", "coins_in_full", "supercycle"])
    def test_what_a_command_answers_is_in_it_word_for_word(self, part: str) -> None:
        assert parse_html(MESSAGES.part(part, whole(), LIVE)).text in verdict_text(whole(), LIVE)

    def test_every_condition_is_in_it(self) -> None:
        lines = verdict_text(whole(), LIVE).splitlines()
        for row in CONDITIONS.values():
            assert any(line[2:].startswith(row.title) for line in lines), row.key

    def test_it_ends_with_when_it_was_decided_and_what_was_not_in_order(self) -> None:
        assert verdict_text(whole(), LIVE).splitlines()[-2:] == [
            "Session 17 Nov 2020, decided 17 Nov 2020 22:30\u00a0UTC, method 3",
            "DTS_NET_WITHDRAWALS: never had, no observation yet",
        ]

    def test_where_nothing_is_measured_it_says_so(self) -> None:
        assert "Stage unknown · bonds unknown" in verdict_text(early(), LIVE)


class TestRecord:
    def test_it_begins_as_the_answer_to_record_does_and_has_every_horizon(self) -> None:
        lines = record_text(record(), LIVE).splitlines()
        assert lines[0] == "1 confirmed breakout since 2020: 1 held, 0 failed"
        for months in ("1 month", "2 months", "3 months", "6 months"):
            assert f"Russell, {months}: 3 of 5 rose (true rate likely 23–88\u00a0%)" in "\n".join(lines)
        assert "Live:" not in "\n".join(lines)

    @pytest.mark.parametrize(
        "sentence",
        [
            "a rise to stage 3: 3 of 5 rose, no better than chance",
            "The first record close of 2017",
            "Russell 2000 breakout of 13 Nov 2020: held",
            "Russell 2000 breakout of 13 Nov 2020: never confirmed",
        ],
    )
    def test_other_events_the_article_and_every_breakout_follow(self, sentence: str) -> None:
        assert sentence in record_text(record(), LIVE)


@pytest.mark.parametrize("text", [verdict_text(whole(), SIMULATED), record_text(record(), SIMULATED)])
def test_a_simulated_market_is_named_first_and_once(text: str) -> None:
    assert text.startswith("SIMULATED MARKET: every figure is made up\n")
    assert text.count("SIMULATED") == 1
