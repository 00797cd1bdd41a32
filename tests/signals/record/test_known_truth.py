"""In worlds whose truth is known the record finds what was planted, and says so where nothing was."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date

import pytest
from scipy.stats import binomtest, kstest

from bot.messages.record import MAIN, command_of, of_months, rule_named
from bot.messages.render import Messages
from signals.data.series import FIELDS
from signals.evaluate import evaluate
from signals.record.random_dates import with_chance
from signals.record.track_record import track_record
from signals.rules import RECORD
from storage.market import Market
from tests.signals.record.known_truth import SESSIONS, World, world
from tests.worlds import CALENDAR, settled

SEEDS = int(os.environ.get("STATISTICS_SEEDS", "30"))
SAMPLING = replace(RECORD, draws=int(os.environ.get("STATISTICS_DRAWS", "200")), resamples=20)


def p_of(found: World) -> float:
    study = found.study()
    followed = with_chance(study, {"r": study.follow(found.events())}, SAMPLING)["r"]
    assert followed.n >= 10
    assert followed.numbers is not None
    assert followed.numbers.p is not None
    return followed.numbers.p


def test_a_planted_effect_is_found_in_at_least_four_worlds_of_five() -> None:
    found = sum(p_of(world(seed, effect=0.40)) <= 0.05 for seed in range(SEEDS))
    assert found / SEEDS >= 0.8


def test_where_nothing_was_planted_it_is_found_no_more_often_than_stated() -> None:
    p = [p_of(world(seed, effect=0.0)) for seed in range(1_000, 1_000 + SEEDS)]
    false = sum(x <= 0.05 for x in p)
    assert binomtest(false, SEEDS, 0.05, alternative="greater").pvalue > 0.01
    assert kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("effect", "words"), [(0.8, ": better than chance"), (0.0, ": no better than chance")])
def test_the_record_says_which_it_is(effect: float, words: str) -> None:
    """The whole way: from the archive through the evaluation to the sentence."""
    made = world(7, effect)
    columns = {key: made.index.to_frame("value").reindex(columns=list(FIELDS)) for key in ("^RUT", "IWM", "SPY")}
    coin = made.coin.to_frame("value").reindex(columns=list(FIELDS))
    archive = settled({**columns, "ETH-USD": coin, "BTC-USD": coin})
    history = evaluate(archive, CALENDAR, SESSIONS[-1].date())
    record = track_record(history, sampling=replace(RECORD, draws=2_000, resamples=20))
    rule = rule_named(record, command_of(MAIN))
    assert rule is not None
    assert [date.fromisoformat(str(day)) for day in rule.events] == made.confirmed
    market = Market("live", None, None)
    rows = of_months(rule, 3)
    text = Messages().text("record", r=record, rule=rule, market=market, rows=rows, live=0, main=MAIN)
    (line,) = [line for line in text.splitlines() if line.startswith("ETH, ")]
    assert line.endswith(words)
