"""What stands under a chart, on sessions of the real history and of a simulated market: short, and never nothing."""

from __future__ import annotations

import numpy as np
import pytest

from bot.messages.chart_kinds import Kind
from bot.sandbox.entities import parse_html, utf16_length
from signals.evaluate import History
from storage.market import Market
from tests.bot.messages.evenings import MESSAGES, simulated, simulated_record, verdict_of
from tests.signals.conftest import archive as archive
from tests.signals.conftest import history as history

SIMULATED = Market("simulated", None, None)
MOST, OF_TELEGRAM = 300, 1024


@pytest.fixture(scope="module", params=["real", "simulated"])
def seen(request: pytest.FixtureRequest) -> History:
    if request.param == "real":
        found: History = request.getfixturevalue("history")
        return found
    return simulated(7)


@pytest.mark.parametrize("kind", Kind)
def test_a_caption_is_a_sentence_or_two_on_any_session(seen: History, kind: Kind) -> None:
    days, record = seen.panel.days, simulated_record(7)
    for at in np.random.default_rng(5).choice(len(days), 40, replace=False).tolist():
        for known in (record, None):
            html = MESSAGES.part("chart", verdict_of(seen, days[at]), SIMULATED, kind=kind, r=known, newest=days[-1])
            text = parse_html(html).text
            assert 20 < utf16_length(text) <= MOST < OF_TELEGRAM, text
            assert text.startswith("SIMULATED MARKET")
