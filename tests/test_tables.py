"""Tables of rows in files."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiserve.errors import BadInputError
from sentiserve.tables import WRITABLE, Row, count_rows, lines, parquet, read_rows, write_rows

ROWS: list[dict[str, Any]] = [
    {
        "id": "1234567890123456789",
        "text": 'Zażółć "gęślą"\r\njaźń, 👩‍👩‍👧\t\\n',
        "n": 1,
        "score": 0.1,
    },
    {"id": "0123", "text": "'; DROP TABLE posts; --", "n": -5, "score": None},
    {"id": "", "text": "=1+1", "n": None, "score": 1e-12},
]


def written(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What comes back when the rows are written and read."""
    write_rows(path, lambda: iter(rows))
    found = list(read_rows(path))
    assert [row.problem for row in found] == [None] * len(found)
    assert count_rows(path) == len(found)
    return [row.values for row in found]


def rows_of(path: Path, content: str | bytes) -> list[Row]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_rows(path))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".JSONL", ".Parquet"])
def test_rows_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    """Strings, numbers and None come back exactly."""
    assert written(tmp_path / f"posts{suffix}", ROWS) == ROWS


def test_rows_come_back_from_csv_as_strings(tmp_path: Path) -> None:
    """CSV knows strings alone: None becomes the empty one."""
    expected = [
        {column: "" if value is None else str(value) for column, value in row.items()}
        for row in ROWS
    ]
    assert written(tmp_path / "posts.csv", ROWS) == expected


def test_nested_values_come_back(tmp_path: Path) -> None:
    """Lists and objects are kept, in CSV as JSON."""
    row = {"text": "hello", "tags": ["a", 'b"c'], "user": {"name": "Żaneta", "posts": 3}}
    for suffix in (".jsonl", ".parquet"):
        assert written(tmp_path / f"posts{suffix}", [row]) == [row]
    (found,) = written(tmp_path / "posts.csv", [row])
    assert json.loads(found["tags"]) == row["tags"]
    assert json.loads(found["user"]) == row["user"]


def test_rows_may_have_different_columns(tmp_path: Path) -> None:
    """A column that only some rows have is empty in the others."""
    rows: list[dict[str, Any]] = [{"text": "a", "x": "1"}, {"text": "b", "y": "2"}]
    assert written(tmp_path / "posts.jsonl", rows) == rows
    for suffix, empty in ((".csv", ""), (".parquet", None)):
        assert written(tmp_path / f"posts{suffix}", rows) == [
            {"text": "a", "x": "1", "y": empty},
            {"text": "b", "x": empty, "y": "2"},
        ]


@pytest.mark.parametrize("suffix", WRITABLE)
def test_rows_are_asked_for_once(tmp_path: Path, suffix: str) -> None:
    """But for a look at the first: reading them may take long."""
    given = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal given
        for number in range(100):
            given += 1
            yield {"id": str(number), "text": "a"} if number % 2 else {"id": "0", "text": None}

    write_rows(tmp_path / f"posts{suffix}", rows)
    assert given <= 101
    assert len(list(read_rows(tmp_path / f"posts{suffix}"))) == 100


@pytest.mark.parametrize("suffix", WRITABLE)
def test_no_rows_come_back_as_none(tmp_path: Path, suffix: str) -> None:
    assert written(tmp_path / f"posts{suffix}", []) == []


@pytest.mark.parametrize(
    "text",
    ["2026-09-01", "2026-09-01T10:30:00Z", "10:30:00", "550e8400-e29b-41d4-a716-446655440000"],
)
def test_strings_stay_strings_in_parquet(tmp_path: Path, text: str) -> None:
    """A string that looks like a date, a time or a number is still that string."""
    rows = [{"text": text, "n": 1.5}]
    assert written(tmp_path / "posts.parquet", rows) == rows


