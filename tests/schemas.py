"""JSON Schemas as an editor uses them: the file as a YAML 1.2 core reader makes it, patterns as ECMA 262 means them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from jsonschema import Draft7Validator, ValidationError
from jsonschema.validators import extend

from worker.domain.source import Node, Scalar, Seq, compose
from worker.workspace.files import Files, raw
from worker.workspace.schema import KINDS, schemas, scope_of

NULL = re.compile(r"null|Null|NULL|~|")
TRUE, FALSE = re.compile("true|True|TRUE"), re.compile("false|False|FALSE")
INT = re.compile(r"[-+]?[0-9]+")
OTHER_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INF = re.compile(r"([-+]?)\.(inf|Inf|INF)")
NAN = re.compile(r"\.(nan|NaN|NAN)")


def plain(text: str) -> Any:
    """What YAML 1.2's core schema makes of a scalar that is not quoted."""
    if NULL.fullmatch(text):
        return None
    if TRUE.fullmatch(text) or FALSE.fullmatch(text):
        return text.lower() == "true"
    if INT.fullmatch(text) and len(text) < 4000:
        return int(text)
    if OTHER_INT.fullmatch(text):
        return int(text, 0)
    if FLOAT.fullmatch(text):
        return float(text)
    if match := INF.fullmatch(text):
        return -math.inf if match[1] == "-" else math.inf
    return math.nan if NAN.fullmatch(text) else text


def as_json(node: Node | None) -> Any:
    """A composed tree as a YAML 1.2 core reader would make it."""
    if node is None:
        return None
    if isinstance(node, Scalar):
        return node.value if node.quoted else plain(node.value)
    if isinstance(node, Seq):
        return [as_json(item) for item in node.items]
    return {key.value: as_json(value) for key, value in node.entries}


@lru_cache(maxsize=1024)
def _ecma(pattern: str) -> re.Pattern[str]:
    # Python's `$` also matches before a last line break; ECMA's does not.
    return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern))


def _pattern(
    validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _ecma(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator: Any = extend(Draft7Validator, {"pattern": _pattern})


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator of a schema that is one itself; raises jsonschema.SchemaError where it is none."""
    _Validator.check_schema(schema)
    return _Validator(schema)


def kind_of(path: str) -> str | None:
    """The kind of a file by its path: the name of its schema."""
    for name, kind in KINDS.items():
        if any(fnmatchcase(path, glob) and path.count("/") == glob.count("/") for glob in kind.globs):
            return name
    return None


class Editor:
    """The schemas of one workspace."""

    def __init__(self, files: Files, *only: str) -> None:
        """`only` are the kinds of files that are asked about; all where it is left out."""
        found = schemas(scope_of(files))
        self.validators = {name: validator(found[name]) for name in only or found}

    def complaints(self, path: str, text: str | bytes) -> list[str]:
        """What an editor would underline in that file; [] where there is no schema for it, or where it is empty or no YAML."""
        kind = kind_of(path)
        node, problems = compose(text if isinstance(text, bytes) else raw(text), path)
        if kind is None or node is None or problems:
            return []
        return self.judge(kind, node)

    def judge(self, kind: str, node: Node) -> list[str]:
        """What the schema of that kind says of a tree."""
        errors = self.validators[kind].iter_errors(as_json(node))
        return [
            f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}"
            for error in errors
        ]


__all__ = ["Editor", "as_json", "kind_of", "plain", "validator"]
