"""The tables asked about one reply: keyword, leaving in own words, harm.

Rules
1. Each answer comes with its language, `el` or `en`: that of the words that were heard, so that Greeklish is Greek.
2. What is an idiom is taken out first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from worker.domain.words_heard import harm, keywords, leaving
from worker.domain.words_heard.folding import Clause, Token, fold
from worker.domain.words_heard.phrases import Phrase, Words, without

Language = Literal["el", "en"]
Keyword = Literal["opt_out", "opt_in", "help"]


class Found(NamedTuple):
    """A keyword that is the whole message."""

    kind: Keyword
    sure: bool
    """False where it may be meant of an appointment."""
    language: Language


def keyword(said: tuple[Clause, ...]) -> Found | None:
    """The keyword that the whole message is, courtesies aside; for coming back they are not aside."""
    every = tuple(token for clause in said for token in clause)
    bare = _but(every, keywords.COURTESIES, keywords.ANSWERS)
    if not bare:
        return None
    if all(_leaves(token) for token in bare):
        sure = len(bare) == len(every) or not any(token in keywords.OF_AN_APPOINTMENT_TOO for token in bare)
        listed = keywords.LEAVE_ANYWHERE if bare[0] in keywords.LEAVE_ANYWHERE else keywords.LEAVE_ALONE
        return Found("opt_out", sure, _language(listed, bare[0]))
    if any(phrase.spans(bare) for phrase in keywords.LEAVE_IN_TWO):
        return Found("opt_out", True, "en")
    if len(every) == 1 and every[0] in keywords.RETURN:
        return Found("opt_in", True, _language(keywords.RETURN, every[0]))
    if all(token in keywords.HELP for token in bare):
        return Found("help", True, _language(keywords.HELP, bare[0]))
    return None


def only_stop_signs(text: str) -> bool:
    """True for 🛑 and its like, without a word."""
    return any(sign in fold(text) for sign in keywords.STOP_SIGNS)


def leaves_in_own_words(said: tuple[Clause, ...]) -> Language | None:
    """The language in which one clause asks not to be written to; None when none does."""
    if len(said) == 1 and any(phrase.spans(_trimmed(said[0])) for phrase in leaving.ALONE):
        return "en"
    for clause in said:
        left = without(_trimmed(clause), leaving.IDIOMS)
        bare = _but(left, keywords.ANSWERS)
        if bare and all(token in keywords.LEAVE_ANYWHERE for token in bare):
            return _language(keywords.LEAVE_ANYWHERE, bare[0])
        for phrase in leaving.WORDS_OF_LEAVING:
            spans = phrase.spans(left)
            if spans:
                return _spoken(phrase, left, spans)
    return None


def harms(said: tuple[Clause, ...]) -> dict[str, Language]:
    """Codes of harm, sorted, each with the language it was heard in."""
    found: dict[str, Language] = {}
    denied_before = False
    for clause in said:
        left = without(clause, harm.IDIOMS)
        listed = denied_before and any(token in harm.OR for token in clause) and _only_harm(clause)
        denied_before = False
        for at, token in enumerate(left):
            for code, words in harm.WORDS.items():
                if token in words:
                    if listed or _denied(left, at):
                        denied_before = True
                    else:
                        found.setdefault(code, _language(words, token))
        for code, told in harm.PHRASES.items():
            for phrase in told:
                spans = phrase.spans(left)
                if any(not _denied(left, begin) for begin in spans.values()):
                    found.setdefault(code, _spoken(phrase, left, spans))
    return dict(sorted(found.items()))


def _leaves(token: Token) -> bool:
    return token in keywords.LEAVE_ANYWHERE or token in keywords.LEAVE_ALONE


def _is_harm(token: Token) -> bool:
    return any(token in words for words in harm.WORDS.values())


def _only_harm(clause: Clause) -> bool:
    return all(token in harm.CARRIES or _is_harm(token) for token in clause)


def _denied(clause: Clause, at: int) -> bool:
    """True when the words before `at` lead back to a denial."""
    if at + 1 < len(clause) and clause[at + 1] in harm.COMPARES:
        return False
    things = True
    for token in reversed(clause[:at]):
        if token in harm.DENIES:
            return True
        if token in harm.DENIES_A_THING:
            return things
        if not _is_harm(token):
            if token not in harm.CARRIES and token not in harm.THINGS:
                return False
            things = things and token in harm.THINGS
    return False


def _trimmed(clause: Clause) -> Clause:
    """The clause without the courtesies at its ends."""
    begin, end = 0, len(clause)
    while begin < end and clause[begin] in keywords.COURTESIES:
        begin += 1
    while end > begin and clause[end - 1] in keywords.COURTESIES:
        end -= 1
    return clause[begin:end]


def _but(tokens: Iterable[Token], *lists: Words) -> Clause:
    return tuple(token for token in tokens if not any(token in words for words in lists))


def _language(words: Words, token: Token) -> Language:
    return "el" if words.greek(token) else "en"


def _spoken(phrase: Phrase, clause: Clause, spans: dict[int, int]) -> Language:
    return _language(phrase.parts[0][1], clause[min(spans.values())])
