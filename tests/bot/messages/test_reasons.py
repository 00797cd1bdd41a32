"""Why something waits is stored in English by the market process and told in the language of a chat."""

from __future__ import annotations

from gettext import NullTranslations

import pytest

from bot.messages import reasons
from bot.messages.languages import figures_of
from tests.bot.messages.reviewed import plain

STORED = {
    "newest bar is 2020-11-12, 1 session behind": "dernier cours du 12 nov. 2020, 1 séance de retard",
    "newest figure is 2010-08-12, 4 sessions behind: HTTP 500": (
        "dernier chiffre du 12 août 2010, 4 séances de retard : HTTP 500"
    ),
    "newest figure is 2010-08-12, 9 days behind": "dernier chiffre du 12 août 2010, 9 jours de retard",
    "^RUT: nothing collected yet": "^RUT : rien de collecté pour l'instant",
    "TRX-USD: no observation yet: the answer is empty": "TRX-USD : aucune donnée pour l'instant : the answer is empty",
    "^RUT, IWM, SPY: no bar of 2020-11-27, though earlier ones are answered; perhaps the exchange was closed: the next "
    "session will tell": "^RUT, IWM, SPY : pas de cours pour le 27 nov. 2020, alors que les précédents sont là ; la Bourse "
    "était peut-être fermée : la prochaine séance le dira",
    "IWM: not asked yet; without it no history is written": "IWM : pas encore demandé ; sans elle, l'historique n'est pas "
    "écrit",
    "IWM: not asked yet, and 3 more series; without them no history is written before 2020-11-13 22:30 UTC": (
        "IWM : pas encore demandé, et 3 autres séries ; sans elles, l'historique n'est pas écrit avant le 13 nov. 2020 "
        "22:30 UTC"
    ),
}


@pytest.mark.parametrize("stored", STORED)
def test_a_stored_reason_is_told_in_french_and_in_english_as_it_is(stored: str) -> None:
    french = figures_of("fr")
    assert plain(french.typeset(french.clip(stored))) == STORED[stored]
    assert reasons.told(stored, NullTranslations()) == stored


def test_what_a_publisher_answered_is_quoted_as_it_came() -> None:
    assert figures_of("fr").told("the answer has no column close") == "the answer has no column close"
