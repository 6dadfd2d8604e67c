"""What a text says that it should not: a reproach, a price that no offer stands behind, a keyword that belongs to the carriers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from worker.domain.source import Problem
from worker.workspace.lint_text import BLANK, Finding, Folded, Part, Text
from worker.workspace.words_to_avoid import KEYWORDS, MONEY, PRICE, REPROACH

_ASKS: Final = r"reply|text|send|write|answer|respond|στείλτε|απαντήστε|γράψτε|στειλτε|απαντηστε|γραψτε|ΣΤΕΙΛΤΕ|ΑΠΑΝΤΗΣΤΕ|ΓΡΑΨΤΕ"
_FILLING: Final = (
    r"(?:\s+(?:us|back|with|the\s+words?|a|simply|just|only|μας|με|τη\s+λέξη|τη\s+λεξη|μόνο|απλά|or))*"
)
_WORDS: Final = "|".join(sorted(KEYWORDS, key=len, reverse=True))
_ASKED = re.compile(
    rf"(?i:(?<!\w)(?:{_ASKS}){_FILLING})\s+[\"'“”«‘’]?(?P<word>{_WORDS})[\"'“”»‘’]?(?![\w-])"
    rf"|(?<![\w\"'])[\"'“”«]?(?P<bare>CANCEL|END|QUIT|YES)[\"'“”»]?\s+(?=(?:to|for|if|για|αν|εάν)(?!\w))"
)
_ASKED_IN_SMALL = re.compile(
    rf"(?i:(?<!\w)(?:reply|text){_FILLING})\s+[\"'“”«‘’]?(?P<word>(?i:cancel|end|quit|stop|yes))[\"'“”»‘’]?(?![\w-])"
)
_ASKED_IN_QUOTES = re.compile(
    rf"(?i:(?<!\w)(?:{_ASKS}){_FILLING})\s+[\"'“”«‘’](?P<word>(?i:cancel|end|quit|stop|yes))[\"'“”»‘’](?![\w-])"
)
_BOUNDS: Final = f".!?;:\n{BLANK}"
_SENTENCE_END = re.compile(r"[.!?;\n]|$")
_STOPS = re.compile(
    r"(?i)(?<!\w)(?:stop|unsubscribe|opt|no (?:more|further)|leave|end (?:these|our|all)|remove|διακοπ|διαγραφ|σταματ|να μη)"
)
_ALLOWS = re.compile(r"(?i)(?<!\w)(?:again|subscribe|opt|messages|restart|resume|hear from|ξανά|μηνύματα)")
_HELPS = re.compile(r"(?i)(?<!\w)(?:help|info|information|support|questions?|βοήθεια|πληροφορίες)")
_VISIT = re.compile(
    r"(?i)(?<!\w)(?:appointments?|bookings?|visits?|sessions?|confirm\w*|reschedul\w*|ραντεβού|επίσκεψ\w*|κράτησ\w*|επιβεβαι\w*|συνεδρί\w*)"
)
_ENDING: Final = frozenset({"CANCEL", "END", "QUIT", "STOP", "STOPALL", "UNSUBSCRIBE", "OPTOUT", "REVOKE"})
_PLAIN_ENDING: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "OPTOUT"})
_NEAR: Final = 40
_ALLOWING: Final = frozenset({"YES", "START", "UNSTOP"})


def reproaches(text: Text) -> Iterator[Problem]:
    """What sounds like a reproach."""
    for part in text.parts:
        for match in REPROACH.finditer(part.prose.text):
            words, at = _said(part, part.prose, match)
            yield Finding(part, at).problem(
                "template-reproach",
                "warning",
                f"`{words}` reads like a reproach",
                "Write what is in it for the patient: something new, an answer, a welcome.",
            )


def prices(text: Text) -> Iterator[Problem]:
    """A price or the promise of one, in a text that speaks of no offer."""
    if text.offers:
        return
    for part in text.parts:
        taken: set[int] = set()
        for pattern in (MONEY, PRICE):
            for match in pattern.finditer(part.prose.text):
                if taken & set(range(*match.span())):
                    continue
                taken.update(range(*match.span()))
                said, at = _said(part, part.prose, match)
                yield Finding(part, at).problem(
                    "template-price",
                    "warning",
                    f"`{said}` promises a price, and this text speaks of no offer",
                    "Put it into config/offers.yaml with who approved it, name it in the step by `offer: …`, and print {{ offer.text }} here.",
                )


def keywords(text: Text) -> Iterator[Problem]:
    """An answer that is asked for, and that carriers take for an end or a beginning of all messages."""
    for part in text.parts:
        if not text.sms and part.name != "body":
            continue
        words = part.words
        found = {match.start(): match for match in _ASKED.finditer(words)}
        if text.sms:
            for match in (*_ASKED_IN_SMALL.finditer(words), *_ASKED_IN_QUOTES.finditer(words)):
                found.setdefault(match.start(), match)
        for match in found.values():
            group = "bare" if match.groupdict().get("bare") else "word"
            word = match[group].upper()
            end = _SENTENCE_END.search(words, match.end())
            after = words[match.end() : end.start() if end else None]
            begin = max(words.rfind(mark, 0, match.start()) for mark in _BOUNDS) + 1
            if _taken(
                word,
                f"{words[begin : match.start()]} {after}",
                f"{words[max(0, match.start() - _NEAR) : match.start()]} {after}",
            ):
                yield Finding(part, match.start(group)).problem(
                    "template-optout-keyword",
                    "error",
                    f"carriers take the answer {word} for {_means(word)}, not for what this text asks",
                    "Ask for another word, such as OK or the letter A, or give a link.",
                )


def _taken(word: str, sentence: str, near: str) -> bool:
    """Whether the answer would be taken for something else than what the text asks. `near` reaches back beyond the sentence: "Stop? Reply END"."""
    if word in _ENDING:
        about_visit = _VISIT.search(sentence) is not None
        return about_visit if word in _PLAIN_ENDING else about_visit or not _STOPS.search(near)
    return not (_ALLOWS if word in _ALLOWING else _HELPS).search(near)


def _means(word: str) -> str:
    if word in _ENDING:
        return "the end of all messages"
    return "leave to write again" if word in _ALLOWING else "a question to themselves"


def _said(part: Part, folded: Folded, match: re.Match[str]) -> tuple[str, int]:
    at, last = folded.origin(match.start()), folded.origin(match.end() - 1)
    return " ".join(part.words[at : last + 1].replace(BLANK, " ").split()), at
