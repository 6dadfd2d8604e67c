"""What a clinic's base looks like and what is wrong with it, counted from plain rows. No database, no clock: `today` is an argument.

Rules
1. What a visit, a stage or a segment is, is asked of `worker.domain`; who may be written to is asked of the gate's own stages. Nothing is decided here again.
2. Patients are taken one by one and not kept: what stays is counts, and a few numbers a patient.
3. What is not known yet is said so: a return that may still come is censored, a cohort that has not had its time has no rate.
4. Nobody is named: a person of this room has no id, and addresses are hashes.
"""

from __future__ import annotations

from worker.results.audit.counting import Counting
from worker.results.audit.model import Audit
from worker.results.audit.person import Person, Seeing

__all__ = ["Audit", "Counting", "Person", "Seeing"]
