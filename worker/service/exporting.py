"""Subject access: everything that is stored of one patient, in words that she can read.

Rules
1. Nothing is left out because it is awkward: decisions with their reasons, notes for staff and whatever her clinic's systems told are hers to see.
2. Keys are plain words, moments are the clinic's time with their offset, an amount of money stands as it is written. The events as they were told come last, unchanged.
3. Who had other ids before, and was merged, is one person here.
4. Of a patient who was forgotten there is what is left, and it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from worker.domain.facts import Appointment, Facts
from worker.domain.ledger import PROFILE_FIELDS, empty
from worker.domain.rules import Rules
from worker.service import words
from worker.service.whom import find
from worker.store import outbox, record
from worker.store.engine import read
from worker.store.erasing import Known, addresses_of
from worker.store.ledgers import ledger_of
from worker.workspace.house import House

Report = dict[str, Any]
CHANNELS = ("sms", "email")
PURPOSES = ("marketing", "care", "health_profiling")
PROVIDERS = {"sms": "Twilio", "email": "SendGrid"}


def export(house: House, clinic: str, patient: str) -> Report:
    """The patient's data as JSON can hold it. Raises UnknownPatient, NoRooms."""
    with read(house.engine) as conn:
        found = find(conn, clinic, patient)
        return _Export(house, conn, clinic, found).report()


