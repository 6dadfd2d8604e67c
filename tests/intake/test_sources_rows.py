"""Files as they are found: other encodings, broken rows, and such as are made to do harm."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intake.exports import PATIENTS, VISITS, items, source_of, write
from worker.intake.sources.export import Export
from worker.intake.sources.rows import Row, Table
from worker.intake.sources.survey import Unreadable, survey
from worker.workspace.sources import Form

MB = 1 << 20


def rows(path: Path, form: Form | None = None) -> list[Row]:
    table = Table(path, form or Form())
    try:
        return list(table.rows())
    finally:
        table.close()


def good(path: Path, form: Form | None = None) -> list[tuple[str, ...]]:
    return [row.cells for row in rows(path, form) if row.error is None]


def refused(path: Path, form: Form | None = None) -> list[tuple[int, str]]:
    return [(row.number, row.error) for row in rows(path, form) if row.error is not None]


def test_blank_lines_trailing_delimiters_and_quoted_line_ends_are_no_harm(tmp_path: Path) -> None:
    text = 'ID,Name,\r\n\r\n1,"Papa,\nEleni",\r\n,,\r\n2,"say ""hi""",\r\n3,5" needle,\n'
    assert good(write(tmp_path / "a.csv", text)) == [
        ("1", "Papa,\nEleni"),
        ("2", 'say "hi"'),
        ("3", '5" needle'),
    ]
    assert refused(tmp_path / "a.csv") == []


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / "a.csv", f"sep=;{ending}ID;Name{ending}1;A{ending}2;B")
    assert good(path, Form(delimiter=";")) == [("1", "A"), ("2", "B")]


def test_a_mark_of_byte_order_is_no_part_of_the_first_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ID,Name\n1,A\n", "utf-8-sig")
    assert items(path, source_of(PATIENTS))[0][0].told is not None


def test_a_broken_row_costs_itself_alone(tmp_path: Path) -> None:
    lines = ["ID,Name", "1,A", '2,"never closed', "3,C", "4,D,extra", "5", "6,F\0", "7,G"]
    path = write(tmp_path / "a.csv", "\n".join(lines))
    assert [cells[0] for cells in good(path)] == ["1", "3", "7"]
    assert [number for number, _ in refused(path)] == [3, 5, 6, 7]
    assert [why.split(":")[0].split(";")[0] for _, why in refused(path)] == [
        "a quote is opened and never closed",
        "has 3 cells, and the header 2",
        "has 1 cells, and the header 2",
        "holds a NUL byte",
    ]


def test_a_quote_that_is_never_closed_does_not_swallow_thousands_of_rows(tmp_path: Path) -> None:
    lines = ["ID,Name", *(f"{n},A" for n in range(50)), '50,"open', *(f"{n},A" for n in range(51, 3000))]
    path = write(tmp_path / "a.csv", "\n".join(lines))
    assert len(good(path)) == 2999
    assert refused(path) == [(52, "a quote is opened and never closed")]


def test_quotes_that_are_never_closed_do_not_close_each_other(tmp_path: Path) -> None:
    lines = ["ID,Name,Note,Paid"]
    for n in range(400):
        note = {
            7: '"open',
            8: '"open',
            90: '"open',
            91: '"closed, with\na line"',
            200: '"open',
            300: '""',
        }.get(n, "x")
        lines.append(f"{n},A,{note},10")
    path = write(tmp_path / "a.csv", "\n".join(lines) + "\n")
    assert [number for number, _ in refused(path)] == [9, 10, 92, 203]
    assert [int(cells[0]) for cells in good(path)] == [n for n in range(400) if n not in (7, 8, 90, 200)]
    assert [cells[2] for cells in good(path) if cells[0] == "91"] == ["closed, with\na line"]


def test_a_line_of_a_hundred_megabytes_is_refused_and_never_held(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as stream:
        stream.write(b"ID,Name\n1,A\n2,")
        for _ in range(100):
            stream.write(b"x" * MB)
        stream.write(b"\n3,C\n")
    tracemalloc.start()
    survey(path, "utf-8")
    found = refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(3, "the line is longer than 1000000 characters; a quote or a line end is missing")]
    assert [cells[0] for cells in good(path)] == ["1", "3"]
    assert peak < 40 * MB


