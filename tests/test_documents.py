"""Every document: its links lead somewhere, the files it names are there, and its questions are answered by the rules."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from signals.conditions.table import CONDITIONS
from signals.rules import BREAKOUT, UNKNOWN, WINDOW

ROOT = Path(__file__).parents[1]
OUTSIDE = ("http://", "https://", "mailto:")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)|<(?:img|a) [^>]*?(?:src|href)=\"([^\"]+)\"")
# Files are named from the top of the tree; what is made when somebody runs it is not there.
_NAMED = re.compile(r"`((?:bot|signals|storage|tests|docs|benchmarks)/[\w./*-]*|(?:Makefile|\w+\.md))(?:::\w+)?`")


def _documents() -> list[Path]:
    found = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False)
    listed = [ROOT / name for name in found.stdout.split()]
    return listed or [path for path in ROOT.rglob("*.md") if not any(part[0] == "." for part in path.parts[1:])]


DOCUMENTS = _documents()
EACH = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def anchors(document: Path) -> set[str]:
    """Return what a link may lead to within a document, made of its headings as GitHub makes it."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\[(.*?)\]\(.*?\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


@EACH
def test_every_link_leads_somewhere(document: Path) -> None:
    for found in _LINK.finditer(_CODE.sub("", document.read_text())):
        link = unquote(found[1] or found[2])
        if link.startswith(OUTSIDE):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert ROOT in target.parents, f"{link} leads out of the repository"
        assert not anchor or anchor in anchors(target), link


@EACH
def test_every_file_it_names_is_there(document: Path) -> None:
    missing = [name for name in _NAMED.findall(document.read_text()) if not _is_there(document, name)]
    assert missing == []


def _is_there(document: Path, name: str) -> bool:
    return any(any(folder.glob(name.rstrip("/"))) for folder in (ROOT, document.parent))


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (unquote(one or other).partition("#")[0] for one, other in _LINK.findall(page.read_text()))
        waiting += [(page.parent / link).resolve() for link in links if link and not link.startswith(OUTSIDE)]
    pages = {*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")}
    # What others write there is no document of ours.
    assert {page.name for page in pages - reached if page in DOCUMENTS} <= {"CHANGELOG.md"}


def test_what_is_long_is_said_once() -> None:
    """Two pages with the same block would drift apart."""
    pages = [path for path in DOCUMENTS if path.name != "README.fr.md" and "tests" not in path.parts]
    blocks = [
        block
        for path in pages
        for block in re.findall(r"^```\w*\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)
    ]
    long = [block for block in blocks if block.count("\n") > 6]
    assert [block for block in long if long.count(block) > 1] == []


def test_every_folder_of_the_program_has_its_line_in_the_house() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    house = page[page.index("## The house") : page.index("## Words")]
    folders = [path.parent for room in ("bot", "signals", "storage") for path in (ROOT / room).glob("*/__init__.py")]
    assert {path.name for path in folders if f"{path.name}/`" not in house} <= {"migrations"}


class TestQuestions:
    """The numbers that docs/faq.md answers with."""

    PAGE = (ROOT / "docs" / "faq.md").read_text()

    @pytest.mark.parametrize(
        "sentence",
        [
            f"at least {BREAKOUT.intermediate} sessions without one",
            f"on days {WINDOW.opens} to {WINDOW.closes}: ether at least {WINDOW.response:.0%}".replace("%", " %"),
            f"{WINDOW.ratio_mean}-day mean. A rise before day {WINDOW.opens}",
            f"by the {({3: 'third'})[BREAKOUT.confirm_closes]} close in a row",
            f"held for {({10: 'ten'})[UNKNOWN.held_sessions]} sessions",
        ],
    )
    def test_are_those_of_the_rules(self, sentence: str) -> None:
        assert sentence in " ".join(self.PAGE.split())

    def test_net_liquidity_is_on_with_minus_eleven_once_it_was_on(self) -> None:
        (number,) = CONDITIONS["net_liquidity"].numbers
        assert number.enter is not None
        assert number.exit is not None
        assert not number.enter.holds(-11.0)
        assert not number.exit.holds(-11.0)
        figures = f"above +{number.enter.figure:g} bn in 13 weeks, and off below −{-number.exit.figure:g} bn"
        assert figures in " ".join(self.PAGE.split())

    def test_the_record_of_2021_that_was_no_breakout_is_the_one_that_the_bot_shows(self) -> None:
        shown = (ROOT / "tests/bot/messages/answers_real_record.md").read_text()
        assert "6 Jan 2021, 2,057.92: 8 sessions after the record before it" in shown
        assert "On 6 January 2021" in " ".join(self.PAGE.split())
        assert "that record was 8 sessions after the one before" in self.PAGE
