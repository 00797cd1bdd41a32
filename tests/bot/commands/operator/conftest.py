"""A bot whose operator is ME; everybody else is none."""

from __future__ import annotations

import pytest

from bot.sandbox.server import Sandbox
from bot.settings import Settings
from tests.bot.commands.conftest import ME
from tests.bot.running import settings_for

OTHER = 6


@pytest.fixture
def settings(sandbox: Sandbox, database_url: str) -> Settings:
    sandbox.world.add_private_chat(ME, started=True)
    sandbox.world.add_private_chat(OTHER, started=True)
    # The pace that Telegram permits: what /evaluate began says how it went some time after it was answered.
    return settings_for(sandbox, database_url, operator_ids=(ME,), messages_per_second=30)
