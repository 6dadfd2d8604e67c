"""What the law of the clinic's country says of everything but its texts, which template_problems.py looks at: policy, offers, journeys."""

from __future__ import annotations

from collections.abc import Mapping

from worker.domain.clinic import Clinic
from worker.domain.journey import Journey
from worker.domain.law import law_of_clinic
from worker.domain.policy import Policy
from worker.domain.shape import Reader
from worker.domain.source import Node
from worker.workspace.lint_claims import claims_of_offers
from worker.workspace.lint_hours import hours_without_policy
from worker.workspace.lint_medicines import Medicines, journeys_of_medicines, medicines_of_offers


def lint_law(
    reader: Reader,
    clinic: Clinic,
    policy: Policy,
    trees: Mapping[str, Node | None],
    journeys: Mapping[str, Journey],
    nodes: Mapping[str, Node],
) -> None:
    """`trees` are the files of config/ by name, `nodes` the journeys' files by the journeys' names."""
    law = law_of_clinic(clinic)
    hours_without_policy(reader, policy, law, trees)
    claims_of_offers(reader, trees.get("offers"), law)
    medicines_of_offers(reader, trees.get("offers"), Medicines(clinic, law))
    journeys_of_medicines(reader, clinic, law, journeys.values(), nodes)
