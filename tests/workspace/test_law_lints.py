"""What the law restricts is found in texts, offers and journeys, at its very place (`¦` marks it), and only where the law of the clinic restricts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rooms.bad_files import small_clinic
from tests.workspace.test_lints import CLINIC, EMAIL, HEAD, SMS, found, problems
from worker.domain.clinic import Service
from worker.domain.source import Problem
from worker.workspace.rooms import read
from worker.workspace.template_problems import template_problems
from worker.workspace.templates import Templates

HEALTH = HEAD.replace("---\n", "---\nsensitivity: health\n", 1)


def codes_in(text: str, country: str, region: str = "", path: str = SMS) -> set[str]:
    """The codes told of one text in a clinic of that country; a language less keeps it to one file."""
    clinic = replace(CLINIC, country=country, region=region, languages=("en",))
    return {each.code for each in template_problems({path: text}, Templates({path: text}), clinic)}


def checked(*changes: tuple[str, str, str]) -> list[Problem]:
    """The Problems of the small clinic with pieces of its files replaced."""
    files = small_clinic()
    for place, old, new in changes:
        assert old in files[place]
        files[place] = files[place].replace(old, new)
    return read(files)[1]


# Claims


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("claim-guarantee", "With ¦guaranteed results"),
        ("claim-guarantee", "And we ¦guarantee it"),
        ("claim-guarantee", "It is ¦100% effective"),
        ("claim-guarantee", "A ¦risk-free visit"),
        ("claim-guarantee", "Με ¦εγγυημένα αποτελέσματα"),
        ("claim-guarantee", "Σας ¦εγγυόμαστε το αποτέλεσμα"),
        ("claim-guarantee", "Για ¦μόνιμα αποτελέσματα"),
        ("claim-guarantee", "¦Χωρίς κανέναν κίνδυνο"),
        ("claim-superiority", "¦The best clinic in Athens"),
        ("claim-superiority", "¦No. 1 in Greece"),
        ("claim-superiority", "¦Better than any other clinic"),
        ("claim-superiority", "With ¦unbeatable care"),
        ("claim-superiority", "¦Η καλύτερη κλινική"),
        ("claim-superiority", "Με ¦τους καλύτερους γιατρούς"),
        ("claim-superiority", "Η ¦κλινική Νο 1"),
        ("claim-urgency", "Your ¦last chance"),
        ("claim-urgency", "¦Hurry, we close at noon"),
        ("claim-urgency", "Come in. ¦Hurry!"),
        ("claim-urgency", "¦Only today"),
        ("claim-urgency", "¦ONLY\u00a0TODAY"),
        ("claim-urgency", "Only ¦3 places left"),
        ("claim-urgency", "¦Don’t miss out"),
        ("claim-urgency", "¦Τελευταία ευκαιρία"),
        ("claim-urgency", "¦ΜΟΝΟ ΣΗΜΕΡΑ"),
        ("claim-urgency", "¦Προλάβετε!"),
        ("claim-urgency", "¦Μην το χάσετε"),
        ("claim-painless", "It is ¦completely painless"),
        ("claim-painless", "A ¦pain-free hour"),
        ("claim-painless", "It ¦doesn't hurt at all"),
        ("claim-painless", "¦Ανώδυνη επίσκεψη"),
        ("claim-painless", "¦Χωρίς πόνο"),
    ],
)
def test_a_claim_that_no_clinic_should_make_is_a_warning(code: str, text: str) -> None:
    told, place = found(text)
    assert told == {(code, *place)}
    (problem,) = problems(text.replace("¦", ""))
    assert problem.severity == "warning"
    assert problem.hint
    told, place = found(f"---\nsubject: {text}\n---\nHello", EMAIL) if ":" not in text else (set(), place)
    assert {each[0] for each in told} == {code}


@pytest.mark.parametrize(
    "text",
    [
        "There is no hurry, and nothing that you need to do. In a hurry? Call us.",
        "We cannot guarantee a result, and nobody can",
        "What is the best treatment for you? At our best for the best of patients.",
        "Room no. 1, next to number one, at the best place to park",
        "The best time for your visit is the morning",
        "It may hurt a little. Is there any pain? Call us.",
        "Your last visit was on Monday. Today we are open until eight.",
        "Please do not miss your appointment",
        "Αν δεν προλάβετε, καλέστε μας. Δεν χρειάζεται να βιαστείτε.",
        "Για να μη χάσετε το ραντεβού σας, γράψτε το",
        "Σας ευχόμαστε ό,τι καλύτερο. Μια συζήτηση χωρίς βιασύνη.",
        "Δεν εγγυόμαστε τίποτα. Το καλύτερο για εσάς.",
        "Αν πονάτε, καλέστε μας",
        "Bring a friend to the waiting room. Recommend us if you like.",
        "Hello {{ first_name or 'friend' }}, the gift of your trust",
    ],
)
def test_honest_words_are_no_claim(text: str) -> None:
    assert problems(text) == []


# Medicines on prescription


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("Our doctors use ¦Botox.", "error"),
        ("Our doctors use ¦B\u00f3tox®.", "error"),
        ("Our doctors use ¦Xeomin.", "error"),
        ("Ask for ¦semaglutide", "error"),
        ("Ask for ¦Wegovy today", "error"),
        ("¦Βοτουλινική τοξίνη", "error"),
        ("Ώρα για ¦μπότοξ", "error"),
        ("See #¦BotoxAthens", "error"),
        ("See ¦#mybotoxday", "error"),
        ("See ¦#antiwrinkleinjections", "error"),
        ("[Book](https://example.com/x)\n¦Dysport", "error"),
        ("About ¦anti-wrinkle injections", "warning"),
        ("Ask about ¦weight loss jabs", "warning"),
        ("Για ¦ενέσεις για ρυτίδες", "warning"),
    ],
)
def test_a_prescription_medicine_is_named_in_no_text_of_a_european_clinic(text: str, severity: str) -> None:
    marked = HEALTH + text
    told, place = found(marked, EMAIL)
    assert told == {("rx-advertised", *place)}
    (problem,) = problems(marked.replace("¦", ""), EMAIL)
    assert problem.severity == severity
    assert "consultation" in problem.hint
    (in_care,) = problems(marked.replace("¦", ""), EMAIL, purposes={"a": {"care"}})
    assert in_care.severity == "warning"
    (both,) = problems(marked.replace("¦", ""), EMAIL, purposes={"a": {"care", "marketing"}})
    assert both.severity == severity


@pytest.mark.parametrize(("country", "told"), [("GB", True), ("DE", True), ("NO", True), ("CH", True), ("US", False), ("AU", False)])  # fmt: skip
def test_it_depends_on_the_country(country: str, told: bool) -> None:
    assert ("rx-advertised" in codes_in(HEALTH + "Botox", country, path=EMAIL)) is told


def test_the_clinics_own_prescription_services_count_by_their_names() -> None:
    service = Service("SMO", "Smoothing hour, two areas", "toxin", rx_only=True)
    files = {EMAIL: f"{HEALTH}Time for a smoothing-hour?"}
    for rx_only in (True, False):
        services = {"SMO": replace(service, rx_only=rx_only), "CONS": Service("CONS", "Consultation", "c", rx_only=True)}  # fmt: skip
        clinic = replace(CLINIC, services=services, languages=("en",))
        codes = [each.code for each in template_problems(files, Templates(files), clinic)]
        assert codes == (["rx-advertised"] if rx_only else [])


@pytest.mark.parametrize(
    "text",
    ["A consultation about lines and wrinkles", "Fillers and peels", "Our #skin consultation", "Boots and docks. Sport for all."],
)  # fmt: skip
def test_what_is_no_prescription_medicine_is_left_alone(text: str) -> None:
    assert problems(HEALTH + text, EMAIL) == []


def test_an_offer_of_a_medicine_and_a_journey_about_it_are_told() -> None:
    about = ("journeys/hello.yaml", "steps:", "about: {families: [toxin]}\nsteps:")
    offer = ("config/offers.yaml", "10 % off your next visit", "wrinkle relaxing, twice")
    told = {(each.code, each.severity, each.file) for each in checked(about, offer)}
    assert ("journey-rx", "warning", "journeys/hello.yaml") in told
    assert ("rx-advertised", "error", "config/offers.yaml") in told
    here = ("config/clinic.yaml", "country: GR", "country: US\nregion: OH")
    assert not {"journey-rx", "rx-advertised"} & {each.code for each in checked(about, offer, here)}


def test_a_journey_that_is_about_more_than_medicines_is_not_told() -> None:
    for more in ("[toxin, hydra_facial]", "[consultation]"):
        about = ("journeys/hello.yaml", "steps:", f"about: {{families: {more}}}\nsteps:")
        assert checked(about) == []


# A reward for bringing others


@pytest.mark.parametrize(
    "text",
    [
        "¦Bring a friend and earn a bonus", "¦Refer a friend: you both get points", "¦Φέρτε μια φίλη και κερδίστε πόντους", "A voucher! ¦Tell your friends.",
    ],
)  # fmt: skip
def test_a_rewarded_referral_is_told_where_the_law_restricts_it(text: str) -> None:
    told, place = found(text)
    assert ("referral-reward", *place) in told
    plain = text.replace("¦", "")
    for country, region in (("GB", ""), ("US", "CA"), ("US", "TX"), ("US", "")):
        assert "referral-reward" in codes_in(plain, country, region), (country, region)
    for country, region in (("US", "OH"), ("AU", "")):
        assert "referral-reward" not in codes_in(plain, country, region), (country, region)


def test_a_referral_with_an_offer_is_a_rewarded_one() -> None:
    asked = "If a friend should ask, pass on our name. {{ offer.text }} {{ offer.code }}"
    assert "referral-reward" in {each.code for each in problems(asked)}
    assert problems("If a friend should ask, pass on our name.") == []


# An empty policy


@pytest.mark.parametrize(
    ("region", "hours"),
    [
        ("OH", "08:00 - 21:00"),
        ("TX", "09:00 - 21:00, Sunday 12:00 - 21:00"),
        ("AL", "08:00 - 20:00, Sunday none"),
        ("RI", "09:00 - 18:00, Saturday 10:00 - 17:00, Sunday none"),
    ],
)
def test_an_empty_policy_is_told_where_the_law_has_hours(region: str, hours: str) -> None:
    here = ("config/clinic.yaml", "country: GR", f"country: US\nregion: {region}")
    policy = small_clinic()["config/policy.yaml"]
    (told,) = checked(here, ("config/policy.yaml", policy, "{}\n"))
    assert (told.code, told.severity, told.file, told.line, told.column) == ("policy-no-hours", "warning", "config/policy.yaml", 1, 1)  # fmt: skip
    assert told.message.endswith(f"the law of US asks for {hours}")
    files = {place: text for place, text in small_clinic().items() if place != "config/policy.yaml"}
    files["config/clinic.yaml"] = files["config/clinic.yaml"].replace(here[1], here[2])
    (told,) = read(files)[1]
    assert (told.code, told.file) == ("policy-no-hours", "config/clinic.yaml")


def test_an_empty_policy_is_fine_where_the_law_has_no_hours_and_so_is_any_other() -> None:
    policy = small_clinic()["config/policy.yaml"]
    assert checked(("config/policy.yaml", policy, "{}\n")) == []
    here = ("config/clinic.yaml", "country: GR", "country: US\nregion: OH")
    assert checked(here) == []
    assert checked(here, ("config/policy.yaml", policy, "quiet_hours: {care: 21:00 - 08:00}\n")) == []


# Regions


@pytest.mark.parametrize(
    ("written", "hint"),
    [("Florida", "Did you mean `FL`?"), ("fl", "Did you mean `FL`?"), ("US-FL", "Did you mean `FL`?"), ("QQ", "Write the part of ISO 3166-2")],
)  # fmt: skip
def test_a_region_that_is_none_is_told_with_the_one_that_was_meant(written: str, hint: str) -> None:
    told = checked(("config/clinic.yaml", "country: GR", f"country: US\nregion: {written}"))
    (problem,) = [each for each in told if each.code == "clinic-region"]
    assert problem.severity == "error"
    assert problem.hint.startswith(hint)


def test_a_clinic_whose_places_all_say_where_they_are_needs_no_region_of_its_own() -> None:
    us = ("config/clinic.yaml", "country: GR", "country: US")
    assert [each.code for each in checked(us)] == ["clinic-region"]
    placed = ("config/clinic.yaml", 'Athens"}', 'Athens", region: FL}')
    assert checked(us, placed) == []


def test_the_strictest_law_of_all_places_binds_the_texts() -> None:
    us = ("config/clinic.yaml", "country: GR", "country: US\nregion: OH")
    text = ("templates/hello.sms.en.j2", "Plan your visit", "Bring a friend, earn a bonus")
    assert [each.code for each in checked(us, text)] == []
    placed = ("config/clinic.yaml", 'Athens"}', 'Athens", region: CA}')
    assert [each.code for each in checked(us, placed, text)] == ["referral-reward"]
