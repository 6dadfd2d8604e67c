"""Which records of a clinic may be one patient: fields made comparable, pairs scored by splink, pairs sorted into bands. No database, no clock.

Rules
1. What is compared is the record's name, birth date, phone and e-mail, each normalised first; nothing of treatments or money.
2. The weights are fixed and written down (`weights`): the same records give the same pairs, today and tomorrow, alone or beside a million others.
3. A score alone merges nothing: a pair is certain only by the rules of `bands`, which no shared phone can satisfy.
4. splink and duckdb come with the extra `organise`; they are loaded only when a base is looked through.
"""

from __future__ import annotations

from worker.intake.linkage.bands import Group, Likeness, groups, sort_out
from worker.intake.linkage.records import Record, record_of
from worker.intake.linkage.scoring import NoLinkage, alike, can_link

__all__ = ["Group", "Likeness", "NoLinkage", "Record", "alike", "can_link", "groups", "record_of", "sort_out"]
