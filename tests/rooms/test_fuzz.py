"""Whatever is in a file: reading a workspace never raises, never hangs, and every Problem has a known code and a place in a file."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.rooms.bad_files import PLACES, bad_files
from tests.rooms.test_check import ROOMS
from worker.domain.language import JOURNEY
from worker.domain.problem_codes import CODES
from worker.workspace.file_names import line_break
from worker.workspace.files import Files, read_folder
from worker.workspace.rooms import _read_once, read

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
FEW = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SHAPED = (*(f"config/{name}.yaml" for name in ("clinic", "services", "segments", "policy", "channels", "offers")), "journeys/hello.yaml", "journeys/scenarios/hello.yaml")  # fmt: skip


@contextmanager
def patience() -> Iterator[None]:
    """Ends what hangs; far longer than anything here takes, so that a slow machine is no failure."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still reading after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def look(place: str, written: str | bytes) -> None:
    """Reads a small workspace with this file in it, and looks at every Problem."""
    text = written if isinstance(written, str) else written.decode("utf-8", "surrogateescape")
    files = {**ROOMS, place: text}
    with patience():
        rooms, problems = read(files)
    assert (rooms is None) == any(problem.severity == "error" for problem in problems)
    # A mistake may be told by everything that rests on it, but not by each of these with all others.
    assert len(problems) <= 50 + 3 * len(text)
    for problem in problems:
        assert problem.code in CODES
        assert CODES[problem.code].severity in ("either", problem.severity), problem
        assert problem.message.strip()
        assert problem.file in files or problem.code in ("template-language", "file-missing"), problem
        lines = line_break(problem.file).split(files.get(problem.file, "").removeprefix("\ufeff"))
        assert 1 <= problem.line <= len(lines), problem
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 2, problem


# -- structures ---------------------------------------------------------------------------------------------------------------

WORDS = sorted(
    {
        *JOURNEY.fields, "enters", "leaves", "event", "date", "if", "from", "until", "birthday", "any_of", "none_of", "in", "not_in", "of", "is", "visits", "last_visit",
        "net_revenue", "series", "complement", "age", "tags", "allows", "got_message", "this", "id", "wait", "send", "template", "offer", "listen_for", "up_to", "then",
        "branch", "split", "task", "due", "note", "tag", "add", "remove", "stop", "otherwise", "nothing", "message.replied", "booking.created", "visit.completed",
        "lifecycle", "segments", "services", "families", "complements", "offers", "code", "text", "expires", "approved_by", "en", "el", "quiet_hours", "marketing",
        "frequency_caps", "feed", "blast_limit", "sms", "email", "provider", "rate", "price", "opening_hours", "closed", "mon-fri", "languages", "locations",
        "stories", "story", "patient", "happens", "expect", "sends", "ends", "2026-03-02 10:00", "variant", "zone", "regular", "hello", "within",
    }
)  # fmt: skip
VALUES = [
    "", "~", "null", "[]", "{}", "none", "exactly 1", "at least 2 in 12 months", "1 to 5", "0", "-1", "1e9", "9" * 30, "3 weeks", "99999 years", "until 10:00",
    "until next tuesday 10:00", "until 12 months after last_visit", "until 1 day before this at 24:00", "10:00 - 19:00", "24:00 - 24:00", "50%", "50 per day", "2026-02-30",
    "2026-11-01", "always", "once every 0 days", "once every 18 months", "birthday", "untried", "open", "live", "care", "Europe/Athens", "en", "EUR", "1500 EUR", "hello",
    "hello/hello", "console", "[sms, email]", "visit.completed", "'x'", '"\\u0301"', "\U0001f600", "true", "x" * 300, "1 per 7 days", "3% of patients a day", "all day",
]  # fmt: skip
ODD_KEYS = ["x", "A b", "ÿ", "1", "''"]