def test_a_million_columns_are_refused(tmp_path: Path) -> None:
    wide = write(tmp_path / "wide.csv", ",".join("abcdefgh"[n % 8] for n in range(400_000)) + "\n1\n")
    with pytest.raises(Unreadable, match="400000 columns"):
        Table(wide, Form())
    row = write(tmp_path / "row.csv", "ID,Name\n" + "x," * 450_000 + "x\n2,B\n")
    assert good(row) == [("2", "B")]
    assert refused(row)[0][1].startswith("has 450001 cells, and the header 2")
    million = write(tmp_path / "million.csv", "c," * 1_000_000 + "\n")
    with pytest.raises(Unreadable, match="longer than 1000000 characters"):
        Table(million, Form())


def test_a_cell_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f'ID,Name\n1,"{"x" * 150_000}"\n2,B\n')
    assert refused(path) == [(2, "a cell is longer than 131072 characters")]
    assert good(path) == [("2", "B")]


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        ("ID,Name\n1,Ελένη\n".encode("cp1253"), "utf-8", "line 2: the byte 0xC5 is none of utf-8"),
        ("ID,Name\n1,Ελένη\n".encode(), "cp1253", "is written in UTF-8, and the mapping says cp1253"),
        ("\ufeffID,Name\n".encode(), "cp1253", "is written in UTF-8, and the mapping says cp1253"),
        ("ID,Name\n".encode("utf-16"), "utf-8", "is written in UTF-16"),
        (b"ID,Name\n1,\xd2\n", "cp1253", "line 2: the byte 0xD2 is none of cp1253"),
        (b"PK\x03\x04rest", "utf-8", "Excel workbook"),
        (b"", "utf-8", "is empty"),
    ],
)
def test_a_wrong_encoding_is_told_with_the_line_and_the_way_out(
    tmp_path: Path, content: bytes, encoding: str, said: str
) -> None:
    path = write(tmp_path / "a.csv", content)
    with pytest.raises(Unreadable, match=said):
        survey(path, encoding)


def test_a_wrong_byte_is_told_with_its_line_wherever_blocks_end(tmp_path: Path) -> None:
    line = "1,Ελένη\n".encode()
    before = MB // len(line) + 3
    path = write(tmp_path / "a.csv", line * before + b"2,\xff\n")
    with pytest.raises(Unreadable, match=f"line {before + 1}: the byte 0xFF"):
        survey(path, "utf-8")
    assert survey(write(tmp_path / "b.csv", line * before * 2), "utf-8").lines == before * 2


def test_a_header_without_a_mapped_column_is_told_with_what_stands_there_instead(tmp_path: Path) -> None:
    mapping = PATIENTS.replace("    may_lack: [name, phone, email, date_of_birth, consent_sms]\n", "")
    path = write(tmp_path / "a.csv", "ID,Name,Mobile,E-mail,Born,SMS\n")
    with pytest.raises(Unreadable, match=r"lacks `Email` \(did you mean `E-mail`\?\)"):
        Export(path, source_of(mapping))
    path = write(tmp_path / "b.csv", "ID;Name;Mobile\n")
    with pytest.raises(Unreadable, match="single column: is the delimiter right"):
        Export(path, source_of(mapping))
    path = write(tmp_path / "c.csv", "ID,ID,Name\n")
    with pytest.raises(Unreadable, match="`ID` twice"):
        Export(path, source_of(PATIENTS))
    path = write(tmp_path / "d.csv", "\n\n,,\n")
    with pytest.raises(Unreadable, match="no header"):
        Export(path, source_of(PATIENTS))


WILD = st.text(alphabet='",;\n\r\0 =/:.-€a1Ελp', max_size=300)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(WILD, max_size=8))
@pytest.mark.parametrize("mapping", [PATIENTS, VISITS])
def test_whatever_a_row_holds_it_is_taken_or_refused_with_words(
    tmp_path: Path, mapping: str, rows: list[str]
) -> None:
    header = "ID,Name,Mobile,Email,Born,SMS" if mapping is PATIENTS else "No,ID,Start,Status,What,Paid"
    good = "p1,Eleni,,,," if mapping is PATIENTS else "a1,p1,1/2/2026 10:00,Done,LHR,10"
    path = write(tmp_path / "a.csv", "\n".join([header, *rows, "", good]) + "\n")
    found, _ = items(path, source_of(mapping))
    assert all(item.told is not None or item.error for item in found)
    told = [item.told.subject for item in found if item.told is not None]
    opened = "\n".join(rows).count('"') % 2
    assert opened or "p1" in told
