"""`region` in config/clinic.yaml: the state whose law holds, for the clinic and for each of its places.

Rules
1. Where the laws of a country differ by region, a region is one of those that the law tables know.
2. A clinic of such a country that does not say where each of its places is gets the strictest law of them all, and a warning.
3. Where the law is one for the whole country, a region changes nothing, and a warning says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from worker.domain.clinic import Clinic
from worker.domain.kinds import Kind, Offered
from worker.domain.law import regions_of
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Scalar

REGION: Final[Kind[str]] = Offered(lambda scope: regions_of(scope.clinic.country))


def check_regions(reader: Reader, clinic: Clinic, nodes: Mapping[str, Node]) -> None:
    """Problems of all regions of a clinic. `nodes` are those of the keys of its file."""
    if "country" not in nodes:
        return
    known = regions_of(clinic.country)
    for node in _written(nodes):
        if not known:
            reader.problem(
                "clinic-region",
                node,
                f"the law known of {clinic.country} is the same in all its regions, so `region` changes nothing",
                "Remove it.",
                "warning",
            )
        elif node.value not in known:
            names = {name.lower(): code for code, name in known.items()}
            hint = reader.near(node.value.removeprefix(f"{clinic.country}-"), known, names)
            reader.problem(
                "clinic-region",
                node,
                f"`{node.value}` is not a region of {clinic.country}",
                hint or "Write the part of ISO 3166-2 after the country: `FL` of `US-FL`.",
                "error",
            )
    placed = [place.region for place in clinic.locations.values()]
    if known and not clinic.region and (not placed or "" in placed):
        reader.problem(
            "clinic-region",
            nodes["country"],
            f"laws differ within {clinic.country}, and `region` does not say where the clinic is: the strictest hours of all hold",
            "Add `region: FL`, with the letters of your own state.",
            "warning",
        )


def _written(nodes: Mapping[str, Node]) -> Iterator[Scalar]:
    own, places = nodes.get("region"), nodes.get("locations")
    inner = [value for _, value in places.entries] if isinstance(places, Map) else []
    for node in (own, *(place.get("region") for place in inner if isinstance(place, Map))):
        if isinstance(node, Scalar) and not node.empty:
            yield node