@pytest.mark.parametrize(
    "numbers",
    [[-1, 2_099_731_674_562_279_189], [-5, 3, None], [2**63 - 1, -(2**63)], [0, 2**64 - 1]],
)
def test_whole_numbers_keep_their_digits_in_parquet(
    tmp_path: Path, numbers: list[int | None]
) -> None:
    write_rows(tmp_path / "out.parquet", lambda: iter([{"number": each} for each in numbers]))
    found = [row.values["number"] for row in read_rows(tmp_path / "out.parquet")]
    assert found == numbers
    assert all(each is None or isinstance(each, int) for each in found)


def test_whole_numbers_beyond_all_kinds_of_parquet_are_strings(tmp_path: Path) -> None:
    write_rows(tmp_path / "out.parquet", lambda: iter([{"number": 2**64}, {"number": -1}]))
    rows = list(read_rows(tmp_path / "out.parquet"))
    assert [row.values["number"] for row in rows] == [str(2**64), "-1"]


def test_mixed_values_are_strings_in_parquet(tmp_path: Path) -> None:
    """A column of strings and numbers is one of strings, without quotation marks of JSON."""
    found = written(tmp_path / "posts.parquet", [{"id": "a"}, {"id": 2}])
    assert found == [{"id": "a"}, {"id": "2"}]


def test_times_with_a_zone_are_read_from_parquet(tmp_path: Path) -> None:
    """A time as pandas or Polars write it comes out aware, in UTC."""
    path = tmp_path / "posts.parquet"
    with duckdb.connect() as connection:
        connection.sql(
            "SELECT 'hello' AS text, TIMESTAMPTZ '2026-09-01 10:30:00.5+02' AS created_at,"
            ' NULL::TIMESTAMPTZ AS "odd "" name"'
        ).write_parquet(str(path))
    (row,) = read_rows(path)
    assert row.values == {
        "text": "hello",
        "created_at": datetime(2026, 9, 1, 8, 30, 0, 500_000, UTC),
        'odd " name': None,
    }
    assert row.values["created_at"].utcoffset() is not None


def test_times_to_the_nanosecond_are_read_from_parquet(tmp_path: Path) -> None:
    """As pandas writes them; also within lists, where they are text."""
    path = tmp_path / "posts.parquet"
    time = "TIMESTAMPTZ '2026-09-01 10:30:00.5+02'::TIMESTAMPTZ_NS"
    with duckdb.connect() as connection:
        connection.sql(
            f"SELECT 'hello' AS text, {time} AS created_at, [{time}] AS others"
        ).write_parquet(str(path))
    (row,) = read_rows(path)
    assert row.values["created_at"] == datetime(2026, 9, 1, 8, 30, 0, 500_000, UTC)
    assert row.values["others"] == ["2026-09-01 08:30:00.5+00"]


def test_all_kinds_of_values_are_read_from_parquet(tmp_path: Path) -> None:
    """Whatever DuckDB can write; what Python has no time for, infinity say, is text."""
    path = tmp_path / "posts.parquet"
    with duckdb.connect() as connection:
        kinds = connection.sql("SELECT * EXCLUDE (empty_struct) FROM test_all_types()")
        kinds.write_parquet(str(path))
        names = kinds.columns
    rows = list(read_rows(path))
    assert [row.problem for row in rows] == [None, None, None]
    assert {tuple(row.values) for row in rows} == {tuple(names)}
    assert isinstance(rows[0].values["timestamp_tz"], str)


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    """Only the file that is named is read, whatever is in its name."""
    names = [
        "a*.parquet",
        "a?.parquet",
        "a[bc].parquet",
        "ab.parquet",
        "it's.parquet",
        "é 🎉.parquet",
    ]
    for name in names:
        write_rows(tmp_path / name, lambda name=name: iter([{"name": name}]))  # type: ignore[misc]  # a default binds it
    for name in names:
        assert [row.values for row in read_rows(tmp_path / name)] == [{"name": name}]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        '"text"',
        "1",
        "null",
        "nonsense",
        '{"a": 1} {"b": 2}',
        "[" * 5_000,
        '{"a": "\\ud800"}',
    ],
)
def test_a_broken_json_line_is_a_problem(tmp_path: Path, line: str) -> None:
    """A line that is no JSON object says so; the lines around it are fine."""
    before, broken, after = rows_of(tmp_path / "posts.jsonl", f'{{"n": 1}}\n{line}\n{{"n": 2}}\n')
    assert broken.problem
    assert broken.values == {}
    assert (before, after) == (Row({"n": 1}), Row({"n": 2}))


