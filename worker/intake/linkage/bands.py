"""What a likeness is worth: certain, to be looked at by a person, or nothing.

Rules
1. Another given name is another person, whatever else is the same: families share phones, mailboxes and names, and twins a birthday too.
2. Certain is a pair with a like name *and* the same birth date (or one with day and month swapped) *and* the same phone or e-mail. A family name may differ altogether (marriage) where the
   birth date is the same to the day. Where neither record knows a birth date, the same name, phone and e-mail.
3. A given name with a typing error is never certain: `Maria` and `Marina` may be twins.
4. A record that is certain with two others is certain only where these may be one too, and none contradicts; else a person looks at all three. So does one where only one of two has died.
5. The record that goes on is the one with most appointments, then the one known longest, then the lesser id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Literal

from worker.intake.linkage.records import Record
from worker.intake.linkage.weights import CERTAIN, PROPOSED

Band = Literal["certain", "proposed"]
_LIKE: Final = frozenset({"same", "near", "short"})
_DAY: Final = frozenset({"same", "swapped"})


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two records that may be one patient; `left` is the lesser id. `how` has for each field the level of its likeness, `score` is in bits."""

    left: str
    right: str
    score: float
    how: Mapping[str, str]
    band: Band

    @property
    def pair(self) -> tuple[str, str]:
        """Both ids, the lesser first."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Group:
    """Records that are certainly one patient: the one that goes on, and those that give way."""

    kept: str
    gone: tuple[str, ...]


def band_of(score: float, how: Mapping[str, str]) -> Band | None:
    """The band of one pair by itself (rules 1 to 3); None where it is nothing."""
    if how["name"] == "other" or score < PROPOSED:
        return None
    return "certain" if score >= CERTAIN and _certain(how) else "proposed"


def _certain(how: Mapping[str, str]) -> bool:
    name, birth = how["name"], how["birth"]
    reached = "same" in (how["phone"], how["email"])
    if name in _LIKE and birth in _DAY:
        return reached
    if name == "given" and birth == "same":
        return reached
    return birth == "unknown" and name == "same" and how["phone"] == how["email"] == "same"


def sort_out(
    found: Sequence[Likeness],
    records: Mapping[str, Record],
    never: Collection[frozenset[str]] = (),
    ask: Collection[frozenset[str]] = (),
) -> tuple[Likeness, ...]:
    """The pairs that count: without those that a person said are `never` one; those to `ask` about, and those that do not fit together, are proposed (rule 4)."""
    kept = [one for one in found if frozenset(one.pair) not in never]
    known = {frozenset(one.pair): one for one in kept}
    doubtful: set[frozenset[str]] = {
        pair
        for pair, one in known.items()
        if pair in ask
        or (records[one.left].gone != records[one.right].gone)
        or (one.how["birth"] == "unknown" and _dated(records, pair))
    }
    certain = [one.pair for one in kept if one.band == "certain" and frozenset(one.pair) not in doubtful]
    for members in _together(certain):
        pairs = [frozenset(two) for two in combinations(members, 2)]
        if any(
            pair in doubtful or pair not in known or known[pair].how["birth"] == "other" for pair in pairs
        ):
            doubtful.update(pairs)
    return tuple(
        replace(one, band="proposed") if frozenset(one.pair) in doubtful else one
        for one in sorted(kept, key=lambda one: (-one.score, one.pair))
    )


def groups(found: Iterable[Likeness], records: Mapping[str, Record]) -> tuple[Group, ...]:
    """Who goes on and who gives way, of the certain pairs (rule 5)."""
    certain = [one.pair for one in found if one.band == "certain"]
    made = []
    for members in _together(certain):
        first, *rest = sorted(members, key=lambda one: (-records[one].entries, records[one].since, one))
        made.append(Group(first, tuple(sorted(rest))))
    return tuple(sorted(made, key=lambda group: group.kept))


def _dated(records: Mapping[str, Record], pair: Iterable[str]) -> bool:
    """A birth date is told, though it said nothing (a stopgap) or the other record lacks one."""
    return any(records[one].birth_date for one in pair)


def _together(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The ids that hang together by these pairs, each lot sorted."""
    of: dict[str, set[str]] = {}
    for one, other in pairs:
        joined = of.get(one, {one}) | of.get(other, {other})
        of.update(dict.fromkeys(joined, joined))
    return sorted({tuple(sorted(members)) for members in of.values()})