def tree(chance: Random, depth: int) -> str:
    """Some value in flow style: a scalar, a list or a block."""
    shape = chance.random()
    if depth == 0 or shape < 0.4:
        return chance.choice(chance.choice((WORDS, VALUES, ["7", "-3", "2026"])))
    inner = [tree(chance, depth - 1) for _ in range(chance.randrange(4))]
    if shape < 0.65:
        return f"[{', '.join(inner)}]"
    names = chance.sample(WORDS, len(inner)) if chance.random() < 0.9 else ODD_KEYS[: len(inner)]
    return "{" + ", ".join(f"{name}: {value}" for name, value in zip(names, inner, strict=True)) + "}"


@cache
def top_keys(place: str) -> tuple[str, ...]:
    """The keys that a shipped file of that kind begins its lines with."""
    shipped = read_folder(ROOT)
    same = [text for path, text in shipped.items() if path.rpartition("/")[0] == place.rpartition("/")[0]]
    text = shipped[place] if place in shipped else "\n".join(same)
    found = {line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()}
    return tuple(sorted(found))


@FEW
@given(st.sampled_from(SHAPED), st.integers(0, 2**32))
def test_any_structure_of_known_words_is_read(place: str, seed: int) -> None:
    chance = Random(seed)
    names = chance.sample(top_keys(place), chance.randint(1, min(6, len(top_keys(place)))))
    look(place, "".join(f"{name}: {tree(chance, 4)}\n" for name in names))


# -- texts --------------------------------------------------------------------------------------------------------------------

signs = st.sampled_from(
    [*"-:{}[]&*!?|>'\"%@`,# \n\t\\~<=.", "{{", "}}", "{%", "%}", "{#", "#}", "---\n", "subject: ", "first_name", "clinic.", "offer.", "if ", "endif", "<mj-text>", "http://",
     "# check: allow ", "\u00a0", "“", "–", "\x85", "\u2028", "\ufeff", "\x00", "é", "\udcff"]
)  # fmt: skip
texts = st.one_of(st.text(max_size=80), st.lists(signs, max_size=40).map("".join), st.binary(max_size=80))
places = st.sampled_from(
    [*PLACES.values(), "templates/layout.mjml", "templates/layout.txt", "config/sources/x.yaml"]
)


@FEW
@given(places, texts)
@example("templates/hello.sms.en.j2", "{{ 9 ** 9 ** 9 ** 9 }}")
@example("templates/hello.sms.en.j2", "{% for a in range(999999999) %}{% endfor %}")
@example("templates/hello.sms.en.j2", "{{ 'x' * 9999999999 }}")
@example("templates/hello.sms.en.j2", "{{ ''.__class__.__mro__ }}")
@example("templates/hello.sms.en.j2", "{% include 'hello.sms.en.j2' %}")
@example("templates/hello.sms.en.j2", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}")
@example("templates/layout.mjml", "{{ body }}<mjml>")
def test_any_text_is_read(place: str, text: str | bytes) -> None:
    look(place, text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


# -- mutations of what is shipped ---------------------------------------------------------------------------------------------


@cache
def shipped() -> list[tuple[str, bytes]]:
    found = [(path, text.encode()) for path, text in sorted(read_folder(ROOT).items())]
    # A mistake in these would be reported for the whole of what they frame; the frames have tests of their own.
    return [(path, text) for path, text in found if len(text) < 20_000]


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, bytes]:
    place, text = draw(st.sampled_from(shipped()))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 30)))
        put = draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=3),
                signs.map(lambda sign: sign.encode("utf-8", "surrogatepass")),
                st.just(text[at:end] * 2),
                st.sampled_from(VALUES).map(str.encode),
            )
        )
        text = text[:at] + put + text[end:]
    return place, text


@FEW
@given(mutations())
def test_any_shipped_file_with_bytes_changed_is_read(told: tuple[str, bytes]) -> None:
    look(*told)


