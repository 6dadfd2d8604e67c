"""What no clinic should claim, in texts and in offers: guarantees, superiority, urgency, treatments without pain, and a reward for bringing others where the law restricts that.

Rules
1. The first four are warnings everywhere: codes of conduct and the laws on misleading advertising speak against them (docs/reference/law.md).
2. A rewarded referral is a text that asks to bring others and speaks of a reward or an offer; it counts where the clinic's law restricts it.
3. What an offer promises is looked at in config/offers.yaml, once for all texts that print it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from worker.domain.law import Law
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Problem, Scalar
from worker.workspace.lint_text import BLANK, Finding, Folded, Text, fold
from worker.workspace.words_of_claims import GUARANTEE, PAINLESS, REFERRAL, REWARD, SUPERIORITY, URGENCY
from worker.workspace.words_to_avoid import PRICE


class Claim(NamedTuple):
    """A finding: its code, where it begins in the text that was folded, what is wrong, the way out."""

    code: str
    at: int
    message: str
    hint: str


_CLAIMS: Final = (
    ("claim-guarantee", GUARANTEE, "promises a result that nobody can promise", "Say what the visit is for, or what it can do; not that it will."),
    ("claim-superiority", SUPERIORITY, "claims to be better than others", "Say what you do, and for whom; leave the comparison to the patient."),
    ("claim-urgency", URGENCY, "hurries the patient, and nobody should be hurried into a treatment", "Take it out; where an offer ends, {{ offer.until }} says when."),
    ("claim-painless", PAINLESS, "makes light of a treatment that may hurt", "Say what is done for comfort, or leave it to the consultation."),
)  # fmt: skip


def claims(text: Text) -> Iterator[Problem]:
    """Rule 1, in every part of a text."""
    for part in text.parts:
        for code, at, message, hint in _claimed(part.prose, part.words):
            yield Finding(part, at).problem(code, "warning", message, hint)


def rewarded_referral(text: Text, law: Law) -> Iterator[Problem]:
    """Rule 2: the request and the reward may stand in different parts."""
    if law.referral_reward:
        return
    asked = [(part, found) for part in text.parts if (found := REFERRAL.search(part.prose.text)) is not None]
    rewarded = text.offers or any(_rewards(part.prose) for part in text.parts)
    if asked and rewarded:
        part, found = asked[0]
        yield Finding(part, part.prose.origin(found.start())).problem(
            "referral-reward", "warning", _REWARDED, _UNPAID
        )


def claims_of_offers(reader: Reader, tree: Node | None, law: Law) -> None:
    """Rule 3, at the text of the offer."""
    for node in offer_texts(tree):
        folded = fold(node.value)
        for code, _, message, hint in _claimed(folded, node.value):
            reader.problem(code, node, message, hint)
        if not law.referral_reward and REFERRAL.search(folded.text):
            reader.problem("referral-reward", node, _REWARDED, _UNPAID)


def offer_texts(tree: Node | None) -> Iterator[Scalar]:
    """The texts of config/offers.yaml as they are written, in every language."""
    offers = tree.get("offers") if isinstance(tree, Map) else None
    for _, offer in offers.entries if isinstance(offers, Map) else ():
        texts = offer.get("text") if isinstance(offer, Map) else None
        for _, text in texts.entries if isinstance(texts, Map) else ():
            if isinstance(text, Scalar):
                yield text


_REWARDED: Final = "this asks to bring others and speaks of a reward, which the law here restricts"
_UNPAID: Final = "Ask without a reward; docs/reference/law.md names the law."


def _claimed(folded: Folded, written: str) -> Iterator[Claim]:
    for code, pattern, wrong, hint in _CLAIMS:
        for match in pattern.finditer(folded.text):
            at, last = folded.origin(match.start()), folded.origin(match.end() - 1)
            said = " ".join(written[at : last + 1].replace(BLANK, " ").split())
            yield Claim(code, at, f"`{said}` {wrong}", hint)


def _rewards(folded: Folded) -> bool:
    return REWARD.search(folded.text) is not None or PRICE.search(folded.text) is not None
