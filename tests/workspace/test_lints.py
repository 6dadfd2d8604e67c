"""Texts can do no harm: each mistake is found with its code at its very place (`¦` marks it), and good words are left alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from worker.domain.calendar import Span
from worker.domain.clinic import Clinic, Location, Service
from worker.domain.offers import Offer
from worker.domain.source import Problem
from worker.workspace.config_channels import Sender
from worker.workspace.files import read_folder
from worker.workspace.lint_text import fold
from worker.workspace.rooms import read
from worker.workspace.template_problems import template_problems
from worker.workspace.templates import Templates
from worker.workspace.word_list import WordList

ROOT = Path(__file__).parents[2]
SERVICES = (
    Service("LHR", "Laser hair removal", "laser_hair", "body"),
    Service("LED", "Light therapy", "led", "face"),
    Service("GLOW-2", "Golden hour, two areas", "glow", "face"),
    Service("CONS", "First consultation", "consultation", counts_as_treatment=False),
)
CLINIC = Clinic(
    "default", "Athens Laser Clinic", "Europe/Athens", "GR", "en", ("en", "el"), "live", "EUR", "+302100000000",
    "1 Body Street, Athens", "https://athens-laser.example.com/book", services={each.code: each for each in SERVICES},
    practitioners={"a": "Dr Face"}, locations={"a": Location("a", "Athens Laser South")},
)  # fmt: skip
SEGMENTS = {"high_value": "Spent much before", "regular": "Comes often"}
OFFER = Offer(
    "win_back",
    "WELCOME10",
    {"en": "10 % off a golden hour", "el": "10 %"},
    Span(days=30),
    None,
    "Dr Face",
    None,
)
SMS, EMAIL, MJML = "templates/a.sms.en.j2", "templates/a.email.en.md", "templates/a.email.en.mjml"
HEAD = "---\nsubject: Hello\n---\n"
OTHER = {
    "templates/a.sms.el.j2": "Γεια σας από όλους εμάς στο ιατρείο. Για διακοπή: {{ clinic.phone }}{% if unsubscribe_url %} {{ unsubscribe_url }}{% endif %}",
    "templates/a.email.el.md": "---\nsubject: Γεια\n---\nΓεια σας",
}


def problems(
    text: str, path: str = SMS, more: Mapping[str, str] | None = None, **given: object
) -> list[Problem]:
    """The Problems of one text; every other language of it is there."""
    channel = path.split(".")[1]
    files = (
        {path: text}
        | {name: words for name, words in OTHER.items() if f".{channel}." in name}
        | dict(more or {})
    )
    return template_problems(files, Templates(files), CLINIC, **{"segments": SEGMENTS, **given})  # type: ignore[arg-type]


def found(marked: str, path: str = SMS, **given: Any) -> tuple[set[tuple[str, int, int]], tuple[int, int]]:
    """The codes with their places, and the place that is marked."""
    at = marked.index("¦")
    line, column = marked.count("\n", 0, at) + 1, at - marked.rfind("\n", 0, at)
    told = problems(marked.replace("¦", ""), path, **given)
    return {(each.code, each.line, each.column) for each in told}, (line, column)


def only(code: str, marked: str, path: str = SMS, **given: object) -> None:
    told, place = found(marked, path, **given)
    assert told == {(code, *place)}


# What others must not see


@pytest.mark.parametrize(
    "text",
    [
        "Your ¦Botox is due",
        "Your ¦BOTOX® is due",
        "your ¦b\u00adotox",
        "Time for ¦fillers?",
        "Time for ¦filler, again",
        "Your next ¦laser hair removal",
        "Your next ¦laser-hair session",
        "Your ¦laser\u00a0hair\nremoval",
        "Your next ¦LHR visit",
        "A ¦LED hour",
        "Time for ¦golden hour",
        "Time for ¦Golden hours",
        "About your ¦lips",
        "Your ¦skin tightening",
        "It was ¦€ 120",
        "It was ¦120 €",
        "It was ¦1.200,50 EUR",
        "It was ¦90 euros",
        "It was ¦fifteen hundred euros",
        "It was ¦twenty-five euros",
        "Ήταν ¦είκοσι πέντε ευρώ",
        "You are ¦high value to us",
        "You ¦spent much before",
        "Ώρα για ¦μπότοξ",
        "Ώρα για ¦ΜΠΟΤΟΞ",
        "Η επόμενη ¦αποτρίχωσή σας",
        "Το επόμενο ¦λέιζερ",
        "Η ¦θεραπεία προσώπου",
        "Η ¦συνεδρία για το σώμα σας",
        "Για τα ¦φρύδια σας συνεδρία",
        "Η ¦περιποίηση ματιών",
        "Your ¦body treatment",
        "A ¦face session",
        "Your ¦treatment for the face",
        "¦Body-contouring news",
        "Your ¦brow lift",
        "A ¦tummy hour",
        "Your ¦touch-up is due",
        "Time for ¦jabs",
        "Το ¦αδυνάτισμα αρχίζει",
        "¦120 ευρώ",
        "See https://example.com/¦botox now",
        "See https://example.com/¦laser_hair?x=1",
        "Hello {{ first_name or '¦Botox' }}",
        "Hello {% if first_name %}{{ first_name }}{% endif %}\nyour ¦peel",
    ],
)
def test_a_treatment_an_area_an_amount_or_a_segment_in_an_sms_is_an_error(text: str) -> None:
    told, place = found(text)
    assert {each for each in told if each[0] == "template-health"} == {("template-health", *place)}
    (problem,) = [each for each in problems(text.replace("¦", "")) if each.code == "template-health"]
    assert problem.severity == "error"
    assert problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "Hello from Athens Laser Clinic",
        "Hello from {{ clinic.name }}: {{ clinic.booking_url }}",
        "Book at https://athens-laser.example.com/book today",
        "Athens Laser South, 1 Body Street, Athens. Dr Face",
        "Our team is led by people who care. Somebody will call you face to face.",
        "Your first consultation with us: everybody is welcome, come back as a regular",
        "Να τα πούμε πρόσωπο με πρόσωπο; Η προσωπική μας ομάδα",
        "Call us at 10 or after 12.30, room 5",
        "News from our face and body rooms",
        "A new face in our team, and a new body of work",
        "Peel off winter with us",
        "We look forward to seeing your face at the next session",
        "Keep an eye on your inbox. In the eyes of our patients we are at our best.",
        "Το πρόσωπο επικοινωνίας σας είναι η Ελένη",
        "Για τη θεραπεία σας το πρόσωπο επικοινωνίας είναι η Ελένη",
        "Ένα χαμόγελο στο πρόσωπό σας, με τα μάτια ανοιχτά στο νέο",
    ],
)
def test_the_clinics_own_names_and_everyday_words_are_left_alone(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("---\nsubject: Your ¦filler\n---\nHello", EMAIL),
        ('---\nsubject: "Your ¦filler"\n---\nHello', EMAIL),
        ("---\nsubject: Hello\npreheader: For your ¦lips\n---\nHello", EMAIL),
        ("---\nsubject: Hello\nsensitivity: health\n---\n[Book](https://example.com/¦laser)", EMAIL),
        ("---\nsubject: Hello\n---\n\n[Book](https://example.com/x/¦high-value)", EMAIL),
    ],
)
def test_neither_may_a_subject_a_preheader_or_a_link_name_it(text: str, path: str) -> None:
    only("template-health", text, path)


def test_the_body_of_an_email_may_name_a_treatment_where_the_file_says_so() -> None:
    body = "We have news about\n¦laser hair removal and fillers."
    only("template-sensitivity", f"{HEAD}{body}", EMAIL)
    marked = HEAD.replace("---\n", "---\nsensitivity: health\n", 1)
    assert problems(f"{marked}{body.replace('¦', '')}", EMAIL) == []
    assert problems(f"{HEAD}We look after body and face.", EMAIL) == []


def test_a_treatment_that_is_put_together_from_pieces_is_found_once_filled_in() -> None:
    told, place = found("Your ¦{{ 'bo' ~ 'tox' }} is due")
    assert ("template-health", *place) in told


def test_an_offer_that_names_a_treatment_is_not_printed_where_others_see_it() -> None:
    offers = {"win_back": OFFER, "other": replace(OFFER, text={"en": "a gift"})}
    text = "For you: {{ ¦offer.text }}"
    only("template-health", text, offers=offers, used={"a": ["win_back"]})
    assert problems(text.replace("¦", ""), offers=offers, used={"a": ["other"]}) == []
    assert (
        problems(f"{HEAD}For you: {{{{ offer.text }}}}", EMAIL, offers=offers, used={"a": ["win_back"]}) == []
    )


# What a good clinic does not write


@pytest.mark.parametrize(
    "text",
    [
        "Hello, ¦it has been six months",
        "Well, ¦it's been a long time",
        "¦We haven't seen you lately",
        "¦We haven’t seen you lately",
        "¦You missed your hour",
        "Sorry, ¦you forgot us",
        "¦We miss you",
        "¦You have not been here",
        "You are an ¦inactive patient",
        "¦Δεν σας έχουμε δει",
        "¦Έχουν περάσει έξι μήνες",
        "Μήπως μας ¦ξεχάσατε",
        "¦Μας λείψατε",
        "¦Δεν έχετε έρθει εδώ και καιρό",
        "¦Χαθήκαμε!",
    ],
)
def test_a_reproach_is_a_warning(text: str) -> None:
    only("template-reproach", text)
    assert problems(text.replace("¦", ""))[0].severity == "warning"


@pytest.mark.parametrize(
    "text",
    [
        "We hope to see you. Have you seen our new rooms?",
        "You have been with us for years: thank you",
        "Should you miss the bus, call us. Nothing is missing.",
        "It has been a pleasure",
        "Χαρήκαμε που σας είδαμε",
        "Αν δεν έχετε έρθει στο νέο μας ιατρείο, είμαστε στην Ανεμώνης 3",
    ],
)
def test_kind_words_are_no_reproach(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Come for a ¦free consultation",
        "Come for a ¦free skin review",
        "The ¦visit is free",
        "It is ¦free of charge",
        "Take ¦10 % off",
        "Take ¦10% off",
        "A ¦discount for you",
        "Σας περιμένει ¦έκπτωση",
        "Είναι ¦δωρεάν",
        "Μια ¦προσφορά για εσάς",
        "Our ¦Black Friday sale is on",
        "¦20 off with the code SUMMER",
        "¦Twenty off all week",
        "¦Save twenty percent",
        "Your second ¦session is on us",
        "A ¦gift for you",
        "¦1+1 αυτόν τον μήνα",
    ],
)
def test_a_price_without_an_offer_is_a_warning(text: str) -> None:
    only("template-price", text)
    only("template-price", HEAD + text, EMAIL)


def test_a_price_that_an_offer_stands_behind_is_none() -> None:
    assert problems("Come for a free review: {{ offer.code }} until {{ offer.until }}") == []


@pytest.mark.parametrize(
    "text",
    [
        "Feel free to call",
        "We are free to talk on Monday",
        "A fragrance-free cream",
        "There is a free slot on Monday",
        "If you are free, come by",
        "You can count on us",
        "We are closed on Black Friday, and two days off at Easter",
        "Call +30 210 1 1 or ask our sales desk",
        "Unter freiem Himmel, freely",
        "See https://example.com/free-visit/50%25off now",
    ],
)
def test_free_in_another_sense_is_no_price(text: str) -> None:
    assert [each.code for each in problems(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Reply ¦YES to confirm your visit",
        "Please reply with '¦YES' and we call you",
        "reply ¦yes and we call you",
        "Reply ¦CANCEL to cancel your appointment",
        "Text ¦END to change your hour",
        "Reply ¦QUIT if you cannot come",
        "Reply ¦STOP to cancel your booking",
        "To change your appointment, reply ¦STOP",
        "¦YES to confirm, or call us",
        "Απαντήστε ¦YES για επιβεβαίωση",
        "Στείλτε ¦STOP για να ακυρώσετε το ραντεβού",
        "Reply ¦START for a call",
        'To confirm, send us a "¦yes"',
        "Γράψτε μας «¦yes» για το ραντεβού",
    ],
)
def test_an_answer_that_carriers_take_for_themselves_is_an_error(text: str) -> None:
    only("template-optout-keyword", text)
    assert problems(text.replace("¦", ""))[0].severity == "error"


@pytest.mark.parametrize(
    "text",
    [
        "Plan your visit: {{ clinic.booking_url }} Stop? Reply STOP",
        "Next appointment: {{ clinic.booking_url }} Stop? Reply END",
        "Hello from {{ clinic.name }}. Plan your visit: {{ clinic.booking_url }} Reply STOP to stop",
        "Plan your visit at https://example.com/book Reply STOP to stop",
        "Reply STOP to opt out",
        "Reply STOP or END to stop these messages",
        "To hear from us again, reply START",
        "Reply HELP for help",
        "Reply OK to confirm",
        "Διακοπή; Στείλτε STOP",
        "The answer is yes to all of it. We end at eight.",
    ],
)
def test_the_way_to_stop_is_as_it_should_be(text: str) -> None:
    assert problems(text) == []


# Links


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("See ¦http://example.com/x now", SMS),
        ("See ¦www.example.com now", SMS),
        ("See ¦example.com/book now", SMS),
        ("See ¦bit.ly/abc now", SMS),
        (HEAD + "See [us](¦http://example.com/x)", EMAIL),
        (HEAD + "See [us](¦javascript:alert(1))", EMAIL),
        (HEAD + "See [us](¦/here)", EMAIL),
        (HEAD + "See [us](¦)", EMAIL),
        (HEAD + "See [us](¦{{ clinic.name }})", EMAIL),
        (HEAD + "See {{ '¦http://example.com' }}", EMAIL),
        (HEAD + "See ¦www.example.com", EMAIL),
        ("See ¦https://bank.example.com@example.com/x now", SMS),
        ("See ¦https://user:word@example.com now", SMS),
        ("See ¦https://192.0.2.1/x now", SMS),
        ("See ¦https://localhost:8000/x now", SMS),
        ("See ¦//example.com now", SMS),
        ("{% set u = 'http' %}See ¦{{ u }}://example.com now", SMS),
        ("See ¦{{ clinic.booking_url | replace('https', 'http') }} now", SMS),
        ("See ¦{{ 'example' ~ '.com' }} now", SMS),
        ("Hello{% if first_name %} https://example.com/?n=¦{{ first_name }}{% endif %}", SMS),
        ("Hello{% if first_name %} {{ clinic.booking_url }}?n=¦{{ first_name | upper }}{% endif %}", SMS),
        (HEAD + "See [¦https://bank.example.com](https://example.org/x)", EMAIL),
        (HEAD + "See [¦bank.example.com]({{ clinic.booking_url }})", EMAIL),
    ],
)
def test_a_link_that_is_not_https_is_an_error(text: str, path: str) -> None:
    only("template-link", text, path)


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/x", "tel:{{ clinic.phone }}", "mailto:hello@example.com", "{{ clinic.booking_url }}",
        "{{ clinic.booking_url }}?from=mail", "{{ unsubscribe_url }}", "{{ brand.logo }}",
    ],
)  # fmt: skip
def test_links_that_lead_somewhere_safe_are_right(link: str) -> None:
    body = f"{HEAD}{{% if unsubscribe_url %}}[Go on]({link}){{% endif %}} or write to hello@example.com, e.g. now."
    assert problems(body, EMAIL) == []


@pytest.mark.parametrize(
    "link",
    [
        "[https://example.com/x](https://example.com/y)", "[example.com](https://www.example.com/x)", "[Book now](https://example.com/x)",
        "[athens-laser.example.com]({{ clinic.booking_url }})", "<https://example.com/@us>", "[hello@example.com](mailto:hello@example.com)",
        "either / or, and 24/7 // all year",
    ],
)  # fmt: skip
def test_an_address_that_is_shown_is_where_the_link_leads(link: str) -> None:
    assert (
        problems(f"{HEAD}Hello{{% if first_name %}} {{{{ first_name }}}}{{% endif %}}: {link}", EMAIL) == []
    )


def test_an_address_that_the_config_gives_is_no_finding_of_the_text() -> None:
    clinic = replace(CLINIC, name="Skin.gr", booking_url="http://localhost:8000/book", languages=("en",))
    files = {SMS: "Hello from {{ clinic.name }}: {{ clinic.booking_url }}"}
    assert template_problems(files, Templates(files), clinic) == []


# The way to stop

MARKETING = {"a": {"marketing"}}


@pytest.mark.parametrize(
    "text",
    [
        "Hello Stop? Reply STOP",
        "Hello. Reply STOP to stop",
        "Hello. STOP to stop",
        "Hello. Text STOP to 12345",
        "Hello. To unsubscribe call {{ clinic.phone }}",
        "Hello. Unsubscribe: {{ clinic.booking_url }}/bye",
        "Γεια σας. STOP για διαγραφή",
        "Γεια σας. Διακοπή: STOP",
        "Γεια σας. Διακοπή; Στείλτε STOP",
        "ΓΕΙΑ ΣΑΣ. ΔΙΑΚΟΠΗ; ΣΤΕΙΛΤΕ STOP",
        "Hello.{% if unsubscribe_url %} No more: {{ unsubscribe_url }}{% endif %}",
        "Hello. {{ 'Reply ' ~ 'STOP' }}",
    ],
)
def test_a_marketing_sms_that_says_how_to_stop_is_right(text: str) -> None:
    assert problems(text, purposes=MARKETING) == []


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "We never stop. The bus stops here, at the opt-out corner.",
        "Hello{% if first_name %} {{ first_name }}. Reply STOP to stop{% endif %}",
        "Γεια σας. Η στάση είναι απέναντι.",
    ],
)
def test_a_marketing_sms_that_does_not_say_how_to_stop_is_a_warning(text: str) -> None:
    (told,) = problems(text, purposes=MARKETING)
    assert (told.code, told.severity, told.line, told.column) == ("template-optout", "warning", 1, 1)
    assert problems(text, purposes={"a": {"care"}}) == []
    assert problems(text) == []


def test_an_email_stops_by_its_layout() -> None:
    assert problems(HEAD + "Hello", EMAIL, purposes=MARKETING) == []


@pytest.mark.parametrize(
    "text",
    [
        "Hello. ¦Reply STOP to stop",
        "Hello. ¦Reply OK to confirm",
        'Hello. ¦Text "A" for a call',
        "Γεια σας. Διακοπή; ¦Στείλτε STOP",
        "Γεια σας. ¦Διακοπή: STOP",
        "Hello. ¦STOP to stop",
    ],
)
def test_an_answer_to_a_sender_that_takes_none_is_a_warning(text: str) -> None:
    one_way = {"sms": Sender("console", "x", "x", Decimal(1), two_way=False)}
    only("template-one-way", text, senders=one_way, purposes=MARKETING)
    plain = text.replace("¦", "")
    both = {"sms": replace(one_way["sms"], two_way=True)}
    assert [each.code for each in problems(plain, senders=both)] == []


@pytest.mark.parametrize(
    "text", ["Hello", "Hello. Text STOP to 12345", "Hello. To stop call {{ clinic.phone }}", "Hello {# unsubscribe_url #}"]
)  # fmt: skip
def test_a_marketing_sms_of_a_sender_that_takes_no_answers_needs_a_link_to_the_way_out(text: str) -> None:
    one_way = {"sms": Sender("console", "x", "x", Decimal(1), two_way=False)}
    (told,) = problems(text, senders=one_way, purposes=MARKETING)
    assert (told.code, told.severity, told.line, told.column) == ("template-optout-link", "warning", 1, 1)
    assert problems(text, senders=one_way, purposes={"a": {"care"}}) == []
    for name in ("unsubscribe_url", "answer_url"):
        said = f"{text}{{% if {name} %}} {{{{ {name} }}}}{{% endif %}}"
        assert problems(said, senders=one_way, purposes=MARKETING) == []


# Names


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Hello {{ ¦frist_name }}", SMS),
        ("Hello\n{{ clinic.name }} {{ clinic.¦adress }}", SMS),
        ("{% if language == 'fr' %}{{ ¦nowhere }}{% endif %}Hello", SMS),
        ("Hello {{ clinic['¦adress'] }}", SMS),
        ("---\nsubject: Hello {{ ¦nme }}\n---\nHello", EMAIL),
        (HEAD + "\n\nHello {{ ¦nme }}", EMAIL),
        ("Hello {{ offer.¦unti }}", SMS),
    ],
)
def test_a_name_that_there_is_not_is_found_in_every_way_through_the_text(text: str, path: str) -> None:
    told, place = found(text, path)
    assert told == {("template-variable", *place)}


def test_names_that_a_text_makes_itself_are_known() -> None:
    assert problems("{% set who = 'there' %}{% for x in ['a'] %}{{ x }}{% endfor %} Hello {{ who }}") == []


@pytest.mark.parametrize(
    "text",
    [
        "Hello {{ ¦first_name }}, welcome",
        "Hello {{ ¦first_name | default('you') }}, welcome",
        "{% if practitioner %}Yes{% endif %} {{ ¦practitioner }} says hello",
        "Hello{% if first_name %} {{ first_name }}{% endif %}. {{ ¦first_name }}",
        "Hello ¦{% if first_name %}{{ first_name }}{% endif %}, welcome",
        "Hello there ¦{% if first_name %}{{ first_name }}{% endif %} welcome",
    ],
)
def test_a_name_that_may_be_missing_needs_a_fallback(text: str) -> None:
    only("template-fallback", text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello{% if first_name %} {{ first_name }}{% endif %}, welcome",
        "Hello {{ first_name or 'there' }}, welcome",
        "Hello {{ first_name if first_name else 'you' }}, welcome",
        "Hello {{ first_name | default('you', true) }}, welcome",
        "{% if practitioner %}{{ practitioner }} and{% else %}Hello from{% endif %} the team",
    ],
)
def test_a_fallback_in_any_form_is_one(text: str) -> None:
    assert problems(text) == []


def test_a_text_says_whether_it_needs_an_offer() -> None:
    templates = Templates(
        {
            "templates/a.sms.en.j2": "{{ offer.code }}",
            "templates/b.sms.en.j2": "Hello{% if offer %} {{ offer.code }}{% endif %}",
            "templates/c.sms.en.j2": "Hello",
            "templates/d.email.en.md": "---\nsubject: Until {{ offer.until }}\n---\nHello",
        }
    )
    assert [name for name in "abcd" if templates.uses_offer(name)] == ["a", "d"]


# Files


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("Hello ¦{% if first_name %}x", SMS, "template-broken"),
        ("Hello ¦{{ clinic.name\n  ) }}", SMS, "template-broken"),
        ("Hello\n  ¦{% endif %}", SMS, "template-broken"),
        ("Hello\n {{ clinic.name }} ¦{{ clinic.name", SMS, "template-broken"),
        ("Hello ¦{{ 1 / 0 }}", SMS, "template-broken"),
        ("Hello ¦{{ 'a' * 1000000000000 }}", SMS, "template-broken"),
        ("Hello ¦{{ 9 ** 999999999 }}", SMS, "template-broken"),
        ("¦Hello", EMAIL, "template-subject"),
        ("¦---\npreheader: x\n---\nHello", EMAIL, "template-subject"),
        ("---\n¦subject:\n---\nHello", EMAIL, "template-subject"),
        ("---\nsubject: ¦{{ first_name }}\n---\nHello", EMAIL, "template-subject"),
        ("---\nsubject: x\n¦subjct: x\n---\nHello", EMAIL, "template-broken"),
        ("¦---\nsubject: x\nHello", EMAIL, "template-broken"),
    ],
)
def test_a_file_that_is_no_text_is_told_with_its_place(text: str, path: str, code: str) -> None:
    told, place = found(text, path)
    assert (code, *place) in told
    assert {each[0] for each in told} <= {code, "template-fallback"}


def test_a_text_that_is_missing_in_a_language_is_an_error_only_in_the_clinics_own() -> None:
    files = {"templates/a.sms.el.j2": "Γεια", "templates/b.sms.en.j2": "Hello"}
    told = template_problems(files, Templates(files), CLINIC)
    assert [(each.code, each.severity, each.file) for each in told] == [
        ("template-language", "error", "templates/a.sms.el.j2"),
        ("template-language", "warning", "templates/b.sms.en.j2"),
    ]


def test_a_text_that_no_journey_sends_is_told_where_that_is_known() -> None:
    assert problems("Hello", used={"b": []})[0].code == "template-unused"
    assert problems("Hello", used={"a": [None]}) == []
    assert problems("Hello", used=None) == []


def test_several_mistakes_are_all_told() -> None:
    told = problems("{{ nme }} Your filler, it has been a year. http://example.com Reply YES to confirm")
    assert {each.code for each in told} == {
        "template-variable", "template-health", "template-reproach", "template-link", "template-optout-keyword",
    }  # fmt: skip


# What an SMS costs


def test_an_sms_of_two_segments_is_told_with_its_cost_and_what_forces_it() -> None:
    sender = {"sms": Sender("console", "x", "x", Decimal(1), price=(Decimal("0.07"), "EUR"))}
    (long,) = problems("Hello " * 30, senders=sender)
    assert (long.code, long.severity, long.line, long.column) == ("sms-segments", "warning", 1, 1)
    assert "2 segments, 0.14 EUR a message (179 of 160 characters)" in long.message
    (dear,) = problems(
        "It is your day, and we’d like to say so… " + "Come and see us whenever you like, it’s " * 2,
        senders=sender,
    )
    assert dear.column == 23
    assert "’ (right single quotation mark) 3×, … (horizontal ellipsis) 1×" in dear.message
    assert problems("Come when it suits you. It’s fine.") == []


def test_greek_may_take_the_two_segments_that_it_needs() -> None:
    assert problems("Καλημέρα σας " * 10) == []
    (told,) = problems("Καλημέρα σας " * 11)
    assert "3 segments (142 of 134 characters)" in told.message


def test_an_sms_is_measured_with_the_longest_offer_that_it_is_sent_with() -> None:
    text = "{{ offer.text }} " + "Hello " * 20
    offers = {
        "short": replace(OFFER, text={"en": "a gift"}),
        "long": replace(OFFER, text={"en": "a gift " * 9}),
    }
    assert problems(text, offers=offers, used={"a": ["short"]}) == []
    assert [each.code for each in problems(text, offers=offers, used={"a": ["short", "long"]})] == [
        "sms-segments"
    ]


# MJML of its own

DOCUMENT = """---
subject: Hello
---
<mjml lang="en"><mj-head><mj-style>.a { width: 50%; }</mj-style><mj-title>{{ subject }}</mj-title></mj-head><mj-body width="600px">
<mj-section><mj-column width="100%"><mj-text><p>Hello{% if first_name %} {{ first_name }}{% endif %} &amp; <b>all</b>,</p><p>come &nbsp;in.</p></mj-text>
<mj-button href="{{ clinic.booking_url }}">Book</mj-button><mj-divider /><mj-text>{{ clinic.address }}<br />
{% if unsubscribe_url %}<a href="{{ unsubscribe_url }}">Unsubscribe</a>{% endif %}</mj-text></mj-column></mj-section></mj-body></mjml>
"""
VALUES = {
    "first_name": "<b>Eleni</b>", "practitioner": "", "clinic": {"name": "A", "phone": "1", "address": "1 Street", "booking_url": "https://example.com/b"},
    "unsubscribe_url": "https://example.com/u",
}  # fmt: skip


def test_an_email_may_be_an_mjml_document_of_its_own() -> None:
    assert problems(DOCUMENT, MJML) == []
    mail = Templates({MJML: DOCUMENT}).render_email("a", "en", VALUES)
    assert mail.subject == "Hello"
    assert "&lt;b&gt;Eleni&lt;/b&gt;" in mail.html
    assert mail.text == (
        "Hello <b>Eleni</b> & all,\n\ncome in.\n\nBook:\nhttps://example.com/b\n\n* * *\n\n1 Street\nUnsubscribe (https://example.com/u)\n"
    )


def test_the_layout_of_the_clinic_does_not_stand_around_it() -> None:
    html = Templates(
        {MJML: DOCUMENT, "templates/layout.mjml": "<mjml><mj-body>{{ body }}LAYOUT</mj-body></mjml>"}
    )
    assert "LAYOUT" not in html.render_email("a", "en", VALUES).html


def test_a_document_of_its_own_must_say_what_the_law_asks_for() -> None:
    without = DOCUMENT.replace("{{ clinic.address }}", "")
    assert [(each.code, each.line, each.column) for each in problems(without, MJML)] == [
        ("template-unsubscribe", 4, 1)
    ]


def test_a_document_that_is_no_mjml_or_wants_a_file_is_broken() -> None:
    for body in (
        "<p>Hello</p>",
        DOCUMENT.partition("---\n<mjml")[2],
        DOCUMENT[23:].replace("<mj-divider />", "<mj-include path='/etc/passwd' />"),
    ):
        text = f"{HEAD}{{# unsubscribe_url clinic.address #}}{body}"
        assert [each.code for each in problems(text, MJML)] == ["template-broken"], body


def test_the_lints_look_at_the_words_of_a_document_and_not_at_its_markup() -> None:
    told, place = found(DOCUMENT.replace("come &nbsp;in", "come in for ¦50 % off"), MJML)
    assert told == {("template-price", *place)}
    told, place = found(
        DOCUMENT.replace('href="{{ clinic.booking_url }}"', 'href="¦http://example.com"'), MJML
    )
    assert told == {("template-link", *place)}


def test_the_same_text_in_two_forms_is_an_error() -> None:
    (told,) = problems(DOCUMENT, MJML, {EMAIL: HEAD + "Hello"})
    assert (told.code, told.file) == ("template-twice", MJML)


# Offers in a text


@pytest.mark.parametrize(
    ("country", "language", "said"),
    [("GR", "en", "1 December 2026"), ("US", "en", "December 1, 2026"), ("GR", "el", "1 Δεκεμβρίου 2026"), ("DE", "de", "1. Dezember 2026"), ("GR", "xx", "1 December 2026")],
)  # fmt: skip
def test_the_last_day_of_an_offer_is_written_as_people_write_it(
    country: str, language: str, said: str
) -> None:
    from worker.workspace.offering import promise

    told = promise(OFFER, date(2026, 11, 1), country).said(language)
    assert told == {"code": "WELCOME10", "text": OFFER.text.get(language, OFFER.text["en"]), "until": said}


def test_a_text_that_speaks_of_an_offer_does_not_go_out_without_one() -> None:
    from worker.workspace.templates import TemplateError

    templates = Templates(
        {
            SMS: "Code\n{{ offer.code }}",
            "templates/b.sms.en.j2": "Hi{% if offer %} {{ offer.code }}{% endif %}",
        }
    )
    with pytest.raises(
        TemplateError,
        match=r"a\.sms\.en\.j2:2: this text speaks of an offer, but the step that sends it has none",
    ):
        templates.render_sms("a", "en", {**VALUES, "offer": None})
    assert templates.render_sms("b", "en", VALUES) == "Hi"


# The sample clinic, texts that a clinic would write, and hostile files

NATURAL = (
    ("en", "Hello{% if first_name %} {{ first_name }}{% endif %}, thank you for your visit. Any question? Call us: {{ clinic.phone | phone }}"),
    ("en", "We open on Sundays in December. Book: {{ clinic.booking_url }}"),
    ("en", "Our hands are full of good news: new rooms in Glyfada."),
    ("en", "Our team has a new face: meet Maria at the front desk."),
    ("en", "A head start on 2027: our diary is open. {{ clinic.booking_url }}"),
    ("en", "We moved to 3 Anemonis Street, on the back side of the square. Call 2100000000."),
    ("en", "We close at 19.30 on 24.12.2026 and open at 9.30 on 4.1.2027."),
    ("en", "If you cannot come, please call us. {{ clinic.phone | phone }}"),
    ("en", "How did we do? It takes one minute: {{ clinic.review_url or clinic.booking_url }}"),
    ("en", "Quit worrying about parking: a garage next door, twenty places."),
    ("en", "Dr.Markou is back from leave. Ask at hello@alkyon.example.com."),
    ("en", "Your appointment is tomorrow at 10:00. Reply C to confirm."),
    ("en", "The led sign outside is new, and so is the door on the left."),
    ("en", "Save the date: 14 March, open doors from ten to six."),
    ("en", "Save time: fill in the form before you come. It takes five minutes."),
    ("en", "In the body of our next letter: winter hours, and a word from the team."),
    ("en", "Let us face the new year together. Happy birthday from all of us!"),
    ("en", "Thank you for the gift of your trust. You can count on us."),
    ("en", "Two days off at Easter: we are back on Tuesday, 24/7 by e-mail."),
    ("el", "Γεια σας{% if first_name %} {{ first_name }}{% endif %}, ευχαριστούμε για την επίσκεψη. Απορίες; {{ clinic.phone | phone }}"),
    ("el", "Το πρόσωπο επικοινωνίας σας είναι η Ελένη."),
    ("el", "Στα χέρια σας το νέο μας πρόγραμμα. {{ clinic.booking_url }}"),
    ("el", "Με μια ματιά: νέο ωράριο 10-20. Καλή αρχή!"),
    ("el", "Το ιατρείο θα είναι κλειστό 24-26 Δεκεμβρίου. Καλές γιορτές!"),
    ("el", "Από πλευράς μας όλα έτοιμα για αύριο στις 10.30."),
    ("el", "Νέα δ/νση: Ανεμώνης 3, κοντά στη μύτη του λιμανιού."),
    ("el", "Έχουμε ελεύθερες ώρες το Σάββατο. {{ clinic.booking_url }}"),
    ("el", "Νέα πρόσωπα στην ομάδα μας, το ίδιο χαμόγελο."),
    ("el", "Αν θέλετε να αλλάξετε ώρα, απαντήστε σε αυτό το μήνυμα."),
    ("el", "Δύο λεπτά από το μετρό, τρία από την πλατεία. Τα λέμε από κοντά!"),
)  # fmt: skip


@pytest.mark.parametrize(("language", "text"), NATURAL)
def test_a_text_that_a_clinic_would_write_raises_no_false_alarm(language: str, text: str) -> None:
    stop = {"en": "Reply STOP to stop", "el": "Διακοπή: STOP"}[language]
    path = SMS.replace(".en.", f".{language}.")
    own = {} if language == "en" else {SMS: "Hello. Reply STOP to stop"}
    assert problems(f"{text} {stop}", path, own, purposes=MARKETING) == []
    mail = EMAIL.replace(".en.", f".{language}.")
    own = {} if language == "en" else {EMAIL: HEAD + "Hello"}
    assert (
        problems(f"---\nsubject: {json.dumps(text) if '{' not in text else text}\n---\n{text}", mail, own)
        == []
    )


def test_the_shipped_texts_raise_no_false_alarm() -> None:
    files = read_folder(ROOT)
    _, told = read(files)
    assert [each for each in told if each.file.startswith("templates/")] == []


@pytest.mark.parametrize(
    "text",
    [
        "", "{{", "{% raw %}", "{{ '\"' }}{{ \"", "{{ " + "(" * 300, "{% if x %}" * 150, "\0\0", "{{ 'a' * 3 }}" * 50, "[](" * 3000, "{{ \"'\" * 2000 }}" + "'\"" * 3000,
        "<" * 5000, "http:" * 2000, "a " * 5000, "reply " * 3000, "you have " * 2000, "—" * 900, "{#" * 500, "a\n" * 3000, "--- \n" * 200, "fifty " * 2000, "treatment for the " * 1000, "[a](https://b " * 500, "//a" * 3000,
    ],
)  # fmt: skip
def test_nothing_that_an_author_writes_breaks_the_lints(text: str) -> None:
    for path in (SMS, EMAIL, MJML):
        for body in (text, HEAD + text, HEAD + "{{ first_name }}" + text):
            for each in problems(body, path):
                lines = body.split("\n")
                assert 1 <= each.line <= len(lines)
                assert 1 <= each.column <= len(lines[each.line - 1]) + 1


def test_folding_keeps_the_place_of_every_character() -> None:
    folded = fold("Το\u0301 ﬁλ\u00adι ΣΊΣΥΦΟΣ")
    assert folded.text == "το fiλι σισυφοσ"
    assert [folded.origin(at) for at in (3, 4, 5, 6)] == [4, 4, 5, 7]


def test_a_word_list_finds_whole_words_and_the_longest_phrase() -> None:
    words = WordList(["laser", "laser hair removal", "αποτριχωσ*"], ["laser pointer"])
    said = "laser pointer, lasers, LASER  hair-removal; Αποτριχώσεις"
    assert [each for _, each in words.find(fold(said))] == ["laser hair removal", "αποτριχωσεισ"]
    assert list(words.find(fold("nothing here"))) == []


def test_a_text_that_is_not_utf8_is_told_at_its_first_wrong_byte() -> None:
    (told,) = problems("Hello\nall \udce9 of you")
    assert (told.code, told.line, told.column) == ("yaml-not-utf8", 2, 5)
