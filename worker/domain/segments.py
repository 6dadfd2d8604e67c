"""Segments: named conditions, the lifecycle, and the moment at which time alone changes one.

Rules
1. The lifecycle is exclusive: the first stage whose condition holds; the last is `otherwise`.
2. Stages are segments too, so a condition may speak of them; a segment must not speak of itself, directly or through others.
3. `next_change` is exact: the first clinic-local midnight at which a brute-force look would find a change. It tries the days that the conditions name, in order.
4. A journey that starts by `enters` with `if` is watched like a segment, so that it fires when both become true together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Final

from worker.domain.conditions import AllOf, Condition, InSegment, Look, NoneOf
from worker.domain.conditions.circuit import Circuit, Seen, Sight
from worker.domain.conditions.grammar import CONDITION, CONDITION_BLOCK, Scope, parse_condition
from worker.domain.facts import Facts
from worker.domain.history import Contact, Enrollment
from worker.domain.kinds import TEXT, Block, Field, Kind, Name, Schema, described
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar, Seq

MAX_CHAIN = 20


@dataclass(frozen=True)
class Segments:
    """All segments of a clinic.

    `asked` maps each stage, in order, to its own condition; `named` every segment, stages included, to all that must hold (for a stage: also none of
    the stages before it); `watched` are the journeys' starts.
    """

    asked: Mapping[str, Condition] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, Condition] = field(default_factory=dict)
    watched: Mapping[str, Condition] = field(default_factory=dict)

    @property
    def stages(self) -> tuple[str, ...]:
        """The lifecycle stages in order."""
        return tuple(self.asked)

    def look(
        self,
        facts: Facts,
        today: date,
        enrollments: Sequence[Enrollment] = (),
        contacts: Sequence[Contact] = (),
    ) -> Look:
        """A look at a patient on a day. Segments ask for no runs and no messages; starts of journeys may."""
        return Look(facts, today, self.named, enrollments, contacts)

    @cached_property
    def _circuit(self) -> Circuit:
        return Circuit(self.named, self.watched)

    def sight(self, look: Look, seen: Seen | None = None) -> Sight:
        """All segments, and journeys' starts as `start:NAME`, decided for one patient on one day. `seen` is of an earlier look at the same patient under the same rules."""
        return self._circuit.look(look, seen)

    def members(self, look: Look) -> frozenset[str]:
        """The segments that the patient is in; journeys' starts as `start:NAME`."""
        return self.sight(look).members()

    def why_not(self, name: str, look: Look) -> str | None:
        """None where the patient is in the segment, else why not, in words. Raises KeyError for an unknown segment."""
        return self.named[name].why_not(look)

    def next_change(self, look: Look) -> date | None:
        """The first day after `look.today` on which time alone changes a membership, as `Sight.next_change` finds it."""
        return self.sight(look).next_change()

    def watching(self, starts: Mapping[str, Condition]) -> Segments:
        """The same, also watching these starts of journeys."""
        return replace(self, watched={f"start:{name}": condition for name, condition in starts.items()})


class StagesKind(Kind[list[tuple[Scalar, Node]]]):
    """An ordered list of `name: {conditions}`, the last `name: otherwise`. Reads to what stands there, since stages may speak of segments further down."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> list[tuple[Scalar, Node]]:
        """Name and node of each stage."""
        found: list[tuple[Scalar, Node]] = []
        if isinstance(node, Seq) and not node.items:
            reader.problem("shape-empty", node, "there is no stage", "Write at least `- all: otherwise`.")
        for item in reader.items(node, what):
            if isinstance(item, Map) and len(item.entries) == 1:
                found.append(item.entries[0])
            else:
                reader.problem(
                    "shape-type",
                    item,
                    "a stage is one `name: {conditions}`",
                    "For example `- new: {visits: exactly 1}`.",
                )
        return found

    def schema(self, scope: Any) -> Schema:
        """A list of blocks of one key."""
        stage: Schema = {
            "type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": SEGMENT_NAME.schema(scope),
            "additionalProperties": {"anyOf": [{"const": OTHERWISE}, CONDITION.schema(scope)]},
        }  # fmt: skip
        return {"type": "array", "minItems": 1, "items": stage}


class FreeKind(Kind[list[tuple[Scalar, Node]]]):
    """Free segments by name: conditions and a `title`. Reads to what stands there."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> list[tuple[Scalar, Node]]:
        """Name and node of each."""
        return reader.entries(node, what)

    def schema(self, scope: Any) -> Schema:
        """A table of conditions, each with the title among them."""
        one = CONDITION_BLOCK.schema(scope)
        one["properties"] = {"title": described(TITLE, scope), **one["properties"]}
        return {"type": "object", "propertyNames": SEGMENT_NAME.schema(scope), "additionalProperties": one}


