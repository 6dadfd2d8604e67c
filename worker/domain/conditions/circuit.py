"""All conditions of a clinic laid out flat, so that a look at a patient decides each of them once.

Rules
1. It says what `holds` and `turn` of each condition say; it only says them sooner. Equal conditions are one node, whoever speaks of them.
2. Every node keeps the first day on which time alone may change it. Moving on to a later day decides anew only those whose day has come.
3. What was seen of a patient before is taken over where neither that day has come nor anything changed that the condition reads (`Leaf.reads`).
4. A segment that speaks of itself (`check` refuses it) counts as one that nobody is in.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, cast

from worker.domain.conditions import AllOf, AnyOf, Condition, InSegment, Leaf, Look, NoneOf
from worker.domain.ledger import Ledger, changed

NEVER: Final = date.max
MAX_TRIES: Final = 60
EDITION: Final = 1
"""To be raised when the code comes to decide a condition otherwise than before: what was seen until then counts for nothing."""
State = tuple[bool, date]
"""Whether it holds, and the first day on which time alone may change that."""


_Node = Callable[[Look, list[State]], State]
"""Decides one from those before it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was decided of the conditions that speak of no other, with the ledger and the day that it was decided on. `mark` names the conditions.

    It stands for as long as the same rules are in force; `packed` and `unpacked` are how it is stored.
    """

    mark: int
    day: date
    states: tuple[State, ...]
    ledger: Ledger

    def packed(self) -> list[int]:
        """As numbers: the mark, the day, then each state."""
        return [
            self.mark,
            self.day.toordinal(),
            *[until.toordinal() * 2 + holds for holds, until in self.states],
        ]

    @staticmethod
    def unpacked(numbers: list[int], ledger: Ledger) -> Seen:
        """What `packed` gave; `ledger` is the one that it was decided on."""
        return Seen(
            numbers[0],
            date.fromordinal(numbers[1]),
            tuple([_state(number) for number in numbers[2:]]),
            ledger,
        )


@lru_cache(maxsize=1 << 15)
def _state(number: int) -> State:
    return number % 2 == 1, date.fromordinal(number // 2)


class Circuit:
    """Named conditions in an order in which each stands behind what it rests on."""

    def __init__(self, named: Mapping[str, Condition], watched: Mapping[str, Condition]) -> None:
        self._named = named
        self._nodes: list[_Node] = []
        self._leaves: dict[int, frozenset[str] | None] = {}
        self._blind: dict[frozenset[str], list[tuple[int, int]]] = {}
        self._known: dict[object, int] = {}
        self._places: dict[str, int] = {}
        self.roots: dict[str, int] = {}
        for name in named:
            self.roots[name] = self._segment(name)
        for name, condition in watched.items():
            self.roots[name] = self._add(condition)
        self.mark = zlib.crc32(repr((EDITION, list(self._known))).encode())

    def look(self, look: Look, seen: Seen | None = None) -> Sight:
        """Decide all of them for one patient on one day; `seen` is what was decided of the same patient under the same rules before."""
        states: list[State] = []
        for node, state in zip(self._nodes, self._kept(look, seen), strict=True):
            states.append(node(look, states) if state is None else state)
        return Sight(self, look, states)

    def _kept(self, look: Look, seen: Seen | None) -> list[State | None]:
        """What still stands of what was seen (rule 3), node by node; None where it is to be decided anew."""
        kept: list[State | None] = [None] * len(self._nodes)
        if seen is None or seen.mark != self.mark or look.today < seen.day:
            return kept
        today, states = look.today, seen.states
        for index, place in self._blind_to(changed(seen.ledger, look.facts.ledger)):
            if today < states[place][1]:
                kept[index] = states[place]
        return kept

    def _blind_to(self, new: frozenset[str]) -> list[tuple[int, int]]:
        """The leaves that read nothing of what is new: the node of each, and its place among the leaves."""
        found = self._blind.get(new)
        if found is None:
            found = self._blind[new] = [
                (index, place)
                for place, (index, reads) in enumerate(self._leaves.items())
                if reads is not None and new.isdisjoint(reads)
            ]
        return found

    def seen(self, look: Look, states: list[State]) -> Seen:
        """What to remember of a look."""
        return Seen(
            self.mark, look.today, tuple([states[index] for index in self._leaves]), look.facts.ledger
        )

    def renew(self, look: Look, states: list[State]) -> None:
        """Decide those whose day has come."""
        today = look.today
        for index, node in enumerate(self._nodes):
            if states[index][1] <= today:
                states[index] = node(look, states)

    def _segment(self, name: str) -> int:
        place = self._places.get(name)
        if place is None:
            self._places[name] = self._put(("nobody", name), _nobody)
            place = self._places[name] = (
                self._add(self._named[name]) if name in self._named else self._places[name]
            )
        return place

    def _add(self, condition: Condition) -> int:
        if isinstance(condition, InSegment):
            parts = [self._segment(name) for name in condition.names]
            return self._put_any(parts, condition.inside)
        if not isinstance(condition, AllOf):
            leaf = cast(Leaf, condition)
            place = self._put(leaf, _leaf(leaf))
            self._leaves[place] = leaf.reads
            return place
        parts = [self._add(part) for part in condition.parts]
        if isinstance(condition, AnyOf | NoneOf):
            return self._put_any(parts, isinstance(condition, AnyOf))
        return parts[0] if len(parts) == 1 else self._put(("all", *parts), _all(parts))

    def _put_any(self, parts: list[int], value: bool) -> int:
        if len(parts) != 1:
            return self._put(("any", value, *parts), _any(parts, value))
        return parts[0] if value else self._put(("not", parts[0]), _not(parts[0]))

    def _put(self, key: object, node: _Node) -> int:
        if key not in self._known:
            self._known[key] = len(self._nodes)
            self._nodes.append(node)
        return self._known[key]


class Sight:
    """What one look at a patient has decided."""

    def __init__(self, circuit: Circuit, look: Look, states: list[State]) -> None:
        self._circuit = circuit
        self._look = look
        self._states = states

    def seen(self) -> Seen:
        """What the next look at the same patient may take over."""
        return self._circuit.seen(self._look, self._states)

    def members(self) -> frozenset[str]:
        """The names whose condition holds."""
        states = self._states
        return frozenset([name for name, place in self._circuit.roots.items() if states[place][0]])

    def next_change(self) -> date | None:
        """The first day on which time alone makes another set of them hold; None where there is none.

        After `MAX_TRIES` days without a change it gives the last one tried: too early is harmless.
        """
        states, look, places = list(self._states), self._look, self._circuit.roots.values()
        before = [states[place][0] for place in places]
        for _ in range(MAX_TRIES):
            day = min([states[place][1] for place in places], default=NEVER)
            if day == NEVER:
                return None
            look = look.on(day)
            self._circuit.renew(look, states)
            if [states[place][0] for place in places] != before:
                break
        return look.today


def _nobody(_look: Look, _states: list[State]) -> State:
    return False, NEVER


def _leaf(leaf: Leaf) -> _Node:
    holds, turn = leaf.holds, leaf.turn

    def decide(look: Look, _states: list[State]) -> State:
        return holds(look), turn(look) or NEVER

    return decide


def _not(part: int) -> _Node:
    def decide(_look: Look, states: list[State]) -> State:
        holds, until = states[part]
        return not holds, until

    return decide


def _all(parts: list[int]) -> _Node:
    """It ends with the first part that ends, and begins no sooner than the last that fails."""

    def decide(_look: Look, states: list[State]) -> State:
        ends, begins = NEVER, None
        for part in parts:
            holds, until = states[part]
            if not holds:
                begins = until if begins is None or until > begins else begins
            elif until < ends:
                ends = until
        return (True, ends) if begins is None else (False, begins)

    return decide


def _any(parts: list[int], value: bool) -> _Node:
    """It begins with the first part that begins, and ends no sooner than the last that holds. `value` is what one that holds makes it."""

    def decide(_look: Look, states: list[State]) -> State:
        begins, ends = NEVER, None
        for part in parts:
            holds, until = states[part]
            if holds:
                ends = until if ends is None or until > ends else ends
            elif until < begins:
                begins = until
        return (not value, begins) if ends is None else (value, ends)

    return decide
