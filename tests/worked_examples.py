"""The worked examples of CONTRIBUTING.md: what they write into which file, and the check that each names."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

PYTEST = ".venv/bin/python -m pytest "
_SECTION = re.compile(r"^### (.+?)\n(.*?)(?=^##)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^```(diff|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes
    ----------
    changes
        (path, hunk) in order; of a hunk each line is new (``+``), goes (``-``), or says where (a space).
    check
        Its command, without what starts pytest.
    """

    title: str
    changes: tuple[tuple[str, str], ...]
    check: str

    @property
    def files(self) -> list[str]:
        """What its check runs."""
        return [word for word in shlex.split(self.check) if word.startswith("tests/")]

    @property
    def chosen(self) -> str:
        """Which tests of them, as ``-k`` has it; all of a file by the file's name."""
        words = shlex.split(self.check)
        return words[words.index("-k") + 1] if "-k" in words else Path(self.files[0]).stem


def examples(page: str) -> list[Example]:
    """Return the examples of a page: each section with blocks ``diff`` and one ``sh``."""
    found = []
    for title, body in _SECTION.findall(page):
        blocks = _BLOCK.findall(body)
        checks = [text.strip() for kind, text in blocks if kind == "sh" and text.startswith(PYTEST)]
        if checks:
            changes = [change for kind, text in blocks if kind == "diff" for change in _changes(text)]
            found.append(Example(title, tuple(changes), checks[0].removeprefix(PYTEST)))
    return found


def _changes(block: str) -> list[tuple[str, str]]:
    files = re.split(r"^\+\+\+ (.+)\n", block, flags=re.MULTILINE)[1:]
    named = zip(files[::2], files[1::2], strict=True)
    return [(path, hunk) for path, text in named for hunk in re.split(r"^@@\n", text, flags=re.MULTILINE)]


def write(folder: Path, path: str, hunk: str) -> None:
    """Write one hunk into a copy of the tree.

    Raises
    ------
    ValueError
        When the lines that say where are not there exactly once.
    """
    lines = hunk.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    file = folder / path
    if not before:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(after)
        return
    text = f"\n{file.read_text()}"
    if text.count(f"\n{before}") != 1:
        raise ValueError(f"{path} has these lines {text.count(before)} times, expected once:\n{before}")
    file.write_text(text.replace(f"\n{before}", f"\n{after}")[1:])
