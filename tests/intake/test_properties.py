"""The door never raises, and its canonical form is a fixed point."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.samples import EXAMPLE, LEAST, NOW, of_type, parse
from worker.domain.events import Event
from worker.intake.batch import Unparsable, parse_body
from worker.intake.cloudevents import Rejected, envelope

texts = st.text(st.characters(), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
keys = texts | st.sampled_from(
    ["type", "data", "time", "patient", "services", "code", "net", "minor", "consent", "sms"]
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=12,
)


def paths(node: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [here, *(path for key, value in inner for path in paths(value, (*here, key)))]


FULL: list[dict[str, Any]] = [EXAMPLE]
FULL += [of_type(kind, patient=EXAMPLE["data"]["patient"], version=2, historical=True) for kind in LEAST]
FULL += [
    of_type("patient.held", reason="r", until="2026-12-01"),
    of_type("consent.granted", text="yes", basis="verbal"),
]
PLACES = [(event, path) for event in FULL for path in paths(event)]

instants = st.builds(
    lambda moment, end: moment.isoformat() + end,
    st.datetimes(),
    st.sampled_from(["Z", "+03:00", "-11:30", "+14:00", "-00:00", ""]),
)
plausible = st.one_of(
    json_values,
    instants,
    st.dates().map(str),
    st.text("+0123456789 ()-", max_size=17),
    st.builds(
        "+{}{}".format, st.sampled_from([1, 7, 30, 39, 44, 49, 52, 54, 375, 800]), st.integers(0, 10**12)
    ),
    st.emails(),
    st.builds("{}@{}.{}".format, texts, texts, texts),
    st.sampled_from(
        ["el-GR", "EN", "Europe/Athens", "\u0130@\u0130.gr", "a b", " a ", "\u00a0a", "a\u2028b", "a\x1fb"]
    ),
)


@given(json_values)
def test_arbitrary_json_never_raises(raw: object) -> None:
    assert isinstance(parse(raw), (Event, Rejected))


@settings(max_examples=600)
@given(st.sampled_from(PLACES), plausible, st.sampled_from([NOW, None]))
def test_any_value_anywhere_is_refused_in_plain_words_or_canonical_for_good(
    place: tuple[dict[str, Any], tuple[Any, ...]], value: object, now: datetime | None
) -> None:
    event, path = place
    raw: Any = copy.deepcopy(event)
    node: Any = {"event": raw}
    for step in ("event", *path)[:-1]:
        node = node[step]
    node[("event", *path)[-1]] = value
    result = parse(raw if path else value, now)
    if isinstance(result, Rejected):
        assert result.errors
        for told in result.errors:
            assert ": " in told and "\n" not in told and "pydantic" not in told and "Error" not in told
            told.encode()
    else:
        assert result.time.tzinfo is UTC
        text = json.dumps(envelope(result), allow_nan=False)
        assert parse(json.loads(text), now) == result


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused_in_plain_words(body: bytes) -> None:
    result = parse_body("application/json", body)
    assert isinstance(result, list) or (isinstance(result, Unparsable) and result.why)
