from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from worker.intake.lines import LINE_BYTES, Line, read_lines


def lines_of(tmp_path: Path, content: bytes) -> list[Line]:
    path = tmp_path / "events.jsonl"
    path.write_bytes(content)
    return list(read_lines(path))


def test_each_line_comes_with_the_number_an_editor_shows(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b'\xef\xbb\xbf{"a":1}\r\n\n  \n[2]\n"last"') == [
        Line(1, {"a": 1}),
        Line(4, [2]),
        Line(5, "last"),
    ]


def test_a_compressed_file_reads_the_same_whatever_its_name(tmp_path: Path) -> None:
    assert lines_of(tmp_path, gzip.compress(b"1\n\n2\n")) == [Line(1, 1), Line(3, 2)]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"") == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (b'{"a":', "the line is not JSON (column 6: expecting value)"),
        (b'"\xff"', "the line is not UTF-8 (byte 2)"),
        (b"[NaN]", "the line holds NaN"),
        (b'{"a":1,"a":1}', "the line holds the name 'a' twice"),
        (b"[" * 5000, "the line is nested more than 64 levels deep"),
        (b'"' + b"x" * LINE_BYTES + b'"', "the line is longer than 1000000 bytes"),
        (b'"' + b"x" * 3 * LINE_BYTES + b'"', "the line is longer than 1000000 bytes"),
    ],
)
def test_a_broken_line_is_an_error_of_its_own(tmp_path: Path, broken: bytes, told: str) -> None:
    first, second, third = lines_of(tmp_path, b"1\n" + broken + b"\n3\n")
    assert (first, third) == (Line(1, 1), Line(3, 3))
    assert second.number == 2 and (second.error or "").startswith(told)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_line_of_just_the_limit_passes(tmp_path: Path, ending: bytes) -> None:
    text = b'"' + b"x" * (LINE_BYTES - 2 - len(ending)) + b'"' + ending
    assert [line.error for line in lines_of(tmp_path, text + b"2")] == [None, None]


def test_a_compressed_file_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    whole = gzip.compress(b"\n".join(b'{"n": %d}' % n for n in range(5000)))
    *good, last = lines_of(tmp_path, whole[: len(whole) // 2])
    assert good[0] == Line(1, {"n": 0}) and all(line.error is None for line in good)
    assert last.error is not None and "breaks off" in last.error


def test_a_missing_file_is_the_callers_to_tell(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_lines(tmp_path / "none.jsonl"))
