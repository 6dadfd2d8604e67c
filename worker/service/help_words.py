"""The answer to HELP, in the languages that it is written in. It names the clinic, how to reach it, and how to end the messages (CTIA Messaging Principles, 5.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class _Words(NamedTuple):
    with_phone: str
    without: str


_IN: Final[Mapping[str, _Words]] = {
    "en": _Words("{name}: for help call {phone}. Reply STOP to end.", "{name}: reply STOP to end messages."),
    "el": _Words(
        "{name}: για βοήθεια καλέστε {phone}. Στείλτε STOP για διακοπή.",
        "{name}: στείλτε STOP για διακοπή των μηνυμάτων.",
    ),
}


def help_answer(language: str, name: str, phone: str) -> str:
    """One short SMS; English where the language is not written."""
    words = _IN.get(language, _IN["en"])
    return (words.with_phone if phone else words.without).format(name=name, phone=phone)
