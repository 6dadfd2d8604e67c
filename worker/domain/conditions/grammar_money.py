"""The words about money: `net_revenue`."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from worker.domain import patterns
from worker.domain.calendar import Span
from worker.domain.conditions import Condition
from worker.domain.conditions.grammar_visits import Said, parse_days
from worker.domain.conditions.money import Revenue
from worker.domain.kinds import (
    MONEY,
    Block,
    Field,
    Kind,
    Schema,
)
from worker.domain.scope import Scope
from worker.domain.shape import Reader, money
from worker.domain.source import Map, Node

_REVENUE: Final = re.compile(r"at least (.+? [A-Z]{3}) in (.+?)( before last_visit)?", re.DOTALL)


def _parse_revenue(text: str) -> tuple[tuple[int, str], Span, bool] | None:
    match = _REVENUE.fullmatch(text.strip())
    if match is None or not re.fullmatch(patterns.MONEY, match[1]):
        return None
    amount, span = money(match[1]), parse_days(match[2])
    return (amount, span, bool(match[3])) if amount is not None and span is not None else None


class RevenueKind(Kind[Condition]):
    """`net_revenue: at least 1500 EUR in 12 months before last_visit`, with another limit for leaving: `{is: …, leave_below: 1200 EUR}`."""

    said: ClassVar[Kind[Any]] = Said(
        _parse_revenue, rf"\s*at least {patterns.MONEY} in {patterns.DAYS}(?: before last_visit)?\s*", "is not an amount of revenue",
        ("at least 1500 EUR in 12 months before last_visit", "at least 800 EUR in 6 months"),
    )  # fmt: skip
    block: ClassVar[Block] = Block(
        "`net_revenue`",
        {
            "is": Field(said, "How much in how long.", required=True),
            "leave_below": Field(
                MONEY, "Who is in stays until the sum falls below this.", default="four fifths of it"
            ),
        },
    )

    def read(self, reader: Reader, node: Node, what: str, scope: Scope) -> Condition | None:
        """The condition, in the clinic's currency."""
        places = (
            self.block.places(reader, node, scope)
            if isinstance(node, Map)
            else {"is": (self.said.read(reader, node, what, scope), node)}
        )
        said, at = places.get("is", (None, node))
        if said is None:
            return None
        (amount, currency), within, before_last_visit = said
        below, below_at = places.get("leave_below", ((amount * 4 // 5, currency), node))
        for found, place in ((currency, at), (below[1], below_at)):
            if found != scope.clinic.currency:
                reader.problem(
                    "condition-currency",
                    place,
                    f"{found} is not the clinic's currency",
                    f"config/clinic.yaml says {scope.clinic.currency}.",
                )
                return None
        if below[0] > amount:
            reader.problem(
                "shape-value",
                node,
                "`leave_below` lies above the amount that lets a patient in",
                "Make it smaller.",
            )
            return None
        return Revenue(amount, below[0], currency, within, before_last_visit=before_last_visit)

    def schema(self, scope: Any) -> Schema:
        """Either form."""
        return {"anyOf": [self.said.schema(scope), self.block.schema(scope)]}


REVENUE: Final = RevenueKind()
