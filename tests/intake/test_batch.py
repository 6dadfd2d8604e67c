from __future__ import annotations

import json

import pytest

from tests.intake.samples import EXAMPLE
from worker.intake.batch import BATCH, PLAIN, SINGLE, Unparsable, parse_body

ONE = json.dumps(EXAMPLE).encode()
LIST = json.dumps([EXAMPLE, 3]).encode()


def why(content_type: str, body: bytes) -> str:
    result = parse_body(content_type, body)
    assert isinstance(result, Unparsable), result
    return result.why


@pytest.mark.parametrize(
    "kind", [SINGLE, PLAIN, f"{SINGLE}; charset=utf-8", f'{SINGLE.upper()};charset="UTF-8"']
)
def test_a_single_event_is_a_list_of_one(kind: str) -> None:
    assert parse_body(kind, ONE) == [EXAMPLE]


@pytest.mark.parametrize("kind", [BATCH, PLAIN])
def test_a_batch_keeps_its_order_and_what_is_no_event(kind: str) -> None:
    assert parse_body(kind, LIST) == [EXAMPLE, 3]
    assert parse_body(kind, b"[]") == []


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_body(PLAIN, b"\xef\xbb\xbf" + ONE) == [EXAMPLE]


def test_a_list_is_no_single_event_and_an_object_no_batch() -> None:
    assert why(SINGLE, LIST) == f"the body is a list, which {SINGLE} does not hold; send a list as {BATCH}"
    assert (
        why(BATCH, ONE)
        == f"the body is an object, which {BATCH} does not hold; send a single event as {SINGLE}"
    )
    assert (
        why(PLAIN, b"3")
        == f"the body is 3, which {PLAIN} does not hold; send a JSON object, or a list of them"
    )


@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml; charset=utf-8", "application/jsonx"])
def test_other_content_types_are_refused(kind: str) -> None:
    assert "the content type is" in why(kind, ONE) and SINGLE in why(kind, ONE)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{", "the body is not JSON (line 1, column 2:"),
        (b'{"a":1} x', "the body is not JSON (line 1, column 9: extra data)"),
        (b'{"a":\xff}', "the body is not UTF-8 (byte 6)"),
        (b'{"a":NaN}', "the body holds NaN, which is not JSON"),
        (b'{"a":-Infinity}', "the body holds -Infinity, which is not JSON"),
        (b'{"a":1e999}', "the body holds a number that is too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "the body holds a number with too many digits"),
        (b'{"a":{"id":1,"id":2}}', "the body holds the name 'id' twice in one object"),
        (b"[" * 65 + b"]" * 65, "the body is nested more than 64 levels deep"),
        (b'{"a":' * 100_000, "the body is nested more than 64 levels deep"),
        (b"[" * 1_000_000, "the body is nested more than 64 levels deep"),
    ],
)
def test_a_body_that_cannot_be_read_says_why(body: bytes, told: str) -> None:
    assert why(PLAIN, body).startswith(told)


def test_64_levels_are_not_too_deep() -> None:
    assert isinstance(parse_body(PLAIN, b"[" * 64 + b"]" * 64), list)


def test_a_charset_other_than_utf_8_is_refused() -> None:
    assert why(f"{SINGLE}; charset=windows-1253", ONE) == "the charset is 'windows-1253'; send UTF-8"
