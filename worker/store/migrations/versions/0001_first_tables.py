"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.types import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
JSON = sa.JSON(none_as_null=True)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


# fmt: off
def upgrade() -> None:
    """Forward; there is no way back but a backup."""
    op.create_table(
        "audit",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False), sa.Column("actor", sa.Text(), nullable=False), sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["clinic_id", "at"])

    op.create_table(
        "clinics",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("feed_seen_at", Instant(), nullable=True), sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_clinics")),
    )

    op.create_table(
        "clock",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False), sa.Column("now", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
    )

    op.create_table(
        "consents",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False), sa.Column("action", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=True), sa.Column("source", sa.Text(), nullable=True),
        sa.Column("text_hash", sa.Text(), nullable=True), sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("at", Instant(), nullable=False), sa.Column("event_source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_patient", "consents", ["clinic_id", "patient_id", "at"])

    op.create_table(
        "enrollments",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False), sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False), sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("appointment", sa.Text(), nullable=True), sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("based_at", Instant(), nullable=False), sa.Column("due_at", Instant(), nullable=True),
        sa.Column("excused", sa.Integer(), nullable=False), sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True), sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True), sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("queued_until", Instant(), nullable=True), sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_enrollments")),
    )
    _partial("ix_enrollments_due", "enrollments", ["due_at"], "outcome IS NULL AND due_at IS NOT NULL")
    op.create_index("ix_enrollments_journey", "enrollments", ["clinic_id", "journey", "entered_at"])
    op.create_index("ix_enrollments_patient", "enrollments", ["clinic_id", "patient_id"])

    op.create_table(
        "events",
        sa.Column("seq", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False), sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False), sa.Column("subject", sa.Text(), nullable=False), sa.Column("time", Instant(), nullable=False),
        sa.Column("data", JSON, nullable=False), sa.Column("received_at", Instant(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True), sa.Column("queued_until", Instant(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False), sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("clinic_id", "source", "event_id", name=op.f("uq_events_clinic_id_source_event_id")), sqlite_autoincrement=True,
    )
    _partial("ix_events_new", "events", ["seq"], "state = 'new'")
    _partial("ix_events_quarantined", "events", ["clinic_id", "done_at"], "state = 'quarantined'")
    _partial("ix_events_queued", "events", ["queued_until"], "state = 'new'")
    op.create_index("ix_events_subject", "events", ["clinic_id", "subject", "time"])

    op.create_table(
        "holds",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False), sa.Column("until", sa.Text(), nullable=True), sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_patient", "holds", ["clinic_id", "patient_id", "at"])

    op.create_table(
        "imports",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False), sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False), sa.Column("last_seq", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    _partial("ix_imports_open", "imports", ["clinic_id"], "closed_at IS NULL")

    op.create_table(
        "memberships",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "segment", "patient_id", name=op.f("pk_memberships")),
    )

    op.create_table(
        "messages",
        sa.Column("id", sa.Text(), nullable=False), sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("key", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("enrollment", sa.Text(), nullable=False),
        sa.Column("journey", sa.Text(), nullable=False), sa.Column("version", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False), sa.Column("template", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False), sa.Column("channels", JSON, nullable=False),
        sa.Column("step_due_at", Instant(), nullable=False), sa.Column("due_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("excused", sa.Integer(), nullable=False), sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True), sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True), sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("claimed_until", Instant(), nullable=True), sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True), sa.Column("subject", sa.Text(), nullable=True), sa.Column("body", sa.Text(), nullable=True),
        sa.Column("html", sa.Text(), nullable=True), sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("queued_until", Instant(), nullable=True), sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")), sa.UniqueConstraint("clinic_id", "key", name=op.f("uq_messages_clinic_id_key")),
    )
    op.create_index("ix_messages_address", "messages", ["clinic_id", "channel", "address", "decided_at"])
    _partial("ix_messages_claimed", "messages", ["claimed_until"], "state = 'claimed'")
    op.create_index("ix_messages_decided", "messages", ["clinic_id", "decided_at"])
    _partial("ix_messages_due", "messages", ["due_at"], "state = 'scheduled'")
    _partial("ix_messages_next", "messages", ["clinic_id", "due_at"], "state = 'scheduled'")
    op.create_index("ix_messages_patient", "messages", ["clinic_id", "patient_id", "decided_at"])
    _partial("ix_messages_provider", "messages", ["clinic_id", "provider_id"], "provider_id IS NOT NULL")
    _partial("ix_messages_under_way", "messages", ["clinic_id", "patient_id"], "state IN ('scheduled', 'claimed')")

    op.create_table(
        "patients",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True), sa.Column("members", JSON, nullable=False), sa.Column("as_of", Instant(), nullable=True),
        sa.Column("next_change_at", Instant(), nullable=True), sa.Column("rules_version", sa.Integer(), nullable=True),
        sa.Column("queued_until", Instant(), nullable=True), sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("alias_of", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", name=op.f("pk_patients")),
    )
    _partial("ix_patients_alias", "patients", ["clinic_id", "alias_of"], "alias_of IS NOT NULL")
    _partial("ix_patients_next_change", "patients", ["next_change_at"], "next_change_at IS NOT NULL")
    _partial("ix_patients_rules", "patients", ["clinic_id", "rules_version"], "alias_of IS NULL")
    op.create_index("ix_patients_stage", "patients", ["clinic_id", "stage"])

    op.create_table(
        "quarantine",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False), sa.Column("via", sa.Text(), nullable=False), sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("errors", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_at", "quarantine", ["clinic_id", "at"])

    op.create_table(
        "suppressions",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False), sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False), sa.Column("lifted_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "channel", "address_hash", name=op.f("pk_suppressions")),
    )

    op.create_table(
        "tasks",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("enrollment", sa.Text(), nullable=False),
        sa.Column("journey", sa.Text(), nullable=False), sa.Column("step", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False), sa.Column("note", sa.Text(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False), sa.Column("at", Instant(), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("clinic_id", "enrollment", "step", name=op.f("uq_tasks_clinic_id_enrollment_step")),
    )
    _partial("ix_tasks_open", "tasks", ["clinic_id", "due_at"], "state = 'open'")

    op.create_table(
        "traces",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False), sa.Column("at", Instant(), nullable=False), sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False), sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traces")),
    )
    op.create_index("ix_traces_patient", "traces", ["clinic_id", "patient_id", "at"])

    op.create_table(
        "transitions",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False), sa.Column("cause", sa.Text(), nullable=False), sa.Column("at", Instant(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False), sa.Column("recorded_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
    )
    op.create_index("ix_transitions_at", "transitions", ["clinic_id", "at"])
    op.create_index("ix_transitions_patient", "transitions", ["clinic_id", "patient_id", "at"])

    op.create_table(
        "workspace_versions",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("published_at", Instant(), nullable=False), sa.Column("files", JSON, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "version", name=op.f("pk_workspace_versions")),
    )

    op.create_table(
        "attempts",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False), sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True), sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False), sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_attempts_messages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_message", "attempts", ["message_id", "started_at"])

    op.create_table(
        "journey_versions",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False), sa.Column("workspace_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id", "workspace_version"], ["workspace_versions.clinic_id", "workspace_versions.version"], name=op.f("fk_journey_versions_workspace_versions")),
        sa.PrimaryKeyConstraint("clinic_id", "journey", "version", name=op.f("pk_journey_versions")),
    )

    op.create_table(
        "ledgers",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.ForeignKeyConstraint(["clinic_id", "patient_id"], ["patients.clinic_id", "patients.patient_id"], name=op.f("fk_ledgers_patients")),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", name=op.f("pk_ledgers")),
    )

    op.create_table(
        "receipts",
        sa.Column("id", BIG, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False), sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False), sa.Column("at", Instant(), nullable=False), sa.Column("raw", JSON, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_receipts_messages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index("ix_receipts_message", "receipts", ["message_id", "at"])
