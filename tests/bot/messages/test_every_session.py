"""Properties of what is said on sessions of the real history and of simulated markets.

``MESSAGES_SESSIONS`` is how many sessions of the real one are drawn, and a fifth of it of each simulated one; 0 is all.
"""

from __future__ import annotations

import os
import re
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from bot.messages.facts import MeasuredRow, measured_rows, of_liquidity
from bot.messages.languages import messages_of
from bot.sandbox.entities import utf16_length
from signals.conditions.table import CONDITIONS, MANDATORY
from signals.evaluate import History
from signals.model import Check, Link, Regime, State, Unit, Verdict
from signals.nine_decimals import Sign, meets
from tests.bot.messages.evenings import alerts_of, digest_of, said, simulated, verdict_of
from tests.bot.messages.pseudo import MARKED, bare
from tests.signals.conftest import archive as archive
from tests.signals.conftest import history as history

DRAWN = int(os.environ.get("MESSAGES_SESSIONS", "60"))
# 21 sessions, with Christmas and New Year among them.
LATELY = timedelta(days=34)
ANSWERS = (
    "why", "why_breakout", "why_liquidity", "why_link 1", "why_link 2", "why_link 3", "why_link 4", "breakout",
    "liquidity", "cascade", "crypto", "coins_in_full", "supercycle",
)  # fmt: skip
MOST = {"state": 600} | dict.fromkeys(ANSWERS, 900)
MOST_OF_AN_ALERT = 700
STOPS = ("Wrong if: ", "It fails on: ", "It ends on: ", "It recovers on: ")
NOTHING = re.compile(r"[+−]0(\.0+)? (%|bn|points)|(?<![\d.,])0 points")
DATED = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4}")
FIGURE = re.compile(r"[+−]?[\d,]*\d(?:\.\d+)?")
ENGLISH = re.compile(r"\b(the|since|with|of|and|from|to|is|unknown|sessions?|still)\b")
LIMIT = re.compile(rf"(on|off) ([<>≤≥]) ({FIGURE.pattern})[^,)]*?( times in a row)?[,)]")


@pytest.fixture(scope="module", params=["real", "simulated 1", "simulated 4", "simulated 7"])
def seen(request: pytest.FixtureRequest) -> History:
    """A market that was evaluated from its first session to its last."""
    if request.param == "real":
        found: History = request.getfixturevalue("history")
        return found
    return simulated(int(request.param.split()[1]))


@pytest.fixture(scope="module")
def drawn(seen: History, request: pytest.FixtureRequest) -> list[date]:
    """Return sessions of it, in no order."""
    days = seen.panel.days
    if not DRAWN:
        return [*days]
    count = DRAWN if len(days) > 5_000 else DRAWN // 5
    return [days[at] for at in np.random.default_rng(14).choice(len(days), count, replace=False).tolist()]


@pytest.fixture(scope="module")
def told(seen: History, drawn: list[date]) -> list[tuple[Verdict, dict[str, str]]]:
    """Every answer on those sessions, with what it is made of."""
    verdicts = [verdict_of(seen, day) for day in drawn]
    return [(verdict, {part: said(verdict, part) for part in MOST}) for verdict in verdicts]


Told = list[tuple[Verdict, dict[str, str]]]


def sentences(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if len(line.strip()) > 12]


def read(text: str) -> float:
    """Return the first figure of a text, as printed; ``today`` is none ago, and a record is at itself."""
    if text.startswith(("today", "at its record")):
        return 0.0
    found = FIGURE.search(text)
    assert found, text
    return float(found[0].replace(",", "").replace("−", "-"))


def test_no_answer_is_over_its_length_says_a_sentence_twice_or_a_distance_of_nothing(told: Told) -> None:
    for verdict, answers in told:
        for part, text in answers.items():
            where = (verdict.session, part, text)
            assert utf16_length(text) <= MOST[part], where
            # Two assets may have fallen by the same figures.
            assert part == "coins_in_full" or len(set(sentences(text))) == len(sentences(text)), where
            assert not NOTHING.search(text), where


def test_no_alert_is_over_its_length_says_a_sentence_twice_or_is_wrong_already(
    seen: History, drawn: list[date]
) -> None:
    dates = [day for episode in seen.episodes for day in episode.events().values()]
    for day in [*drawn, *dates]:
        verdict = verdict_of(seen, day)
        alerts = [text for _, text in alerts_of(seen, day)]
        assert sum("Russell 2000" in text.splitlines()[0] for text in alerts) <= 1, day
        for text in alerts:
            where = (day, text)
            assert utf16_length(text) <= MOST_OF_AN_ALERT, where
            assert len(set(sentences(text))) == len(sentences(text)), where
            assert not NOTHING.search(text), where
            assert not already(text, verdict), where


