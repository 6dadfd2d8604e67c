"""Time zones as files name them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from worker.domain.calendar import zone
from worker.domain.kinds import Kind, Ref, Schema
from worker.domain.shape import Reader
from worker.domain.source import Node


class ZoneKind(Kind[str]):
    """A time zone by its IANA name."""

    def read(self, reader: Reader, node: Node, what: str, scope: Any) -> str | None:
        """The name of a zone that there is."""
        return reader.parsed(node, "a time zone of the IANA list", _known, "Europe/Athens")

    def schema(self, scope: Any) -> Schema:
        """The names."""
        return {"enum": _names()}


def _known(text: str) -> str | None:
    try:
        zone(text)
    except ValueError:
        return None
    return text


@cache
def _names() -> list[str]:
    return sorted(available_timezones())


ZONE: Final[Kind[str]] = Ref("zone", ZoneKind)
