"""What a file may speak of: the names that a workspace has, as far as they were read before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.domain.clinic import Clinic


@dataclass(frozen=True, slots=True)
class Scope:
    """`None` leaves a kind of name unchecked.

    `segment` is true in config/segments.yaml, where what we sent must not decide who a patient is; `this` where an appointment started the journey.
    `templates` are the known names with their channels, `journeys` the names of the journeys, `two_way` whether patients can answer an SMS.
    """

    clinic: Clinic
    segments: frozenset[str]
    segment: bool = False
    this: bool = False
    templates: Mapping[str, frozenset[str]] | None = None
    offers: frozenset[str] | None = None
    journeys: frozenset[str] | None = None
    two_way: bool = True
