"""The names that a text prints: is there such a variable, may it be empty, does the step need an offer? Read from the template's tree, so that no way through
it is missed.

Rules
1. A value that may be empty stands under a guard: within `{% if NAME %}`, in `NAME or …`, in `… if NAME else …`, or with `| default(…, true)`.
2. A text needs an offer where it says something of it outside `{% if offer %}`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from jinja2 import meta, nodes

from worker.workspace.jinja import Source, unknown

OPTIONAL: Final = frozenset({"first_name", "practitioner", "unsubscribe_url", "offer"})
_GROUPS: Final = frozenset({"clinic", "offer"})


@dataclass(frozen=True, slots=True)
class Printed:
    """A variable that is printed. `name` is as written, `offer.code` too; `guarded` are the names that are known not to be empty there."""

    name: str
    line: int
    guarded: frozenset[str]

    @property
    def root(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Named:
    """A finding about a name: its place in the file, what is wrong."""

    line: int
    column: int
    name: str
    message: str


def needs_offer(source: Source) -> bool:
    """Rule 2."""
    return any(printed.root == "offer" and "offer" not in printed.guarded for printed in prints(source))


def speaks_of_offer(source: Source) -> bool:
    """Whether it prints anything of an offer at all."""
    return "offer" in source.text and any(printed.root == "offer" for printed in prints(source))


def unknown_names(source: Source, known: Collection[str]) -> Iterator[Named]:
    """Variables that there are not, at every place where one is named."""
    if source.tree is None:
        return
    groups = {name.partition(".")[0] for name in known if "." in name}
    plain = {name for name in known if "." not in name} | groups
    seen: dict[tuple[str, int], int] = {}
    told = list(source.tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)))
    strange = {node.name for node in told if isinstance(node, nodes.Name) and node.ctx == "load"} - plain
    if strange:
        strange &= meta.find_undeclared_variables(source.tree)
    for node in told:
        name = _dotted(node)
        if name is None:
            continue
        if isinstance(node, nodes.Name):
            if name in strange and node.ctx == "load":
                yield _named(source, name, name, node.lineno, seen, known)
        elif name.partition(".")[0] in groups and name.count(".") == 1 and name not in known:
            yield _named(source, name, name.partition(".")[2], node.lineno, seen, known)


def unguarded(source: Source, optional: Collection[str]) -> Iterator[Named]:
    """Values that may be empty and are printed without a guard (rule 1), each at its first place."""
    told: set[str] = set()
    for printed in prints(source):
        if printed.name in optional and printed.name not in printed.guarded and printed.name not in told:
            told.add(printed.name)
            yield _named(source, printed.name, printed.name, printed.line, {}, (), _which(source, printed))


def prints(source: Source) -> Iterator[Printed]:
    """Every variable that is printed, in the order of the text."""
    if source.tree is not None:
        yield from _within(source.tree, frozenset())


def _which(source: Source, wanted: Printed) -> int:
    """How many mentions of the name stand before it in its line: those of the `if` in front of it, say."""
    spans = source.find(wanted.name, wanted.line)
    printed = [at for at in spans if source.text.rfind("{{", 0, at) > source.text.rfind("{%", 0, at)]
    order = [each for each in prints(source) if each.name == wanted.name and each.line == wanted.line]
    index = order.index(wanted)
    return spans.index(printed[index]) if index < len(printed) else 0


def _named(
    source: Source, name: str, word: str, line: int, seen: dict[tuple[str, int], int], known: Collection[str], at: int | None = None
) -> Named:  # fmt: skip
    places = source.find(word, line)
    count = seen.get((word, line), 0) if at is None else at
    seen[word, line] = count + 1
    told = source.place(places[min(count, len(places) - 1)]) if places else (source.line + line - 1, 1)
    return Named(*told, name, unknown(name, known) if known else "")


def _dotted(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    if (
        isinstance(node, nodes.Getitem)
        and isinstance(node.node, nodes.Name)
        and isinstance(node.arg, nodes.Const)
    ):
        return f"{node.node.name}.{node.arg.value}"
    return None


def _names(node: nodes.Node) -> frozenset[str]:
    found = {name.name for name in node.find_all(nodes.Name)}
    return frozenset(found | ({node.name} if isinstance(node, nodes.Name) else set()))


def _within(node: nodes.Node, guarded: frozenset[str]) -> Iterator[Printed]:
    if isinstance(node, nodes.Output):
        for child in node.nodes:
            yield from _expression(child, guarded)
    elif isinstance(node, nodes.If):
        safe = guarded | _names(node.test)
        for inner in (*node.body, *node.elif_, *node.else_):
            yield from _within(inner, safe)
    else:
        for each in node.iter_child_nodes():
            if isinstance(each, nodes.Stmt):
                yield from _within(each, guarded)


def _expression(node: nodes.Node, guarded: frozenset[str]) -> Iterator[Printed]:
    name = _dotted(node)
    if name is not None and (isinstance(node, nodes.Name) or name.partition(".")[0] in _GROUPS):
        yield Printed(name, node.lineno, guarded)
    elif isinstance(node, nodes.CondExpr):
        safe = guarded | _names(node.test)
        for way in (node.expr1, node.expr2):
            if way is not None:
                yield from _expression(way, safe)
    elif isinstance(node, nodes.And | nodes.Or):
        safe = guarded | _names(node.left)
        yield from _expression(node.left, safe)
        yield from _expression(node.right, safe)
    elif isinstance(node, nodes.Filter) and node.name in ("default", "d") and _replaces_empty(node):
        yield from _expression(node.node or node, guarded | _names(node.node or node))
    elif not isinstance(node, nodes.Compare | nodes.Test | nodes.Not | nodes.TemplateData):
        for child in node.iter_child_nodes():
            yield from _expression(child, guarded)


def _replaces_empty(node: nodes.Filter) -> bool:
    given = [*node.args[1:2], *(word.value for word in node.kwargs if word.key == "boolean")]
    return any(isinstance(each, nodes.Const) and bool(each.value) for each in given)
