"""What Jinja finds wrong is told in words, with a way out and an arrow at the right place."""

from __future__ import annotations

import pytest

from worker.workspace.jinja import Source, TemplateError, environment

VALUES = {"first_name": "Eleni", "language": "en", "clinic": {"name": "Alkyon", "phone": "+302100000000"}}
OPEN, AFTER = "`{{` opens here, and no `}}` closes it", "Close it as in `{{ first_name }}`."


def mistake(text: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        Source(environment(), "a.j2", text.replace("§", "")).render(VALUES)
    return caught.value


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("Hello §{{ first_name }", OPEN, AFTER),
        ("Hello §{{ first_name", OPEN, AFTER),
        ("Hello §{{ first_name %}", OPEN, AFTER),
        ("a §{% if first_name }b{% endif %}", "`{%` opens here, and no `%}` closes it", "Close it as in `{% if first_name %}`."),
        ("Hi\n\n§{% if first_name %}a", "`{% if … %}` opens here, and no `{% endif %}` closes it", "Write `{% endif %}` where it ends."),
        ("Hi §{% endif %}", "`{% endif %}` belongs to no `{% if … %}` before it", "Remove it, or write `{% if … %}` where the part begins."),
        ("§{% if first_name %}a{% end if %}", "`{% end … %}` does not close `{% if … %}`", "Write `{% endif %}`, in one word."),
        ("§{% if language = 'el' %}a{% endif %}", "one `=` does not compare", "Write `==`, as in `{% if language == 'el' %}`."),
        ("Hi §{% fi first_name %}", "there is no statement `fi`", "Did you mean `if`?"),
        ("Hi §{{ }}", "something is missing before `}}`", "Name what is to be printed, such as `{{ first_name }}`, or remove it."),
        ("Hi §{{{ first_name }}}", "`{{{` has a brace too many", "Write `{{ first_name }}`: two braces on either side."),
        ("Hi §{{ (first_name }}", "a bracket is not closed: `)` is missing", "Write it before the braces close."),
        ("Hi §{{ 'a }}", "a quotation mark is not closed", "Write a second ' where the words end."),
        ("§{# remark", "`{#` opens a remark here, and no `#}` closes it", "Write `#}` where it ends."),
        ("§{% include 'a' %}", "a text brings in no other file", "Write the words themselves; around every e-mail stands templates/layout.mjml."),
    ],
)  # fmt: skip
def test_what_jinja_finds_is_told_in_words(marked: str, message: str, hint: str) -> None:
    error = mistake(marked)
    assert (error.message, error.hint, error.code) == (message, hint, "template-broken")
    before = marked.partition("§")[0]
    assert (error.line, error.column) == (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


@pytest.mark.parametrize(
    ("text", "column", "near"),
    [
        ("Call {{ clinic.phone | tel }}", 24, "phone"),
        ("Call {{ clinic.phone|phone|tel }}", 28, "phone"),
        ("{{ clinic.name | uper }}", 18, "upper"),
        ("{{ tel }} {{ clinic.name | upper | tel }}", 36, "phone"),
    ],
)
def test_an_unknown_filter_is_told_where_it_stands_with_those_that_there_are(
    text: str, column: int, near: str
) -> None:
    error = mistake(text)
    assert error.message.startswith("there is no filter `")
    assert "`phone`" in error.message
    assert error.hint == f"Did you mean `{near}`?"
    assert error.column == column


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("Hello { first_name }, welcome", 7, "Write {{ first_name }}."),
        ("Hello {first_name}", 7, "Write {{ first_name }}."),
        ("{{ first_name }}: { clinic.phone | phone }", 19, "Write {{ clinic.phone | phone }}."),
    ],
)
def test_a_value_between_single_braces_is_a_mistake(text: str, column: int, hint: str) -> None:
    error = mistake(text)
    assert (error.code, error.column, error.hint) == ("template-variable", column, hint)


@pytest.mark.parametrize(
    "text",
    [
        "Hello {{ first_name }}",
        "{{first_name}}",
        "a {word} in braces",
        "p { color: red }",
        "{% if first_name %}{{ first_name }}{% endif %}",
        "{# { first_name } #}Hello",
        "{{ {'first_name': 1}['first_name'] }}",
        "{{ '{first_name}' }}",
    ],
)
def test_braces_that_hold_no_value_of_ours_may_stand(text: str) -> None:
    assert Source(environment(), "a.j2", text).render(VALUES)
