"""All tables. What they hold is decided elsewhere; here is only its shape.

Rules
1. `clinic_id` is in every table but `clock` and `secret_key`, and first in every key that a clinic's data is looked up by.
2. A row that somebody must wake carries `queued_until` (nobody else takes it before) and `tries`; what is waited for is under a partial index, so that the sweep
   costs what is due and not what is stored.
3. Ids from outside are text as they came; ids of our own are numbers, but for messages, whose ids leave the house: random hex.
4. Foreign keys stand only where a row means nothing without the other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from worker.store.types import Instant, big_id, json_type

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)


def _words(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False)


def _maybe(name: str) -> Column[str]:
    return Column(name, Text, nullable=True)


def _number(name: str, *, key: bool = False, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=nullable, autoincrement=False)


def _at(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, json_type(), nullable=nullable)


def _counted(name: str = "id") -> Column[int]:
    return Column(name, big_id(), primary_key=True, autoincrement=True)


def _clinic(*, key: bool = False) -> Column[str]:
    return _words("clinic_id", key=key)


def _woken() -> tuple[Column[Any], Column[int]]:
    return _at("queued_until", nullable=True), _number("tries")


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


clinics = Table(
    "clinics", metadata, _clinic(key=True), _number("rules_version"), _at("feed_seen_at", nullable=True), _at("created_at"),
)  # fmt: skip

clock = Table("clock", metadata, _number("id", key=True), _at("now"))

secret_key = Table("secret_key", metadata, _number("id", key=True), _words("mark"), _at("since"))

workspace_versions = Table(
    "workspace_versions", metadata, _clinic(key=True), _number("version", key=True), _at("published_at"), _json("files"), _words("digest"),
)  # fmt: skip

journey_versions = Table(
    "journey_versions", metadata, _clinic(key=True), _words("journey", key=True), _words("version", key=True), _number("workspace_version"),
    ForeignKeyConstraint(["clinic_id", "workspace_version"], ["workspace_versions.clinic_id", "workspace_versions.version"]),
)  # fmt: skip

events = Table(
    "events", metadata, _counted("seq"), _clinic(), _words("source"), _words("event_id"), _words("type"), _words("subject"), _at("time"),
    _json("data"), _at("received_at"), _words("state"), _at("done_at", nullable=True), *_woken(), _maybe("error"),
    UniqueConstraint("clinic_id", "source", "event_id"),
    Index("ix_events_subject", "clinic_id", "subject", "time"),
    _partial("ix_events_new", "seq", where="state = 'new'"),
    _partial("ix_events_queued", "queued_until", where="state = 'new'"),
    _partial("ix_events_quarantined", "clinic_id", "done_at", where="state = 'quarantined'"),
    sqlite_autoincrement=True,
)  # fmt: skip

quarantine = Table(
    "quarantine", metadata, _counted(), _clinic(), _at("at"), _words("via"), _words("raw"), _json("errors"),
    Index("ix_quarantine_at", "clinic_id", "at"),
)  # fmt: skip

imports = Table(
    "imports", metadata, _counted(), _clinic(), _at("opened_at"), _at("closed_at", nullable=True), _words("what"), _number("last_seq", nullable=True),
    _partial("ix_imports_open", "clinic_id", where="closed_at IS NULL"),
)  # fmt: skip

patients = Table(
    "patients", metadata, _clinic(key=True), _words("patient_id", key=True), _maybe("stage"), _json("members"), _at("as_of", nullable=True),
    _at("next_change_at", nullable=True), _number("rules_version", nullable=True), *_woken(), _maybe("alias_of"), _at("erased_at", nullable=True),
    _partial("ix_patients_next_change", "next_change_at", where="next_change_at IS NOT NULL"),
    _partial("ix_patients_alias", "clinic_id", "alias_of", where="alias_of IS NOT NULL"),
    _partial("ix_patients_rules", "clinic_id", "rules_version", where="alias_of IS NULL"),
    _partial("ix_patients_erased", "clinic_id", "patient_id", where="erased_at IS NOT NULL"),
    Index("ix_patients_stage", "clinic_id", "stage"),
)  # fmt: skip

ledgers = Table(
    "ledgers", metadata, _clinic(key=True), _words("patient_id", key=True), _json("data"), _json("seen", nullable=True),
    Column("changes", Integer, nullable=False, server_default="0"),
    ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.patient_id"]),
)  # fmt: skip

memberships = Table(
    "memberships", metadata, _clinic(key=True), _words("segment", key=True), _words("patient_id", key=True),
)  # fmt: skip

transitions = Table(
    "transitions", metadata, _counted(), _clinic(), _words("patient_id"), _words("segment"), _words("change"), _words("cause"), _at("at"),
    Column("silent", Boolean, nullable=False), _at("recorded_at"),
    Index("ix_transitions_patient", "clinic_id", "patient_id", "at"),
    Index("ix_transitions_at", "clinic_id", "at"),
)  # fmt: skip

consents = Table(
    "consents", metadata, _counted(), _clinic(), _words("patient_id"), _words("channel"), _words("purpose"), _words("action"),
    _maybe("basis"), _maybe("source"), _maybe("text_hash"), _maybe("evidence"), _at("at"), _words("event_source"), _words("event_id"),
    Index("ix_consents_patient", "clinic_id", "patient_id", "at"),
)  # fmt: skip

suppressions = Table(
    "suppressions", metadata, _clinic(key=True), _words("channel", key=True), _words("address_hash", key=True), _words("reason"), _at("at"),
    _at("lifted_at", nullable=True),
)  # fmt: skip

holds = Table(
    "holds", metadata, _counted(), _clinic(), _words("patient_id"), _words("action"), _words("reason"), _maybe("until"), _at("at"),
    Index("ix_holds_patient", "clinic_id", "patient_id", "at"),
)  # fmt: skip

enrollments = Table(
    "enrollments", metadata, _clinic(key=True), _words("id", key=True), _words("patient_id"), _words("journey"), _words("version"),
    _words("anchor"), _at("entered_at"), _words("started_by"), _maybe("appointment"), _words("position"), _at("based_at"),
    _at("hears_from"), _at("due_at", nullable=True), _number("excused"), _maybe("waiting_for"), _maybe("outcome"), _words("reason"),
    _at("ended_at", nullable=True), _number("reached"), _at("reached_at", nullable=True), _at("listening_until", nullable=True), _json("heard"),
    Column("held_out", Boolean, nullable=False), _number("lot", nullable=True), _at("turn_at", nullable=True), *_woken(),
    _partial("ix_enrollments_turn", "clinic_id", "journey", where="lot IS NOT NULL AND turn_at IS NULL AND outcome IS NULL"),
    _partial("ix_enrollments_due", "due_at", where="outcome IS NULL AND due_at IS NOT NULL"),
    _partial("ix_enrollments_turns", "clinic_id", "journey", "turn_at", where="turn_at IS NOT NULL"),
    Index("ix_enrollments_patient", "clinic_id", "patient_id"),
    Index("ix_enrollments_journey", "clinic_id", "journey", "entered_at"),
)  # fmt: skip

messages = Table(
    "messages", metadata, _words("id", key=True), _clinic(), _words("key"), _words("patient_id"), _words("enrollment"), _words("journey"),
    _words("version"), _words("step"), _words("template"), _words("purpose"), _json("channels"), _at("step_due_at"), _at("due_at"),
    _at("expires_at"), _words("state"), _number("excused"), _maybe("channel"), _maybe("address"), _words("reason"),
    _at("decided_at", nullable=True), _number("priority"), _at("claimed_until", nullable=True), _maybe("provider_id"), _maybe("language"),
    _maybe("subject"), _maybe("body"), _maybe("html"), _at("sent_at", nullable=True), *_woken(), _at("created_at"), _maybe("status"),
    _at("status_at", nullable=True), _maybe("code"), _maybe("sender"), _at("deadline", nullable=True), _at("lookup_at", nullable=True), _at("looked_at", nullable=True),
    _at("redacted_at", nullable=True),
    UniqueConstraint("clinic_id", "key"),
    _partial("ix_messages_due", "due_at", where="state = 'scheduled'"),
    _partial("ix_messages_next", "clinic_id", "due_at", where="state = 'scheduled'"),
    _partial("ix_messages_claimed", "claimed_until", where="state = 'claimed'"),
    _partial("ix_messages_under_way", "clinic_id", "patient_id", where="state IN ('scheduled', 'claimed')"),
    Index("ix_messages_patient", "clinic_id", "patient_id", "decided_at"),
    Index("ix_messages_address", "clinic_id", "channel", "address", "decided_at"),
    Index("ix_messages_decided", "clinic_id", "decided_at"),
    _partial("ix_messages_provider", "clinic_id", "provider_id", where="provider_id IS NOT NULL"),
    _partial("ix_messages_provider_id", "provider_id", where="provider_id IS NOT NULL"),
    _partial("ix_messages_unknown", "clinic_id", "decided_at", where="state = 'unknown'"),
    _partial("ix_messages_lookup", "lookup_at", where="lookup_at IS NOT NULL"),
    _partial("ix_messages_kept", "clinic_id", "decided_at", where="redacted_at IS NULL"),
)  # fmt: skip

attempts = Table(
    "attempts", metadata, _counted(), _clinic(), Column("message_id", Text, ForeignKey("messages.id"), nullable=False), _at("started_at"),
    _at("ended_at", nullable=True), _maybe("outcome"), _words("code"), _words("why"), _maybe("account"),
    Column("called", Boolean, nullable=True), _maybe("provider_id"),
    Index("ix_attempts_message", "message_id", "started_at"),
)  # fmt: skip

receipts = Table(
    "receipts", metadata, _counted(), _clinic(), Column("message_id", Text, ForeignKey("messages.id"), nullable=True), _words("provider"),
    _words("key"), _words("status"), _words("word"), _words("code"), _at("at", nullable=True), _at("received_at"), _json("raw"),
    UniqueConstraint("clinic_id", "provider", "key"),
    Index("ix_receipts_message", "message_id", "received_at"),
    Index("ix_receipts_received", "received_at"),
)  # fmt: skip

replies = Table(
    "replies", metadata, _counted(), _clinic(), _maybe("patient_id"), _maybe("message_id"), _words("channel"), _words("provider"), _words("key"),
    _words("address_hash"), _maybe("body"), _words("kind"), Column("keyword", Boolean, nullable=False), _json("harm"), _at("at"), _json("raw", nullable=True),
    _at("redacted_at", nullable=True),
    UniqueConstraint("clinic_id", "provider", "key"),
    Index("ix_replies_patient", "clinic_id", "patient_id", "at"),
    Index("ix_replies_at", "at"),
)  # fmt: skip

links = Table(
    "links", metadata, _words("token", key=True), _clinic(), Column("message_id", Text, ForeignKey("messages.id"), nullable=False), _words("kind"),
    _words("target"), _at("created_at"), _at("expires_at"), _at("answered_at", nullable=True),
    Index("ix_links_message", "message_id"),
    Index("ix_links_expires", "expires_at"),
)  # fmt: skip

link_hits = Table(
    "link_hits", metadata, _counted(), _clinic(), _words("message_id"), _words("token"), _at("at"), _words("verdict"),
    Index("ix_link_hits_message", "message_id", "at"),
)  # fmt: skip

senders = Table(
    "senders", metadata, _clinic(key=True), _words("channel", key=True), _words("state"), _number("failures"), _at("open_until", nullable=True),
    _words("code"), _words("why"), _at("changed_at"),
)  # fmt: skip

pauses = Table(
    "pauses", metadata, _counted(), _clinic(), _words("journey"), _words("code"), _words("why"), _words("actor"), _at("at"),
    _at("lifted_at", nullable=True), _maybe("lifted_by"),
    Index("ix_pauses_open", "clinic_id", "journey", unique=True, sqlite_where=text("lifted_at IS NULL"), postgresql_where=text("lifted_at IS NULL")),
)  # fmt: skip

day_counts = Table(
    "day_counts", metadata, _clinic(key=True), _words("day", key=True), _words("what", key=True), _number("count"),
)  # fmt: skip

doors = Table(
    "doors", metadata, _clinic(key=True), _words("url"), _at("checked_at"), _at("answered_at", nullable=True), _words("why"),
)  # fmt: skip

api_tokens = Table(
    "api_tokens", metadata, _counted(), _clinic(), _words("name"), _words("hash"), _json("scopes"), _at("created_at"), _at("used_at", nullable=True),
    _at("revoked_at", nullable=True),
    UniqueConstraint("hash"),
    Index("ix_api_tokens_clinic", "clinic_id", "name"),
)  # fmt: skip

traces = Table(
    "traces", metadata, _counted(), _clinic(), _words("patient_id"), _words("journey"), _words("step"), _at("at"), _words("what"),
    _words("why"), _at("recorded_at"),
    Index("ix_traces_patient", "clinic_id", "patient_id", "at"),
)  # fmt: skip

tasks = Table(
    "tasks", metadata, _counted(), _clinic(), _words("patient_id"), _words("enrollment"), _words("journey"), _words("step"),
    _words("assignee"), _words("note"), _at("due_at"), _at("at"), _words("state"), _at("done_at", nullable=True),
    Column("kind", Text, nullable=False, server_default="journey"), Column("urgent", Boolean, nullable=False, server_default=false()), _maybe("about"),
    UniqueConstraint("clinic_id", "enrollment", "step"),
    _partial("ix_tasks_open", "clinic_id", "due_at", where="state = 'open'"),
)  # fmt: skip

audit = Table(
    "audit", metadata, _counted(), _clinic(), _at("at"), _words("actor"), _words("action"), _json("detail"),
    Index("ix_audit_at", "clinic_id", "at"),
)  # fmt: skip

rollouts = Table(
    "rollouts", metadata, _counted(), _clinic(), _words("journey"), _at("started_at"), _at("second_at"), _at("assigned_at", nullable=True),
    _at("due_at", nullable=True), _words("actor"),
    _partial("ix_rollouts_due", "due_at", where="due_at IS NOT NULL"),
    Index("ix_rollouts_open", "clinic_id", "journey", unique=True, sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")),
)  # fmt: skip

rollout_members = Table(
    "rollout_members", metadata, _clinic(key=True), Column("rollout", big_id(), ForeignKey("rollouts.id"), primary_key=True, nullable=False, autoincrement=False),
    _words("patient_id", key=True), _number("half"), _at("since"), _at("enrolled_at", nullable=True), _maybe("refused"),
    Index("ix_rollout_members_patient", "clinic_id", "patient_id"),
    _partial("ix_rollout_members_wait", "rollout", "patient_id", where="enrolled_at IS NULL AND refused IS NULL"),
)  # fmt: skip

duplicates = Table(
    "duplicates", metadata, _clinic(key=True), _words("left_id", key=True), _words("right_id", key=True), _number("score"), _words("band"), _json("reasons"),
    _words("state"), _at("found_at"), _maybe("decided_by"), _at("decided_at", nullable=True), _maybe("event_id"),
)  # fmt: skip

files_under_way = Table(
    "files_under_way", metadata, _clinic(key=True), _words("digest", key=True), _number("line"), _json("counts"), _at("at"),
)  # fmt: skip
