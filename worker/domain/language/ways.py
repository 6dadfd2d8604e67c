"""Steps that lie within steps: the ways of a `listen_for`, a `split`, a `branch`."""

from __future__ import annotations

from typing import Any, Final

from worker.domain.conditions import InSegment
from worker.domain.conditions.grammar import CONDITION
from worker.domain.journey import OTHERWISE, Branch, Case, Step
from worker.domain.kinds import Block, Field, Kind, Name, Ref, Schema, Table, Word
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar, Seq

Steps = tuple[Step, ...]
Ways = tuple[tuple[Scalar, Steps], ...]


def _steps_kind() -> Kind[Steps]:
    from worker.domain.language.steps import StepsKind  # steps hold ways that hold steps

    return StepsKind()


STEPS: Final[Kind[Steps]] = Ref("steps", _steps_kind)


class WaysKind(Kind[Ways]):
    """Names with the steps that follow each; the names keep their places."""

    def __init__(self, key: Kind[str]) -> None:
        self._key = key

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Ways | None:
        """The ways whose names could be read."""
        found: list[tuple[Scalar, Steps]] = []
        for key, inner in reader.entries(node, what):
            if self._key.read(reader, key, what, scope) is None:
                continue
            if isinstance(inner, Scalar) and inner.empty:
                reader.problem(
                    "shape-empty",
                    key,
                    f"`{key.value}` has no steps",
                    "Write them below it, or `[]` for none.",
                )
                continue
            found.append((key, STEPS.read(reader, inner, f"`{key.value}`", scope) or ()))
        return tuple(found)

    def schema(self, scope: Any) -> Schema:
        """A block of lists of steps."""
        return Table("a way", self._key, STEPS).schema(scope)


def _is_otherwise(place: Node) -> bool:
    """Whether a case is written as `otherwise`; one that could not be read still is a case."""
    if isinstance(place, Map):
        return place.get(OTHERWISE) is not None
    return isinstance(place, Scalar) and place.value == OTHERWISE


class BranchKind(Kind[Branch]):
    """By segment: `{segment: steps, otherwise: steps}`. By condition: `[{if: …, then: steps}, {otherwise: steps}]`."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Branch | None:
        """The branch; None after a Problem."""
        cases: list[Case] = []
        if isinstance(node, Map):
            for key, steps in _BY_SEGMENT.read(reader, node, what, scope) or ():
                asked = None if key.value == OTHERWISE else InSegment((key.value,), inside=True)
                cases.append(Case(key.value, asked, steps))
            places: list[Node] = [key for key, _ in node.entries]
        elif isinstance(node, Seq):
            for number, item in enumerate(node.items, start=1):
                case = self._case(reader, item, number, scope)
                if case is not None:
                    cases.append(case)
            places = list(node.items)
        else:
            reader.problem(
                "shape-type",
                node,
                f"{what} takes segments or conditions, each with its steps",
                "For example `branch: {high_value: [...], otherwise: [...]}`.",
            )
            return None
        names = [case.name for case in cases]
        for index, case in enumerate(cases):
            if case.only_if is None and index < len(cases) - 1:
                reader.problem(
                    "branch-otherwise",
                    places[index],
                    "`otherwise` takes everyone, so the cases below it are never reached",
                    "Move it to the end.",
                )
            if case.name in names[:index]:
                reader.problem(
                    "branch-twice",
                    places[index],
                    f"a second case is called `{case.name}`",
                    "Give each case a name of its own.",
                )
        if not [case for case in cases if case.only_if is not None]:
            if not places or all(_is_otherwise(place) for place in places):
                reader.problem(
                    "branch-empty",
                    node,
                    "this branch has no case to choose",
                    "Write at least one segment or condition, or leave the branch out.",
                )
            return None
        return Branch(tuple(cases))

    def _case(self, reader: Reader, node: Node, number: int, scope: Scope) -> Case | None:
        if isinstance(node, Map) and node.get(OTHERWISE) is not None:
            values = _OTHERWISE.read(reader, node, "`otherwise`", scope)
            return Case(OTHERWISE, None, values.get(OTHERWISE, ()))
        values = _CASE.read(reader, node, "a case", scope)
        if "if" not in values:
            return None
        return Case(values.get("name", str(number)), values["if"], values.get("then", ()))

    def schema(self, scope: Any) -> Schema:
        """Both forms."""
        cases = {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [_CASE.schema(scope), _OTHERWISE.schema(scope)]},
        }
        return {"anyOf": [{**_BY_SEGMENT.schema(scope), "minProperties": 1}, cases]}


_BY_SEGMENT: Final = WaysKind(
    Word("a segment", lambda scope: {*scope.segments, OTHERWISE}, "unknown-segment")
)
_CASE: Final = Block(
    "a case of `branch`",
    {
        "if": Field(CONDITION, "What must hold for this way.", required=True),
        "then": Field(STEPS, "The steps of this way; `[]` for none.", required=True),
        "name": Field(Name("a case's name"), "What traces and `revisit show` call it.", default="its number"),
    },
)
_OTHERWISE: Final = Block(
    "the last case", {OTHERWISE: Field(STEPS, "The steps for everyone else; `[]` for none.", required=True)}
)
