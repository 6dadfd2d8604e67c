"""Consent and suppression: the first of the step's channels that the patient has, that consent allows and that no suppression closes.

Where the law asks for it, marketing that chooses patients by their treatments needs their leave for that too (purpose `health_profiling`), on the same channel.
"""

from __future__ import annotations

from typing import Final

from worker.domain.gate.mode import kept_in
from worker.domain.gate.profiling import chooses_by_treatment
from worker.domain.gate.question import ADDRESS_FIELD, Drop, DropCode, Go, Question


def channel(q: Question) -> Go | Drop:
    """Where it goes, or why nowhere: each channel with its reason, and the code of the strongest."""
    profiled = (
        q.marketing and q.rules.law(q.facts).profiling and chooses_by_treatment(q.journey, q.rules.segments)
    )
    reasons: list[str] = []
    codes: set[DropCode] = set()
    for name in q.message.channels:
        address = q.facts.profile(ADDRESS_FIELD[name])
        allowed, why = q.facts.consent(name, q.message.purpose)
        if not address:
            codes.add("no_address")
            reasons.append(f"{name}: no {ADDRESS_FIELD[name]} on record")
        elif not allowed:
            codes.add("no_consent")
            reasons.append(f"{name}: no leave for {q.message.purpose} ({why})")
        elif profiled and not q.facts.allows(name, "health_profiling"):
            codes.add("no_profiling")
            reasons.append(f"{name}: no leave to be chosen by treatment")
        elif (name, address) in q.outside.suppressed:
            codes.add("suppressed")
            reasons.append(f"{name}: this address must not be written to")
        else:
            return Go(name, address, rehearsal=kept_in(q.rules.clinic, address))
    strongest: DropCode = next((code for code in _STRENGTH if code in codes), "no_address")
    return Drop(strongest, "; ".join(reasons) or "the step names no channel")


_STRENGTH: Final[tuple[DropCode, ...]] = ("suppressed", "no_consent", "no_profiling")
