"""Pairs scored by splink, in a duckdb that lives in memory and loads nothing from anywhere.

splink blocks, compares and adds up the weights; what the fields are and what a score means is ours (`records`, `weights`, `bands`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from worker.intake.linkage.bands import Likeness, band_of
from worker.intake.linkage.records import Record, columns
from worker.intake.linkage.weights import BLOCKS, FIELDS, PRIOR, PROPOSED, Level

if TYPE_CHECKING:
    from splink import SettingsCreator

_OFFLINE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class NoLinkage(Exception):
    """splink is not installed; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "Records are compared by splink, which is not installed here. Install it with: pip install 'revisit[organise]'. "
            "Pairs that you know yourself can be merged without it: revisit duplicates merge KEPT GONE"
        )


def can_link() -> bool:
    """Whether the extra is installed."""
    return find_spec("splink") is not None and find_spec("duckdb") is not None


def alike(records: Sequence[Record]) -> tuple[Likeness, ...]:
    """Every pair of these records that may be one patient, the likeliest first. Ids must be unique. Raises NoLinkage."""
    if not can_link():
        raise NoLinkage
    if len(records) < 2:
        return ()
    rows = sorted(records, key=lambda one: one.id)
    found = []
    for left, right, score, levels in _scored(columns(rows)):
        how = {
            name: field[len(field) - 1 - level].name if level >= 0 else "unknown"
            for (name, field), level in zip(FIELDS.items(), levels, strict=True)
        }
        band = band_of(score, how)
        if band is not None:
            one, other = sorted((rows[left].id, rows[right].id))
            found.append(Likeness(one, other, round(score, 2), how, band))
    return tuple(sorted(found, key=lambda one: (-one.score, one.pair)))


def _scored(table: dict[str, list[Any]]) -> Iterable[tuple[int, int, float, tuple[int, ...]]]:
    import duckdb
    import pyarrow as pa
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    types = {
        "id": pa.int64(),
        "words": pa.list_(pa.string()),
        "roots": pa.list_(pa.string()),
    }
    arrow = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in table.items()})
    with duckdb.connect(":memory:", config=_OFFLINE) as db:
        linker = Linker(DuckDBAPI(connection=db).register(arrow), _settings(), log_level=None)
        pairs = linker.inference.predict(threshold_match_weight=PROPOSED, warning_mode="never")
        levels = ", ".join(f"gamma_{name}" for name in FIELDS)
        wanted = f"SELECT id_l, id_r, match_weight, {levels} FROM {pairs.physical_name}"  # noqa: S608 (names of our own)
        for left, right, score, *found in db.execute(wanted).fetchall():
            yield left, right, score, tuple(found)


def _settings() -> SettingsCreator:
    from splink import SettingsCreator, block_on
    from splink.comparison_library import CustomComparison

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="id",
        comparisons=[
            CustomComparison(output_column_name=name, comparison_levels=[_level(level) for level in levels])
            for name, levels in FIELDS.items()
        ],
        blocking_rules_to_generate_predictions=[block_on(column) for column in BLOCKS],
        probability_two_random_records_match=PRIOR,
        retain_matching_columns=True,
    )


def _level(level: Level) -> dict[str, Any]:
    told: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.name}
    if level.name == "unknown":
        return {**told, "is_null_level": True}
    return {**told, "m_probability": level.m, "u_probability": level.u}
