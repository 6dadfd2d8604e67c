"""YAML as text: written from a tree, and changed in place so that an author's comments and layout stay.

Rules
1. A value is replaced where it stands; everything around it keeps every character.
2. Entries are added behind the last one of their block, in the style of that block. What came out is read again: it must be
   the old tree and the new entries, nothing else. If it is not, nothing is changed and `NotEditable` says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from worker.domain.source import Map, Node, Scalar, Seq, compose
from worker.workspace.files import raw

_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_QUOTED: Final = {"'": re.compile(r"'(?:[^']|'')*'"), '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)}
_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"|(?<=\s)#[^\n]*|[\[\]{}]", re.DOTALL)
_UNSEEN: Final = re.compile(
    r"[^ -~\u00a1-\u2027\u202a-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0001fffd]"
)
_PLAIN: Final = re.compile(r"\w(?:[\w ./:%+-]*[\w%])?")
_FLOW_SIGNS: Final = re.compile(r"[,\[\]{}\n]|: | #|^[\"'&*!|>%@`-]")


class NotEditable(Exception):
    """The text is written in a way that can't be changed in place; the message says what to do by hand."""


def scalar(value: str) -> str:
    """A text as a YAML scalar that may stand anywhere: plain where that is safe, else in double quotes."""
    plain = _PLAIN.fullmatch(value) and ": " not in value and value.lower() not in ("null", "~")
    return value if plain else _UNSEEN.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    """YAML takes few characters that cannot be seen as they are; it has an escape for each."""
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flow(node: Node | None) -> str:
    """A node on one line. The outermost braces of a block are left out."""
    if isinstance(node, Map):
        return ", ".join(f"{_scalar(key)}: {_inner(value)}" for key, value in node.entries)
    return _inner(node) if node is not None else ""


def _inner(node: Node) -> str:
    if isinstance(node, Map):
        return f"{{{flow(node)}}}"
    if isinstance(node, Seq):
        return f"[{', '.join(_inner(item) for item in node.items)}]"
    return _scalar(node)


def _scalar(node: Scalar) -> str:
    if not node.quoted and not _FLOW_SIGNS.search(node.value):
        return node.value
    return scalar(" ".join(node.value.split()))


def plain(node: Node | None) -> Any:
    """A tree as lists, dictionaries and texts, to compare by what it says."""
    if isinstance(node, Map):
        return {key.value: plain(value) for key, value in node.entries}
    if isinstance(node, Seq):
        return [plain(item) for item in node.items]
    return None if node is None or node.empty else node.value


def replaced(text: str, changes: Iterable[tuple[Node, str]]) -> str:
    """The text with each of these nodes replaced by what is written beside it. Raises NotEditable."""
    spans = sorted(((*_extent(text, node), new) for node, new in changes), reverse=True)
    for start, end, new in spans:
        text = text[:start] + new + text[end:]
    return text


def _offset(text: str, node: Node) -> int:
    starts = [0, *(found.end() for found in _BREAK.finditer(text))]
    return starts[node.place.line - 1] + node.place.column - 1


def _extent(text: str, node: Node) -> tuple[int, int]:
    start = _offset(text, node)
    if isinstance(node, Scalar):
        if node.quoted:
            found = _QUOTED[text[start]].match(text, start) if text[start] in _QUOTED else None
            if found is not None:
                return found.span()
        elif text.startswith(node.value, start):
            return start, start + len(node.value)
        raise NotEditable(
            f"{node.place.file}, line {node.place.line}: this text runs over several lines; change it by hand."
        )
    if text[start] not in "[{":
        raise NotEditable(
            f"{node.place.file}, line {node.place.line}: write this as `[one, two]` or change it by hand."
        )
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth == 0 and token[0] in "]}":
            return start, token.end()
    raise NotEditable(f"{node.place.file}, line {node.place.line}: this bracket is never closed.")


def entry_text(text: str, parent: Map, name: str) -> str | None:
    """The lines of one entry of a block, without their common indent; None where the block is in braces or has no such entry."""
    keys = [key for key, _ in parent.entries]
    found = next((index for index, key in enumerate(keys) if key.value == name), None)
    if found is None or text[_offset(text, parent)] == "{":
        return None
    lines = text.splitlines()
    first, indent = keys[found].place.line - 1, keys[found].place.column - 1
    end = keys[found + 1].place.line - 1 if found + 1 < len(keys) else _dedented(lines, first + 1, indent)
    taken = _trimmed(lines[first:end])
    return "\n".join(line[indent:] if not line[:indent].strip() else line.strip() for line in taken)


