"""The texts that patients read: from a workspace's `templates/` to an SMS or an e-mail.

Rules
1. `templates/NAME.sms.LANGUAGE.j2` is an SMS; `templates/NAME.email.LANGUAGE.md` is an e-mail in Markdown. An
   e-mail begins with front matter: `---`, `subject: …`, `preheader: …` (may be left out), `---`. Both are Jinja2.
2. The language is the patient's where there is a text in it, else the clinic's.
3. E-mails stand in `templates/layout.mjml` and, as plain text, in `templates/layout.txt`; where one is missing, in a
   plain one of ours. Layouts also know `subject`, `preheader` and `body`.
4. A value from a patient's record is only ever text: never Markdown, HTML, MJML, Jinja or a second header line.
5. Nothing here reads the disk: the files come as a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from mjml import mjml2html

from worker.workspace import frontmatter, layout, markdown
from worker.workspace.jinja import Source, TemplateError, clean, environment

__all__ = ["Email", "TemplateError", "Templates"]

_FILE = re.compile(
    r"templates/(?P<name>.+)\.(?P<channel>sms|email)\.(?P<language>[a-z]{2})\.(?P<suffix>j2|md)"
)
_SUFFIX = {"sms": "j2", "email": "md"}
_OPTIONAL = ("first_name", "practitioner", "unsubscribe_url")
_EMPTY_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")

Variables = Mapping[str, object]
"""What a text may name: `first_name` (may be ""), `clinic` with `name`, `phone`, `address` and `booking_url`, `practitioner` (may be ""),
`unsubscribe_url` (e-mail; may be "" or absent). `language` is set here."""


@dataclass(frozen=True, slots=True)
class Email:
    """A rendered e-mail; `text` and `html` say the same."""

    subject: str
    preheader: str
    text: str
    html: str


class Templates:
    """All texts of one workspace. Compiles what is asked for, once; may be shared between threads."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files` maps paths in the workspace (`templates/…`) to their content; other paths are ignored."""
        self._files = {path: _unix(text) for path, text in files.items()}
        self._languages: dict[tuple[str, str], set[str]] = {}
        for path in self._files:
            match = _FILE.fullmatch(path)
            if match and match["suffix"] == _SUFFIX[match["channel"]]:
                self._languages.setdefault((match["name"], match["channel"]), set()).add(match["language"])
        self._plain, self._markdown = environment(), environment(finalize=markdown.literal)
        self._escaped = environment(autoescape=True)
        self._compiled: dict[str, dict[str, Source]] = {}

    def names(self) -> frozenset[str]:
        """The names that a step's `template` may give."""
        return frozenset(name for name, _ in self._languages)

    def channels_of(self, name: str) -> frozenset[str]:
        """`sms`, `email`, both, or nothing where no text has that name."""
        return frozenset(channel for known, channel in self._languages if known == name)

    def languages_of(self, name: str, channel: str) -> frozenset[str]:
        """The languages in which there is such a text."""
        return frozenset(self._languages.get((name, channel), ()))

    def language_for(self, name: str, channel: str, language: str | None, fallback: str | None = None) -> str:
        """The language to write in (rule 2); raises TemplateError where there is no text in either."""
        asked = [each.split("-")[0].lower() for each in (language, fallback) if each]
        for each in asked:
            if each in self.languages_of(name, channel):
                return each
        path = f"templates/{name}.{channel}.{(asked or ['en'])[-1]}.{_SUFFIX.get(channel, 'j2')}"
        raise TemplateError(path, 1, "this file is missing; write it, or take the channel out of the step")

    def render_sms(
        self, name: str, language: str | None, variables: Variables, *, fallback: str | None = None
    ) -> str:
        """The body of an SMS, without empty lines; raises TemplateError."""
        chosen = self.language_for(name, "sms", language, fallback)
        path = f"templates/{name}.sms.{chosen}.j2"
        text = self._parts(path)["body"].render(_values(variables, chosen))
        return _filled(path, _EMPTY_LINES.sub("\n", text).strip())

    def render_email(
        self, name: str, language: str | None, variables: Variables, *, fallback: str | None = None
    ) -> Email:
        """Subject, preheader, plain text and HTML; raises TemplateError. An empty `unsubscribe_url` leaves the link out."""
        chosen = self.language_for(name, "email", language, fallback)
        path = f"templates/{name}.email.{chosen}.md"
        parts, values = self._parts(path), _values(variables, chosen)
        subject, preheader = (
            " ".join(parts[part].render(values).split()) for part in ("subject", "preheader")
        )
        body = markdown.render(_filled(path, parts["body"].render(values).strip()))
        values |= {"subject": _filled(path, subject), "preheader": preheader}
        text = self._parts(layout.TEXT)["body"].render(values | {"body": body.text})
        document = self._parts(layout.MJML)["body"].render(values | {"body": Markup(body.mjml)})  # noqa: S704 (markdown escapes it)
        try:
            html = mjml2html(document, fonts={})
        except ValueError as error:
            raise TemplateError(layout.MJML, 1, f"this is not MJML: {error}") from error
        return Email(subject, preheader, _EMPTY_LINES.sub("\n\n", text).strip() + "\n", html)

    def check(self, variables: Variables) -> list[TemplateError]:
        """What is wrong with any text: each is rendered with these variables, then with the optional ones empty."""
        found: dict[tuple[str, int, str], TemplateError] = {}
        for (name, channel), languages in sorted(self._languages.items()):
            render = self.render_sms if channel == "sms" else self.render_email
            for language in sorted(languages):
                for values in (variables, {**variables, **dict.fromkeys(_OPTIONAL, "")}):
                    try:
                        render(name, language, values)
                    except TemplateError as error:
                        found[error.path, error.line, error.message] = error
        return [found[key] for key in sorted(found)]

    def _parts(self, path: str) -> dict[str, Source]:
        if path not in self._compiled:
            text = self._files[path] if path in self._files else layout.PLAIN[path]
            if path.endswith(".md"):
                head = frontmatter.split(path, text)
                lines = {
                    key: Source(self._plain, path, value, line) for key, (value, line) in head.fields.items()
                }
                body = Source(self._markdown, path, head.body, head.body_line)
                self._compiled[path] = {"preheader": Source(self._plain, path, ""), **lines, "body": body}
            else:
                env = self._escaped if path == layout.MJML else self._plain
                self._compiled[path] = {"body": Source(env, path, text)}
        return self._compiled[path]


def _values(variables: Variables, language: str) -> dict[str, object]:
    cleaned = {name: clean(value) for name, value in variables.items()}
    return {"unsubscribe_url": "", **cleaned, "language": language}


def _unix(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _filled(path: str, text: str) -> str:
    if not text:
        raise TemplateError(path, 1, "nothing is left of this text once it is filled in; write something")
    return text
