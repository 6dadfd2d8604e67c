"""What a patient's reply says: leave, come back, help, harm, or something for a person to read.

Rules
1. A keyword that is the whole message acts by itself; the same wish in other words acts too, and a person is shown it (`keyword` is False).
2. Leaving comes first: a text that asks to stop and asks something else has asked to stop.
3. Only an explicit word, alone, comes back (`START`). `YES` is an answer.
4. Harm is heard beside everything else, whatever the kind.
5. Any text has an answer; none is slow, because only so much of it is read (`folding.READ`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from worker.domain.words_heard.folding import clauses, fold, is_greek
from worker.domain.words_heard.matching import harms, keyword, leaves_in_own_words, only_stop_signs

Kind = Literal["opt_out", "opt_in", "help", "nothing", "reply"]


@dataclass(frozen=True)
class Heard:
    """What was heard in one reply."""

    kind: Kind
    keyword: bool
    """True when the whole message is a keyword; an `opt_out` without one is shown to a person."""
    harm: tuple[str, ...]
    """Codes of harm, sorted: `("burn", "swelling")`; the tables are in `words_heard.harm`."""
    language: str | None
    """`el` or `en`: the language of what was understood. None when nothing was and no letter is Greek."""


def hear(text: str) -> Heard:
    """What a patient's reply says. Any reasonable way of leaving counts, as 47 CFR 64.1200(a)(10) asks.

    An empty text is `nothing`; one without words (`👍`) is a `reply`, unless it is a stop sign.
    """
    said = clauses(text)
    if not said:
        leaves = only_stop_signs(text)
        return Heard("opt_out" if leaves else "reply" if fold(text).strip() else "nothing", False, (), None)
    harm = harms(said)
    languages: set[str] = set(harm.values())
    kind: Kind = "reply"
    whole = keyword(said)
    if whole is not None:
        kind = whole.kind
        languages.add(whole.language)
    elif (language := leaves_in_own_words(said)) is not None:
        kind = "opt_out"
        languages.add(language)
    greek = "el" in languages or any(is_greek(token.word) for clause in said for token in clause)
    return Heard(
        kind, whole is not None and whole.sure, tuple(harm), "el" if greek else "en" if languages else None
    )
