"""Telegram's HTML: checked as strictly as Telegram does, and turned into text with entities."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

_TYPES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "a": "text_link", "tg-spoiler": "spoiler",
}  # fmt: skip


class EntityError(ValueError):
    """The text is not what Telegram accepts as HTML."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text and its entities; offsets count UTF-16 units, as Telegram's do."""

    text: str
    entities: list[dict[str, Any]]


def parse_html(source: str) -> Parsed:
    """Parse a message text.

    Raises
    ------
    EntityError
        For an unknown tag, one that is not closed or closed out of order, or a bare ``<``.
    """
    parser = _Parser()
    parser.feed(source)
    parser.close()
    if parser.open:
        raise EntityError(f"can't find end tag corresponding to start tag {parser.open[-1][0]}")
    text = "".join(parser.parts)
    return Parsed(text.strip(), _shift(parser.entities, text))


def utf16_length(text: str) -> int:
    """Return a text's length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _shift(entities: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    lead = utf16_length(text) - utf16_length(text.lstrip())
    length = utf16_length(text.strip())
    shifted = [entity | {"offset": entity["offset"] - lead} for entity in entities]
    return [entity for entity in shifted if 0 <= entity["offset"] < length and entity["length"] > 0]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self.open: list[tuple[str, int, dict[str, str]]] = []
        self.entities: list[dict[str, Any]] = []

    def _offset(self) -> int:
        return utf16_length("".join(self.parts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TYPES:
            raise EntityError(f'unsupported start tag "{tag}"')
        values = {name: value for name, value in attrs if value is not None}
        self.open.append((tag, self._offset(), {"url": values["href"]} if tag == "a" and "href" in values else {}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            raise EntityError(f'unexpected end tag "{tag}"')
        name, offset, extra = self.open.pop()
        entity = {"type": _TYPES[name], "offset": offset, "length": self._offset() - offset}
        self.entities.append(entity | extra)

    def handle_data(self, data: str) -> None:
        if "<" in data:
            raise EntityError("unsupported start tag")
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        # The four named entities Telegram knows; any other is plain text.
        self.parts.append({"lt": "<", "gt": ">", "amp": "&", "quot": '"'}.get(name, f"&{name};"))

    def handle_charref(self, name: str) -> None:
        number = int(name[1:], 16) if name[0] in "xX" else int(name)
        self.parts.append(chr(number))

    def handle_comment(self, data: str) -> None:
        raise EntityError("unsupported start tag")
