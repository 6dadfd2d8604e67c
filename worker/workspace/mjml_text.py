"""The plain text of an e-mail that is a whole MJML document: what a reader sees of it, in order.

Rules
1. Words stand in `mj-text`, `mj-button`, `mj-table` and in the `alt` of pictures; the head, styles and raw HTML are not words.
2. A button is its label and its address; a link among words shows its address behind it, except for `tel:` and `mailto:`.
3. Headings, paragraphs, list items and table rows each begin a line; `mj-divider` is a line of its own.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_HIDDEN: Final = frozenset({"mj-head", "mj-style", "style", "script", "mj-raw"})
_PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "ul", "ol", "table", "blockquote"})
_LINES: Final = frozenset({"br", "li", "tr", "div"})
_BLOCKS: Final = frozenset(
    {
        "mj-text",
        "mj-button",
        "mj-table",
        "mj-navbar-link",
        "mj-social-element",
        "mj-accordion-title",
        "mj-accordion-text",
    }
)
_BLANKS = re.compile(r"[ \t\r\n\u00a0\u034f\u200c]+")


def plain(document: str) -> str:
    """The plain text; paragraphs are parted by an empty line."""
    reader = _Words()
    reader.feed(document)
    reader.close()
    text = "".join(reader.out)
    lines = (line.strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._hidden = 0
        self._depth = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag == "mj-divider":
            self.out.append("\n\n* * *\n\n")
        elif tag in ("mj-image", "img") and told.get("alt"):
            self.out.append(f"\n\n{told['alt']}\n\n")
        elif tag in _PARAGRAPHS or tag in _BLOCKS:
            self.out.append("\n\n")
        elif tag in _LINES:
            self.out.append("\n- " if tag == "li" else "\n")
        if tag in _BLOCKS:
            self._depth += 1
        if tag == "a" or tag in ("mj-button", "mj-navbar-link", "mj-social-element"):
            self._links.append((told.get("href", ""), len(self.out)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HIDDEN and tag not in _BLOCKS:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        if self._links and (tag == "a" or tag in ("mj-button", "mj-navbar-link", "mj-social-element")):
            href, start = self._links.pop()
            label = "".join(self.out[start:]).strip()
            if href and not href.lower().startswith(("tel:", "mailto:")) and label != href:
                self.out.append(f" ({href})" if tag == "a" else f":\n{href}")
        if tag in _BLOCKS:
            self._depth = max(0, self._depth - 1)
        if tag in _PARAGRAPHS or tag in _BLOCKS:
            self.out.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden and self._depth:
            self.out.append(_BLANKS.sub(" ", data))
