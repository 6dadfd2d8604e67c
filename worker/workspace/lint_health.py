"""Health data stays home: no treatment, part of the body, amount or segment in what others may see.

Rules
1. Others may see an SMS, a subject line, a preheader, and the address of a link. There it is an error.
2. The body of an e-mail may name treatments where its front matter says `sensitivity: health`; elsewhere that is a warning.
3. The clinic's own name, places, people and web address are no finding, whatever words they are made of.
4. What an offer says counts where it is printed.
5. `face`, `body` and the like are everyday words: they count beside a word for what is done to them, such as `treatment`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from worker.domain.clinic import Clinic
from worker.domain.source import Problem
from worker.workspace.lint_names import prints
from worker.workspace.lint_text import Finding, Folded, Part, Text, fold
from worker.workspace.offering import Promise
from worker.workspace.word_list import WordList
from worker.workspace.words_of_health import AREAS, EVERYDAY, EVERYDAY_WORD, GENERIC, HARMLESS, TREATMENTS
from worker.workspace.words_of_medicines import PRODUCTS
from worker.workspace.words_to_avoid import MONEY

_HINT: Final = (
    "Others can read this: say it without the treatment, and keep the rest for the body of an e-mail."
)
_SHORT: Final = 3


class Vocabulary:
    """The words that give somebody away in this clinic."""

    def __init__(self, clinic: Clinic, segments: Mapping[str, str] | None = None) -> None:
        """`segments` maps the clinic's segments to their titles."""
        treatments, codes = _catalogue(clinic)
        self._body = WordList([*TREATMENTS, *PRODUCTS, *treatments], HARMLESS)
        self._seen = WordList(
            [*TREATMENTS, *PRODUCTS, *AREAS, *treatments, *_segments(segments or {})], HARMLESS
        )
        # Codes and short names count only as they are written: `LED` is a treatment, `led` a verb.
        self._codes = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, codes)) or '(?!)'})(?![\w-])")
        own = {clinic.name, clinic.address, *clinic.practitioners.values()}
        own |= {place.name for place in clinic.locations.values()} | {
            place.address for place in clinic.locations.values()
        }
        for url in (clinic.booking_url, clinic.review_url):
            host = urlsplit(url).netloc
            own |= {url, url.rstrip("/"), host} if host else set()
        names = sorted(
            {" ".join(fold(name).text.split()) for name in own if name.strip()}, key=len, reverse=True
        )
        self._own = re.compile("|".join(map(re.escape, names))) if names else None

    def seen(self, text: str) -> Iterator[tuple[int, str]]:
        """What others must not see, with its offset: rule 1."""
        folded = self._without_own(text)
        found = dict(self._seen.find(folded))
        plain = self._seen.without_harmless(folded.text)
        for pattern, text_of in ((EVERYDAY, plain), (MONEY, folded.text)):
            for match in pattern.finditer(text_of):
                found.setdefault(folded.origin(match.start()), " ".join(match[0].split()))
        found |= {match.start(): match[0] for match in self._codes.finditer(text)}
        yield from sorted(found.items())

    def treatments(self, text: str) -> Iterator[tuple[int, str]]:
        """Treatments that are named, with their offsets: rule 2."""
        found = dict(self._body.find(self._without_own(text)))
        found |= {match.start(): match[0] for match in self._codes.finditer(text)}
        yield from sorted(found.items())

    def _without_own(self, text: str) -> Folded:
        folded = fold(text)
        if self._own is None:
            return folded
        return Folded(self._own.sub(lambda match: "\0" * len(match[0]), folded.text), folded.offsets)


def health(text: Text, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Rules 1 and 2, as the text is written."""
    for part in text.parts:
        if text.sms or part.seen_by_others:
            for at, words in vocabulary.seen(part.words):
                yield _seen(part, at, words, _where(text, part))
            continue
        taken: set[int] = set()
        for link in part.links:
            address = link[0]
            for at, words in vocabulary.seen(unquote(address)):
                start = link.start() + (at if "%" not in address else 0)
                taken.update(range(*link.span()))
                yield _seen(part, start, words, "the address of a link")
        if text.about_health:
            continue
        named = [(at, words) for at, words in vocabulary.treatments(part.words) if at not in taken]
        if named:
            at, words = named[0]
            more = f", and {len(named) - 1} more" if len(named) > 1 else ""
            yield Finding(part, at).problem(
                "template-sensitivity",
                "warning",
                f"this e-mail names a treatment (`{words}`{more}) and is not marked as touching health",
                "Add `sensitivity: health` between the two ---, or take it out.",
            )


def health_once_filled(
    text: Text, filled: Mapping[str, str], vocabulary: Vocabulary, written: Iterable[Problem]
) -> Iterator[Problem]:
    """What shows only once the values stand in a part that others see. `filled` is by part; `written` are the findings in the text as written."""
    lines = {problem.line for problem in written if problem.code == "template-health"}
    for part in text.open_parts:
        if part.source.tree is None or lines:
            continue
        for _, words in vocabulary.seen(filled.get(part.name, "")):
            yield _seen(
                part, min((start for start, _ in part.source.tags()), default=0), words, _where(text, part)
            )
            break


def health_of_offers(text: Text, offers: Mapping[str, Promise], vocabulary: Vocabulary) -> Iterator[Problem]:
    """Rule 4: what the offers of this text's steps say, where others see it."""
    for part in text.open_parts:
        for printed in prints(part.source):
            if printed.name not in ("offer.text", "offer.code"):
                continue
            places = part.source.find(printed.name, printed.line)
            for name, offer in sorted(offers.items()):
                said = offer.said(text.draft.language)[printed.name.partition(".")[2]]
                for _, words in vocabulary.seen(said):
                    yield Finding(part, places[0] if places else 0).problem(
                        "template-health",
                        "error",
                        f"`{words}` of the offer `{name}` does not belong in {_where(text, part)}",
                        "Print the offer in the body of an e-mail only, or word it without the treatment.",
                    )
                    break


def _seen(part: Part, at: int, words: str, where: str) -> Problem:
    return Finding(part, at).problem(
        "template-health", "error", f"`{words}` does not belong in {where}", _HINT
    )


def _where(text: Text, part: Part) -> str:
    return "an SMS" if text.sms else "a subject line" if part.name == "subject" else "a preheader"


def _catalogue(clinic: Clinic) -> tuple[set[str], set[str]]:
    """Names of services and families, folded; and codes and short names, as they are written. What is no treatment gives nothing away."""
    treated = [service for service in clinic.services.values() if service.counts_as_treatment]
    told = {service.family for service in treated}
    families = told | (clinic.families - {service.family for service in clinic.services.values()})
    names: set[str] = set()
    codes = {
        service.code for service in treated if len(service.code) >= _SHORT and not service.code.isdigit()
    }
    for name in {*(service.name for service in treated), *families}:
        for words in {name, re.split(r"[,(/:]", name)[0]}:
            plain = " ".join(fold(words).text.split())
            if plain in GENERIC or not plain or EVERYDAY_WORD.fullmatch(plain):
                continue
            if len(plain) <= _SHORT:
                codes.add(plain.upper())
            else:
                names |= {plain, f"{plain}s", f"{plain}es"}
    return names, {code for code in codes if code.upper() == code}


def _segments(segments: Mapping[str, str]) -> Iterator[str]:
    """Names of more than one word, and titles; a single word such as `new` or `regular` is everybody's."""
    for name, title in segments.items():
        for words in (name, title):
            if len(fold(words).text.split()) > 1:
                yield words.replace("*", " ")
