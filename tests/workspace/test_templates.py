"""Templates: every shipped text renders, and no text can be bent by what stands in a patient's record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from channels.segments import count_segments
from worker.domain.clinic import Brand
from worker.workspace.jinja import phone
from worker.workspace.offering import Promise
from worker.workspace.templates import TemplateError, Templates

ROOT = Path(__file__).parents[2]
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "templates").rglob("*")
    if path.is_file()
}
CLINIC = yaml.safe_load((ROOT / "config" / "clinic.yaml").read_text(encoding="utf-8"))
SHIPPED = Templates(FILES)
TEXTS = [
    (name, channel, language)
    for name in sorted(SHIPPED.names())
    for channel in sorted(SHIPPED.channels_of(name))
    for language in sorted(SHIPPED.languages_of(name, channel))
]
SMS = [(name, language) for name, channel, language in TEXTS if channel == "sms"]
EMAILS = [(name, language) for name, channel, language in TEXTS if channel == "email"]
STOP = "https://alkyon.example.com/u/token-123"


def variables(**changes: object) -> dict[str, object]:
    return {
        "first_name": "Eleni",
        "practitioner": "Dr Kalliopi Markou",
        "clinic": {key: CLINIC[key] for key in ("name", "phone", "address", "booking_url", "review_url")},
        "brand": asdict(Brand()),
        "unsubscribe_url": STOP,
        "offer": Promise("WELCOME10", {"en": "a voucher", "el": "ένα κουπόνι"}, date(2026, 12, 31), "GR"),
    } | changes


def one(text: str, path: str = "templates/a.sms.en.j2", **more: str) -> Templates:
    return Templates({path: text, **more})


def email(body: str, **changes: object):
    templates = one(f"---\nsubject: Hello {{{{ first_name }}}}\n---\n{body}", "templates/a.email.en.md")
    return templates.render_email("a", "en", variables(**changes))


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def links(self) -> set[str]:
        return {attrs.get("href") or "" for tag, attrs in self.seen if tag == "a"}


# The shipped texts


def steps(written: Any) -> Iterator[dict[str, Any]]:
    """Every step of a journey, at whatever depth."""
    if isinstance(written, dict):
        if "id" in written:
            yield written
        for inner in written.values():
            yield from steps(inner)
    elif isinstance(written, list):
        for inner in written:
            yield from steps(inner)


def test_every_message_has_its_channels_in_both_languages():
    assert "second_visit/plan_next" in SHIPPED.names()
    for name in SHIPPED.names():
        for channel in SHIPPED.channels_of(name):
            assert SHIPPED.languages_of(name, channel) == set(CLINIC["languages"]), (name, channel)


def test_every_template_that_a_journey_names_has_the_channels_it_sends_by():
    for path in (ROOT / "journeys").glob("*.yaml"):
        for step in steps(yaml.safe_load(path.read_text(encoding="utf-8"))["steps"]):
            if "send" in step:
                assert set(step["send"]) == SHIPPED.channels_of(step["template"]), (path.name, step["id"])


def test_the_shipped_texts_have_no_mistake():
    assert SHIPPED.check(variables()) == []


def of_marketing() -> set[str]:
    """The templates that a marketing journey sends."""
    found = set()
    for path in (ROOT / "journeys").glob("*.yaml"):
        journey = yaml.safe_load(path.read_text(encoding="utf-8"))
        if journey.get("purpose", "marketing") == "marketing":
            found |= {step["template"] for step in steps(journey["steps"]) if "send" in step}
    return found


@pytest.mark.parametrize("first_name", ["Konstantina", ""])
@pytest.mark.parametrize(("name", "language"), SMS)
def test_an_sms_is_short_and_says_who_writes_and_marketing_how_to_stop(name, language, first_name):
    text = SHIPPED.render_sms(name, language, variables(first_name=first_name))
    size = count_segments(text)
    assert (size.encoding, size.count) in (
        {("gsm7", 1)} if language == "en" else {("ucs2", 1), ("ucs2", 2)}
    ), text
    assert CLINIC["name"] in text
    assert not re.search(r"https?://\S+[.,;!)](\s|$)", text), (
        "a link ends at a blank, so that no phone takes a full stop with it"
    )
    if name in of_marketing():
        assert text.endswith("Reply STOP" if language == "en" else ("Στείλτε STOP", "Διακοπή; STOP"))
    assert "\n" not in text
    assert not re.search(r"  | ,|\{|\}|None", text)


@pytest.mark.parametrize(("name", "language"), SMS)
def test_an_sms_without_a_name_still_reads_well(name, language):
    text = SHIPPED.render_sms(name, language, variables(first_name="", practitioner=""))
    assert not text.startswith(("Hello ,", "Hello  "))
    if language == "en":
        assert text.startswith("Hello, ")


@pytest.mark.parametrize("first_name", ["Eleni", ""])
@pytest.mark.parametrize(("name", "language"), EMAILS)
def test_an_email_is_complete_in_html_and_in_plain_text(name, language, first_name):
    mail = SHIPPED.render_email(name, language, variables(first_name=first_name))
    page = Tags(mail.html)
    assert page.seen[0] == ("html", page.seen[0][1])
    assert page.seen[0][1]["lang"] == language
    assert {CLINIC["booking_url"], STOP, f"tel:{CLINIC['phone']}"} <= page.links()
    words = " ".join(page.words)
    for text in (words, mail.text):
        assert CLINIC["address"] in text
        assert phone(CLINIC["phone"]) in text
    assert STOP in mail.text
    assert CLINIC["booking_url"] in mail.text
    assert mail.preheader in words
    assert 0 < len(mail.subject) <= 60
    assert not re.search(r" ,|\{\{|None|\*\*", mail.text)


@pytest.mark.parametrize(("name", "language"), EMAILS)
def test_an_email_loads_nothing_from_elsewhere(name, language):
    mail = SHIPPED.render_email(name, language, variables())
    tags = Tags(mail.html).seen
    assert not [tag for tag, _ in tags if tag in ("img", "link", "script", "iframe", "object")]
    assert "url(" not in mail.html
    assert "@import" not in mail.html


def test_a_layout_that_names_a_web_font_does_not_fetch_it():
    layout = '<mjml><mj-body><mj-section><mj-column><mj-text font-family="Roboto">{{ body }}</mj-text></mj-column></mj-section></mj-body></mjml>'
    templates = one(
        "---\nsubject: S\n---\nHi", "templates/a.email.en.md", **{"templates/layout.mjml": layout}
    )
    html = templates.render_email("a", "en", variables()).html
    assert "Roboto" in html
    assert "googleapis" not in html


def test_without_an_unsubscribe_address_the_email_has_no_such_link():
    mail = SHIPPED.render_email("win_back_6/hello", "en", variables(unsubscribe_url=""))
    assert "nsubscribe" not in mail.html + mail.text
    assert "" not in Tags(mail.html).links()


# Languages


def test_the_language_is_the_patients_then_the_clinics():
    templates = Templates({"templates/a.sms.en.j2": "Hello", "templates/a.sms.el.j2": "Γεια σας"})
    assert templates.render_sms("a", "el", variables(), fallback="en") == "Γεια σας"
    assert templates.render_sms("a", "el-GR", variables(), fallback="en") == "Γεια σας"
    assert templates.render_sms("a", "fr", variables(), fallback="en") == "Hello"
    assert templates.render_sms("a", None, variables(), fallback="el") == "Γεια σας"


def test_an_email_says_the_language_it_is_written_in_not_the_one_asked_for():
    mail = SHIPPED.render_email("win_back_6/hello", "fr", variables(language="fr"), fallback="en")
    assert Tags(mail.html).seen[0][1]["lang"] == "en"


def test_a_missing_text_names_the_file_to_write():
    with pytest.raises(TemplateError, match=r"^templates/a\.email\.el\.md:1: this file is missing"):
        one("Hello").render_email("a", "fr", variables(), fallback="el")


def test_a_channel_counts_only_with_the_right_kind_of_file():
    templates = Templates(
        {"templates/a.sms.en.md": "x", "templates/b/c.email.en.md": "x", "templates/layout.mjml": "x"}
    )
    assert templates.names() == {"b/c"}
    assert templates.channels_of("b/c") == {"email"}
    assert templates.channels_of("a") == frozenset()


# Hostile values


HOSTILE = [
    "[x](http://evil.example)",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "</mj-text><mj-include path='/etc/passwd' />",
    "{{ clinic.phone }}{% for x in y %}",
    "**bold** _it_ `code` # head",
    "<http://evil.example>",
    '"&amp;\\',
    "![p](http://evil.example/p.png)",
    "1. one",
    "-",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name):
    mail = SHIPPED.render_email("win_back_6/hello", "en", variables(first_name=name))
    plain = SHIPPED.render_email("win_back_6/hello", "en", variables(first_name="Eleni"))
    page, expected = Tags(mail.html), Tags(plain.html)
    assert [tag for tag, _ in page.seen] == [tag for tag, _ in expected.seen]
    assert page.links() == expected.links()
    assert f"Hello {name}," in "".join(page.words)
    assert f"Hello {name}," in mail.text
    assert f"Hello {name}," in SHIPPED.render_sms("win_back_6/hello", "en", variables(first_name=name))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_at_the_start_of_a_line_stays_text_too(name):
    assert email("{{ first_name }}\n", first_name=name).text.startswith(f"{name}\n")


def test_a_name_cannot_add_a_header_or_a_paragraph():
    mail = email("{{ first_name }}, hello", first_name="Eva\r\nBcc: all@example.com\n\n# Big\u2028\u202e")
    assert mail.subject == "Hello Eva Bcc: all@example.com # Big"
    assert mail.text.startswith("Eva Bcc: all@example.com # Big, hello")


def test_an_address_in_a_link_arrives_as_it_is():
    url = "https://example.com/b_o_o_k/a*b?x=1&y=(2)&z=%CE%B1"
    mail = email("[Book]({{ clinic.booking_url }})", clinic={**CLINIC, "booking_url": url})
    assert url in Tags(mail.html).links()
    assert f"Book:\n{url}" in mail.text


# Markdown


def test_a_paragraph_of_one_link_is_a_button_and_a_link_among_words_is_not():
    mail = email("[Book now](https://example.com/b)\n\nOr [read on](https://example.com/r).\n")
    assert mail.text.startswith("Book now:\nhttps://example.com/b\n\nOr read on (https://example.com/r).\n")
    button, inline = (
        next(a for t, a in Tags(mail.html).seen if a.get("href") == f"https://example.com/{x}") for x in "br"
    )
    assert "display:inline-block" in str(button["style"])
    assert "text-decoration:underline" in str(inline["style"])


def test_plain_text_keeps_lists_headings_line_breaks_and_quotes():
    mail = email(
        "# Title\n\n- one\n- two\n  1. deep\n  2. er\n\n> said\n\n**Bold** and\n_line_\n\n---\n\nend"
    )
    expected = (
        "Title\n-----\n\n- one\n- two\n   1. deep\n   2. er\n\n> said\n\nBold and\nline\n\n* * *\n\nend\n"
    )
    assert mail.text.startswith(expected)
    assert "<strong>Bold</strong> and<br" in mail.html


def test_html_and_odd_links_of_an_author_are_shown_not_used():
    mail = email(
        "<img src=x> [a](javascript:alert(1)) [b](data:text/html,x) [d](ftp://x) [e](/here) ![c](https://example.com/c.png)"
    )
    tags = [tag for tag, _ in Tags(mail.html).seen]
    assert "img" not in tags
    assert {link.partition(":")[0] for link in Tags(mail.html).links()} == {"https"}


def test_a_block_that_ends_a_paragraph_does_not_join_it_to_the_next():
    assert email("A{% if first_name %}B{% endif %}\n\nC").text.startswith("AB\n\nC\n")


def test_an_sms_keeps_its_lines_but_no_empty_ones():
    templates = one("One\n{% if first_name %}\nTwo\n{% endif %}\n\nThree\n")
    assert templates.render_sms("a", "en", variables()) == "One\nTwo\nThree"
    assert templates.render_sms("a", "en", variables(first_name="")) == "One\nThree"


# Mistakes of an author


def problem(templates: Templates, channel: str = "sms") -> str:
    render = templates.render_sms if channel == "sms" else templates.render_email
    with pytest.raises(TemplateError) as caught:
        render("a", "en", variables())
    assert str(caught.value) == f"{caught.value.path}:{caught.value.line}: {caught.value.message}"
    return str(caught.value)


def test_an_unknown_name_is_an_error_with_its_line_and_the_nearest_name():
    found = problem(one("Hello\n\n{{ frist_name }}"))
    assert found == "templates/a.sms.en.j2:3: there is no variable 'frist_name'; did you mean 'first_name'?"
    found = problem(one("Hello {{ clinic.adress }}"))
    assert found == "templates/a.sms.en.j2:1: there is no variable 'adress'; did you mean 'clinic.address'?"
    assert "there are clinic.address, clinic.booking_url" in problem(one("{{ zzz }}"))


def test_an_unknown_name_in_an_email_is_found_in_subject_and_body():
    path = "templates/a.email.en.md"
    assert problem(one("---\nsubject: {{ x }}\n---\nHi", path), "email").startswith(
        f"{path}:2: there is no variable 'x'"
    )
    assert problem(one("---\nsubject: S\n---\n\nHi\n{{ x }}", path), "email").startswith(
        f"{path}:6: there is no variable"
    )


def test_an_unknown_name_in_the_layout_names_the_layout():
    broken = {"templates/layout.mjml": "<mjml>\n<mj-body>\n{{ clinic.logo }}</mj-body></mjml>"}
    found = problem(one("---\nsubject: S\n---\nHi", "templates/a.email.en.md", **broken), "email")
    assert found.startswith("templates/layout.mjml:3: there is no variable 'logo'")


def test_broken_syntax_is_an_error_with_its_line():
    assert problem(one("a\n{% if first_name %}\nb")).startswith("templates/a.sms.en.j2:")
    assert problem(one("a\nb {{ first_name")).startswith("templates/a.sms.en.j2:2: ")
    found = problem(one("---\nsubject: S\n---\na\n\n{% endif %}", "templates/a.email.en.md"), "email")
    assert found.startswith("templates/a.email.en.md:6: ")


def test_a_layout_that_is_no_mjml_is_an_error():
    broken = {"templates/layout.mjml": "<mjml><mj-body><mj-section></mj-body></mjml>"}
    found = problem(one("---\nsubject: S\n---\nHi", "templates/a.email.en.md", **broken), "email")
    assert found.startswith("templates/layout.mjml:1: this is not MJML")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", "md:1: an e-mail begins with the lines ---"),
        ("---\nsubject: S\nHello", "md:1: an e-mail begins with the lines ---"),
        ("---\npreheader: S\n---\nHello", "md:1: the subject is missing"),
        ("---\nsubject: S\nsubjct: S\n---\nHello", "md:3: 'subjct' is not known here"),
        ("---\nsubject: S\nsubject: T\n---\nHello", "md:3: subject stands here twice"),
        ("---\nsubject: S\n---\n  \n", "md:4: nothing is left of this text"),
        ("---\nsubject: \n---\nHello", "md:2: the subject is empty"),
        ("---\nsubject: S\nsensitivity: helth\n---\nHello", "md:3: 'helth' is no sensitivity"),
    ],
)
def test_front_matter_is_checked(text, expected):
    assert expected in problem(one(text, "templates/a.email.en.md"), "email")


def test_front_matter_may_be_quoted_and_may_hold_remarks_and_windows_lines():
    text = '\ufeff---\r\n# a remark\r\nsubject: "Hello: {{ first_name }}"\r\n---\r\nHi\r\n'
    mail = one(text, "templates/a.email.en.md").render_email("a", "en", variables())
    assert (mail.subject, mail.preheader) == ("Hello: Eleni", "")


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'templates/layout.txt' %}",
        "{% import '/etc/passwd' as x %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ range(10) }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_reaches_nothing_but_its_variables(text):
    assert problem(one(f"a\n{text}")).startswith("templates/a.sms.en.j2:2: ")


def test_an_empty_sms_is_an_error():
    assert "nothing is left" in problem(one("{% if not first_name %}Hello{% endif %}"))


def test_check_tells_every_mistake_at_once_also_those_that_show_only_without_a_name():
    templates = Templates(
        {
            "templates/a.sms.en.j2": "{{ x }}",
            "templates/b.sms.en.j2": "{% if not first_name %}{{ y }}{% endif %}z",
            "templates/c.email.el.md": "no front matter",
            "templates/d.sms.en.j2": "fine",
        }
    )
    assert [(error.path, error.line) for error in templates.check(variables())] == [
        ("templates/a.sms.en.j2", 1),
        ("templates/b.sms.en.j2", 1),
        ("templates/c.email.el.md", 1),
    ]


def test_a_workspace_without_layouts_still_writes_lawful_emails():
    mail = one("---\nsubject: S\n---\nHi", "templates/a.email.en.md").render_email("a", "en", variables())
    for text in (mail.html, mail.text):
        assert CLINIC["address"] in text
        assert STOP in text


def test_a_phone_number_reads_as_people_write_it():
    assert phone("+302103456789") == "+30 21 0345 6789"
    assert phone("ask at the desk") == "ask at the desk"


def test_the_brand_is_seen_and_a_logo_takes_the_place_of_the_name():
    brand = asdict(Brand(logo="https://example.com/logo.png", colour="#123456"))
    html = SHIPPED.render_email("win_back_6/hello", "en", variables(brand=brand)).html
    images = [dict(attributes) for tag, attributes in Tags(html).seen if tag == "img"]
    assert [(image["src"], image["alt"]) for image in images] == [
        ("https://example.com/logo.png", CLINIC["name"])
    ]
    assert "#123456" in html
    assert "#1d4a50" not in html
