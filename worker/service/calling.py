"""Messages that a clinic's system posts: read by its mapping, and taken by the same door as every event.

Rules
1. Nothing that was answered is lost: what can be read is stored, what cannot is put aside as it came, with the reason in the mapping's words.
2. A message is taken whole or not at all.
3. A message that comes again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.intake.sources.fhir import resources_said
from worker.intake.sources.messages import Said, messages_of
from worker.service.accepting import Taken, accept
from worker.service.told_before import as_known, told_before
from worker.store import rooms as stored_rooms
from worker.store.engine import read
from worker.workspace.config_sources import source_named
from worker.workspace.house import House
from worker.workspace.sources import Source


def source_called(house: House, clinic: str | None, name: str) -> tuple[str, Source] | None:
    """The clinic and the mapping that a call is for; None where there is no such clinic, or no such webhook. `clinic` None: the only one, else `default`.

    Raises NoRooms.
    """
    with read(house.engine) as conn:
        known = stored_rooms.clinic_ids(conn)
        found = clinic if clinic is not None else known[0] if len(known) == 1 else "default"
        if clinic is not None and clinic not in known:
            return None
        source = source_named(name, house.rooms(conn, found).mappings.get(name))
    return (found, source) if source is not None and source.webhook is not None else None


def take_messages(house: House, clinic: str, source: Source, body: Any, headers: Mapping[str, str]) -> Taken:
    """Take the messages of a call; `body` is its JSON, `headers` by their names in small letters. Raises NoRooms."""
    with read(house.engine) as conn:
        about, now = house.clinic(conn, clinic), house.now(conn)
    webhook = source.webhook
    if webhook is None:
        said: list[Said] = []
    elif webhook.fhir is not None:
        said = resources_said(webhook.fhir, source.uri, about, body, now)
    else:
        said = messages_of(webhook, source.uri, about, body, headers, now)
    known = told_before(house, clinic, source.uri, [told for one in said for told in one.told])
    events: list[dict[str, Any]] = []
    numbers: list[int] = []
    refused = [(number, one.raw, one.why) for number, one in enumerate(said) if one.why]
    for number, one in enumerate(said):
        mine = one.events(known)
        why = next((why for event in mine if (why := one.refusal(event, now)) is not None), None)
        if why is not None:
            refused.append((number, one.raw, why))
            continue
        events += mine
        numbers += [number] * len(mine)
        for told, event in zip(one.told, mine, strict=True):
            known[told.thing].append(as_known(event, now))
    return accept(house, clinic, events, f"webhook {source.name}", numbers=numbers, refused=refused)
