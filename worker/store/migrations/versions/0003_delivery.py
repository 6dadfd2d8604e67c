"""What providers and patients say back: receipts, replies, links; what pauses a sender or a journey; tokens of the API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
JSON = sa.JSON(none_as_null=True)


def _id() -> sa.Column[int]:
    return sa.Column("id", BIG, nullable=False, autoincrement=True)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _maybe(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=True)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, Instant(), nullable=nullable)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _of_message(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f(f"fk_{table}_messages"))


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


# fmt: off
def upgrade() -> None:
    """Forward; there is no way back but a backup."""
    op.add_column("patients", _at("erased_at", nullable=True))
    for column in (_maybe("status"), _at("status_at", nullable=True), _maybe("code"), _maybe("sender"), _at("deadline", nullable=True), _at("lookup_at", nullable=True),
                   _at("looked_at", nullable=True), _at("redacted_at", nullable=True)):
        op.add_column("messages", column)
    _partial("ix_messages_provider_id", "messages", ["provider_id"], "provider_id IS NOT NULL")
    _partial("ix_messages_unknown", "messages", ["clinic_id", "decided_at"], "state = 'unknown'")
    _partial("ix_messages_lookup", "messages", ["lookup_at"], "lookup_at IS NOT NULL")
    _partial("ix_messages_kept", "messages", ["clinic_id", "decided_at"], "redacted_at IS NULL")
    op.add_column("tasks", sa.Column("kind", sa.Text(), nullable=False, server_default="journey"))
    op.add_column("tasks", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tasks", _maybe("about"))

    # Nothing wrote receipts before there were webhooks to bring them.
    op.drop_table("receipts")
    op.create_table(
        "receipts", _id(), _words("clinic_id"), _maybe("message_id"), _words("provider"), _words("key"), _words("status"), _words("word"), _words("code"),
        _at("at", nullable=True), _at("received_at"), sa.Column("raw", JSON, nullable=False),
        _of_message("receipts"), _key("receipts", "id"), _once("receipts", "clinic_id", "provider", "key"),
    )
    op.create_index("ix_receipts_message", "receipts", ["message_id", "received_at"])
    op.create_index("ix_receipts_received", "receipts", ["received_at"])

    op.create_table(
        "replies", _id(), _words("clinic_id"), _maybe("patient_id"), _maybe("message_id"), _words("channel"), _words("provider"), _words("key"),
        _words("address_hash"), _maybe("body"), _words("kind"), sa.Column("keyword", sa.Boolean(), nullable=False), sa.Column("harm", JSON, nullable=False),
        _at("at"), sa.Column("raw", JSON, nullable=True), _at("redacted_at", nullable=True),
        _key("replies", "id"), _once("replies", "clinic_id", "provider", "key"),
    )
    op.create_index("ix_replies_patient", "replies", ["clinic_id", "patient_id", "at"])
    op.create_index("ix_replies_at", "replies", ["at"])

    op.create_table(
        "links", _words("token"), _words("clinic_id"), _words("message_id"), _words("kind"), _words("target"), _at("created_at"), _at("expires_at"),
        _at("answered_at", nullable=True), _of_message("links"), _key("links", "token"),
    )
    op.create_index("ix_links_message", "links", ["message_id"])
    op.create_index("ix_links_expires", "links", ["expires_at"])

    op.create_table(
        "link_hits", _id(), _words("clinic_id"), _words("message_id"), _words("token"), _at("at"), _words("verdict"), _key("link_hits", "id"),
    )
    op.create_index("ix_link_hits_message", "link_hits", ["message_id", "at"])

    op.create_table(
        "senders", _words("clinic_id"), _words("channel"), _words("state"), sa.Column("failures", sa.Integer(), nullable=False),
        _at("open_until", nullable=True), _words("code"), _words("why"), _at("changed_at"), _key("senders", "clinic_id", "channel"),
    )
    op.create_table(
        "pauses", _id(), _words("clinic_id"), _words("journey"), _words("code"), _words("why"), _words("actor"), _at("at"),
        _at("lifted_at", nullable=True), _maybe("lifted_by"), _key("pauses", "id"),
    )
    _partial("ix_pauses_open", "pauses", ["clinic_id", "journey"], "lifted_at IS NULL", unique=True)
    op.create_table(
        "day_counts", _words("clinic_id"), _words("day"), _words("what"), sa.Column("count", sa.Integer(), nullable=False),
        _key("day_counts", "clinic_id", "day", "what"),
    )
    op.create_table(
        "doors", _words("clinic_id"), _words("url"), _at("checked_at"), _at("answered_at", nullable=True), _words("why"), _key("doors", "clinic_id"),
    )
    op.create_table(
        "api_tokens", _id(), _words("clinic_id"), _words("name"), _words("hash"), sa.Column("scopes", JSON, nullable=False), _at("created_at"),
        _at("used_at", nullable=True), _at("revoked_at", nullable=True), _key("api_tokens", "id"), _once("api_tokens", "hash"),
    )
    op.create_index("ix_api_tokens_clinic", "api_tokens", ["clinic_id", "name"])
