"""Both READMEs say the same, and what they say is the program's: commands, settings, limits, messages."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from bot.cli.readme import of_the_program
from bot.commands.table import COMMANDS, OPERATOR_MENU
from bot.messages.kinds import FAMILIES, PRESETS
from bot.settings import NAMES, Settings
from signals.conditions.of_liquidity import LIQUIDITY
from signals.conditions.table import LINKS
from signals.rules import EVENING, WINDOW

ROOT = Path(__file__).parents[3]
ENGLISH, FRENCH = (ROOT / name for name in ("README.md", "README.fr.md"))
BOTH = pytest.mark.parametrize("page", [ENGLISH, FRENCH], ids=["English", "French"])
# Of the program alone; what is of the real history is compared where that is evaluated.
OF_THE_PROGRAM = ("commands", "commands for operators", "big ones", "privacy")
_PLACE = re.compile(r"<!-- (.+?) -->\n\n(.*?)\n\n<!-- end of \1 -->", re.DOTALL)


def places(page: Path) -> dict[str, str]:
    """Return what stands in each generated part of a page."""
    return dict(_PLACE.findall(page.read_text()))


def written(page: str, name: str) -> str:
    """Return what stands in one."""
    return places(ROOT / page)[name]


def by_hand(page: Path) -> str:
    """Return the rest of a page."""
    return _PLACE.sub("", page.read_text())


@pytest.mark.parametrize("name", OF_THE_PROGRAM)
def test_what_is_of_the_program_is_not_stale(name: str) -> None:
    made = of_the_program()
    assert written("README.md", name) == made[name](), "make method writes it anew"
    assert written("README.fr.md", f"{name} fr") == made[f"{name} fr"](), "make method writes it anew"


def test_both_have_the_same_generated_parts() -> None:
    assert [name.removesuffix(" fr") for name in places(FRENCH)] == list(places(ENGLISH))


def test_every_command_is_in_both() -> None:
    names = {f"/{command.name}" for command in COMMANDS if command.description}
    assert names == {f"/{name}" for name in OPERATOR_MENU}
    for page in (ENGLISH, FRENCH):
        assert set(re.findall(r"^\| `(/\w+)", page.read_text(), re.MULTILINE)) == names


def test_what_a_link_may_name_is_explained() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    words = {*FAMILIES, *(word for word, (_title, kinds) in PRESETS.items() if kinds)}
    assert {word for word in words if f"`{word}`" not in page and f"={word}`" not in page} == set()


class TestSettings:
    def rows(self, page: Path) -> dict[str, str]:
        """Return the default of each setting as a page has it."""
        found: dict[str, str] = {}
        for names, values in re.findall(
            r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \| ?(.*?) ?\|", page.read_text(), re.MULTILINE
        ):
            given = values.split(", ") if values else [""]
            found |= dict(zip(re.findall(r"\w+", names), given, strict=True))
        return found

    @BOTH
    def test_every_setting_has_a_row_with_its_default(self, page: Path) -> None:
        rows = self.rows(page)
        for setting in fields(Settings):
            default = setting.default
            text = "" if default in (None, (), "") else f"`{str(default).lower() if default is False else default}`"
            assert rows.pop(setting.name.upper()).replace("–", "") == text, setting.name
        assert rows == {}

    @BOTH
    def test_those_that_may_come_from_a_file_are_named(self, page: Path) -> None:
        named = re.search(r"`TELEGRAM_BOT_TOKEN_FILE`.*?\.\n", page.read_text(), re.DOTALL)
        assert named is not None
        secrets = {name.removesuffix("_FILE") for name in NAMES if name.endswith("_FILE")}
        assert {f"{name}_FILE" if name == "TELEGRAM_BOT_TOKEN" else name for name in secrets} == set(
            re.findall(r"`([A-Z_]+)`", named[0])
        )

    def test_they_stand_in_the_same_order(self) -> None:
        assert list(self.rows(ENGLISH)) == list(self.rows(FRENCH))


class TestTheFrenchOne:
    """It says what the English one does."""

    def test_it_has_the_same_blocks(self) -> None:
        blocks = [
            re.findall(r"^```\w*\n(.*?)^```", by_hand(page), re.DOTALL | re.MULTILINE) for page in (ENGLISH, FRENCH)
        ]
        assert blocks[0] == blocks[1] != []

    def test_it_has_the_same_sections(self) -> None:
        depths = [re.findall(r"^(#+) ", page.read_text(), re.MULTILINE) for page in (ENGLISH, FRENCH)]
        assert depths[0] == depths[1]

    def test_it_names_the_same_files_and_addresses(self) -> None:
        named = [
            set(re.findall(r"\]\(([^#)]+)", by_hand(page))) - {ENGLISH.name, FRENCH.name} for page in (ENGLISH, FRENCH)
        ]
        assert named[0] == named[1]

    def test_what_is_typed_is_the_same(self) -> None:
        """Whatever is set as code, button names and words of an answer apart."""
        typed = [set(re.findall(r"`([^`\n]+)`", by_hand(page))) for page in (ENGLISH, FRENCH)]
        assert typed[1] - typed[0] == {"/language fr"}
        assert typed[0] - typed[1] == set()


@BOTH
def test_its_numbers_are_those_of_the_rules(page: Path) -> None:
    text, needed = page.read_text(), tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"Python {needed.removeprefix('>=')} " in text
    assert ({9: ("nine", "neuf")}[len(LIQUIDITY)][page == FRENCH]) in text
    assert ({4: ("four links", "quatre maillons")}[len(LINKS)][page == FRENCH]) in text
    assert f"{EVENING.decision:%H:%M}" in text
    assert f"{EVENING.last_call:%H:%M}" in text
    # One to three months.
    assert (WINDOW.opens // 30, WINDOW.closes // 30) == (1, 3)


@BOTH
def test_its_limits_are_the_settings(page: Path) -> None:
    settings = Settings(telegram_bot_token=None)
    assert re.search(rf"Telegram .* {settings.messages_per_second} messages ", page.read_text())
    assert 100_000 / settings.messages_per_second <= 3_600


@pytest.mark.parametrize(("page", "words"), [(ENGLISH, 840), (FRENCH, 920)], ids=["English", "French"])
def test_it_is_read_in_three_minutes(page: Path, words: int) -> None:
    """French says the same in more words; tables, blocks and what stands behind links are looked at."""
    text = re.sub(r"```.*?```|^\|.*?$|<img .*?>|\]\(.*?\)", "", by_hand(page), flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"\w+(?:['.-]\w+)*", text)) <= words