class _Export:
    def __init__(self, house: House, conn: Any, clinic: str, found: Known) -> None:
        self.house, self.conn, self.clinic, self.found = house, conn, clinic, found
        rooms = house.rooms(conn, clinic)
        self.rules: Rules = rooms.rules
        self.providers = {channel: sender.provider for channel, sender in rooms.senders.items()}
        self.tz: ZoneInfo = self.rules.clinic.tz
        self.now = house.now(conn)
        self.facts = Facts(
            found.patient, ledger_of(conn, clinic, found.patient) or empty(), self.rules.clinic
        )
        self.hashes = {pair: house.hashed(*pair) for pair in sorted(addresses_of(conn, clinic, found.ids))}

    def report(self) -> Report:
        about = self.rules.clinic
        messages = self.rows("messages")
        return {
            "about this file": {
                "clinic": about.name,
                "patient": self.found.patient,
                "other ids of the same person": list(self.found.ids[1:]),
                "written at": self.at(self.now),
                "forgotten at": self.at(self.found.erased_at),
                "kept for": {
                    "words of messages and answers": str(self.rules.policy.keep_bodies),
                    "reports of providers": str(self.rules.policy.keep_reports),
                },
                "passed on to": sorted(
                    {
                        PROVIDERS[row["channel"]]
                        for row in messages
                        if row["sent_at"] and self.providers.get(row["channel"]) not in (None, "console")
                    }
                ),
            },
            "personal details": {name.replace("_", " "): self.facts.profile(name) for name in PROFILE_FIELDS},
            "tags of the clinic": sorted(self.facts.tags),
            "appointments": [self.appointment(one) for one in self.facts.appointments],
            "what may be sent now": [
                {"channel": channel, "purpose": purpose, "allowed": allowed, "because": why}
                for channel in CHANNELS
                for purpose in PURPOSES
                for allowed, why in [self.facts.consent(channel, purpose)]
            ],
            "history of consent": [self.consent(row) for row in self.rows("consents")],
            "addresses that are not written to": self.suppressed(),
            "holds": [
                {"at": self.at(row["at"]), "what": row["action"], "reason": row["reason"], "until": row["until"]}
                for row in self.rows("holds")
            ],
            "groups": {
                "now": [self.segment(row["segment"]) for row in self.rows("memberships")],
                "history": [
                    {"at": self.at(row["at"]), "group": self.segment(row["segment"]), "what": row["change"], "because of": row["cause"]}
                    for row in self.rows("transitions")
                ],
            },
            "follow-ups": [self.run(row) for row in self.rows("enrollments")],
            "messages": self.messages(messages),
            "answers": self.answers([row["id"] for row in messages]),
            "decisions": [
                {
                    "at": self.at(row["at"]), "follow-up": self.title(row["journey"]), "step": row["step"], "what": row["what"],
                    "why": words.explain(row["why"]),
                }
                for row in self.rows("traces")
            ],
            "tasks for the clinic's staff": [
                {
                    "at": self.at(row["at"]), "for": row["assignee"], "due": self.at(row["due_at"]), "note": row["note"],
                    "state": row["state"], "done at": self.at(row["done_at"]),
                }
                for row in self.rows("tasks")
            ],
            "as the clinic's systems told it": [self.event(row) for row in self.told()],
        }  # fmt: skip

    # -- parts ----------------------------------------------------------------------------------------------------------------

    def appointment(self, one: Appointment) -> Report:
        return {
            "id": one.id,
            "status": one.status,
            "starts at": self.at(one.starts_at),
            "services": [service.name for service in one.services],
            "location": one.location,
            "practitioner": self.rules.clinic.practitioners.get(one.practitioner or "", one.practitioner),
            "amount": f"{one.net / 100:.2f} {one.currency}" if one.currency else None,
            "cancelled by": one.cancelled_by,
        }

    def consent(self, row: record.Row) -> Report:
        return {
            "at": self.at(row["at"]), "channel": row["channel"], "purpose": row["purpose"], "what": row["action"], "basis": row["basis"],
            "said where": row["source"], "evidence": row["evidence"], "hash of the text agreed to": row["text_hash"],
            "told by": row["event_source"],
        }  # fmt: skip

    def suppressed(self) -> list[Report]:
        return [
            {"channel": channel, "address": address}
            for channel, address in sorted(outbox.suppressed(self.conn, self.clinic, self.hashes))
        ]

    def run(self, row: record.Row) -> Report:
        return {
            "follow-up": self.title(row["journey"]), "began at": self.at(row["entered_at"]), "because of": row["started_by"],
            "held out of it, to measure its effect": row["held_out"], "ended at": self.at(row["ended_at"]), "how it ended": row["outcome"],
            "why": row["reason"],
        }  # fmt: skip

    def messages(self, rows: Iterable[record.Row]) -> list[Report]:
        rows = list(rows)
        ids = [row["id"] for row in rows]
        beside = {
            what: record.of_messages(self.conn, self.clinic, ids, what)
            for what in ("attempts", "receipts", "links", "link_hits")
        }
        return [
            self.message(row, {what: found.get(row["id"], []) for what, found in beside.items()})
            for row in rows
        ]

    def message(self, row: record.Row, beside: Mapping[str, list[record.Row]]) -> Report:
        return {
            "follow-up": self.title(row["journey"]),
            "purpose": row["purpose"],
            "state": words.STATES.get(row["state"], row["state"]),
            "why": words.reason(row["reason"], row["purpose"]) if row["reason"] else "",
            "channel": row["channel"],
            "to": row["address"],
            "due at": self.at(row["due_at"]),
            "decided at": self.at(row["decided_at"]),
            "sent at": self.at(row["sent_at"]),
            "language": row["language"],
            "subject": row["subject"],
            "text": row["body"],
            "text as a page": row["html"],
            "words taken out at": self.at(row["redacted_at"]),
            "id at the provider": row["provider_id"],
            "tries": [
                {"at": self.at(one["started_at"]), "outcome": one["outcome"], "why": one["why"]} for one in beside["attempts"]
            ],
            "reports of the provider": [
                {"at": self.at(one["at"] or one["received_at"]), "what": one["word"], "code": one["code"], "as it came": one["raw"]}
                for one in beside["receipts"]
            ],
            "links": [
                {"to": one["target"], "made at": self.at(one["created_at"]), "answered at": self.at(one["answered_at"])}
                for one in beside["links"]
            ],
            "clicks": [{"at": self.at(one["at"]), "counted as": one["verdict"]} for one in beside["link_hits"]],
        }  # fmt: skip

    def answers(self, message_ids: list[str]) -> list[Report]:
        found = record.answers(
            self.conn, self.clinic, self.found.ids, message_ids, sorted(self.hashes.values())
        )
        return [
            {
                "at": self.at(row["at"]), "channel": row["channel"], "text": row["body"], "understood as": row["kind"],
                "speaks of harm": row["harm"], "words taken out at": self.at(row["redacted_at"]), "as it came": row["raw"],
            }
            for row in found
        ]  # fmt: skip

    def event(self, row: record.Row) -> Report:
        return {
            "at": self.at(row["time"]), "received at": self.at(row["received_at"]), "type": row["type"], "told of": row["subject"],
            "source": row["source"], "id": row["event_id"], "data": row["data"],
        }  # fmt: skip

    # -- words ----------------------------------------------------------------------------------------------------------------

    def rows(self, what: str) -> list[record.Row]:
        return list(record.of_patient(self.conn, self.clinic, self.found.ids, what))

    def told(self) -> list[record.Row]:
        return list(record.told(self.conn, self.clinic, self.found.ids))

    def at(self, moment: datetime | None) -> str | None:
        return moment.astimezone(self.tz).isoformat(timespec="seconds") if moment is not None else None

    def segment(self, name: str) -> str:
        if name in self.rules.segments.stages:
            return words.stage(name)
        return words.sentence(self.rules.segments.titles.get(name, words.name(name)))

    def title(self, journey: str) -> str:
        found = self.rules.journeys.get(journey)
        return found.title if found is not None else words.name(journey)
