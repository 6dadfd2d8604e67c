"""The steps of a journey: one verb each, in a list; what can't be reached is told."""

from __future__ import annotations

from typing import Any, Final

from worker.domain.calendar import Span
from worker.domain.journey import Step, Stop
from worker.domain.kinds import Block, Kind, Ref, Schema
from worker.domain.language.verbs import VERBS
from worker.domain.language.ways import STEPS, Steps
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Place, Scalar, Seq

__all__ = ["STEPS", "VERBS", "StepKind", "StepsKind"]


class StepsKind(Kind[Steps]):
    """A list of steps; `[]` is none."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Steps | None:
        """The steps that could be read; what can't be reached is told."""
        if not isinstance(node, Seq):
            reader.problem(
                "shape-type", node, f"{what} must be a list of steps", "Begin each step with a dash."
            )
            return None
        steps: list[Step] = []
        for item in node.items:
            if steps and _ends(steps[-1]):
                last = steps[-1].id
                said = (
                    f"`{last}` stops before it"
                    if isinstance(steps[-1].action, Stop)
                    else f"every way of `{last}` stops before it"
                )
                name = _id_of(item)
                reader.problem(
                    "step-unreachable",
                    item,
                    f"{f'`{name}`' if name else 'this step'} is never reached: {said}",
                    "Move it up, or remove one of the two.",
                )
            step = _step(reader, item, scope)
            if step is not None:
                steps.append(step)
        return tuple(steps)

    def schema(self, scope: Any) -> Schema:
        """A list of `step`s."""
        return {"type": "array", "items": {"$ref": "#/$defs/step"}}


class StepKind(Kind[Step]):
    """One step."""

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Step | None:
        """The step; None after a Problem."""
        return _step(reader, node, scope)

    def schema(self, scope: Any) -> Schema:
        """One of the verbs, each with its own keys."""
        return {
            "anyOf": [Block(f"a `{verb}` step", known.fields).schema(scope) for verb, known in VERBS.items()]
        }


def _id_of(node: Node) -> str:
    name = node.get("id") if isinstance(node, Map) else None
    return name.value if isinstance(name, Scalar) else ""


def _ends(step: Step) -> bool:
    """Whether nothing can come after it: it stops, or each of its ways does."""
    if isinstance(step.action, Stop):
        return True
    return bool(step.ways) and all(steps and _ends(steps[-1]) for _, steps in step.ways)


def _step(reader: Reader, node: Node, scope: Scope) -> Step | None:
    if not isinstance(node, Map):
        reader.problem(
            "shape-type",
            node,
            "a step is a block of `key: value` lines",
            "For example `- id: hello`, then `send: sms` below it.",
        )
        return None
    verbs = [key.value for key, _ in node.entries if key.value in VERBS]
    if len(verbs) != 1:
        known = {name for verb in VERBS.values() for name in verb.fields}
        before = len(reader.problems)
        reader.fields(node, "a step", known)
        if len(reader.problems) == before:
            said = (
                f"has {len(verbs)} verbs, {' and '.join(f'`{verb}`' for verb in verbs)}"
                if verbs
                else "has no verb"
            )
            reader.problem(
                "step-verb",
                node,
                f"a step does one thing; this one {said}",
                f"Give it exactly one of {', '.join(f'`{verb}`' for verb in VERBS)}.",
            )
        return None
    verb = VERBS[verbs[0]]
    if verbs[0] == "listen_for" and node.get("up_to") is None:
        reader.problem(
            "listen-for-ever", node, "this step would listen for ever", "Say how long: `up_to: 14 days`."
        )
        node = Map((*node.entries, _FOREVER), node.place)
    found = Block(f"a `{verbs[0]}` step", verb.fields).places(reader, node, scope)
    action = verb.make(reader, found, scope)
    if action is None or "id" not in found:
        return None
    return Step(found["id"][0], found["wait"][0] if "wait" in found else Span(), action, found["id"][1].place)


# What stands in for the missing end, so that the rest of the step is read and told as well.
_FOREVER: Final = (Scalar("up_to", Place("")), Scalar("1 day", Place("")))

Ref("step", StepKind)
