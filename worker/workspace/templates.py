"""The texts that patients read: from a workspace's `templates/` to an SMS or an e-mail.

Rules
1. `templates/NAME.sms.LANGUAGE.j2` is an SMS; `templates/NAME.email.LANGUAGE.md` is an e-mail in Markdown, `….mjml` one in MJML of its own. An
   e-mail begins with front matter: `---`, `subject: …`, `preheader: …` (may be left out), `---`. All are Jinja2.
2. The language is the patient's where there is a text in it, else the clinic's.
3. E-mails in Markdown stand in `templates/layout.mjml` and, as plain text, in `templates/layout.txt`; where one is missing, in a
   plain one of ours. Layouts also know `subject`, `preheader` and `body`. One in MJML is a whole document; its plain text is made from it.
4. A value from a patient's record is only ever text: never Markdown, HTML, MJML, Jinja or a second header line.
5. Nothing here reads the disk: the files come as a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from mjml import mjml2html

from worker.workspace import frontmatter, layout, markdown, mjml_text
from worker.workspace.jinja import Source, TemplateError, clean, environment
from worker.workspace.lint_names import needs_offer
from worker.workspace.offering import Promise

__all__ = ["Draft", "Email", "TemplateError", "Templates", "Variables"]

_FILE = re.compile(
    r"templates/(?P<name>.+)\.(?P<channel>sms|email)\.(?P<language>[a-z]{2})\.(?P<suffix>j2|md|mjml)"
)
_SUFFIXES: Final = {"sms": ("j2",), "email": ("md", "mjml")}
_OPTIONAL = ("first_name", "practitioner", "unsubscribe_url")
_EMPTY_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")

Variables = Mapping[str, object]
"""What a text may name: `first_name` (may be ""), `clinic` with `name`, `phone`, `address`, `booking_url` and `review_url`, `practitioner` (may be ""),
`unsubscribe_url` (e-mail; may be "" or absent), `offer` (a Promise, or absent). `language` is set here."""


@dataclass(frozen=True, slots=True)
class Email:
    """A rendered e-mail; `text` and `html` say the same."""

    subject: str
    preheader: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One text: a file, and what it is."""

    path: str
    name: str
    channel: str
    language: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its values, before it stands in a layout; `subject` and `preheader` are "" for an SMS. `body` is Markdown, MJML, or the SMS."""

    subject: str
    preheader: str
    body: str
    values: Mapping[str, object]


class Templates:
    """All texts of one workspace. Compiles what is asked for, once; may be shared between threads."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files` maps paths in the workspace (`templates/…`) to their content; other paths are ignored."""
        self._files = {path: _unix(text) for path, text in files.items()}
        self._drafts: dict[tuple[str, str], dict[str, Draft]] = {}
        self.shadowed: list[tuple[str, str]] = []
        for path in sorted(self._files):
            match = _FILE.fullmatch(path)
            if match and match["suffix"] in _SUFFIXES[match["channel"]]:
                name, channel, language = match["name"], match["channel"], match["language"]
                first = self._drafts.setdefault((name, channel), {}).setdefault(
                    language, Draft(path, name, channel, language)
                )
                if first.path != path:
                    self.shadowed.append((path, first.path))
        self._plain, self._markdown = environment(), environment(finalize=markdown.literal)
        self._escaped = environment(autoescape=True)
        self._compiled: dict[str, dict[str, Source]] = {}

    def names(self) -> frozenset[str]:
        """The names that a step's `template` may give."""
        return frozenset(name for name, _ in self._drafts)

    def channels_of(self, name: str) -> frozenset[str]:
        """`sms`, `email`, both, or nothing where no text has that name."""
        return frozenset(channel for channel in _SUFFIXES if (name, channel) in self._drafts)

    def languages_of(self, name: str, channel: str) -> frozenset[str]:
        """The languages in which there is such a text."""
        return frozenset(self._drafts.get((name, channel), ()))

    def drafts(self) -> list[Draft]:
        """Every text, by name, channel and language."""
        return [texts[language] for _, texts in sorted(self._drafts.items()) for language in sorted(texts)]

    def draft(self, name: str, channel: str, language: str) -> Draft:
        """One text. Raises KeyError where there is none."""
        return self._drafts[name, channel][language]

    def names_offer(self, name: str) -> bool:
        """Whether each text of that name says anything of an offer at all, so that a step's offer reaches its reader."""
        return all("offer" in self._files[draft.path] for draft in self.drafts() if draft.name == name)

    def uses_offer(self, name: str) -> bool:
        """Whether a text of that name says something of the step's offer that it cannot leave out, so that a step without one must not send it."""
        drafts = [draft for draft in self.drafts() if draft.name == name]
        return any(needs_offer(source) for draft in drafts for source in self._whole(draft.path).values())

    def language_for(self, name: str, channel: str, language: str | None, fallback: str | None = None) -> str:
        """The language to write in (rule 2); raises TemplateError where there is no text in either."""
        asked = [each.split("-")[0].lower() for each in (language, fallback) if each]
        for each in asked:
            if each in self.languages_of(name, channel):
                return each
        path = f"templates/{name}.{channel}.{(asked or ['en'])[-1]}.{_SUFFIXES.get(channel, ('j2',))[0]}"
        raise TemplateError(path, 1, "this file is missing; write it, or take the channel out of the step")

    def render_sms(
        self, name: str, language: str | None, variables: Variables, *, fallback: str | None = None
    ) -> str:
        """The body of an SMS, without empty lines; raises TemplateError."""
        chosen = self.language_for(name, "sms", language, fallback)
        return self.fill(self.draft(name, "sms", chosen), variables).body

    def render_email(
        self, name: str, language: str | None, variables: Variables, *, fallback: str | None = None
    ) -> Email:
        """Subject, preheader, plain text and HTML; raises TemplateError. An empty `unsubscribe_url` leaves the link out."""
        chosen = self.language_for(name, "email", language, fallback)
        draft = self.draft(name, "email", chosen)
        return self.frame(draft, self.fill(draft, variables))

    def fill(self, draft: Draft, variables: Variables) -> Filled:
        """A text with its values; raises TemplateError."""
        parts, values = self.parts(draft.path), _values(variables, draft.language)
        if draft.channel == "sms":
            body = _EMPTY_LINES.sub("\n", parts["body"].render(values)).strip()
            return Filled("", "", _filled(parts["body"], body, "this text"), values)
        subject, preheader = (
            " ".join(parts[part].render(values).split()) for part in ("subject", "preheader")
        )
        subject = _filled(parts["subject"], subject, "the subject")
        values |= {"subject": subject, "preheader": preheader}
        body = parts["body"].render(values).strip()
        return Filled(subject, preheader, _filled(parts["body"], body, "this text"), values)

    def frame(self, draft: Draft, filled: Filled) -> Email:
        """The e-mail of a text that is filled in; raises TemplateError."""
        if draft.path.endswith(".mjml"):
            text, path, document = mjml_text.plain(filled.body), draft.path, filled.body
        else:
            body = markdown.render(filled.body)
            text = self.parts(layout.TEXT)["body"].render({**filled.values, "body": body.text})
            path = layout.MJML
            document = self.parts(path)["body"].render({**filled.values, "body": Markup(body.mjml)})  # noqa: S704 (markdown escapes it)
        try:
            html = mjml2html(document, fonts={})
        except ValueError as error:
            line = self.parts(path)["body"].line
            raise TemplateError(path, line, f"this is not MJML: {error}") from error
        return Email(filled.subject, filled.preheader, _EMPTY_LINES.sub("\n\n", text).strip() + "\n", html)

    def check(self, variables: Variables) -> list[TemplateError]:
        """What keeps any text from being written: each is filled with these variables, then with the optional ones empty.

        The layout is the same for all texts of a language, so it is tried once in each.
        """
        found: dict[tuple[str, int, str], TemplateError] = {}
        framed: set[str] = set()
        for draft in self.drafts():
            once = draft.language if draft.path.endswith(".md") else draft.path
            for values in (variables, {**variables, **dict.fromkeys(_OPTIONAL, "")}):
                try:
                    filled = self.fill(draft, values)
                    if draft.channel == "email" and once not in framed:
                        self.frame(draft, filled)
                except TemplateError as error:
                    found[error.path, error.line, error.message] = error
            if draft.channel == "email":
                framed.add(once)
        return [found[key] for key in sorted(found)]

    def parts(self, path: str) -> dict[str, Source]:
        """The pieces of a file: `body`, and for an e-mail `subject` and `preheader`; raises TemplateError."""
        if path not in self._compiled:
            text = self._files[path] if path in self._files else layout.PLAIN[path]
            match = _FILE.fullmatch(path)
            if match and match["channel"] == "email":
                head = frontmatter.split(path, text)
                parts = {
                    key: Source(self._plain, path, value.text, value.line, value.column)
                    for key, value in head.fields.items()
                }
                env = self._markdown if path.endswith(".md") else self._escaped
                body = Source(env, path, head.body, head.body_line)
                self._compiled[path] = {"preheader": Source(self._plain, path, ""), **parts, "body": body}
            else:
                env = self._escaped if path == layout.MJML else self._plain
                self._compiled[path] = {"body": Source(env, path, text)}
        return self._compiled[path]

    def _whole(self, path: str) -> Mapping[str, Source]:
        try:
            return self.parts(path)
        except TemplateError:
            return {}


def _values(variables: Variables, language: str) -> dict[str, object]:
    offer = variables.get("offer")
    told = offer.said(language) if isinstance(offer, Promise) else offer or {}
    cleaned = {name: clean(value) for name, value in {**variables, "offer": told}.items()}
    return {"unsubscribe_url": "", **cleaned, "language": language}


def _unix(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _filled(source: Source, text: str, what: str) -> str:
    if not text:
        message = f"nothing is left of {what} once it is filled in; write something"
        code = "template-subject" if what == "the subject" else "template-broken"
        raise TemplateError(source.path, source.line, message, source.column, code)
    return text
