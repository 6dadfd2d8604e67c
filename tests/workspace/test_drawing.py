"""A journey's picture says what the journey does, on a terminal and as Mermaid."""

from __future__ import annotations

import re
from functools import cache
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from worker.cli.show import all_journeys, tree
from worker.domain.clinic import Clinic
from worker.domain.journey import Journey
from worker.domain.language import parse_journey
from worker.domain.scope import Scope
from worker.domain.shape import Reader
from worker.domain.source import compose
from worker.workspace.drawing import Drawing, Mark, draw, written_journeys
from worker.workspace.layout_new import sample_rooms
from worker.workspace.mermaid import mermaid
from worker.workspace.rooms import load
from worker.workspace.trees import steps as step_blocks
from worker.workspace.trees import word

DEEP = """
journey: everything
title: Όλα όσα μπορεί να κάνει ένα ταξίδι, με κάθε δρόμο του
owner: marketing
status: draft
about: {families: [laser_hair]}
start:
  event: booking.cancelled
  if: {next_booking: none, not_in: [high_value], visits: {of: {families: [laser_hair]}, is: 1 to 5}}
repeat: once every 18 months
goal: {any_of: [booking.created, visit.completed], within: 60 days}
stop_if: {any_of: [{tags: [complaint]}]}
holdout: 10%
pace: 50 per day
send_between: 10:00 - 19:00
send_on: mon-fri
expires: 2 days
steps:
  - id: hello
    wait: until next tuesday 10:00
    send: [sms, email]
    template: everything/hello
    offer: ten
  - id: answer
    listen_for: [message.replied, link.clicked]
    up_to: 14 days
    then:
      message.replied:
        - id: call
          task: front_desk
          due: 2 working days
          note: >-
            Look at the record "first", then call
            & ask <how> she is # gently
        - id: handed_over
          stop: handed to the front desk
      link.clicked:
        - id: which
          branch:
            high_value:
              - id: deeper
                branch:
                  - name: hers
                    if: {this: {cancelled_by: [patient]}}
                    then:
                      - id: coin
                        split: {short: 30%, long: 70%}
                        then:
                          long:
                            - id: note_it
                              wait: until 90 days after last_visit at 10:00
                              tag: {add: [long_read], remove: [short_read]}
            otherwise: []
  - id: end
    send: [email]
    template: everything/end
"""
ID = r"[A-Za-z][A-Za-z0-9_]*"
LABEL = r'"((?:[^"#&<>`\\{}|]|<br/>|#\d+;)*)"'
NODE = re.compile(rf"({ID})(\[/|\(\[|\[|\{{){LABEL}(/\]|\]\)|\]|\}})")
EDGE = re.compile(rf"({ID}) (-->|-\.->)(?:\|{LABEL}\|)? ({ID})")
GROUP = re.compile(rf"subgraph ({ID})\[{LABEL}\]")
PAIRS = {"[": "]", "[/": "/]", "([": "])", "{": "}"}
RESERVED = {
    "end",
    "graph",
    "flowchart",
    "subgraph",
    "style",
    "class",
    "click",
    "default",
    "linkStyle",
    "classDef",
}


