"""Markdown of an e-mail as MJML components and as plain text.

Rules
1. A paragraph that is nothing but one link becomes a button; `---` becomes a line.
2. A line break in the source is a line break in the e-mail.
3. HTML in the source is shown as text, pictures are not loaded, only http, https, mailto and tel links work.
4. Plain text shows where each link leads, except for `tel:` and `mailto:`, whose label says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
# Mail programs disagree about default margins, so every element carries its own.
_STYLES = {
    "paragraph_open": "margin:0",
    "heading_open": "margin:0;font-size:inherit;font-weight:inherit;line-height:inherit",
    "bullet_list_open": "margin:0;padding-left:22px",
    "ordered_list_open": "margin:0;padding-left:22px",
    "list_item_open": "margin:0 0 8px 0",
    "blockquote_open": "margin:0;padding-left:16px;font-style:italic",
    "link_open": "color:inherit;text-decoration:underline",
}


def _allowed(url: str) -> bool:
    return urlsplit(url).scheme.lower() in _SCHEMES


_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable("image")
_MARKDOWN.validateLink = _allowed  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The same content twice: MJML components for a column of the layout, and plain text."""

    mjml: str
    text: str


def literal(value: object) -> str:
    """The value with each sign that Markdown could take for formatting escaped; right in a link's address too."""
    return _PUNCTUATION.sub(r"\\\1", str(value))


def render(source: str) -> Rendered:
    """Markdown to MJML and plain text."""
    mjml: list[str] = []
    text: list[str] = []
    for block in _blocks(_MARKDOWN.parse(source)):
        button = _button(block)
        if button is not None:
            href, label = button
            mjml.append(f'<mj-button href="{escapeHtml(href)}">{escapeHtml(label)}</mj-button>')
            text.append(label if _speaks_for_itself(href) else f"{label}:\n{href}")
        elif block[0].type == "hr":
            mjml.append("<mj-divider />")
            text.append("* * *")
        else:
            kind = "heading" if block[0].type == "heading_open" else "words"
            mjml.append(f'<mj-text mj-class="{kind}">{_html(block)}</mj-text>')
            text.append("\n".join(_lines(block)))
    return Rendered("\n".join(mjml), "\n\n".join(text))


def _blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []


def _button(block: Sequence[Token]) -> tuple[str, str] | None:
    children = block[1].children or [] if block[0].type == "paragraph_open" else []
    kinds = [child.type for child in children]
    if kinds[:1] != ["link_open"] or kinds.count("link_open") != 1 or kinds[-1] != "link_close":
        return None
    return str(children[0].attrGet("href") or ""), _inline(children[1:-1])


def _html(block: Sequence[Token]) -> str:
    for token in block:
        for each in (token, *(token.children or ())):
            if each.type in _STYLES:
                unbroken = (
                    ";white-space:nowrap" if _speaks_for_itself(str(each.attrGet("href") or "")) else ""
                )
                each.attrSet("style", _STYLES[each.type] + unbroken)
    return str(_MARKDOWN.renderer.render(block, _MARKDOWN.options, {})).strip()


def _lines(block: Sequence[Token]) -> Iterator[str]:
    counters: list[int] = []
    marker = quote = ""
    for token in block:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            counters.append(int(token.attrGet("start") or 1) if token.type == "ordered_list_open" else 0)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            counters.pop()
        elif token.type == "blockquote_open":
            quote += "> "
        elif token.type == "blockquote_close":
            quote = quote[:-2]
        elif token.type == "list_item_open":
            marker = f"{counters[-1]}. " if counters[-1] else "- "
            counters[-1] += bool(counters[-1])
        elif token.type in ("inline", "fence", "code_block"):
            text = _inline(token.children) if token.type == "inline" else token.content.rstrip("\n")
            indent = quote + "   " * max(0, len(counters) - 1)
            for number, line in enumerate(text.split("\n")):
                hang = marker if number == 0 else " " * len(marker)
                yield f"{indent}{hang}{line}".rstrip()
            if block[0].type == "heading_open":
                yield "-" * len(text)
            marker = " " * len(marker) if counters else ""


def _inline(children: Sequence[Token] | None) -> str:
    out: list[str] = []
    links: list[tuple[str, int]] = []
    for token in children or ():
        if token.type == "link_open":
            links.append((str(token.attrGet("href") or ""), len(out)))
        elif token.type == "link_close":
            href, start = links.pop()
            if not _speaks_for_itself(href) and "".join(out[start:]) != href:
                out.append(f" ({href})")
        else:
            out.append("\n" if token.type in ("softbreak", "hardbreak") else token.content)
    return "".join(out)


def _speaks_for_itself(href: str) -> bool:
    return href.lower().startswith(("tel:", "mailto:"))
