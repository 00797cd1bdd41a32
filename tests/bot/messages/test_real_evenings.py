"""What was said on the evenings that people will compare: whole answers over the real history, read by a person."""

from __future__ import annotations

from datetime import date

import pytest

from bot.cli.readme import Quoted, of_history
from signals.evaluate import History
from tests.bot.cli.test_readme import written
from tests.bot.messages.evenings import alerts_of, said, verdict_of
from tests.bot.messages.reviewed import reviewed
from tests.signals.conftest import archive as archive
from tests.signals.conftest import history as history

EVENINGS = (
    "2016-11-14", "2016-11-16", "2020-11-13", "2020-11-17", "2020-12-16", "2021-01-04", "2021-11-26", "2022-06-15",
    "2024-11-25", "2025-06-27",
)  # fmt: skip


@pytest.mark.parametrize(("page", "name"), [("README.md", "an evening"), ("README.fr.md", "an evening fr")])
def test_the_evening_that_a_readme_quotes_is_the_programs(history: History, page: str, name: str) -> None:
    assert written(page, name) == of_history(Quoted(history, "folder"))[name]()


@pytest.mark.parametrize("day", EVENINGS)
def test_a_real_evening_reads_as_reviewed(history: History, day: str) -> None:
    session = date.fromisoformat(day)
    verdict = verdict_of(history, session)
    texts = [said(verdict, "state"), said(verdict, "why")]
    texts += [text for _, text in alerts_of(history, session, with_past=True)]
    assert "\n----\n".join(texts) == reviewed("evenings", day)