def test_bytes_that_are_no_text_are_a_problem(tmp_path: Path) -> None:
    """They break their line, and never become other characters in silence."""
    broken, good = rows_of(tmp_path / "posts.jsonl", b'{"text": "\xff"}\n{"text": "x"}\n')
    assert broken.problem
    assert good == Row({"text": "x"})
    for suffix in (".csv", ".tsv"):
        broken, good = rows_of(tmp_path / f"posts{suffix}", b"text\na\xffb\nx\n")
        assert "not UTF-8" in (broken.problem or "")
        assert good == Row({"text": "x"})


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_row_with_too_many_or_few_fields_is_a_problem(tmp_path: Path, suffix: str) -> None:
    """It says how many it has and how many there should be; the rows around it are fine."""
    content = "id,text\n1,a\n2\n3,b,c\n4,d\n"
    found = rows_of(tmp_path / f"posts{suffix}", content.replace(",", ",\t"[suffix == ".tsv"]))
    assert [row.problem for row in found] == [
        None,
        "has 1 fields, the header has 2",
        "has 3 fields, the header has 2",
        None,
    ]
    assert found[0].values == {"id": "1", "text": "a"}
    assert found[3].values == {"id": "4", "text": "d"}


@pytest.mark.parametrize("broken", ['2,"a"b', "2,a\rb"])
def test_a_broken_csv_line_is_a_problem(tmp_path: Path, broken: str) -> None:
    """A line that breaks the rules of quoting says so; the rows around it are fine."""
    found = rows_of(tmp_path / "posts.csv", f"id,text\n1,a\n{broken}\n3,c\n")
    assert [bool(row.problem) for row in found] == [False, True, False]
    assert found[2].values == {"id": "3", "text": "c"}


def test_a_stray_quotation_mark_costs_its_own_line_only(tmp_path: Path) -> None:
    content = 'id,text\n1,a\n2,"b\n3,c\n4,"d" e\n5,"f\ng"\n6,h\n'
    rows = rows_of(tmp_path / "posts.csv", content)
    assert [row.values.get("id") for row in rows] == ["1", None, "3", None, "5", "6"]
    assert [row.values.get("text") for row in rows] == ["a", None, "c", None, "f\ng", "h"]
    assert [bool(row.problem) for row in rows] == [False, True, False, True, False, False]


def test_two_stray_quotation_marks_far_apart_swallow_nothing(tmp_path: Path) -> None:
    records = [f"{number},text {number}" for number in range(3_000)]
    records[3], records[2_900] = '3,"stray', '2900,"stray'
    rows = rows_of(tmp_path / "posts.csv", "\n".join(["id,text", *records, ""]))
    assert len(rows) == 3_000
    assert [number for number, row in enumerate(rows) if row.problem] == [3, 2_900]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, suffix: str) -> None:
    separator = ",\t"[suffix == ".tsv"]
    with pytest.raises(BadInputError, match="two columns are named 'text'"):
        rows_of(tmp_path / f"posts{suffix}", separator.join(["text", "text"]) + "\n")


