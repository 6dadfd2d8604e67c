"""The European Union and the European Economic Area, the United Kingdom, Switzerland: no hours, but leave before profiling, and no advertising of prescription medicines.

Rules
1. No European law here says at what hour a text or an e-mail may leave; laws on telephone calls are not read into them. Quiet hours are the clinic's own.
2. Treatment history is health data in the sense of article 9, also where it only follows from a purchase (C-21/23).
3. Whether a referral may be rewarded is a matter of national professional law; it is taken as restricted everywhere here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from worker.domain.law.model import Law, Source

_EU: Final = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE",
    "SI", "SK",
)  # fmt: skip
_EEA: Final = ("IS", "LI", "NO")

UNION: Final = Law(
    profiling=True,
    rx_ads=False,
    referral_reward=False,
    sources=(
        Source("profiling", "GDPR (EU) 2016/679, art. 9; CJEU C-21/23", "explicit consent before people are chosen by health data, which is read broadly"),
        Source("rx_ads", "Directive 2001/83/EC, art. 88(1)(a)", "medicines on prescription are not advertised to the public"),
        Source("consent", "Directive 2002/58/EC, art. 13(1) and (2)", "leave first; or addresses of a sale, for like services of one's own, with a way out then and each time"),
        Source("opt_out", "Directive 2002/58/EC, art. 13(2) and (4)", "a valid address for saying no in every message"),
        Source("referral", "national professional codes; e.g. Germany: HWG s. 7, MBO-Ä s. 31", "no gifts and no reward for bringing patients"),
        Source("claims", "Directive 2005/29/EC, annex I, points 7 and 17", "no false urgency, no false claim to cure; national codes add guarantees and comparisons"),
    ),
)  # fmt: skip
"""What the Union asks; of the EEA likewise, by its agreement."""

GREECE: Final = (
    Source("consent", "Law 3471/2006, art. 11", "leave first or an own customer's address, with evidence for each channel; the way out in each message"),
    Source("rx_ads", "JMD D.YG3a/G.P.32221/2013", "the Directive on medicines in Greek law"),
    Source("referral", "Law 3418/2005 (Code of Medical Ethics), art. 17 and 18", "no soliciting of patients; what a practice may announce"),
    Source("claims", "Law 3418/2005 (Code of Medical Ethics), art. 17 and 18", "nothing that misleads, promises or compares"),
)  # fmt: skip

UNITED_KINGDOM: Final = Law(
    country="GB",
    profiling=True,
    rx_ads=False,
    referral_reward=False,
    sources=(
        Source("profiling", "UK GDPR, art. 9; Data Protection Act 2018", "explicit consent before people are chosen by health data"),
        Source("rx_ads", "Human Medicines Regulations 2012, reg. 284; CAP Code 12.12", "no prescription medicine to the public, by brand, by hashtag or by a word that stands for it"),
        Source("consent", "PECR 2003, reg. 22", "leave first; or details of a sale, for like services of one's own, with a way out then and each time"),
        Source("opt_out", "PECR 2003, reg. 22 and 23", "a simple way out in every message"),
        Source("age", "Botulinum Toxin and Cosmetic Fillers (Children) Act 2021; CAP Code 12.25", "no such treatment, and no advertising of one, under 18"),
        Source("referral", "GMC, Guidance for doctors who offer cosmetic interventions, on promotion", "no promotion that hurries or rewards a decision"),
        Source("claims", "CAP Code, sections 3 and 12; GMC guidance as above", "claims can be shown; no guarantee, no pressure of time, no making light of risks"),
    ),
)  # fmt: skip

SWITZERLAND: Final = Law(
    country="CH",
    profiling=True,
    rx_ads=False,
    referral_reward=False,
    sources=(
        Source("profiling", "FADP (SR 235.1), art. 5(c) and 6(7)", "explicit consent before people are chosen by health data"),
        Source("rx_ads", "TPA (SR 812.21), art. 32(2)(a)", "medicines on prescription are not advertised to the public"),
        Source("consent", "UCA (SR 241), art. 3(1)(o)", "leave first; or an own customer's address, for like services of one's own"),
        Source("opt_out", "UCA (SR 241), art. 3(1)(o)", "a free and easy way out in every message"),
        Source("referral", "FMH Code of Conduct", "no reward for the assignment of patients"),
        Source("claims", "MedBG (SR 811.11), art. 40(d); UCA (SR 241), art. 3", "advertising by doctors is objective, and neither misleading nor intrusive"),
    ),
)  # fmt: skip


def _member(code: str) -> Law:
    return replace(UNION, country=code, sources=UNION.sources + (GREECE if code == "GR" else ()))


COUNTRIES: Final[Mapping[str, Law]] = {
    **{code: _member(code) for code in (*_EU, *_EEA)},
    "GB": UNITED_KINGDOM,
    "CH": SWITZERLAND,
}