def without_items(text: str, items: Sequence[Node], gone: Sequence[Node]) -> str:
    """The text without some items of a list that has one item a line or more; line breaks stay as they are."""
    lines = text.splitlines(keepends=True)
    firsts = [item.place.line - 1 for item in items]
    for item in reversed(gone):
        first = item.place.line - 1
        following = next((line for line in firsts if line > first), len(lines))
        kept = _trimmed(lines[first:following])
        blank = first + len(kept) < len(lines) and not lines[first + len(kept)].strip()
        del lines[first : first + len(kept) + blank]
    return "".join(lines)


def _dedented(lines: Sequence[str], first: int, indent: int) -> int:
    for number in range(first, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            return number
    return len(lines)


def _trimmed(lines: Sequence[str]) -> Sequence[str]:
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return lines[:end]


def with_entries(text: str, file: str, key: str, entries: Mapping[str, str], remark: str) -> str:
    """The text of a file with these entries added to the block `key`, below a remark.

    `entries` maps names to how each is written in block style, its name included (see `entry_text`). Raises NotEditable.
    """
    root, problems = compose(raw(text), file)
    if problems or not (root is None or isinstance(root, Map) or (isinstance(root, Scalar) and root.empty)):
        raise NotEditable(f"{file} can't be read; correct it first (`revisit check` says what is wrong).")
    target = root.get(key) if isinstance(root, Map) else None
    newline = "\r\n" if "\r\n" in text else "\n"
    own = root if isinstance(root, Map) else None
    if isinstance(root, Scalar) and root.value:
        text = replaced(text, [(root, "")])
    changed = _added(text, own, key, target, entries, remark).replace("\r\n", "\n")
    changed = changed.replace("\n", newline)
    after, problems = compose(raw(changed), file)
    was = plain(root) if isinstance(root, Map) else {}
    fresh = {name: plain(_entry(written, name)) for name, written in entries.items()}
    if problems or plain(after) != {**was, key: {**(was.get(key) or {}), **fresh}}:
        listed = ", ".join(f"`{name}`" for name in entries)
        raise NotEditable(
            f"{file} is written in a way that can't be added to; add {listed} under `{key}` by hand."
        )
    return changed


def _entry(written: str, name: str) -> Node | None:
    node, _ = compose(written, name)
    return node.get(name) if isinstance(node, Map) else None


def _added(
    text: str, root: Map | None, key: str, target: Node | None, entries: Mapping[str, str], remark: str
) -> str:
    if isinstance(root, Map) and text[_offset(text, root)] == "{":
        if root.entries:
            return text
        start, end = _extent(text, root)
        text = (text[:start] + text[end:]).rstrip(" ")
    lines = text.splitlines()
    if isinstance(target, Map) and text[_offset(text, target)] == "{":
        start, end = _extent(text, target)
        told = [
            f"{name}: {{{flow(node)}}}"
            for name, written in entries.items()
            if (node := _entry(written, name)) is not None
        ]
        inside = text[start + 1 : end - 1].rstrip()
        between = ", " if inside.strip() and not inside.endswith(",") else ""
        return f"{text[: start + 1]}{inside}{between}{', '.join(told)}{text[end - 1 :]}"
    if isinstance(target, Map):
        indent, at = target.place.column - 1, _end_of(lines, root, key)
    elif target is not None and root is not None:
        indent, at = 2, next(name.place.line for name, _ in root.entries if name.value == key)
    else:
        indent, lines = 2, [*lines, *([""] if lines else []), f"{key}:"]
        at = len(lines)
    new = [f"{' ' * indent}# {remark}"]
    for written in entries.values():
        new += [f"{' ' * indent}{line}" if line.strip() else "" for line in written.splitlines()]
    apart = [""] if isinstance(target, Map) else []
    return "\n".join([*lines[:at], *apart, *new, *lines[at:]]) + "\n"


def _end_of(lines: Sequence[str], root: Map | None, key: str) -> int:
    """The number of lines up to the end of a block of the file's top level."""
    names = [name for name, _ in root.entries] if root is not None else []
    index = next(number for number, name in enumerate(names) if name.value == key)
    end = names[index + 1].place.line - 1 if index + 1 < len(names) else len(lines)
    return len(_trimmed(lines[:end]))