OTHERWISE: Final = "otherwise"
SEGMENT_NAME: Final = Name("a segment")
TITLE: Final = Field(TEXT, "What people read.", default="the name")
SEGMENTS: Final = Block(
    "config/segments.yaml",
    {
        "lifecycle": Field(
            StagesKind(),
            "The stages from the top: a patient is in the first that fits. The last is `otherwise`.",
            required=True,
        ),
        "segments": Field(FreeKind(), "Free segments by name; a patient may be in any number of them."),
    },
)


def parse_segments(reader: Reader, node: Node | None, scope: Scope) -> Segments:
    """config/segments.yaml."""
    fields = SEGMENTS.read(reader, node, "config/segments.yaml", scope)
    stage_nodes: list[tuple[Scalar, Node]] = fields.get("lifecycle", [])
    free: list[tuple[Scalar, Node]] = fields.get("segments", [])
    names: dict[str, Scalar] = {}
    for key in (*(key for key, _ in stage_nodes), *(key for key, _ in free)):
        SEGMENT_NAME.read(reader, key, "a segment", scope)
        if key.value in names:
            reader.problem(
                "segment-twice", key, f"a second segment is called `{key.value}`", "Choose another name."
            )
        names[key.value] = key
    scope = replace(scope, segments=frozenset(names), segment=True)
    stages: list[tuple[str, Condition]] = []
    titles = {name: name.replace("_", " ") for name in names}
    for key, value in stage_nodes:
        stages.append((key.value, _stage(reader, key, value, scope, last=key is stage_nodes[-1][0])))
    named: dict[str, Condition] = {}
    for index, (name, condition) in enumerate(stages):
        before = tuple(other for _, other in stages[:index])
        named[name] = AllOf(
            (condition, NoneOf(before, tuple(f"the stage {other}" for other, _ in stages[:index])))
        )
    for key, value in free:
        if isinstance(value, Map):
            title = next((v for k, v in value.entries if k.value == "title"), None)
            if isinstance(title, Scalar) and title.empty:
                reader.problem("shape-empty", title, "`title` has no value", "Write one, or remove the key.")
            elif title is not None:
                titles[key.value] = TITLE.kind.read(reader, title, "`title`", scope) or titles[key.value]
            value = Map(tuple((k, v) for k, v in value.entries if k.value != "title"), value.place)
        named[key.value] = parse_condition(reader, value, scope, f"segment `{key.value}`")
    _no_circles(reader, named, names)
    return Segments(dict(stages), titles, named)


def _stage(reader: Reader, key: Scalar, value: Node, scope: Scope, *, last: bool) -> Condition:
    otherwise = isinstance(value, Scalar) and value.value == OTHERWISE
    if otherwise and not last:
        reader.problem(
            "lifecycle-otherwise",
            key,
            f"`{key.value}: otherwise` takes everyone, so the stages below it are never reached",
            "Move it to the end.",
        )
    if last and not otherwise:
        reader.problem(
            "lifecycle-otherwise",
            key,
            "the last stage must be `otherwise`, so that every patient has one",
            f"Write `{key.value}: otherwise`, or add a last stage.",
        )
    return AllOf(()) if otherwise else parse_condition(reader, value, scope, f"stage `{key.value}`")


def _no_circles(reader: Reader, named: Mapping[str, Condition], names: Mapping[str, Scalar]) -> None:
    """Each segment is walked through once; a segment met again on the way down closes a circle."""
    depth: dict[str, int] = {}

    def walk(name: str, path: tuple[str, ...]) -> int:
        """How many segments rest on one another from here down."""
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            reader.problem(
                "segment-circle",
                names[name],
                f"`{name}` depends on itself: {circle}",
                "Take one of these out.",
            )
            return 0
        if name not in depth:
            if len(path) > 10 * MAX_CHAIN:
                return MAX_CHAIN + 1  # what is far too long need not be walked to its end
            below = [walk(other, (*path, name)) for other in named[name].segments() if other in named]
            depth[name] = 1 + max(below, default=0)
        return depth[name]

    for name in named:
        if walk(name, ()) > MAX_CHAIN:
            reader.problem(
                "segment-chain",
                names[name],
                f"`{name}` rests on more than {MAX_CHAIN} segments that rest on one another",
                "Write its conditions out.",
            )


def start_condition(segment: str, only_if: Condition | None) -> Condition:
    """What is watched for `enters: segment` with `if`."""
    return AllOf((InSegment((segment,), inside=True), *((only_if,) if only_if is not None else ())))
