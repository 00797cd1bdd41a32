"""A template is compiled once for all languages, so nothing that a language writes in its own way may be in its code."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from bot.messages.figures import ENGLISH
from bot.messages.languages import messages_of
from bot.messages.render import _environment

TEMPLATES = _environment(ENGLISH)


def written_when_compiled(source: str) -> list[str]:
    """Return the filters of figures that a template applies to what is known before it is filled."""
    return [one.name for one in TEMPLATES.parse(source).find_all(nodes.Filter) if _is_constant(one)]


def _is_constant(one: nodes.Filter) -> bool:
    try:
        one.as_const(nodes.EvalContext(TEMPLATES))
    except nodes.Impossible:
        return False
    return one.name in ENGLISH.filters()


def test_no_template_writes_a_figure_that_is_in_it() -> None:
    assert TEMPLATES.loader is not None
    sources = {name: TEMPLATES.loader.get_source(TEMPLATES, name)[0] for name in TEMPLATES.list_templates()}
    assert {name: found for name, source in sources.items() if (found := written_when_compiled(source))} == {}


@pytest.mark.parametrize(("source", "found"), [("{{ 17000|price }}", ["price"]), ("{{ amount|price }}", [])])
def test_one_that_did_would_be_found(source: str, found: list[str]) -> None:
    assert written_when_compiled(source) == found


def test_what_english_compiled_is_french_in_french() -> None:
    english, french = (messages_of(language).text("slow_down") for language in ("en", "fr"))
    assert english != french
