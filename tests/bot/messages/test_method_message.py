"""How it is computed, on one screen: its numbers are those of the rules, whatever they are."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time

import pytest

from bot.messages import render
from bot.messages.figures import Figures
from bot.messages.languages import NAMES, messages_of
from bot.messages.render import Messages
from bot.sandbox.entities import parse_html, utf16_length
from signals.rules import BREAKOUT, EVENING, LINK, METHOD_VERSION, RECORD, REGIME, WINDOW
from tests.bot.commands.conftest import GROUP, MEMBER, Say
from tests.bot.commands.conftest import say as say

MESSAGES = Messages()


def method(messages: Messages = MESSAGES) -> str:
    return parse_html(messages.text("method")).text


def test_it_names_the_version_of_the_method_first() -> None:
    assert method().splitlines()[0] == f"How it is computed · method {METHOD_VERSION}"


@pytest.mark.parametrize("language", NAMES)
def test_it_fits_one_screen(language: str) -> None:
    assert utf16_length(method(messages_of(language))) <= 900


def test_every_number_in_it_is_one_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {
        "METHOD_VERSION": "701",
        "BREAKOUT": replace(
            BREAKOUT, intermediate=711, confirm_closes=712, confirm_within=713, hold_sessions=714, depth=7.15,
            fail_closes=716,
        ),
        "REGIME": replace(REGIME, easing=721.0, easing_leaves=724.0, tightening=722.0, tightening_leaves=725.0, sessions=723),
        "LINK": replace(LINK, sessions=731),
        "WINDOW": replace(WINDOW, opens=741, closes=742, response=7.43, ratio_mean=744),
        "RECORD": replace(RECORD, least_cases=751),
        "EVENING": replace(EVENING, decision=time(7, 7)),
    }  # fmt: skip
    for name, rules in others.items():
        monkeypatch.setitem(render._RULES, name, rules)
    text = method(Messages(Figures())).replace("Russell 2000", "Russell").replace("07:07", "")
    # Nine conditions and four links are counted, not set.
    assert [number for number in re.findall(r"\d+", text) if number not in ("9", "4")] == [
        "701", "711", "712", "713", "714", "715", "716", "721", "724", "722", "725", "723", "731", "741", "742", "743", "744", "751"
    ]  # fmt: skip


async def test_anybody_may_ask_for_it(say: Say) -> None:
    assert await say("/method") == method()
    assert await say("/method", GROUP, MEMBER) == method()