@pytest.mark.parametrize(
    ("suffix", "header", "good", "long"),
    [
        (".jsonl", "", '{"text": "a"}', '{{"text": "{}"}}'),
        (".csv", "text\n", "a", "{}"),
        (".csv", "text\n", "a", '"{}"'),
        (".tsv", "text\n", "a", "{}"),
    ],
)
def test_an_overlong_line_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, header: str, good: str, long: str
) -> None:
    """A line beyond the limit says so, however long it is, and the lines around it are fine."""
    monkeypatch.setattr(lines, "MAX_LINE", 100)
    for length in (100, 199, 200, 201, 1_000):
        content = header + "\n".join([good, long.format("x" * length), good, ""])
        before, broken, after = rows_of(tmp_path / f"posts{suffix}", content)
        assert "longer than 100 bytes" in (broken.problem or "")
        assert broken.values == {}
        assert before == after == Row({"text": "a"})


def test_a_line_at_the_limit_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts the whole line, its end included."""
    monkeypatch.setattr(lines, "MAX_LINE", 100)
    (row,) = rows_of(tmp_path / "posts.jsonl", json.dumps({"text": "x" * 87}) + "\n")
    assert row == Row({"text": "x" * 87})


@pytest.mark.parametrize(
    ("suffix", "content"),
    [(".jsonl", '{"text": "é"}\n'), (".csv", "text\né\n"), (".tsv", "text\né\n")],
)
@pytest.mark.parametrize("change", ["mark", "windows", "unended"])
def test_files_of_other_programs_are_read(
    tmp_path: Path, suffix: str, content: str, change: str
) -> None:
    """A byte order mark, Windows's line ends and a last line without end are fine."""
    changed = {
        "mark": "\ufeff" + content,
        "windows": content.replace("\n", "\r\n"),
        "unended": content.removesuffix("\n"),
    }[change]
    assert rows_of(tmp_path / f"posts{suffix}", changed) == [Row({"text": "é"})]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv"])
def test_blank_lines_are_no_rows(tmp_path: Path, suffix: str) -> None:
    content = "{}\n\n{}\n\n" if suffix == ".jsonl" else "text\na\n\nb\r\n\r\n"
    assert len(rows_of(tmp_path / f"posts{suffix}", content)) == 2


def test_tsv_has_no_quoting(tmp_path: Path) -> None:
    """A quotation mark, a comma or a backslash is part of the text."""
    found = rows_of(tmp_path / "posts.tsv", 'id\ttext\n1\t"a, b\n2\tc" \\t\n')
    assert [row.values for row in found] == [
        {"id": "1", "text": '"a, b'},
        {"id": "2", "text": 'c" \\t'},
    ]


