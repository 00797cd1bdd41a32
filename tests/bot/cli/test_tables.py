"""What ``python -m bot evaluate`` prints of a whole verdict."""

from __future__ import annotations

import pytest

from bot.cli.tables import verdict_lines
from signals.conditions.table import CONDITIONS
from signals.model import Window
from tests.bot.messages.whole import OFF, ON, cascade, crypto, early, whole


class TestVerdictLines:
    def test_a_printed_verdict_begins_with_the_session(self) -> None:
        assert verdict_lines(whole())[0] == "2020-11-17  coverage 95%  method 3"

    def test_every_condition_is_there_with_its_numbers(self) -> None:
        lines = verdict_lines(whole())
        for key in CONDITIONS:
            assert any(line.startswith(f"    {key}: ") for line in lines)
        credit = "    credit: on  over its 252-day median +0.09\u00a0points; 21-day change +0.18\u00a0points"
        assert f"{credit}  as of 2020-11-16, since 2020-09-09" in lines

    @pytest.mark.parametrize(
        "line",
        [
            "Russell 2000 1,791.91  +0.0% from its record, 0 sessions ago",
            "Episode of 2020-11-13: confirmed",
            "  volume: pass  1.900",
            "Cascade stage 2 of 4  score 68  coverage 93%",
            "  3 Small caps: off since 2020-11-17  0 of 3 measured on, 0 sessions against it",
            "Liquidity score 50  neutral (by the score alone: neutral)  coverage 89%",
            "  net liquidity 5,605 bn USD on 2020-11-11",
            "  nowcast 5,592 bn USD on 2020-11-16",
            "Crypto window waiting  day 12 after 2020-11-17  ETH +32.4%",
            "  ETH-USD: capitulated on, exhausted off, precondition off",
            "2 of 4 properties hold  coverage 75%",
            "  runway: unknown  IWM/SPY, sessions since a 3-year low 170; SPHB/SPLV, rank in its year 99.6\u00a0%",
            "  DTS_NET_WITHDRAWALS: never had, no observation yet",
        ],
    )
    def test_every_part_of_a_verdict_has_its_line(self, line: str) -> None:
        assert line in verdict_lines(whole())

    def test_out_of_order_is_said(self) -> None:
        verdict = whole(cascade=cascade(OFF, ON, OFF, OFF, out_of_order=True))
        assert "Cascade stage 0 of 4, out of order  score 68  coverage 93%" in verdict_lines(verdict)

    def test_what_is_unknown_is_called_unknown(self) -> None:
        lines = verdict_lines(early())
        assert "Russell 2000 unknown: ^RUT: no observation yet" in lines
        assert "Cascade stage at least 0 of 4  score unknown  coverage 0%" in lines
        assert "    credit: unknown  over its 252-day median unknown; 21-day change unknown  as of –, since –" in lines
        assert "  net liquidity unknown bn USD on –" in lines

    @pytest.mark.parametrize("window", list(Window))
    def test_every_window_has_its_line(self, window: Window) -> None:
        lines = verdict_lines(whole(crypto=crypto(window)))
        assert any(line.startswith(f"Crypto window {window}") for line in lines)
