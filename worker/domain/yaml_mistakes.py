"""A YAML library's complaint in the author's words: what was probably meant, at the place where the mistake was made.

A library notices a mistake where it can read no further, often a line too late. So the lines around are looked at: a quote that was opened and not closed, a line
without its colon, a dash or a colon without its space. Only where nothing is found, the library's own words are passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML 1.1."""
ODD_DASHES: Final = "–—−•·"
QUOTE_PAIRS: Final = (*("“”", "„“", "„”", "‘’", "‚‘", "«»"), "””", "’’")
_OPENS_QUOTE = re.compile(r"(?:^\s*|[:,\[{]\s*|-\s+)(?P<quote>[\"'])")
_VALUE = re.compile(r":(?:\s|$)")
_NO_SPACE = re.compile(r"\s*(?:- +)*[\w.]+(?P<colon>:)[^\s:/]")
_NO_DASH_SPACE = re.compile(r"\s*(?:- +)*(?P<dash>-)[^\s\-\d]")
_ODD_DASH = re.compile(rf"\s*(?P<dash>[{ODD_DASHES}])\s")
_JINJA = re.compile(r"\{[{%]")


class Complaint(NamedTuple):
    """What a library says, where, and where what it was reading had begun. Lines and columns count from 1; 0 is unknown."""

    said: str
    line: int
    column: int
    from_line: int = 0
    from_column: int = 0


Write = Callable[[str, int, int, str, str], Any]
"""Makes a Problem of code, line, column, message and hint."""


def explain(complaint: Complaint, lines: Sequence[str], problem: Write) -> Any:
    """The Problem that the author is told."""
    said, line, column, *_ = complaint
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    if _is_tab(said, here, column):
        at = here.index("\t") + 1
        return problem("yaml-tab", line, at, "a tab stands where spaces belong", "Indent with spaces.")
    if braces := _JINJA.search(here):
        return variable(line, braces.start() + 1, problem)
    if "expected ',' or" in said or "expected the node content" in said:
        return _in_brackets(complaint, lines, problem)
    if "end of stream" in said and complaint.from_line:
        return _open_quote(complaint.from_line, complaint.from_column, problem)
    structural = said.startswith(
        ("mapping values are not", "could not find expected", "expected <block end>")
    )
    if structural:
        return _structure(complaint, lines, here, problem)
    return _token(complaint, here, problem)


def _is_tab(said: str, here: str, column: int) -> bool:
    indent = len(here) - len(here.lstrip())
    return "\t" in here[: max(column, indent)] or ("cannot start any token" in said and "\t" in here)


def variable(line: int, column: int, problem: Write) -> Any:
    """Jinja outside of a template."""
    return problem(
        "yaml-variable", line, column, "`{{ … }}` and `{% … %}` mean nothing here: only templates have variables",
        "Write the text out here, or move it into a template.",
    )  # fmt: skip


def _open_quote(line: int, column: int, problem: Write) -> Any:
    return problem(
        "yaml-quote", line, column, "the quote that opens here is not closed",
        "Close it at the end of the text; an apostrophe within single quotes is written twice.",
    )  # fmt: skip


def _in_brackets(complaint: Complaint, lines: Sequence[str], problem: Write) -> Any:
    said, line, column, from_line, from_column = complaint
    got = said.rpartition("got ")[2] or said.rpartition("found ")[2]
    if (quote := _unclosed(lines, line)) is not None:
        return _open_quote(*quote, problem)
    closer = "]" if "']'" in said.partition("but")[0] else "}"
    if from_line and (line != from_line or got in ("'<stream end>'", "']'", "'}'")):
        return problem(
            "yaml-bracket", from_line, from_column, "the bracket that opens here is not closed",
            f"Close it with {closer}, on the same line if you can.",
        )  # fmt: skip
    return problem(
        "yaml-syntax", line, column, "a comma or a quote is missing before this",
        "Put a comma between the entries; put text that holds a comma, a colon or a bracket in quotes.",
    )  # fmt: skip


def _structure(complaint: Complaint, lines: Sequence[str], here: str, problem: Write) -> Any:
    said, line, column, from_line, from_column = complaint
    if (found := _unclosed(lines, line)) is not None:
        return _open_quote(*found, problem)
    if said.startswith("could not find expected"):
        return _without_colon(from_line, from_column, lines, problem)
    if said.startswith("mapping values are not"):
        return _second_colon(line, column, lines, here, problem)
    if (missing := _without_space(line, here, problem)) is not None:
        return missing
    if said.endswith(("']'", "'}'")):
        return problem(
            "yaml-bracket",
            line,
            column,
            "a bracket closes here that was not opened",
            "Remove it, or open it.",
        )
    if said.endswith("'<scalar>'") and here[: column - 1].rstrip()[-1:] in ("'", '"'):
        return problem(
            "yaml-quote", line, column, "text goes on after the closing quote",
            "Put the whole text in quotes; a quote within single quotes is written twice.",
        )  # fmt: skip
    if said.endswith("found '-'"):
        return problem(
            "yaml-indent", line, column, "a list item stands where a key is expected",
            "Indent it below the key that it belongs to.",
        )  # fmt: skip
    return problem(
        "yaml-indent", line, column, "this line does not line up with the ones above",
        "Give keys of one block the same indent.",
    )  # fmt: skip


