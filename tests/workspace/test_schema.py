"""The schemas that editors use and the parsers accept and refuse the same: both come from one table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.domain.marked import unmark
from tests.domain.test_grammar import BROKEN as BROKEN_SEGMENTS
from tests.domain.test_policy import BROKEN as BROKEN_POLICIES
from tests.rooms.test_contract_files import FILES as CONTRACT
from tests.schemas import Editor, kind_of, validator
from worker.domain import patterns
from worker.domain.calendar import parse_clock, parse_window
from worker.domain.conditions.grammar import VOCABULARY
from worker.domain.conditions.grammar_person import AGE
from worker.domain.conditions.grammar_visits import IN_DAYS, Asked
from worker.domain.kinds import CLOCK, DAY, DAYS, MONEY, PERCENT, SPAN, SWITCH, WINDOW, Kind
from worker.domain.language import parse_journey
from worker.domain.offers import parse_offers
from worker.domain.policy import CAPS, LIMIT, parse_policy
from worker.domain.scope import Scope
from worker.domain.segments import parse_segments
from worker.domain.shape import Reader
from worker.domain.source import Map, Node, Place, Problem, Scalar, Seq, compose
from worker.domain.stories.parse import parse_stories
from worker.workspace.config import parse_channels, parse_clinic
from worker.workspace.config_channels import PRICE, RATE
from worker.workspace.config_services import parse_services
from worker.workspace.config_sources import parse_source, ready_names, ready_text
from worker.workspace.files import raw, read_folder
from worker.workspace.layout_new import lay_out
from worker.workspace.schema import KINDS, schemas, scope_of

ROOT = Path(__file__).resolve().parents[2]
FILES = read_folder(ROOT) | {f"config/sources/{name}.yaml": ready_text(name) or "" for name in ready_names()}
SHIPPED = {path: text for path, text in FILES.items() if kind_of(path) is not None}
SCOPE = scope_of(FILES)
EDITOR = Editor(FILES)
NODES: dict[str, Node] = {
    path: node for path, text in SHIPPED.items() if (node := compose(raw(text), path)[0])
}


def test_every_schema_is_one_and_speaks_only_of_what_it_holds() -> None:
    for name, schema in schemas(SCOPE).items():
        validator(schema)
        named = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema)))
        assert named == set(schema.get("$defs", {})), name


def test_every_kind_of_file_that_is_shipped_has_a_schema_and_passes_it() -> None:
    assert {kind_of(path) for path in FILES if path.endswith((".yaml", ".yml"))} == set(KINDS)
    assert {path: said for path, text in SHIPPED.items() if (said := EDITOR.complaints(path, text))} == {}


def test_the_contracts_files_pass() -> None:
    editor = Editor(CONTRACT)
    for path, text in CONTRACT.items():
        assert editor.complaints(path, text) == []


def test_every_key_is_explained() -> None:
    bare: list[str] = []

    def walk(schema: Any, path: str) -> None:
        if isinstance(schema, dict):
            for name, inner in schema.get("properties", {}).items():
                if (
                    "description" not in inner
                    and "." not in name
                    and not path.startswith("clinic/properties/opening_hours")
                ):
                    bare.append(f"{path}/{name}")
            for name, inner in schema.items():
                walk(inner, f"{path}/{name}")
        elif isinstance(schema, list):
            for inner in schema:
                walk(inner, path)

    for name, schema in schemas(SCOPE).items():
        if name != "stories":
            walk(schema, name)
    assert bare == []


def test_the_names_of_the_workspace_are_offered() -> None:
    told = json.dumps(schemas(SCOPE)["journey"])
    for names in (SCOPE.segments, SCOPE.clinic.families, SCOPE.clinic.services, SCOPE.offers or ()):
        assert names
        for name in names:
            assert f'"{name}"' in told, name


def test_a_segment_can_not_ask_what_only_a_journey_may() -> None:
    found = schemas(SCOPE)
    assert not {"this", "journey", "got_message"} & set(found["segments"]["$defs"]["condition"]["properties"])
    assert set(found["journey"]["$defs"]["condition"]["properties"]) == set(VOCABULARY)


def test_a_new_workspace_has_a_schema_for_every_kind_of_file_and_an_editor_that_knows_them(
    tmp_path: Path,
) -> None:
    lay_out(tmp_path / "clinic")
    told = json.loads((tmp_path / "clinic" / ".vscode" / "settings.json").read_text(encoding="utf-8"))[
        "yaml.schemas"
    ]
    assert {glob for globs in told.values() for glob in globs} == {
        glob for kind in KINDS.values() for glob in kind.globs
    }
    for path in told:
        validator(json.loads((tmp_path / "clinic" / path).read_text(encoding="utf-8")))


# -- the same mistakes --------------------------------------------------------------------------------------------------------

MEANING = {"segment-twice", "segment-circle", "lifecycle-otherwise", "condition-currency"}
"""What no schema sees."""
BEYOND = ("5 to 1", "leave_below: 200 EUR")
"""Texts of the right writing that compare two numbers."""


@pytest.mark.parametrize(("code", "marked"), BROKEN_SEGMENTS)
def test_a_broken_segment_is_refused_by_both(code: str, marked: str) -> None:
    text, _, _ = unmark(marked)
    editor = Editor({**CONTRACT, "config/segments.yaml": text}, "segments")
    refused = bool(editor.complaints("config/segments.yaml", text))
    assert refused is (code not in MEANING and not any(beyond in text for beyond in BEYOND))


@pytest.mark.parametrize(("code", "marked"), BROKEN_POLICIES)
def test_a_broken_policy_is_refused_by_both(code: str, marked: str) -> None:
    assert EDITOR.complaints("config/policy.yaml", unmark(marked)[0])


# -- short texts --------------------------------------------------------------------------------------------------------------


def says(kind: Kind[Any], scope: Scope = SCOPE) -> Callable[[str], bool]:
    """Whether a kind accepts a text in quotes."""

    def accepts(text: str) -> bool:
        reader = Reader()
        kind.read(reader, Scalar(text, Place("a.yaml"), quoted=True), "it", scope)
        return not reader.problems

    return accepts


def is_of(key: str) -> Kind[Any]:
    """What stands under `is` of a word."""
    kind = VOCABULARY[key].kind
    assert isinstance(kind, Asked)
    return kind.fields["is"].kind


TEXTS: dict[str, Kind[Any]] = {
    "span": SPAN, "days": DAYS, "in": IN_DAYS, "window": WINDOW, "clock": CLOCK, "day": DAY, "percent": PERCENT, "money": MONEY, "switch": SWITCH,
    "cap": CAPS, "limit": LIMIT, "rate": RATE, "price": PRICE, "age": AGE, "number": is_of("visits"), "ago": is_of("last_visit"),
    "next_booking": is_of("next_booking"), "birthday": VOCABULARY["birthday"].kind, "net_revenue": VOCABULARY["net_revenue"].kind,
    "areas": VOCABULARY["areas"].kind, "language": KINDS["clinic"].kind.fields["language"].kind,  # type: ignore[attr-defined]
    "currency": KINDS["clinic"].kind.fields["currency"].kind,  # type: ignore[attr-defined]
}  # fmt: skip


def patterns_in(schema: Any) -> list[str]:
    """Every pattern of a kind that a text of its own can fit, without the blocks in it."""
    if "pattern" in schema:
        return [schema["pattern"]]
    return [
        found
        for part in schema.get("anyOf", ())
        if part.get("type") != "object"
        for found in patterns_in(part)
    ]


def far(text: str) -> bool:
    """Whether a number in it is too great for a calendar, or compares wrongly with another: more than a pattern can see."""
    numbers = [int(number) for number in re.findall("[0-9]+", text)]
    ordered = re.search(r"([0-9]+) to ([0-9]+)", text)
    return sum(numbers) > 99 or (ordered is not None and int(ordered[1]) > int(ordered[2])) or "02-29" in text


def examples_in(schema: Any) -> list[str]:
    """The examples that a kind gives."""
    return [
        *schema.get("examples", ()),
        *(one for part in schema.get("anyOf", ()) for one in examples_in(part)),
    ]


EXAMPLES = {name: examples_in(kind.schema(SCOPE)) or ["none", "true"] for name, kind in TEXTS.items()}
VALIDATORS = {name: validator(kind.schema(SCOPE)) for name, kind in TEXTS.items()}


def agree(name: str, text: str) -> None:
    assert says(TEXTS[name])(text) is VALIDATORS[name].is_valid(text), (name, text)


def small(pattern: str) -> re.Pattern[str]:
    """The pattern with short numbers, so that what is generated from it is seldom too far away for a calendar."""
    return re.compile(
        pattern.replace("$", r"\Z").replace("{1,5}", "{1,2}").replace("{1,6}", "{1,1}"), re.ASCII
    )


GENERATED = {
    name: st.one_of([st.from_regex(small(pattern)) for pattern in patterns_in(kind.schema(SCOPE))])
    for name, kind in TEXTS.items()
    if patterns_in(kind.schema(SCOPE))
}
PATTERNED = sorted(GENERATED)


CALENDAR = {"span", "days", "in", "cap", "number", "ago", "next_booking", "net_revenue", "age", "areas"}


def beyond(name: str, text: str) -> bool:
    """What only a calendar knows, and an amount in another currency than the clinic's."""
    if name == "day":
        return "02-29" in text
    return (name in CALENDAR and far(text)) or (name == "net_revenue" and " EUR in" not in text)


