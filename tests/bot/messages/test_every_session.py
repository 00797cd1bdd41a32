"""Properties of what is said on every session of the real history, and of a simulated one.

``MESSAGES_SESSIONS`` is how many sessions are drawn; 0 is all of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from bot.market.alerts import alert_rows
from bot.messages.facts import measured_rows, of_liquidity
from bot.messages.render import Messages, ShownChange
from bot.sandbox.entities import parse_html, utf16_length
from signals.conditions.table import CONDITIONS
from signals.data.sessions import decision_time
from signals.evaluate import History
from signals.model import Regime, State, Verdict
from signals.transitions import transitions
from storage.ledger import ChangeRow, VerdictRow
from storage.market import Market
from tests.bot.messages.reviewed import plain
from tests.signals.conftest import archive as archive
from tests.signals.conftest import history as history

LIVE, MESSAGES = Market("live", None, None), Messages()
DRAWN = int(os.environ.get("MESSAGES_SESSIONS", "120"))
# 21 sessions, with Christmas and New Year among them.
LATELY = timedelta(days=34)
PARTS = {"state": 600} | dict.fromkeys(
    (
        "why",
        "why_breakout",
        "why_liquidity",
        "breakout",
        "liquidity",
        "cascade",
        "crypto",
        "coins_in_full",
        "supercycle",
    ),
    900,
)
MOST_OF_AN_ALERT = 700
NOTHING = re.compile(r"[+−]0\.0+ %|(?<![\d.,])0 points|[+−]0 %")
DATED = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4}")


def drawn(history: History) -> Iterator[date]:
    """Yield sessions: those drawn, and every one on which something changed within them."""
    days = history.panel.days
    if not DRAWN:
        yield from days
    else:
        for position in np.random.default_rng(14).choice(len(days), DRAWN, replace=False).tolist():
            yield days[position]


@pytest.fixture(scope="module")
def verdicts(history: History) -> list[Verdict]:
    return [history.verdict(day, decision_time(day)) for day in drawn(history)]


def said(verdict: Verdict, part: str) -> str:
    return plain(parse_html(MESSAGES.part(part, verdict, LIVE, note="")).text)


def alerts(history: History, verdict: Verdict) -> Iterator[str]:
    at = history.panel.position(verdict.session)
    before = history.verdict(history.panel.days[at - 1], verdict.decided_at) if at else None
    found = transitions(before, verdict)
    shown = {
        (c.subject, c.kind): ShownChange(c.kind, c.subject, c.session, c.occurred_on, str(c.before), str(c.after))
        for c in found
    }
    rows = [ChangeRow(c.kind, c.subject, c.occurred_on, c.before, c.after) for c in found]
    for alert in alert_rows([VerdictRow(verdict.session, verdict.decided_at, "3", b"", rows)], verdict.decided_at):
        yield plain(parse_html(MESSAGES.alert(verdict, [shown[key] for key in alert.changes], LIVE)).text)


def sentences(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if len(line.strip()) > 12]


def test_no_message_is_over_its_length_says_a_sentence_twice_or_a_distance_of_nothing(
    verdicts: list[Verdict],
) -> None:
    for verdict in verdicts:
        for part, most in PARTS.items():
            text = said(verdict, part)
            where = (verdict.session, part, text)
            assert utf16_length(text) <= most, where
            # Two assets may have fallen by the same figures.
            assert part == "coins_in_full" or len(set(sentences(text))) == len(sentences(text)), where
            assert not NOTHING.search(text), where


def test_no_alert_is_over_its_length_says_a_sentence_twice_or_is_wrong_already(history: History) -> None:
    changed = list(drawn(history))
    changed += [e.failed for e in history.episodes if e.failed] + [e.confirmed for e in history.episodes if e.confirmed]
    for day in changed:
        verdict = history.verdict(day, decision_time(day))
        told = list(alerts(history, verdict))
        assert sum("Russell 2000" in text.splitlines()[0] for text in told) <= 1, day
        for text in told:
            assert utf16_length(text) <= MOST_OF_AN_ALERT, (day, text)
            assert len(set(sentences(text))) == len(sentences(text)), (day, text)
            below = re.search(r"(?:Wrong if|It fails on|It ends on): a close below ([\d,.]+\d)", text)
            if below and verdict.breakout.close is not None:
                assert verdict.breakout.close >= float(below[1].replace(",", "")), (day, text)


def test_no_mark_contradicts_the_number_beside_it(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        for each in measured_rows(verdict, CONDITIONS.values()):
            number, value = each.shown
            if each.state.state is State.UNKNOWN or value is None or number.enter is None:
                continue
            holds = number.enter.holds(value)
            if each.state.state is State.ON:
                assert holds or each.is_still, (verdict.session, each.row.key)
            else:
                assert not holds or each.is_still, (verdict.session, each.row.key)


def test_no_regime_is_contradicted_by_its_count_without_turning(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        liquidity = verdict.liquidity
        if liquidity.score is None or liquidity.regime in (Regime.UNKNOWN, Regime.INSUFFICIENT):
            continue
        fits = {
            Regime.EASING: liquidity.score >= 50,
            Regime.NEUTRAL: 25 < liquidity.score < 60,
            Regime.TIGHTENING: liquidity.score <= 40,
        }[liquidity.regime]
        known = liquidity.raw not in (Regime.UNKNOWN, Regime.INSUFFICIENT)
        assert fits or not known or "turning" in said(verdict, "state"), verdict.session
        assert len(of_liquidity(verdict)) == 9


def test_the_status_has_no_date_of_what_ended_a_month_before_and_no_unknown_since_the_beginning(
    history: History, verdicts: list[Verdict]
) -> None:
    first = history.panel.days[0]
    for verdict in verdicts:
        text = said(verdict, "state")
        head = text.splitlines()[0]
        for found in DATED.findall(head):
            day = datetime.strptime(found, "%d %b %Y").date()  # noqa: DTZ007 - a date, as printed
            assert verdict.session - day <= LATELY, (verdict.session, head)
        episode = verdict.breakout.episode
        ended = episode and (episode.failed or episode.rejected or episode.ended)
        if episode and ended and verdict.session - ended > LATELY + timedelta(days=3):
            assert "failed" not in text, (verdict.session, text)
        for part in ("state", "why", "why_liquidity"):
            assert f"unknown since {first.day} {first:%b %Y}" not in said(verdict, part), verdict.session
