"""Law as data: what the law of a country, and of a region of it, asks of marketing. One `Law` is joined of all places that a message touches.

Rules
1. Every rule has its source (`Law.sources`); docs/reference/law.md is written from these tables. It is a summary of 2026-11, and no advice: a clinic asks counsel.
2. A region that is unknown, in a country whose regions differ, has the strictest law of them all.
3. A country that is not in the tables restricts nothing but what is asked everywhere: grown-ups only, and every message names the way out.
4. Hours, caps and age bind marketing only, never care.
"""

from __future__ import annotations

from worker.domain.law.model import EVERYWHERE, Law, Source, strictest
from worker.domain.law.table import AS_OF, COUNTRIES, law_of, law_of_clinic, regions_of

__all__ = [
    "AS_OF",
    "COUNTRIES",
    "EVERYWHERE",
    "Law",
    "Source",
    "law_of",
    "law_of_clinic",
    "regions_of",
    "strictest",
]