@pytest.mark.parametrize("name", PATTERNED)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_text_of_the_pattern_is_read(name: str, data: st.DataObject) -> None:
    text = data.draw(GENERATED[name])
    if name == "net_revenue":
        text = re.sub(" [A-Z]{3} ", " EUR ", text, count=1)
    assert beyond(name, text) or says(TEXTS[name])(text), text


LETTERS = "0123456789 :-–%.,abcdehiklmnoprstuvwyADMEURT"


@pytest.mark.parametrize("name", PATTERNED)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_text_that_was_changed_a_little_is_judged_alike(name: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(EXAMPLES[name]))
    if name == "net_revenue":
        text = re.sub(" [A-Z]{3} ", " EUR ", text, count=1)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(text)))
        more = data.draw(st.sampled_from(["", *LETTERS]))
        text = text[:at] + more + text[at + data.draw(st.integers(0, 1)) :]
    if not beyond(name, text):
        agree(name, text)


def test_the_grammars_of_the_calendar_are_those_of_the_patterns() -> None:
    """Every time of day, and windows between some."""
    for hour in range(30):
        for minute in range(0, 65, 5):
            for text in (f"{hour}:{minute:02}", f"{hour:02}:{minute:02}"):
                assert (parse_clock(text) is not None) is bool(re.fullmatch(patterns.CLOCK, text)), text
                for other in ("0:00", "09:30", "9:30", "24:00", "25:00"):
                    window = f"{text} - {other}"
                    assert (parse_window(window) is not None) is bool(
                        re.match(patterns.whole(patterns.WINDOW), window)
                    ), window