def test_in_french_it_fits_too_says_nothing_twice_and_nothing_in_english(seen: History, drawn: list[date]) -> None:
    french = messages_of("fr")
    dates = [day for episode in seen.episodes for day in episode.events().values()]
    for day in drawn[::2]:
        for part, most in MOST.items():
            text = said(verdict_of(seen, day), part, french)
            assert utf16_length(text) <= most, (day, part, text)
            assert part == "coins_in_full" or len(set(sentences(text))) == len(sentences(text)), (day, part, text)
            assert not ENGLISH.search(text), (day, part, text)
    for day in [*drawn[::2], *dates]:
        for kind, text in alerts_of(seen, day, messages=french):
            assert utf16_length(text) <= MOST_OF_AN_ALERT, (day, kind, text)
            assert len(set(sentences(text))) == len(sentences(text)), (day, kind, text)
            assert not ENGLISH.search(text), (day, kind, text)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_digest_is_over_its_length_or_says_a_sentence_twice(seen: History, drawn: list[date], language: str) -> None:
    dates = [day for episode in seen.episodes for day in episode.events().values()]
    for day in [*drawn[::5], *dates[::2]]:
        text = digest_of(seen, day, messages_of(language))
        assert utf16_length(text) <= MOST_OF_AN_ALERT, (day, text)
        assert len(set(sentences(text))) == len(sentences(text)), (day, text)
        assert language == "en" or not ENGLISH.search(text), (day, text)


def test_no_word_of_it_is_outside_the_catalogue(seen: History, drawn: list[date]) -> None:
    for day in drawn[::6]:
        for part in MOST:
            text = said(verdict_of(seen, day), part, MARKED)
            assert bare(text) == [], (day, part, text)
    for day in [*drawn[::6], *(day for episode in seen.episodes for day in episode.events().values())]:
        for kind, text in alerts_of(seen, day, messages=MARKED):
            assert kind.startswith("data") or bare(text) == [], (day, kind, text)


def already(text: str, verdict: Verdict) -> bool:
    """Return whether what would make an alert wrong, or end it, is so on its own session."""
    line = next((line for line in text.splitlines() if line.startswith(STOPS)), "")
    b, past = verdict.breakout, [dated(day) <= verdict.session for day in DATED.findall(line)]
    below, above = re.search(r"a close below (\S+\d)", line), re.search(r"a close above the record of (\S+\d)", line)
    wrong = [below and b.close is not None and b.close < read(below[1]), above and b.close and b.close > read(above[1])]
    more = re.search(r"(\d+)( more)? closes? (?:in a row )?below", line)
    if more and b.course:
        wrong.append((int(more[1]) if more[2] else int(more[1]) - b.course.below) <= 0)
    for count, side in re.findall(r"(\d+) or (more|fewer) of \d+ on", line):
        on = verdict.liquidity.on
        wrong.append(on >= int(count) if side == "more" else on <= int(count))
    link = re.search(r"(fewer than )?(\d+)(?: or more)? of \d+ conditions of (bonds|equities|small caps|crypto)", line)
    if link:
        on = verdict.cascade.links[("bonds", "equities", "small caps", "crypto").index(link[3])].on
        wrong.append(on < int(link[2]) if link[1] else on >= int(link[2]) and "among them" not in line)
    return any(past) or any(wrong)


def dated(text: str) -> date:
    return datetime.strptime(text, "%d %b %Y").date()  # noqa: DTZ007 - a date, as printed


def test_no_mark_contradicts_the_number_printed_beside_it(told: Told) -> None:
    for verdict, answers in told:
        rows = measured_rows(verdict, CONDITIONS.values())
        lines = [line for part, text in answers.items() if part.startswith("why") for line in text.splitlines()]
        for each in rows:
            titled = [line for line in lines if re.match(rf". {re.escape(each.row.title)}[ :,]", line)]
            assert titled, (verdict.session, each.row.key)
            for line in titled:
                assert not contradicts(line, each), (verdict.session, line)