def test_each_broken_file_cut_off_anywhere_is_read() -> None:
    for file in bad_files()[::7]:
        for end in (len(file.text) // 3, 2 * len(file.text) // 3):
            look(file.place, file.text[:end])


# -- growth -------------------------------------------------------------------------------------------------------------------

HEAD = "journey: hello\nstart: {event: visit.completed}\nsteps:\n"
GROWING: dict[str, tuple[str, Callable[[int], str]]] = {
    "keys": ("journeys/hello.yaml", lambda n: HEAD + "".join(f"key{i}: x\n" for i in range(n))),
    "steps": ("journeys/hello.yaml", lambda n: HEAD + "".join(f"  - {{id: s{i}, stop: x}}\n" for i in range(n))),
    "sends": ("journeys/hello.yaml", lambda n: HEAD + "".join(f"  - {{id: s{i}, send: sms, template: hello}}\n" for i in range(n))),
    "ways": ("journeys/hello.yaml", lambda n: HEAD + "  - id: a\n    branch:\n" + "".join(f"      s{i}: [{{id: t{i}, tag: x}}]\n" for i in range(n))),
    "tags": ("journeys/hello.yaml", lambda n: HEAD + f"  - {{id: a, tag: [{', '.join(f't{i}' for i in range(n))}]}}\n"),
    "a long word": ("journeys/hello.yaml", lambda n: HEAD + f"{'ab' * 10 * n}: x\n"),
    "a long text": ("journeys/hello.yaml", lambda n: f"title: {'word ' * 20 * n}\n" + HEAD),
    "open quotes": ("journeys/hello.yaml", lambda n: "a: 'x\nb: y'\n" * n + "c: 'x\n"),
    "curly quotes": ("journeys/hello.yaml", lambda n: "a: “x”\n" * n),
    "comments": ("journeys/hello.yaml", lambda n: "# check: allow step-renamed: x\n" * n + HEAD),
    "conditions": ("config/segments.yaml", lambda n: "lifecycle: [{a: otherwise}]\nsegments:\n" + "".join(f"  s{i}: {{in: [s{i + 1}]}}\n" for i in range(n))),
    "nested conditions": ("config/segments.yaml", lambda n: "lifecycle: [{a: otherwise}]\nsegments:\n  s: " + "{any_of: [" * (n % 20) + "{visits: none}" + "]}" * (n % 20)),
    "families": ("config/services.yaml", lambda n: "services:\n" + "".join(f"  S{i}: {{name: a, family: f{i}, area: face}}\n" for i in range(n))),
    "stories": ("journeys/scenarios/hello.yaml", lambda n: "journey: hello\nstories:\n" + "".join(f"  - {{story: s{i}, expect: [], until: 2026-01-01}}\n" for i in range(n))),
    "a text": ("templates/hello.sms.en.j2", lambda n: "Hello {{ clinic.name }} Stop? Reply STOP. " * n),
    "conditions of a text": ("templates/hello.sms.en.j2", lambda n: "{% if first_name %}{{ first_name }}{% endif %}" * n),
    "words of a text": ("templates/hello.sms.en.j2", lambda n: "reply to us to to to " * n),
}  # fmt: skip


def calls(work: Callable[[], object]) -> int:
    """How many functions are called: the same on every machine, however slow it is."""
    count = 0

    def counted(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def read_anew(files: Files) -> object:
    """Read, whatever was read before."""
    _read_once.cache_clear()
    return read(files)


@pytest.mark.parametrize("name", GROWING)
def test_the_work_grows_with_the_file_and_no_faster(name: str) -> None:
    place, make = GROWING[name]
    small, large = 30, 120
    with patience():
        read({**ROOMS, place: make(small)})
        empty = calls(lambda: read_anew({**ROOMS, place: make(0)}))
        few = calls(lambda: read_anew({**ROOMS, place: make(small)})) - empty
        many = calls(lambda: read_anew({**ROOMS, place: make(large)})) - empty
    # Four times as much of it: four times the work, where work that grows with the square would be sixteen times as much.
    assert many < 8 * max(few, 2_000), (empty, few, many)


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    for place in SHAPED:
        files = {**ROOMS, place: "\n".join(lines)}
        assert [(each.code, each.file, each.line) for each in read(files)[1]] == [("yaml-anchor", place, 1)]
        assert calls(partial(read, files)) < 400_000
