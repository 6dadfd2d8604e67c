"""Time zones as files name them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from worker.domain.kinds import Kind, Ref, Schema
from worker.domain.shape import Reader
from worker.domain.source import Node

_NO_PLACE: Final = frozenset({"Factory", "localtime", "posixrules"})
"""Files that lie among the zones of a system and are none of the IANA list: each machine has another time in them."""


class ZoneKind(Kind[str]):
    """A time zone by its IANA name."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """The name of a zone that there is."""
        return reader.parsed(node, "a time zone of the IANA list", _known, "Europe/Athens")

    def schema(self, scope: Any) -> Schema:
        """The names."""
        return {"enum": _names()}


def _known(text: str) -> str | None:
    return text if text in _names() else None


@cache
def _names() -> list[str]:
    return sorted(available_timezones() - _NO_PLACE)


ZONE: Final[Kind[str]] = Ref("zone", ZoneKind)
