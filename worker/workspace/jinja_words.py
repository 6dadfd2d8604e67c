"""What Jinja says of a template, in words for those who write texts, with the way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from worker.domain.shape import nearest

CLOSING: Final[Mapping[str, str]] = {"{{": "}}", "{%": "%}", "{#": "#}"}
STATEMENTS: Final = ("if", "elif", "else", "endif", "for", "endfor", "set")
USEFUL: Final = ("capitalize", "default", "lower", "phone", "replace", "title", "trim", "upper")
"""The filters that texts need; Jinja has more."""
_FILTER_WORDS: Final[Mapping[str, str]] = {
    "tel": "phone", "telephone": "phone", "number": "phone", "uppercase": "upper", "lowercase": "lower", "strip": "trim", "capitalise": "capitalize", "fallback": "default", "or": "default",
}  # fmt: skip
Words = tuple[str, str]
"""A message, and its hint."""


def in_words(message: str, opening: str, filters: Collection[str]) -> Words:
    """Jinja's message about the `{{`, `{%` or `{#` at `opening` (the text from there on); the message as it is where we have no words for it."""
    for pattern, say in _SAID:
        match = re.match(pattern, message)
        if match is not None:
            return say(match, opening, filters)
    return message, ""


def _not_closed(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    open_ = opening[:2]
    if open_ not in CLOSING:
        return "a brace is not closed", "Write `{{ first_name }}`: two braces on either side."
    example = "{{ first_name }}" if open_ == "{{" else "{% if first_name %}"
    return f"`{open_}` opens here, and no `{CLOSING[open_]}` closes it", f"Close it as in `{example}`."


def _left_open(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    block = match[1]
    if block == "set":
        return "`{% set … %}` gives no value", "Write `{% set name = value %}`."
    return (
        f"`{{% {block} … %}}` opens here, and no `{{% end{block} %}}` closes it",
        f"Write `{{% end{block} %}}` where it ends.",
    )


def _wrong_end(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    tag, block = match[1], match[2]
    if tag in ("else", "elif"):
        return (
            f"`{{% {tag} %}}` can't stand here within `{{% {block} … %}}`",
            f"After `{{% else %}}` comes only `{{% end{block} %}}`.",
        )
    if tag.startswith("end"):
        return (
            f"`{{% {tag} … %}}` does not close `{{% {block} … %}}`",
            f"Write `{{% end{block} %}}`, in one word.",
        )
    return _no_statement(match, opening, filters)


def _no_statement(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    tag = match[1]
    if tag in ("else", "elif") or (tag.startswith("end") and tag[3:] in ("if", "for", "set")):
        block = tag[3:] if tag.startswith("end") else "if"
        return (
            f"`{{% {tag} %}}` belongs to no `{{% {block} … %}}` before it",
            f"Remove it, or write `{{% {block} … %}}` where the part begins.",
        )
    near = nearest(tag, STATEMENTS, {"fi": "if", "end": "endif", "elseif": "elif", "elsif": "elif"})
    known = ", ".join(f"`{word}`" for word in STATEMENTS)
    return f"there is no statement `{tag}`", f"Did you mean `{near}`?" if near else f"There are {known}."


def _no_filter(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    near = nearest(match[1], filters, _FILTER_WORDS)
    known = ", ".join(f"`{name}`" for name in USEFUL if name in filters)
    return f"there is no filter `{match[1]}`; there are {known}", f"Did you mean `{near}`?" if near else ""


def _too_much(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    if opening.startswith("{{{"):
        return "`{{{` has a brace too many", "Write `{{ first_name }}`: two braces on either side."
    if match[2] == "=":
        return "one `=` does not compare", "Write `==`, as in `{% if language == 'el' %}`."
    close = CLOSING.get(opening[:2], "}}")
    return (
        f"there is something too much before `{close}`",
        "A name is one word, such as `{{ first_name }}`; words of your own stand in quotation marks.",
    )


def _nothing(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    if opening.startswith("{{"):
        return (
            "something is missing before `}}`",
            "Name what is to be printed, such as `{{ first_name }}`, or remove it.",
        )
    return "something is missing before `%}`", "For example `{% if first_name %}`."


def _character(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    if match[1] in "'\"":
        return "a quotation mark is not closed", f"Write a second {match[1]} where the words end."
    if match[1] in "“”„‘’«»":
        return f"`{match[1]}` is no quotation mark here", "Use straight ones: 'like this'."
    return f"`{match[1]}` can't stand within `{opening[:2]}`", "Write it outside, or in quotation marks."


def _bracket(match: re.Match[str], opening: str, filters: Collection[str]) -> Words:
    return f"a bracket is not closed: `{match[1]}` is missing", "Write it before the braces close."


def _says(message: str, hint: str) -> _Say:
    return lambda match, opening, filters: (message, hint)


_Say = Callable[[re.Match[str], str, Collection[str]], Words]
_SAID: Final[tuple[tuple[str, _Say], ...]] = (
    (r"unexpected '.+', expected '([)\]}])'", _bracket),
    (r"unexpected '\}'$", _not_closed),
    (r"unexpected end of template", _not_closed),
    (r"Unexpected end of template\..*block that needs to be closed is '(\w+)'", _left_open),
    (r"Encountered unknown tag '(\w+)'\..*block that needs to be closed is '(\w+)'", _wrong_end),
    (r"Encountered unknown tag '(\w+)'", _no_statement),
    (r"No filter named '(\w+)'", _no_filter),
    (r"expected token 'in', got", _says("`for` does not say what it goes through", "For example `{% for letter in first_name %}`.")),
    (r"expected token '(.+?)', got '(.+)'", _too_much),
    (r"(?:Expected an expression, got|unexpected) 'end of", _nothing),
    (r"tag name expected", _says("nothing stands between `{%` and `%}`", "For example `{% if first_name %}`; or remove it.")),
    (r"Missing end of comment tag", _says("`{#` opens a remark here, and no `#}` closes it", "Write `#}` where it ends.")),
    (r"Missing end of raw directive", _says("`{% raw %}` opens here, and no `{% endraw %}` closes it", "Write `{% endraw %}` where it ends.")),
    (r"expected name or number", _says("a name is missing after a point", "For example `{{ clinic.name }}`.")),
    (r"unexpected char '(.)'", _character),
    (r'unexpected char "(.)"', _character),
    (r"no loader for this environment", _says("a text brings in no other file", "Write the words themselves; around every e-mail stands templates/layout.mjml.")),
)  # fmt: skip