def contradicts(line: str, each: MeasuredRow) -> bool:
    """Return whether the number of a condition's line is on the wrong side of a limit printed with it."""
    mark, rest = line[0], line[2:].removeprefix(each.row.title).strip(": ")
    for number in each.row.numbers:
        rest = rest.removeprefix(number.name).strip()
    limits = LIMIT.findall(rest)
    if mark == "?" or not limits:
        return mark != "?" and each.state.state.value != {"●": "on", "○": "off"}[mark]
    value, still = read(rest), "still" in rest.partition("(")[0]
    for side, sign, figure, in_a_row in limits:
        holds = meets(value, Sign(sign), read(figure))
        speaks_for_mark = (side == "on") is (mark == "●")
        if holds and not speaks_for_mark and not in_a_row:
            return True
        if not holds and speaks_for_mark and not still:
            return True
        if holds and speaks_for_mark and still:
            return True
    return False


def test_no_check_contradicts_the_number_printed_beside_it(told: Told) -> None:
    for verdict, answers in told:
        lines = answers["why_breakout"].splitlines()
        parts = [part for check in verdict.breakout.checks for part in check.parts]
        printed = [line for line in lines if line[:2] in ("✓ ", "✗ ", "? ")]
        assert len(parts) == len(printed), (verdict.session, printed)
        for part, line in zip(parts, printed, strict=True):
            assert not crosses(line, part), (verdict.session, line)


def crosses(line: str, part: Check) -> bool:
    """Return whether a printed number is on another side of its threshold than the one it stands for."""
    if part.value is None:
        return ": " in line
    value = read(line.rpartition(": ")[2]) / (100 if part.unit in (Unit.PERCENT, Unit.SHARE) else 1)
    return any(
        meets(value, s, part.threshold) != meets(part.value, s, part.threshold) for s in (Sign.ABOVE, Sign.BELOW)
    )


def test_no_link_is_contradicted_by_its_count_without_the_sessions_it_still_takes(told: Told) -> None:
    for verdict, answers in told:
        counts = answers["why"].splitlines()[-2].split(" · ")
        for link, text in zip(verdict.cascade.links, counts, strict=True):
            is_on = link.state is State.ON
            if link.state is not State.UNKNOWN and is_on is not by_its_count(verdict, link):
                assert re.search(r"turning (on|off), session \d of 5", text), (verdict.session, text)


def by_its_count(verdict: Verdict, link: Link) -> bool:
    """Return whether a link has as many conditions on as it needs, the one without which it never is among them."""
    states = {state.key: state.state for state in verdict.conditions}
    must = MANDATORY.get(link.number)
    return link.on >= link.needs and (must is None or states[must] is State.ON)


def test_no_regime_is_contradicted_by_its_count_without_turning(told: Told) -> None:
    for verdict, answers in told:
        liquidity = verdict.liquidity
        if liquidity.score is None or liquidity.regime in (Regime.UNKNOWN, Regime.INSUFFICIENT):
            continue
        fits = {
            Regime.EASING: liquidity.score >= 50,
            Regime.NEUTRAL: 25 < liquidity.score < 60,
            Regime.TIGHTENING: liquidity.score <= 40,
        }[liquidity.regime]
        known = liquidity.raw not in (Regime.UNKNOWN, Regime.INSUFFICIENT)
        assert fits or not known or "turning" in answers["state"], verdict.session
        assert len(of_liquidity(verdict)) == 9


def test_the_status_has_no_date_of_what_ended_a_month_before_and_no_unknown_since_the_beginning(
    seen: History, told: Told
) -> None:
    first = seen.panel.days[0]
    for verdict, answers in told:
        text = answers["state"]
        head = text.splitlines()[0]
        for day in map(dated, DATED.findall(head)):
            assert verdict.session - day <= LATELY, (verdict.session, head)
        episode = verdict.breakout.episode
        ended = episode and (episode.failed or episode.rejected or episode.ended)
        if episode and ended and verdict.session - ended > LATELY + timedelta(days=3):
            assert "failed" not in text, (verdict.session, text)
        for part in ("state", "why", "why_liquidity"):
            assert f"unknown since {first.day} {first:%b %Y}" not in answers[part], verdict.session


def test_what_stands_first_in_status_is_not_wrong_already(told: Told) -> None:
    for verdict, answers in told:
        below = re.search(r"Wrong if  a close below (\S+\d)", answers["state"])
        close = verdict.breakout.close
        assert not below or close is None or close >= read(below[1]), (verdict.session, answers["state"])
        assert State.UNKNOWN not in (link.state for link in verdict.cascade.links) or "?" in answers["state"]