class Chart:
    """A flowchart, read strictly: every line is a node, an edge, or the bounds of a group."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        assert lines[0] == "flowchart TD"
        assert lines[-1] == ""
        self.nodes: dict[str, str] = {}
        self.edges: set[tuple[str, str, str]] = set()
        self.dotted: set[tuple[str, str]] = set()
        groups: list[str] = []
        for line in lines[1:-1]:
            line = line.strip()
            if match := GROUP.fullmatch(line):
                assert match[1] not in self.nodes
                self.nodes[match[1]] = match[2]
                groups.append(match[1])
            elif line == "end":
                groups.pop()
            elif match := EDGE.fullmatch(line):
                edge = (match[1], unescaped(match[3] or ""), match[4])
                assert edge not in self.edges, line
                self.edges.add(edge)
                if match[2] == "-.->":
                    self.dotted.add((match[1], match[4]))
            else:
                match = NODE.fullmatch(line)
                assert match, line
                assert PAIRS[match[2]] == match[4], line
                assert match[1] not in self.nodes, line
                self.nodes[match[1]] = unescaped(match[3])
        assert not groups
        assert not RESERVED & set(self.nodes)
        ends = {end for edge in self.edges for end in (edge[0], edge[2])}
        assert ends <= set(self.nodes)

    def goes_to(self, node: str) -> set[tuple[str, str]]:
        return {(label.split("\n")[0], to) for start, label, to in self.edges if start == node}


def unescaped(label: str) -> str:
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), label.replace("<br/>", "\n"))


@cache
def parsed(text: str) -> tuple[Journey, Drawing]:
    node, problems = compose(text, "journeys/everything.yaml")
    reader = Reader()
    clinic = Clinic(
        "default", "Clinic", "Europe/Athens", "GR", "en", ("en",), "live", "EUR", complements={"laser_hair": ()}
    )  # fmt: skip
    scope = Scope(clinic, frozenset({"high_value", "new"}), offers=frozenset({"ten"}))
    journey = parse_journey(reader, node, text, scope)
    assert not problems
    assert journey is not None, reader.problems
    return journey, draw(journey, node)


def deep() -> Drawing:
    return parsed(DEEP)[1]


def printed(drawing: Drawing, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(tree(drawing))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def words(text: str) -> str:
    return " ".join(re.sub(r"[│├└─]", " ", text).split())


def marks(steps: tuple[Mark, ...]) -> list[Mark]:
    return [mark for step in steps for mark in (step, *(m for way in step.ways for m in marks(way.steps)))]


def test_every_way_leads_to_its_first_step_or_goes_on_after_its_parent() -> None:
    chart = Chart(mermaid(deep()))
    assert chart.goes_to("start_here") == {("", "step_hello")}
    assert chart.goes_to("step_hello") == {("", "step_answer")}
    assert chart.goes_to("step_answer") == {
        ("message.replied", "step_call"), ("link.clicked", "step_which"), ("nothing", "step_end"),
    }  # fmt: skip
    assert chart.goes_to("step_which") == {("high_value", "step_deeper"), ("otherwise", "step_end")}
    assert chart.goes_to("step_deeper") == {("hers", "step_coin"), ("otherwise", "step_end")}
    assert chart.goes_to("step_coin") == {("short", "step_end"), ("long", "step_note_it")}
    assert chart.goes_to("step_note_it") == {("", "step_end")}
    assert chart.goes_to("step_end") == {("", "finished_here")}


def test_a_step_that_stops_leads_nowhere() -> None:
    chart = Chart(mermaid(deep()))
    assert chart.goes_to("step_call") == {("", "step_handed_over")}
    assert chart.goes_to("step_handed_over") == set()


def test_what_can_end_it_from_anywhere_is_dotted_and_nothing_else_is() -> None:
    chart = Chart(mermaid(deep()))
    ends = {chart.nodes[to] for start, to in chart.dotted}
    assert ends == {"goal", "stop_if", "correction", "opt-out"}
    assert {start for start, _ in chart.dotted} == {"run_here"}
    said = {label for start, label, _ in chart.edges if start == "run_here"}
    assert "booking.created or visit.completed; a success within 60 days of entry" in said
    assert "any_of: [{tags: [complaint]}]" in said


def test_what_an_author_writes_stays_a_label() -> None:
    text = mermaid(deep())
    assert (
        'Look at the record "first", then call & ask <how> she is # gently' in Chart(text).nodes["step_call"]
    )
    for line in text.splitlines():
        assert re.sub(LABEL, "", line).count('"') == 0


@pytest.mark.parametrize(
    "title", ['"]; click x', "%%{init: {}}%%", "`code` | pipe", "a\\nb </script>", "#quot; & #35;"]
)
def test_no_title_breaks_out_of_its_label(title: str) -> None:
    journey, drawing = parsed(DEEP)
    drawing = Drawing(journey.name, title, "draft", drawing.start, "", (), drawing.steps, ())
    text = mermaid(drawing)
    assert title in Chart(text).nodes["start_here"]
    assert "%%" not in text


def test_a_journey_without_steps_after_a_branch_is_drawn() -> None:
    drawing = parsed(
        "journey: one\nstart: {enters: new}\nsteps:\n  - id: which\n    branch: {high_value: []}\n"
    )[1]
    assert Chart(mermaid(drawing)).goes_to("step_which") == {
        ("high_value", "finished_here"),
        ("otherwise", "finished_here"),
    }


def test_the_terminal_tells_start_steps_ways_and_exits() -> None:
    said = words(printed(deep(), 200))
    for part in (
        "everything Όλα όσα μπορεί να κάνει ένα ταξίδι, με κάθε δρόμο του draft",
        "starts event booking.cancelled",
        "if next_booking: none, not_in: [high_value], visits: {of: {families: [laser_hair]}, is: 1 to 5}",
        "repeat once every 18 months",
        "hours mon-fri 10:00 - 19:00",
        "pace at most 50 starts per day",
        "holdout 10%",
        "wait until tuesday 10:00, then hello send everything/hello by sms, else email offer ten",
        "answer listen for message.replied or link.clicked, up to 14 days".replace("14 days", "2 weeks"),
        "call task for front_desk, due in 2 working days",
        "handed_over stop: handed to the front desk",
        "high_value deeper",
        "hers this: {cancelled_by: [patient]} coin",
        "short 30% goes on long 70% wait until 90 days after the last visit at 10:00, then note_it tag +long_read, -short_read",
        "otherwise goes on",
        "finished",
        "goal booking.created or visit.completed; a success within 60 days of entry",
        "stop_if any_of: [{tags: [complaint]}]",
        "correction what started it turns out not to have happened",
        "opt-out",
    ):
        assert part in said


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_wraps_and_loses_nothing(width: int) -> None:
    text = printed(deep(), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    assert re.sub(r"\s", "", words(text)) == re.sub(r"\s", "", words(printed(deep(), 400)))


SAMPLE = sample_rooms()
JOURNEYS = sorted(written_journeys(SAMPLE))


@cache
def shipped() -> dict[str, Journey]:
    return dict(load(SAMPLE).rules.journeys)


@pytest.mark.parametrize("name", JOURNEYS)
def test_every_shipped_journey_is_drawn_whole(name: str) -> None:
    node = written_journeys(SAMPLE)[name][1]
    drawing = draw(shipped()[name], node)
    chart = Chart(mermaid(drawing))
    written = [word(step.get("id")) for step in step_blocks(node)]
    assert [mark.id for mark in marks(drawing.steps)] == written
    text = words(printed(drawing, 60))
    reached, left = {"start_here"}, ["start_here"]
    while left:
        following = {to for _, to in chart.goes_to(left.pop())} - reached
        reached |= following
        left += following
    for step in written:
        assert step in text
        assert f"step_{step}" in reached


def table(width: int) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(all_journeys(shipped().values(), width))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_the_table_names_every_journey() -> None:
    wide = "\n".join(table(200))
    for name, journey in shipped().items():
        assert f"{name} " in wide
        assert journey.title in wide


@pytest.mark.parametrize("width", [200, 120, 100, 81, 80, 79, 72, 60, 40])
def test_no_word_of_the_table_is_broken_on_a_terminal_of_any_width(width: int) -> None:
    lines = table(width)
    assert max(cell_len(line) for line in lines) <= width
    words = {word for line in lines for word in line.split()}
    for name, journey in shipped().items():
        assert {name, *str(journey.start).removeprefix("event ").split()} <= words
    assert not any("…" in word for word in words)


def test_a_narrow_terminal_gets_a_list_with_the_titles() -> None:
    lines = table(60)
    at = next(number for number, line in enumerate(lines) if line.startswith("win_back_6 "))
    assert lines[at + 1].strip() == shipped()["win_back_6"].title
    assert lines[at + 2].strip() == "starts: enters inactive_6"