# -- whole files ------------------------------------------------------------------------------------------------------------


def problems_of(kind: str, node: Node) -> list[Problem]:
    """What the parser of that kind of file says."""
    reader = Reader()
    scope = replace(SCOPE, segment=False)
    if kind == "clinic":
        parse_clinic(reader, node, None)
    elif kind == "services":
        parse_services(reader, node)
    elif kind == "segments":
        parse_segments(reader, node, Scope(SCOPE.clinic, frozenset()))
    elif kind == "policy":
        parse_policy(reader, node)
    elif kind == "channels":
        parse_channels(reader, node, "Clinic")
    elif kind == "offers":
        parse_offers(reader, node, SCOPE.clinic)
    elif kind == "source":
        parse_source(reader, node, "system", SCOPE)
    elif kind == "journey":
        parse_journey(reader, node, "", scope)
    else:
        parse_stories(reader, node, scope, {})
    return [problem for problem in reader.problems if problem.severity == "error"]


JUNK: list[Node] = [
    Scalar("zzz", Place("x")), Scalar("7", Place("x")), Scalar("", Place("x")), Scalar("true", Place("x")), Scalar("zzz zzz", Place("x"), quoted=True),
    Seq((), Place("x")), Map((), Place("x")), Seq((Scalar("zzz", Place("x")),), Place("x")), Map(((Scalar("zzz", Place("x")), Scalar("1", Place("x"))),), Place("x")),
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, node: Node) -> Node:
    """The tree with one node of it changed: a key taken away, misspelt or added, or a value replaced."""
    if isinstance(node, Map) and node.entries and draw(st.integers(0, 5)) > 0:
        index = draw(st.integers(0, len(node.entries) - 1))
        key, value = node.entries[index]
        way = draw(st.integers(0, 9))
        entries = list(node.entries)
        if way == 0:
            del entries[index]
        elif way == 1:
            entries[index] = (Scalar(key.value + "x", key.place), value)
        elif way == 2:
            entries.append((Scalar("zzz", key.place), draw(st.sampled_from(JUNK))))
        else:
            entries[index] = (key, draw(spoiled(value)))
        return Map(tuple(entries), node.place)
    if isinstance(node, Seq) and node.items and draw(st.integers(0, 5)) > 0:
        index = draw(st.integers(0, len(node.items) - 1))
        return Seq(
            (*node.items[:index], draw(spoiled(node.items[index])), *node.items[index + 1 :]), node.place
        )
    return draw(st.sampled_from(JUNK))


SEEN_BY_A_SCHEMA = re.compile(
    "shape-|condition-(shape|unknown|span|this|circular)|unknown-(family|service|segment|offer|event)|offer-|clinic-weekday"
)
"""Problems of writing, as against those of meaning."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "stories"])
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(data=st.data())
def test_a_spoiled_file_is_refused_by_both_or_by_neither(kind: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in NODES if kind_of(path) == kind]))
    node = data.draw(spoiled(NODES[path]))
    assume(not (isinstance(node, Scalar) and node.empty))
    problems = problems_of(kind, node)
    said = EDITOR.judge(kind, node)
    if said:
        assert problems, said
        return
    # The names of segments that a schema offers are those of the file as it was.
    seen = [
        p
        for p in problems
        if SEEN_BY_A_SCHEMA.match(p.code) and (kind, p.code) != ("segments", "unknown-segment")
    ]
    assert [(problem.code, problem.message) for problem in seen] == []
