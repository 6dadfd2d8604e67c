"""What organising a base needs: pairs of records that may be one patient, and what a first start keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.types import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# fmt: off
def upgrade() -> None:
    """Forward; there is no way back but a backup."""

    # Which secret key the hashes were made with, and which account of a provider an attempt was made through.
    op.create_table(
        "secret_key", sa.Column("id", sa.Integer(), nullable=False, autoincrement=False), sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_secret_key")),
    )
    op.add_column("attempts", sa.Column("account", sa.Text(), nullable=True))

    # Whether the call of a claim has begun (NULL: nobody knows), what was taken, and whether the patient's ledger has changed since.
    op.add_column("attempts", sa.Column("called", sa.Boolean(), nullable=True))
    op.add_column("attempts", sa.Column("provider_id", sa.Text(), nullable=True))
    op.add_column("ledgers", sa.Column("changes", sa.Integer(), nullable=False, server_default="0"))

    # What was last decided of the segments' conditions, so that an event costs only those that it may change.
    op.add_column("ledgers", sa.Column("seen", sa.JSON(none_as_null=True), nullable=True))

    # The base of a journey let in in two halves, some time apart; until its time the second is what the first is compared with.
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "rollouts", sa.Column("id", big, nullable=False, autoincrement=True), sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("journey", sa.Text(), nullable=False), sa.Column("started_at", Instant(), nullable=False), sa.Column("second_at", Instant(), nullable=False),
        sa.Column("assigned_at", Instant(), nullable=True), sa.Column("due_at", Instant(), nullable=True), sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
    )
    waits = sa.text("due_at IS NOT NULL")
    op.create_index("ix_rollouts_due", "rollouts", ["due_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_rollouts_open", "rollouts", ["clinic_id", "journey"], unique=True, sqlite_where=waits, postgresql_where=waits)
    op.create_table(
        "rollout_members", sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("rollout", big, nullable=False, autoincrement=False),
        sa.Column("patient_id", sa.Text(), nullable=False), sa.Column("half", sa.Integer(), nullable=False), sa.Column("since", Instant(), nullable=False),
        sa.Column("enrolled_at", Instant(), nullable=True), sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["rollout"], ["rollouts.id"], name=op.f("fk_rollout_members_rollouts")),
        sa.PrimaryKeyConstraint("clinic_id", "rollout", "patient_id", name=op.f("pk_rollout_members")),
    )
    op.create_index("ix_rollout_members_patient", "rollout_members", ["clinic_id", "patient_id"])
    open_ = sa.text("enrolled_at IS NULL AND refused IS NULL")
    op.create_index("ix_rollout_members_wait", "rollout_members", ["rollout", "patient_id"], sqlite_where=open_, postgresql_where=open_)

    # Pairs of records that may be one patient, and what was decided over them.
    op.create_table(
        "duplicates", sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("left_id", sa.Text(), nullable=False),
        sa.Column("right_id", sa.Text(), nullable=False), sa.Column("score", sa.Integer(), nullable=False), sa.Column("band", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(none_as_null=True), nullable=False), sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False), sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True), sa.Column("event_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("clinic_id", "left_id", "right_id", name=op.f("pk_duplicates")),
    )

    # How far a file of events or an export was taken in, until all of it is.
    op.create_table(
        "files_under_way", sa.Column("clinic_id", sa.Text(), nullable=False), sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False, autoincrement=False), sa.Column("counts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("at", Instant(), nullable=False), sa.PrimaryKeyConstraint("clinic_id", "digest", name=op.f("pk_files_under_way")),
    )

    # So that no sweep looks through all patients, or all runs of a journey.
    gone, begun = sa.text("erased_at IS NOT NULL"), sa.text("turn_at IS NOT NULL")
    op.create_index("ix_patients_erased", "patients", ["clinic_id", "patient_id"], sqlite_where=gone, postgresql_where=gone)
    op.create_index("ix_enrollments_turns", "enrollments", ["clinic_id", "journey", "turn_at"], sqlite_where=begun, postgresql_where=begun)