@pytest.mark.parametrize("name", ["posts", "posts.txt", "posts.json", "posts.csv.gz", ".jsonl"])
def test_an_unknown_kind_is_refused(tmp_path: Path, name: str) -> None:
    """The error names the file and the kinds there are."""
    (tmp_path / name).write_text("{}")
    with pytest.raises(BadInputError, match=r"\.jsonl \.csv \.tsv \.parquet \.zip \.js") as caught:
        list(read_rows(tmp_path / name))
    assert name in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A missing file and a directory are errors that name them."""
    (tmp_path / "directory.csv").mkdir()
    for name in ("missing.jsonl", "directory.csv", "missing/posts.parquet"):
        with pytest.raises(BadInputError, match=name):
            list(read_rows(tmp_path / name))


def test_a_row_of_too_much_text_in_parquet_is_broken(tmp_path: Path) -> None:
    """A few bytes may stand for any number of long texts: they are never taken into memory."""
    path = tmp_path / "bomb.parquet"
    with duckdb.connect() as connection:
        connection.sql(
            "SELECT i, repeat('x', 1_000_000 - i) AS text, repeat('y', 48_577)::BLOB AS more"
            " FROM range(4) t(i)"
        ).write_parquet(str(path))
    assert path.stat().st_size < 1_000_000
    problem = "the row has over 1,048,576 bytes of text"
    assert [row.problem for row in read_rows(path)] == [problem, None, None, None]


@pytest.mark.parametrize(
    "long",
    [
        "range(600_000)",
        "{'inside': range(600_000)}",
        "map(['key'], [repeat('x', 1_100_000)])",
        "[[repeat('x', 1_100_000)]]",
    ],
)
def test_a_row_of_too_long_a_list_in_parquet_is_broken(tmp_path: Path, long: str) -> None:
    """However deep it lies, it is never taken into memory as objects."""
    path = tmp_path / "bomb.parquet"
    with duckdb.connect() as connection:
        connection.sql(
            f"SELECT i, 'hello' AS text, CASE WHEN i = 1 THEN {long} END AS more FROM range(3) t(i)"
        ).write_parquet(str(path), compression="zstd")
    assert path.stat().st_size < 1_000_000
    problem = "the row has over 1,048,576 bytes of text"
    assert [row.problem for row in read_rows(path)] == [None, problem, None]


def test_a_parquet_file_that_takes_too_much_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are unpacked many at a time, before any of them can be measured."""
    path = tmp_path / "bomb.parquet"
    with duckdb.connect() as connection:
        connection.sql(
            "SELECT 'hello' AS text, (SELECT list(0) FROM range(100_000)) AS more FROM range(100)"
        ).write_parquet(str(path))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(parquet, "_MEMORY", "20MB")
    with pytest.raises(BadInputError, match=r"bomb\.parquet: not readable as Parquet: Out of Mem"):
        list(read_rows(path))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"text\nhello\n", b"\0" * 1_000])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInputError, match=r"posts\.parquet: not readable as Parquet"):
        rows_of(tmp_path / "posts.parquet", content)


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("existing", ["existing", ""])
def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, suffix: str, existing: str) -> None:
    """When the rows end in an error, the file is what it was before, and no draft is left."""
    path = tmp_path / f"posts{suffix}"
    if existing:
        path.write_bytes(b"as it was")

    def rows() -> Iterator[dict[str, Any]]:
        yield {"text": "a"}
        raise BadInputError("half-way")

    with pytest.raises(BadInputError, match="half-way"):
        write_rows(path, rows)
    assert list(tmp_path.iterdir()) == ([path] if existing else [])
    assert not existing or path.read_bytes() == b"as it was"


def test_a_write_into_nowhere_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        write_rows(tmp_path / "nowhere" / "posts.csv", lambda: iter(ROWS))


def assert_rows_or_bad_input(suffix: str, content: bytes) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / f"posts{suffix}"
        try:
            found = rows_of(path, content)
        except BadInputError:
            return
        assert all(isinstance(row, Row) for row in found)


pieces = st.sampled_from(
    [b"{", b"}", b'"', b"text", b":", b",", b"\n", b"\r", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf"]
)
contents = st.binary() | st.lists(pieces, max_size=20).map(b"".join)


@given(st.sampled_from([".jsonl", ".csv", ".tsv"]), contents)
def test_any_bytes_are_rows_or_bad_input(suffix: str, content: bytes) -> None:
    """No file raises anything else."""
    assert_rows_or_bad_input(suffix, content)


@settings(max_examples=25)
@given(st.binary() | st.binary().map(lambda middle: b"PAR1" + middle + b"PAR1"))
def test_any_bytes_are_parquet_or_bad_input(content: bytes) -> None:
    """No file raises anything else, even if it begins and ends as Parquet does."""
    assert_rows_or_bad_input(".parquet", content)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=50)
@given(st.lists(texts, min_size=1, max_size=5), st.sampled_from([".jsonl", ".csv"]))
def test_any_text_comes_back(rows: list[str], suffix: str) -> None:
    """Whatever is in a text, it is the same after writing and reading."""
    with TemporaryDirectory() as directory:
        table = [{"id": str(number), "text": text} for number, text in enumerate(rows)]
        assert written(Path(directory) / f"posts{suffix}", table) == table
