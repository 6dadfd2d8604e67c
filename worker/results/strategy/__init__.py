"""What the published journeys would do to this base: the year behind lived again, and the weeks ahead lived before, by the one core. Nothing is sent and nothing is stored.

Rules
1. The planner and the gate decide; here is only counted what they did.
2. The year behind is told from the ledgers: what happened, when it was told. Consent, tags and addresses are as they are now; a booking that was moved was always where it ended.
3. Ahead, nothing happens but that time passes. What events will add is the average of the year behind, from the day on which the journeys begin.
4. Of a large base a fixed part is taken by lot, and the counts are scaled up; `share` says how large that part is.
"""

from __future__ import annotations

from worker.results.strategy.ahead import DAYS, Ahead, ahead
from worker.results.strategy.past import Past, Year

__all__ = ["DAYS", "Ahead", "Past", "Year", "ahead"]
