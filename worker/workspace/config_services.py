"""config/services.yaml: the clinic's catalogue of treatments, and which family goes well with which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from worker.domain.clinic import Service
from worker.domain.kinds import (
    SPAN,
    SWITCH,
    TEXT,
    Block,
    Field,
    Many,
    Name,
    Offered,
    Table,
    Whole,
    Word,
)
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar

SERVICE: Final = Block(
    "",
    {
        "name": Field(TEXT, "What people read.", required=True),
        "family": Field(Name("a family"), "Its group, such as `toxin` or `laser_hair`.", required=True),
        "area": Field(Word("an area", ("face", "body", "none")), "The part of the body.", default="none"),
        "counts_as_treatment": Field(
            SWITCH, "`false` for a visit at which nothing is treated, such as a consultation.", default="true"
        ),
        "series": Field(Whole(1, 100), "How many sessions make a course; the condition `series` reads it."),
        "min_interval": Field(SPAN, "The medical minimum of time between two of its family."),
        "rx_only": Field(
            SWITCH, "A prescription medicine, which may not be advertised to the public.", default="false"
        ),
    },
)
COMPLEMENTS: Final = Field(
    Many(Offered(lambda scope: scope.clinic.families)),
    "The families that go well with it; the condition `complement` reads them.",
    default="none",
)
SERVICES: Final = Block(
    "config/services.yaml",
    {
        "services": Field(
            Table("service", TEXT, SERVICE),
            "The catalogue: the codes of the clinic's book and what they mean.",
        ),
        "families": Field(
            Table("family", Name("a family"), Block("", {"complements": COMPLEMENTS})),
            "What goes well with what. A family that is named here may be used in conditions even if no service has it.",
        ),
    },
)


def parse_services(
    reader: Reader, node: Node | None
) -> tuple[dict[str, Service], dict[str, tuple[str, ...]]]:
    """The catalogue by code, and each named family's complements."""
    found = SERVICES.read(reader, node, "config/services.yaml", None)
    catalogue = {code: _service(code, values) for code, values in found.get("services", {}).items()}
    named: Mapping[str, Mapping[str, Any]] = found.get("families", {})
    families = {service.family for service in catalogue.values()} | set(named)
    if isinstance(node, Map):
        _unused(reader, node.get("families"), families)
    return catalogue, {family: values.get("complements", ()) for family, values in named.items()}


def _service(code: str, values: Mapping[str, Any]) -> Service:
    """What could not be read has its Problem, and stands here by its default."""
    return Service(**{"name": code, "family": "unknown", **values, "code": code})


def _unused(reader: Reader, node: Node | None, families: Collection[str]) -> None:
    """A family that no service has (yet) is no mistake of the catalogue's, but may be one of spelling."""
    for _, inner in node.entries if isinstance(node, Map) else ():
        complements = inner.get("complements") if isinstance(inner, Map) else None
        for item in reader.items(complements, "`complements`") if not isinstance(complements, Map) else ():
            if isinstance(item, Scalar) and not item.empty and item.value not in families:
                reader.problem(
                    "family-unused",
                    item,
                    f"no service is of the family `{item.value}`",
                    reader.did_you_mean(item.value, families),
                    "warning",
                )
