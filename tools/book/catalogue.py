"""What the sample clinic does, how long it takes, what it costs, and who does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DOCTORS: Final = ("dr-markou", "dr-vlachou")
THERAPISTS: Final = ("th-eleni", "th-niki")

WORKDAYS: Final = {
    "dr-markou": frozenset({0, 1, 3, 4}),
    "dr-vlachou": frozenset({0, 2, 3, 5}),
    "th-eleni": frozenset({0, 1, 2, 3, 4}),
    "th-niki": frozenset({1, 2, 3, 4, 5}),
}
"""Practitioner to weekdays (Monday is 0); each open day has a doctor and a therapist."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service in the book. `family` and `area` are set where the rooms no longer know the code."""

    code: str
    euros: int
    minutes: int
    by: tuple[str, ...]
    family: str | None = None
    area: str | None = None

    def as_event(self) -> dict[str, str]:
        """The service as an event carries it."""
        if self.family is None or self.area is None:
            return {"code": self.code}
        return {"code": self.code, "family": self.family, "area": self.area}


SERVICES: Final = {
    service.code: service
    for service in (
        Service("CONS", 40, 30, DOCTORS),
        Service("REV", 0, 15, DOCTORS),
        Service("TOX1", 180, 30, DOCTORS),
        Service("TOX3", 290, 30, DOCTORS),
        Service("FIL-L", 280, 45, DOCTORS),
        Service("FIL-C", 380, 60, DOCTORS),
        Service("MESO", 130, 30, DOCTORS),
        Service("PRP", 220, 45, DOCTORS),
        Service("LREJ", 320, 60, DOCTORS),
        Service("PIG", 140, 30, DOCTORS),
        Service("LHR-F", 40, 15, THERAPISTS),
        Service("LHR-S", 45, 15, THERAPISTS),
        Service("LHR-M", 90, 30, THERAPISTS),
        Service("LHR-L", 150, 60, THERAPISTS),
        Service("HYD", 110, 45, THERAPISTS),
        Service("PEEL", 85, 30, THERAPISTS),
        Service("MIC", 160, 45, THERAPISTS),
        Service("LED", 40, 30, THERAPISTS),
        Service("TIGHT-F", 350, 60, THERAPISTS),
        Service("TIGHT-B", 420, 75, THERAPISTS),
        Service("CONT", 180, 45, THERAPISTS),
        Service("CRYO", 260, 60, THERAPISTS),
        Service("HIFU-OLD", 390, 75, THERAPISTS, "skin_tightening", "body"),
        Service("LIPO-OLD", 190, 45, THERAPISTS, "body_contouring", "body"),
    )
}

SUCCESSORS: Final = {"TIGHT-B": "HIFU-OLD", "CONT": "LIPO-OLD"}
"""In the first year the clinic had older devices, which its catalogue has since dropped."""