def _unclosed(lines: Sequence[str], upto: int) -> tuple[int, int] | None:
    """The nearest line, at most 30 back, where a quote opens a value and is not closed."""
    for number in range(min(upto, len(lines)), max(0, upto - 30), -1):
        for match in _OPENS_QUOTE.finditer(lines[number - 1]):
            rest = lines[number - 1][match.end() :].replace("\\\\", "").replace('\\"', "").replace("''", "")
            if match["quote"] not in rest:
                before = lines[number - 1][: match.start()]
                if before.count('"') % 2 == 0 and not before.lstrip().startswith("#"):
                    return number, match.start("quote") + 1
    return None


def _without_space(line: int, here: str, problem: Write) -> Any:
    if match := _NO_DASH_SPACE.match(here):
        return problem(
            "yaml-dash", line, match.start("dash") + 1, "a space is missing after the dash", "Write `- ` before a list item."
        )  # fmt: skip
    if match := _ODD_DASH.match(here):
        return odd_dash(line, match.start("dash") + 1, match["dash"], problem)
    if (match := _NO_SPACE.match(here)) and not _VALUE.search(here):
        return problem(
            "yaml-colon", line, match.start("colon") + 1, "a space is missing after the colon", "Write `key: value`."
        )  # fmt: skip
    return None


def odd_dash(line: int, column: int, dash: str, problem: Write) -> Any:
    """A list item that begins with a dash of a word processor."""
    return problem(
        "yaml-dash", line, column, f"`{dash}` is not the dash that begins a list item",
        "Write `-`, the minus of the keyboard; put text that begins so in quotes.",
    )  # fmt: skip


def _without_colon(line: int, column: int, lines: Sequence[str], problem: Write) -> Any:
    missing = _without_space(line, lines[line - 1] if 0 < line <= len(lines) else "", problem)
    return missing or problem(
        "yaml-colon", line, column, "the colon is missing in this line",
        "Write `key: value`; text that goes on from the line above is indented further than its key.",
    )  # fmt: skip


def _second_colon(line: int, column: int, lines: Sequence[str], here: str, problem: Write) -> Any:
    """`: ` where the text before it can be no key: a second one in a line, or the line above has gone wrong."""
    if _VALUE.search(here[: column - 1]):
        return problem(
            "yaml-syntax", line, column, "a second colon in one line", "Put text that holds `: ` in quotes."
        )
    above = line - 1
    while above and (not lines[above - 1].strip() or lines[above - 1].lstrip().startswith("#")):
        above -= 1
    before = lines[above - 1] if above else ""
    if (missing := _without_space(above, before, problem)) is not None:
        return missing
    if above and not _VALUE.search(before):
        return _without_colon(above, len(before) - len(before.lstrip()) + 1, lines, problem)
    return problem(
        "yaml-indent", line, len(here) - len(here.lstrip()) + 1,
        "this line is indented further than the one above, which has a value already",
        "Give keys of one block the same indent.",
    )  # fmt: skip


def _token(complaint: Complaint, here: str, problem: Write) -> Any:
    said, line, column, from_line, from_column = complaint
    sign = here[column - 1 : column]
    if "alphabetic or numeric" in said:
        return problem(
            "yaml-anchor", from_line or line, from_column or column, "anchors and aliases (& and *) are not used here",
            "Put the text in quotes if it begins with & or *.",
        )  # fmt: skip
    if "cannot start any token" in said and sign:
        return problem(
            "yaml-syntax", line, column, f"text cannot begin with {sign}", "Put it in quotes."
        )  # fmt: skip
    if "mapping keys are not" in said:
        return problem("yaml-syntax", line, column, "text cannot begin with `? `", "Put it in quotes.")
    if "chomping or indentation" in said:
        return problem(
            "yaml-syntax", line, column, "after `|` or `>` the text begins on the next line", "Put text that begins with | or > in quotes."
        )  # fmt: skip
    if "escape character" in said:
        return problem(
            "yaml-syntax", line, column, f"`\\{sign}` means nothing within double quotes",
            "Use single quotes, or write the backslash twice.",
        )  # fmt: skip
    if "sequence entries are not" in said:
        return problem(
            "yaml-syntax", line, column, "a list cannot begin on the line of its key",
            "Begin it on the next line, or write `[one, two]`; put text that begins with `- ` in quotes.",
        )  # fmt: skip
    if "expected '<document start>'" in said:
        return problem(
            "yaml-documents", line, column, "a second document begins here", "Keep one document a file: remove the `...` or `%` line above."
        )  # fmt: skip
    return problem(
        "yaml-syntax", line, column, f"this is not YAML: {said}", "Put the text in quotes, or look for an open quote or bracket just above."
    )  # fmt: skip
