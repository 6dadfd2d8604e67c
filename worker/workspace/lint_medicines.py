"""Medicines on prescription, where the law forbids advertising them to the public: in texts, in offers, and in what a journey is about.

Rules
1. Named is an error: a brand, a substance, a service of the clinic that is `rx_only`, a hashtag of one. A word that stands for one is a warning.
2. A text that only care journeys send is about the patient's own visit: there it is a warning.
3. Nothing is found where the clinic's law lets such medicines be advertised.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from worker.domain.clinic import Clinic
from worker.domain.journey import Journey
from worker.domain.law import Law
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Problem, Scalar, Seq, Severity
from worker.workspace.lint_claims import offer_texts
from worker.workspace.lint_text import Finding, Folded, Text, fold
from worker.workspace.word_list import WordList
from worker.workspace.words_of_health import GENERIC
from worker.workspace.words_of_medicines import PRODUCTS, STAND_INS

_HASHTAG: Final = re.compile(r"#(\w+)")
_HINT: Final = "Say “consultation”: what it comes to is decided there. See docs/reference/law.md."
_SHORT: Final = 4


class Medicines:
    """What may not be named in this clinic's marketing; empty where the law has nothing against it."""

    def __init__(self, clinic: Clinic, law: Law) -> None:
        self.restricted = not law.rx_ads
        self._named = WordList([*PRODUCTS, *_services(clinic)])
        self._meant = WordList(STAND_INS)
        bare = (re.sub(r"[\s*]", "", fold(word).text) for word in (*PRODUCTS, *STAND_INS))
        self._tags = tuple(sorted(word for word in bare if len(word) > _SHORT))

    def find(self, folded: Folded) -> Iterator[tuple[int, str, Severity]]:
        """Where one is named or meant, the words, and how bad it is in marketing."""
        if not self.restricted:
            return
        told: dict[int, tuple[str, Severity]] = {
            at: (words, "warning") for at, words in self._meant.find(folded)
        }
        told |= {at: (words, "error") for at, words in self._named.find(folded)}
        for match in _HASHTAG.finditer(folded.text):
            if folded.origin(match.start(1)) not in told and any(word in match[1] for word in self._tags):
                told[folded.origin(match.start())] = (match[0], "error")
        for at, (words, severity) in sorted(told.items()):
            yield at, words, severity


def medicines(text: Text, known: Medicines, purposes: Collection[str] | None) -> Iterator[Problem]:
    """Rules 1 and 2. `purposes` are those of the journeys that send the text; None where that is not known."""
    care = purposes is not None and set(purposes) == {"care"}
    for part in text.parts:
        for at, words, severity in known.find(fold(part.words)):
            yield Finding(part, at).problem(
                "rx-advertised", "warning" if care else severity, _said(words, severity), _HINT
            )


def medicines_of_offers(reader: Reader, tree: Node | None, known: Medicines) -> None:
    """Rule 1 for what an offer promises."""
    for node in offer_texts(tree):
        for _, words, severity in known.find(fold(node.value)):
            reader.problem("rx-advertised", node, _said(words, severity), _HINT, severity)


def journeys_of_medicines(
    reader: Reader, clinic: Clinic, law: Law, journeys: Iterable[Journey], nodes: Mapping[str, Node]
) -> None:
    """Marketing journeys that are about nothing but prescription medicines, whatever their texts say."""
    if law.rx_ads:
        return
    bound: dict[str, list[bool]] = {}
    for service in clinic.services.values():
        bound.setdefault(service.family, []).append(service.rx_only)
    for journey in journeys:
        only = [family for family in journey.families if all(bound.get(family, (False,)))]
        if journey.purpose == "marketing" and only and len(only) == len(journey.families):
            reader.problem(
                "journey-rx",
                _families(nodes[journey.name]),
                f"this marketing journey is about {', '.join(f'`{each}`' for each in only)}: prescription medicines, which may not be advertised to the public",
                "Make it about the consultation, in `about` and in its texts; or make it care, about the patient's own visit.",
            )


def _families(node: Node) -> Node:
    about = node.get("about") if isinstance(node, Map) else None
    families = about.get("families") if isinstance(about, Map) else None
    if isinstance(families, Seq) and families.items:
        return families.items[0]
    return families if isinstance(families, Scalar) else about or node


def _said(words: str, severity: Severity) -> str:
    what = "is a prescription medicine" if severity == "error" else "is taken to mean a prescription medicine"
    return f"`{words}` {what}, which may not be advertised to the public"


def _services(clinic: Clinic) -> Iterator[str]:
    """Names of services that are `rx_only`, whole and up to a comma or a bracket."""
    for service in clinic.services.values():
        for words in {service.name, re.split(r"[,(/:]", service.name)[0]} if service.rx_only else ():
            plain = " ".join(fold(words).text.split()).replace("*", " ")
            if len(plain) > 2 and plain not in GENERIC:
                yield plain
