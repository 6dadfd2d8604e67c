"""Looking things up in a composed tree, where a file is read for its words and not for its meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

from worker.domain.source import Map, Node, Scalar, Seq, compose
from worker.workspace.files import Files, raw


def tree_of(files: Files, path: str) -> Node | None:
    """The tree of one file; None where it is missing, empty or can't be read."""
    return _composed(files[path], path) if path in files else None


@lru_cache(maxsize=512)
def _composed(text: str, path: str) -> Node | None:
    return compose(raw(text), path)[0]


def under(node: Node | None, key: str) -> Node | None:
    """What stands under a key; None where the node is no block or has no such key."""
    return node.get(key) if isinstance(node, Map) else None


def word(node: Node | None) -> str:
    """The text of a scalar, "" for anything else."""
    return node.value if isinstance(node, Scalar) else ""


def entries(node: Node | None) -> tuple[tuple[str, Node], ...]:
    """The names in a block with what stands under them."""
    return tuple((key.value, value) for key, value in node.entries) if isinstance(node, Map) else ()


def names(node: Node | None) -> tuple[str, ...]:
    """The names in a block."""
    return tuple(name for name, _ in entries(node))


def blocks(node: Node | None) -> Iterator[Map]:
    """Every block at every depth, in the order in which they are written."""
    if isinstance(node, Map):
        yield node
        for _, value in node.entries:
            yield from blocks(value)
    elif isinstance(node, Seq):
        for item in node.items:
            yield from blocks(item)


def steps(node: Node | None) -> Iterator[Map]:
    """Every step at every depth: a block that has an `id`."""
    return (block for block in blocks(node) if isinstance(block.get("id"), Scalar))


def listed(node: Node | None) -> tuple[str, ...]:
    """The texts of a list; a single one stands for a list of one."""
    items = node.items if isinstance(node, Seq) else (node,)
    return tuple(item.value for item in items if isinstance(item, Scalar))


def words_under(node: Node | None, keys: Collection[str]) -> tuple[str, ...]:
    """The texts that stand under one of these keys at any depth, each once."""
    found = (
        text
        for block in blocks(node)
        for key, value in entries(block)
        if key in keys
        for text in listed(value)
    )
    return tuple(dict.fromkeys(found))


def scalars(node: Node | None, key: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every scalar with the key that it stands under; the keys themselves stand under ""."""
    if isinstance(node, Map):
        for name, value in node.entries:
            yield "", name
            yield from scalars(value, name.value)
    elif isinstance(node, Seq):
        for item in node.items:
            yield from scalars(item, key)
    elif node is not None:
        yield key, node
