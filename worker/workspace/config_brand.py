"""`brand` of config/clinic.yaml: how the clinic's e-mails look."""

from __future__ import annotations

import re
from typing import Any, Final

from worker.domain.clinic import Brand
from worker.domain.kinds import Block, Field, Kind, Parsed
from worker.domain.shape import Reader
from worker.domain.source import Node

READABLE: Final = 4.5
"""The least contrast of a text to its ground (WCAG 2.2, 1.4.3)."""
_COLOUR: Final = "#[0-9a-fA-F]{6}"
_PICTURE: Final = r"https://[A-Za-z0-9._~/%?=&+-]+"


def _text(is_a: str, pattern: str, example: str) -> Kind[str]:
    return Parsed(is_a, lambda text: text if re.fullmatch(pattern, text) else None, pattern, example)


COLOUR: Final = _text("a colour in quotes, as `'#1d4a50'`", _COLOUR, "'#1d4a50'")
BRAND: Final = Block(
    "`brand`",
    {
        "logo": Field(_text("the https address of a picture", _PICTURE, "https://example.com/logo.png"), "A picture above every e-mail.", default="the clinic's name in letters"),
        "colour": Field(COLOUR, "Of headings, links and buttons.", default="a deep green"),
        "accent": Field(COLOUR, "Of the line above the text.", default="sand"),
        "background": Field(COLOUR, "Around the text.", default="a light sand"),
    },
)  # fmt: skip


def brand_of(reader: Reader, found: dict[str, Any], node: Node | None) -> Brand:
    """The brand, with what is left out as it is by default; a colour on which a button can't be read is told."""
    brand = Brand(**found)
    if node is not None and contrast(brand.colour, "#ffffff") < READABLE:
        reader.problem(
            "clinic-contrast",
            node,
            f"white letters on {brand.colour} are hard to read (contrast {contrast(brand.colour, '#ffffff'):.1f}, at least {READABLE} is asked for)",
            "Choose a darker `colour`; headings and buttons have it.",
        )
    return brand


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)
