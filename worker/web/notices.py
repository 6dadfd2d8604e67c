"""What a patient sees behind a link of a message, drawn: what she may be sent, the answers that she may give, and a link that does nothing.

Rules
1. In the message's language where there are sentences in it, else in English; in both where nobody knows whose link it is.
2. A page says nothing of the patient but what she allows: no name, no address, nothing of her visits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from worker.service.answering import ANSWERS, Answer
from worker.service.opening import Dead, Link
from worker.service.preferences import Choice, Choices
from worker.web import sentences
from worker.web.guard import HEADERS
from worker.web.page import notice
from worker.workspace.jinja import phone

FORM: Final = "preferences"
"""The field by which the form tells itself from the button and from a one-click post."""
_CSP: Final = "Content-Security-Policy"


def preferences(link: Link, now: Choices, *, saved: bool = False) -> str:
    """One button that ends marketing on the link's channel, and a form for the rest. It changes nothing by itself."""
    said, about = _said(sentences.PREFERENCES, link)
    on = now.allows(link.channel, "marketing") or not now.listed
    groups = [
        {
            "title": sentences.CHANNEL[_language(link)][channel],
            "closed": said[f"closed_{channel}"] if channel in now.closed else "",
            "choices": [(one, words(link, one)) for one in now.listed if one.channel == channel],
        }
        for channel in dict.fromkeys(one.channel for one in now.listed)
    ]
    return notice(
        _language(link), link.clinic_name, said["title"].format(**about), [said["what" if on else "off"].format(**about)], template="preferences.html.j2",
        button=said["button"].format(**about) if on else "", groups=groups, choose=said["or" if on else "choose"], save=said["save"], saved=said["saved"] if saved else "",
        form=FORM,
    )  # fmt: skip


def words(link: Link, choice: Choice) -> str:
    """The sentence that stands beside a choice."""
    return sentences.PURPOSE[_language(link)][choice.purpose]


def unsubscribed(link: Link, *, path: str = "") -> str:
    """It is done; `path` leads to the other choices."""
    said, about = _said(sentences.PREFERENCES, link)
    last = said["call" if about["phone"] else "visit"].format(**about)
    onward = (path, said["choose"]) if path else None
    lines = [said["stopped"].format(**about), said["care"], last]
    return notice(_language(link), link.clinic_name, said["done"], lines, onward=onward)


def ask(link: Link, *, books: bool, answered: bool) -> str:
    """The answers that a patient may give. After one was given, only those that still do something."""
    said, about = _said(sentences.ANSWERS, link)
    offered = [
        one for one in ANSWERS if (one != "book" or books) and (not answered or one in ("book", "stop"))
    ]
    title, line = (
        (said["thanks"], _again(said, about)) if answered else (said["title"], said["what"].format(**about))
    )
    buttons = [(one, said[one].format(**about)) for one in offered]
    return notice(_language(link), link.clinic_name, title, [line], buttons=buttons)


def answered(link: Link, given: Answer, *, first: bool) -> str:
    """An answer was taken, or had been before."""
    if given == "stop":
        return unsubscribed(link)
    said, about = _said(sentences.ANSWERS, link)
    line = said[f"done_{given}"].format(**about) if first else _again(said, about)
    if given == "book":
        line = said["done_book" if about["phone"] else "visit_book"].format(**about)
    return notice(_language(link), link.clinic_name, said["thanks"], [line])


def no_link(dead: Dead) -> str:
    """A link that does nothing, with whom to call as far as that is known."""
    about = {"clinic": dead.clinic_name, "phone": _phone(dead.clinic_phone)}
    key = (
        ("old_call" if about["phone"] else "old_what")
        if dead.expired
        else ("call" if about["phone"] else "what")
    )
    title = "old" if dead.expired else "title"
    told = {name: (said[title], said[key].format(**about)) for name, said in sentences.NO_LINK.items()}
    name = dead.clinic_name or "Revisit"
    if dead.language is not None:
        language = dead.language if dead.language in told else "en"
        return notice(language, name, told[language][0], [told[language][1]])
    return notice("en", name, told["en"][0], [told["en"][1]], also=("el", *told["el"]))


def leads_to(url: str) -> dict[str, str]:
    """The headers of a page with a form after which a browser is led to that address: else it would refuse to go there."""
    found = urlsplit(url)
    if not found.netloc:
        return {}
    return {
        _CSP: HEADERS[_CSP].replace(
            "form-action 'self'", f"form-action 'self' {found.scheme}://{found.netloc}"
        )
    }


def _phone(number: str) -> str:
    """As people read it, on one line."""
    return phone(number).replace(" ", "\N{NO-BREAK SPACE}")


def _again(said: Mapping[str, str], about: Mapping[str, str]) -> str:
    return said["again" if about["phone"] else "visit_again"].format(**about)


def _said(table: sentences.Said, link: Link) -> tuple[Mapping[str, str], dict[str, str]]:
    language = _language(link)
    about = {
        "clinic": link.clinic_name,
        "phone": _phone(link.clinic_phone),
        "by": sentences.CHANNEL[language].get(link.channel, link.channel),
    }
    return table[language], about


def _language(link: Link) -> str:
    return link.language if link.language in sentences.PREFERENCES else "en"
