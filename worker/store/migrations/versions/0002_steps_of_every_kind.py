"""A run's position is a step's id, since steps may lie within steps; runs listen, wait for a turn, or are held out.

Before, it was the index of the step; `Journey.step` reads such a number as well, so runs under way go on where they were.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.types import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = (
    "clinic_id, id, patient_id, journey, version, anchor, entered_at, started_by, appointment, based_at, due_at, excused, waiting_for, outcome, reason, ended_at, reached, "
    "queued_until, tries"
)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    op.execute("CREATE TEMPORARY TABLE enrollments_0001 AS SELECT * FROM enrollments")
    op.drop_table("enrollments")
    op.create_table(
        "enrollments",
        sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False), sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False), sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("appointment", sa.Text(), nullable=True), sa.Column("position", sa.Text(), nullable=False),
        sa.Column("based_at", Instant(), nullable=False), sa.Column("hears_from", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("excused", sa.Integer(), nullable=False), sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True), sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True), sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("reached_at", Instant(), nullable=True), sa.Column("listening_until", Instant(), nullable=True),
        sa.Column("heard", sa.JSON(none_as_null=True), nullable=False), sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("lot", sa.Integer(), nullable=True), sa.Column("turn_at", Instant(), nullable=True),
        sa.Column("queued_until", Instant(), nullable=True), sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_enrollments")),
    )  # fmt: skip
    op.execute(
        f"INSERT INTO enrollments ({KEPT}, position, heard, held_out, hears_from) SELECT {KEPT}, CAST(position AS TEXT), '{{}}', false, based_at FROM enrollments_0001"  # noqa: S608 (names of our own columns)
    )
    op.drop_table("enrollments_0001")
    _partial("ix_enrollments_due", "enrollments", ["due_at"], "outcome IS NULL AND due_at IS NOT NULL")
    op.create_index("ix_enrollments_journey", "enrollments", ["clinic_id", "journey", "entered_at"])
    op.create_index("ix_enrollments_patient", "enrollments", ["clinic_id", "patient_id"])
    _partial(
        "ix_enrollments_turn",
        "enrollments",
        ["clinic_id", "journey"],
        "lot IS NOT NULL AND turn_at IS NULL AND outcome IS NULL",
    )
