"""The words about courses of treatment and what goes well with what: `series`, `complement`."""

from __future__ import annotations

from typing import Any, ClassVar, Final, cast

from worker.domain.conditions import Condition
from worker.domain.conditions.courses import Series, State, Untried
from worker.domain.conditions.grammar_visits import FAMILIES
from worker.domain.kinds import (
    Block,
    Either,
    Field,
    Kind,
    Schema,
    Word,
)
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Node

SERIES: Final[tuple[State, ...]] = ("open", "finished", "none")


def _of_families(name: str, about: str, word: Word, says: str, of: str, hint: str) -> Kind[Any]:
    """A word alone, or a block that says of which families; `says` and `of` explain its keys."""
    block = Block(
        f"`{name}`",
        {
            "is": Field(word, says, required=True),
            "of": Field(Block("`of`", {"families": FAMILIES}), of, default="all"),
        },
    )
    return Either(about, scalar=word, block=block, hint=hint)


class ComplementKind(Kind[Condition]):
    """`complement: untried`, or for some families only: `complement: {of: {families: [toxin]}, is: untried}`."""

    form: ClassVar[Kind[Any]] = _of_families(
        "complement", "a complement", Word("what a complement may be", ("untried",)), "Only `untried`.",
        "The families whose complements are meant.", "Write `untried`.",
    )  # fmt: skip

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Condition | None:
        """The families that are meant, with their complements."""
        found = self.form.read(reader, node, what, scope)
        if found is None:
            return None
        families = _families_of(found)
        pairs = ((family, others) for family, others in sorted(scope.clinic.complements.items()) if others)
        return Untried(tuple(pair for pair in pairs if not families or pair[0] in families))

    def schema(self, scope: Any) -> Schema:
        """Either form."""
        return self.form.schema(scope)


class SeriesKind(Kind[Condition]):
    """`series: open`, or of some families only: `series: {of: {families: [laser_hair]}, is: open}`."""

    form: ClassVar[Kind[Any]] = _of_families(
        "series", "the state of a course", Word("the state of a course", SERIES), "`open`, `finished` or `none`.",
        "The families whose courses are meant.", "Write `open`, `finished` or `none`.",
    )  # fmt: skip

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Condition | None:
        """The courses that are meant, as the catalogue has them."""
        found = self.form.read(reader, node, what, scope)
        if found is None:
            return None
        families, state = _families_of(found), found.get("is") if isinstance(found, dict) else found
        courses = {
            (s.family, s.series) for s in scope.clinic.services.values() if s.series and s.counts_as_treatment
        }
        if state is None:
            return None
        meant = tuple(sorted(course for course in courses if not families or course[0] in families))
        if not meant:
            reader.problem(
                "condition-series",
                node,
                f"no service{f' of {families[0]}' if families else ''} in config/services.yaml has a `series`, so there are no courses to speak of",
                "Give its services a `series: 6` there, or ask for `visits: {of: …, is: 1 to 5}` here.",
            )
        return Series(state, meant)

    def schema(self, scope: Any) -> Schema:
        """Either form."""
        return self.form.schema(scope)


def _families_of(found: Any) -> tuple[str, ...]:
    return cast(tuple[str, ...], found.get("of", {}).get("families", ())) if isinstance(found, dict) else ()


COMPLEMENT: Final = ComplementKind()
SERIES_OF: Final = SeriesKind()
