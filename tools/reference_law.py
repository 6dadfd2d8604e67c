"""docs/reference/law.md, from the tables of worker/domain/law."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from worker.domain.calendar import Window
from worker.domain.law import AS_OF, COUNTRIES, Law, Source, europe, law_of, us

LAW: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "law.md"
RULES: Final = {
    "hours": "When marketing may leave",
    "cap": "How often at most",
    "profiling": "Choosing people by their treatments",
    "rx_ads": "Prescription medicines",
    "referral": "Rewarding a referral",
    "age": "Age",
    "opt_out": "The way out",
    "consent": "Leave to write",
    "claims": "Claims",
}
INTRO: Final = f"""\
# The law, as data

Revisit keeps some rules of the law as data, by the `country` and `region` of [clinic.yaml](config.md#clinicyaml), and asks them when it plans, when it sends, and when it checks
a workspace. This page is written from that data. It was gone through in {AS_OF}.

**This is not legal advice.** It is a summary for people who set up a worker, it leaves things out, and laws change. Most rows
come from summaries by others, not from reading the whole law; those that say "to be checked" are disputed among them or not found in the text. Where summaries differ, the
stricter one is taken. Have your own counsel read this page before you go live, and again once a year.

## What Revisit does with it

| rule | what it does |
|---|---|
| hours | marketing waits for the next open hour where the patient is, besides the clinic's own [quiet hours](config.md#policyyaml). With an empty policy.yaml (`{{}}`) no hours hold, the law's neither; `revisit check` says so (`policy-no-hours`) |
| cap | counts per patient and per address, like the clinic's own caps. The laws count 24 hours and a cap counts days, so "3 in 24 hours" is kept as 3 in two days running |
| profiling | a marketing journey that chooses people by their treatments writes only to those with leave for `health_profiling` |
| prescription medicines | `revisit check` finds their names in texts, subject lines, hashtags and offers (`rx-advertised`), the clinic's own services with `rx_only: true` too, and marketing journeys that are about nothing else (`journey-rx`) |
| referral | `revisit check` finds texts that ask to bring others and speak of a reward (`referral-reward`) |
| age | no marketing to anybody under 18, in every country |
| way out | `revisit check` finds SMS without a way to stop (`template-optout`), SMS of senders that take no answers without a link (`template-optout-link`), e-mails without a link to unsubscribe or without the clinic's address (`template-unsubscribe`); every marketing e-mail has the headers for one-click unsubscribing |
| leave to write | no marketing without consent for the channel; see [events.md](events.md) |
| claims | in every country `revisit check` warns of guarantees, superiority, urgency and "painless" (`claim-guarantee`, `claim-superiority`, `claim-urgency`, `claim-painless`) |

Hours, caps and age bind marketing only. Care, a message about the patient's own visit, keeps the clinic's own hours; a line of advertising makes it marketing.

Where several places meet (the clinic, the patient's place, the patient), the strictest counts: the hours that all leave open, all caps, every restriction. A country whose
laws differ by region asks for `region`; without it the strictest law of all regions holds, and `revisit check` says so (`clinic-region`).
"""
OUTRO: Final = """
## Every other country

Nothing is known, so nothing is restricted but this: no marketing under 18, and a way out in every message. The clinic's own rules in policy.yaml and the consent of each patient hold
as everywhere. Ask counsel what else does.

## What is not here

- Laws on telephone calls are not read into texts and e-mails outside the United States.
- Public holidays are not computed: list them under `closed` in clinic.yaml, and keep `holidays: all day` in policy.yaml.
- States of emergency, in which some states forbid solicitation, are not known: pause the journeys by hand.
- Area codes say little about where a phone is. Revisit goes by the patient's zone, the place of the last visit, then the clinic.
- HIPAA: whether it binds a clinic, and what it makes of a message that somebody else pays for, is for counsel.
"""


def law_page() -> str:
    """The page."""
    others = [
        law
        for code, law in COUNTRIES.items()
        if law.profiling and code not in ("GB", "CH", "US", *us.TERRITORIES)
    ]
    members = ", ".join(f"`{law.country}`" for law in sorted(others, key=lambda law: law.country))
    return "".join(
        [
            INTRO,
            f"\n## European Union and European Economic Area\n\n{members}. No hours, no caps.\n\n{_table(europe.UNION.sources)}",
            f"\n### Greece\n\n`GR`, besides:\n\n{_table(europe.GREECE)}",
            f"\n## United Kingdom\n\n`GB`. No hours, no caps.\n\n{_table(europe.UNITED_KINGDOM.sources)}",
            f"\n## Switzerland\n\n`CH`. No hours, no caps.\n\n{_table(europe.SWITZERLAND.sources)}",
            _states(),
            OUTRO,
        ]
    )  # fmt: skip


def _table(sources: Iterable[Source]) -> str:
    rows = [f"| {RULES[each.rule]} | {each.says} | {each.cite} |\n" for each in sources]
    return f"| rule | what it says | source |\n|---|---|---|\n{''.join(rows)}"


def _states() -> str:
    own = [law for law in us.STATES.values() if len(law.sources) > len(us.FEDERAL.sources)]
    plain = ", ".join(f"`{code}`" for code, law in us.STATES.items() if law not in own)
    rows = [state_row(law) for law in sorted(own, key=lambda law: law.region)]
    return (
        "\n## United States\n\nFederal law, for every state and territory. Most of it speaks of telephone solicitations; whether it binds texts to people who agreed to them is contested, "
        f"and Revisit takes it that it does.\n\n{_table(us.FEDERAL.sources)}"
        "\n### States\n\nHours are open ones, where the patient is.\n\n"
        "| state | Monday to Friday | Saturday | Sunday | besides | sources |\n|---|---|---|---|---|---|\n"
        f"{''.join(rows)}{_row('`US`, no `region`', law_of('US'), 'the strictest of all')}"
        f"\nFederal law alone: {plain}.\n"
    )


def state_row(law: Law) -> str:
    """One state."""
    own = [each for each in law.sources if each not in us.FEDERAL.sources]
    return _row(
        f"`{law.region}` {us.NAMES[law.region]}", law, "; ".join(f"{each.cite}: {each.says}" for each in own)
    )


def _row(name: str, law: Law, sources: str) -> str:
    besides = [f"at most {cap.count} in {cap.within}" for cap in law.caps]
    besides += ["leave for profiling"] if law.profiling else []
    besides += [] if law.referral_reward else ["no reward for referrals"]
    days = (law.hours[0], law.hours[5], law.hours[6])
    return f"| {name} | {' | '.join(_hours(day) for day in days)} | {', '.join(besides)} | {sources} |\n"


def _hours(window: Window | None) -> str:
    return "none" if window is None else str(window)
