"""The messages that the documents quote are whole ones that the program makes: those of the answer files beside this one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bot.messages.reviewed import FOLDER

ROOT = Path(__file__).parents[3]
FRENCH = ROOT / "README.fr.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MARKS = ("●", "○", "Wrong if", "breakout confirmed", "Breakout confirmed")


def blocks(document: Path) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)\n```$", document.read_text(), re.DOTALL | re.MULTILINE)


def quoted(document: Path) -> list[str]:
    """Return the blocks of a document that are messages."""
    return [block for block in blocks(document) if any(mark in block for mark in MARKS)]


# What the French one quotes is compared with the program where the history is: test_real_evenings.py.
@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path != FRENCH], ids=lambda document: document.name)
def test_what_a_document_quotes_is_a_whole_message_of_the_program(document: Path) -> None:
    made = {text for file in FOLDER.glob("answers_*.md") for block in blocks(file) for text in block.split("\n----\n")}
    assert [block for block in quoted(document) if block not in made] == []


def test_the_readme_quotes_a_status() -> None:
    assert any("Next: " in block for block in quoted(ROOT / "README.md"))


def test_every_picture_that_a_document_shows_is_there_and_is_told_in_words() -> None:
    for document in DOCUMENTS:
        for picture, words in re.findall(r'<img src="([^"]+)"[^>]*?(?: alt="([^"]*)")?>', document.read_text()):
            assert (document.parent / picture).is_file(), (document, picture)
            assert len(words) > 20, (document, picture)


def test_every_picture_is_made_by_the_target_that_makes_them_anew() -> None:
    makefile = (ROOT / "Makefile").read_text()
    target = makefile[makefile.index("\npictures:") :].split("\n\n")[0]
    source = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if "picture(" in path.read_text())
    for picture in (ROOT / "docs" / "images").iterdir():
        kind, _, name = picture.stem.partition("-")
        assert f"images/{picture.name}" in target or (f'f"{kind}-{{' in source and f'"{name}"' in source), picture
