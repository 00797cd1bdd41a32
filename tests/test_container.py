"""The image and the compose file: no engine runs them here, so what they say is compared with what the program is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.cli.main import cli
from bot.settings import NAMES

ROOT = Path(__file__).parents[1]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
IMAGE = (ROOT / "Dockerfile").read_text()


def test_every_setting_there_is_reaches_the_container_and_nothing_else() -> None:
    listed = re.search(r"^x-settings: &settings\n((?:  .*\n)+)", COMPOSE, re.M)
    assert listed is not None
    lines = listed[1].splitlines()
    assert sorted(line.partition(":")[0].strip() for line in lines) == sorted(NAMES)
    # Empty is not set, so the program's own defaults hold.
    assert [line for line in lines if not re.fullmatch(r"  (\w+): \$\{\1:-\}", line)] == []


def test_every_setting_is_in_the_example_and_in_the_readme() -> None:
    settings = {name for name in NAMES if not name.endswith("_FILE")}
    for page in (".env.example", "README.md"):
        assert {name for name in settings if name not in (ROOT / page).read_text()} == set(), page


def test_both_processes_of_the_bot_get_them() -> None:
    assert COMPOSE.count("environment: *settings") == 1
    assert COMPOSE.count("<<: *process") == 2


@pytest.mark.parametrize(
    "line",
    ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "mem_limit: 768m", "max-size: 10m", "init: true",
     "restart: unless-stopped", "./operator:/operator:ro", "./secrets:/run/secrets:ro", "profiles: [many]"],
)  # fmt: skip
def test_the_container_may_do_and_take_no_more_than_it_needs(line: str) -> None:
    assert line in COMPOSE


@pytest.mark.parametrize(
    "line", ["USER 1000:1000", "VOLUME /data", "STOPSIGNAL SIGTERM", "--require-hashes", "WAIT_WHEN_WRONG=1"]
)
def test_the_image_runs_as_nobody_in_particular_on_what_has_a_hash(line: str) -> None:
    assert line in IMAGE


def test_the_images_it_is_made_of_have_a_version() -> None:
    assert re.search(r"^ARG PYTHON=python:3\.\d+\.\d+-slim-\w+$", IMAGE, re.M)
    assert set(re.findall(r"^FROM (\S+)", IMAGE, re.M)) == {"${PYTHON}"}
    assert re.findall(r"image: (\S+)", COMPOSE) == ["cascade", "postgres:17.6-trixie"]


def test_the_health_check_is_a_command_of_the_program() -> None:
    commands = {command.name or command.callback.__name__ for command in cli.registered_commands if command.callback}
    assert re.search(r'HEALTHCHECK .* CMD \["python", "-m", "bot", "healthy"\]', IMAGE)
    assert {"healthy", "run", "worker"} <= commands


def test_the_whole_program_is_copied() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", IMAGE, re.M))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert copied == packages - {"tests", "benchmarks"}
