"""Articles from files: what loads, what is rejected and why, and how much memory it takes."""

import csv
import gzip
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from evalharness.errors import DataError
from evalharness.loaders.files import Files
from evalharness.loaders.formats import json_lines
from evalharness.loaders.rows import FILE_COLUMNS, ColumnOptions, RowJudge, RowReader
from evalharness.models.given import Given
from evalharness.records import Article, Rejected, digest

SHARED = Path(__file__).parents[2] / "shared" / "data"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def parquet(path: Path, columns: dict[str, Any]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def load(path: Path, **options: Any) -> list[Article | Rejected]:
    return list(Files(path, **options).load())


def ids(rows: list[Article | Rejected]) -> list[str]:
    return [row.id if isinstance(row, Article) else row.where for row in rows]


# What loads


def test_json_lines_row_becomes_an_article_with_its_usual_columns(write: Write) -> None:
    row = {"id": 7, "article": "A.", "references": ["R.", " "], "summary": "S.", "system": "bart"}
    path = write("news.jsonl", lines({**row, "title": "T", "source": "cnn", "votes": [1, 2]}))
    columns = ColumnOptions(extra=("votes", "absent"))
    assert load(path, columns=columns) == [
        Article(
            "7",
            "A.",
            ("R.",),
            "cnn",
            {"title": "T", "summary": "S.", "system": "bart", "votes": [1, 2]},
        )
    ]


@pytest.mark.parametrize("name", ["article", "document", "text", "dialogue"])
def test_article_is_found_under_the_usual_names(write: Write, name: str) -> None:
    [article] = load(write("a.jsonl", lines({name: "Hello."})))
    assert article == Article("a-1", "Hello.")


@pytest.mark.parametrize(
    ("row", "references"),
    [
        ({"references": ["a", "b"], "reference": "c"}, ("a", "b")),
        ({"references": None, "reference": "c"}, ("c",)),
        ({"references": [], "highlights": "d"}, ("d",)),
        ({"highlights": "d"}, ("d",)),
        ({"reference": None}, ()),
        ({"reference": float("nan")}, ()),
        ({}, ()),
    ],
)
def test_references_come_from_the_first_usual_column_that_has_any(
    write: Write, row: dict[str, object], references: tuple[str, ...]
) -> None:
    [article] = load(write("a.jsonl", lines({"article": "A.", **row})))
    assert isinstance(article, Article)
    assert article.references == references


def test_columns_name_several_references_and_take_them_from_other_uses(write: Write) -> None:
    path = write("a.jsonl", lines({"body": "A.", "summary": "one", "gold": ["two", "three"]}))
    columns = ColumnOptions(article="body", reference=("summary", "gold"))
    [article] = load(path, columns=columns)
    assert article == Article("a-1", "A.", ("one", "two", "three"))


def test_empty_summary_is_kept_and_differs_from_none(write: Write) -> None:
    path = write("a.jsonl", lines({"text": "A.", "summary": ""}, {"text": "B.", "summary": None}))
    assert [row.extra for row in load(path) if isinstance(row, Article)] == [{"summary": ""}, {}]


def test_row_without_id_is_named_by_file_and_line(write: Write) -> None:
    path = write("news.test.jsonl.gz", gzip.compress(b'{"text": "A."}\n\n{"text": "B."}\n'))
    assert ids(load(path)) == ["news.test-1", "news.test-3"]


def test_bom_and_crlf_and_missing_last_newline_are_tolerated(write: Write) -> None:
    path = write("a.jsonl", b'\xef\xbb\xbf{"text": "A."}\r\n{"text": "B."}')
    assert load(path) == [Article("a-1", "A."), Article("a-2", "B.")]


def test_line_separators_inside_json_text_do_not_end_a_row(write: Write) -> None:
    [article] = load(write("a.jsonl", '{"text": "one\u2028two\x85three"}\n'))
    assert article == Article("a-1", "one\u2028two\x85three")


def test_csv_keeps_line_ends_and_counts_physical_lines(write: Write) -> None:
    table = 'id, article ,reference\r\n007,"Two\r\nlines, and ""quotes""",R\r\n\r\n8,B.,\r\n9,\r\n'
    assert load(write("a.csv", b"\xef\xbb\xbf" + table.encode())) == [
        Article("007", 'Two\r\nlines, and "quotes"', ("R",)),
        Article("8", "B."),
        Rejected("a.csv:6", "the row has 2 fields, the header 3"),
    ]


def test_csv_field_may_be_longer_than_the_csv_module_allows(write: Write) -> None:
    [article] = load(write("a.csv", "text\n" + "word " * 60_000))
    assert isinstance(article, Article)
    assert len(article.text) == 300_000


def test_tsv_is_parted_by_tabs_and_may_be_gzipped(write: Write) -> None:
    path = write("a.tsv.gz", gzip.compress(b"id\ttext\n1\tOne, two.\n"))
    assert load(path) == [Article("1", "One, two.")]


def test_parquet_rows_are_counted_from_one(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"text": ["A.", None], "refs": [["x", "y"], None]})
    columns = ColumnOptions(reference="refs")
    assert load(path, columns=columns) == [
        Article("a-1", "A.", ("x", "y")),
        Rejected("a.parquet:row 2", "the article is null, not text"),
    ]


def test_gzipped_parquet_loads_as_the_file_does(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"id": ["x", "y"], "article": ["One.", "Two."]})
    zipped = tmp_path / "b.parquet.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))

    assert load(zipped) == load(path)
    assert Files(zipped).count() == Files(path).count() == 2


def test_count_is_about_the_number_of_rows(write: Write) -> None:
    text = lines({"article": "One."}, {"article": "Two."}, "no article")
    paths = (write("a.jsonl", text), write("b.jsonl.gz", gzip.compress(text.encode())))

    assert Files(paths).count() == 6


def test_parquet_dates_become_text_and_integer_ids_too(tmp_path: Path) -> None:
    from datetime import date

    columns = {"id": [3], "text": ["A."], "day": [date(2031, 10, 17)]}
    [article] = load(
        parquet(tmp_path / "a.parquet", columns), columns=ColumnOptions(extra=("day",))
    )
    assert article == Article("3", "A.", extra={"day": "2031-10-17"})


def test_parquet_row_that_is_not_utf8_does_not_cost_its_neighbours(tmp_path: Path) -> None:
    import pyarrow as pa

    raw = pa.array([b"fine", b"bad \xff", b"also fine"])
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    path = parquet(tmp_path / "a.parquet", {"text": text})
    assert load(path) == [
        Article("a-1", "fine"),
        Rejected("a.parquet:row 2", "not UTF-8: byte 0xff at position 4"),
        Article("a-3", "also fine"),
    ]


def test_pattern_and_list_load_each_file_once_in_order(write: Write, tmp_path: Path) -> None:
    for name in "bca":
        write(f"{name}.jsonl", lines({"text": name}))
    path = (tmp_path / "c.jsonl", tmp_path / "*.jsonl")
    assert ids(list(Files(path).load())) == ["c-1", "a-1", "b-1"]


def test_files_of_one_name_are_told_apart_by_their_folders(write: Write, tmp_path: Path) -> None:
    write("dev/news.jsonl", lines({"text": "A."}, {}))
    write("test/news.jsonl", lines({"text": "A."}))
    assert ids(load(tmp_path / "**" / "*.jsonl")) == [
        "dev/news-1",
        "dev/news.jsonl:2",
        "test/news-1",
    ]


def test_file_whose_name_looks_like_a_pattern_is_itself(write: Write) -> None:
    assert ids(load(write("a[1].jsonl", lines({"text": "A."})))) == ["a[1]-1"]


def test_format_overrides_the_ending(write: Write) -> None:
    assert ids(load(write("a.txt", lines({"text": "A."})), format="jsonl")) == ["a-1"]


def test_loading_twice_gives_the_same(write: Write) -> None:
    files = Files(write("a.jsonl", lines({"id": "x", "text": "A."}, {"id": "x", "text": "B."})))
    assert list(files.load()) == list(files.load())


# Lists in cells

AS_JSON = '["The mayor said so.", "It\\u2019s \\"so\\".\\nYes."]'
CELLS: list[tuple[str, tuple[str, ...]]] = [
    ("['ref a', 'ref b']", ("ref a", "ref b")),
    (repr(["It's so.", 'He said "so".', "both ' and \"", "two\nlines", "caf\xe9 \\ \U0001f600"]),
     ("It's so.", 'He said "so".', "both ' and \"", "two\nlines", "caf\xe9 \\ \U0001f600")),
    ("['ref a', None, nan, ' ']", ("ref a",)),
    ("['ref a',]", ("ref a",)),
    (" [ 'ref a' ] ", ("ref a",)),
    ("('ref a', 'ref b')", ("ref a", "ref b")),
    ("('ref a',)", ("ref a",)),
    (AS_JSON, ("The mayor said so.", 'It\u2019s "so".\nYes.')),
    ('["ref a", null]', ("ref a",)),
    ('["\\ud83d\\ude00"]', ("\U0001f600",)),
    ("[]", ()),
    ("[Music] It rained.", ("[Music] It rained.",)),
    ("[Editor's note: it rained]", ("[Editor's note: it rained]",)),
    ("(it rained)", ("(it rained)",)),
    ("('it rained')", ("('it rained')",)),
    ("[1, 2]", ("[1, 2]",)),
    ("'ref a', 'ref b'", ("'ref a', 'ref b'",)),
    ("[", ("[",)),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "references"), CELLS)
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_list_written_into_a_cell_is_read_as_references(
    tmp_path: Path, ending: str, cell: str, references: tuple[str, ...]
) -> None:
    path = tmp_path / f"a.{ending}"
    row = {"article": "A.", "references": cell}
    if ending == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([list(row), list(row.values())])
    elif ending == "jsonl":
        path.write_text(lines(row))
    else:
        parquet(path, {name: [value] for name, value in row.items()})
    assert load(path) == [Article("a-1" if ending != "csv" else "a-2", "A.", references)]


def test_list_in_a_column_that_the_config_maps_is_read(write: Write) -> None:
    path = write("a.csv", "text,gold\nA.,\"['one', 'two']\"\n")
    (article,) = load(path, columns=ColumnOptions(reference="gold"))
    assert article == Article("a-2", "A.", ("one", "two"))


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)))
def test_any_list_that_python_or_json_writes_is_read(references: list[str]) -> None:
    wanted = tuple(text for text in references if text.strip())
    judge = RowReader.of(ColumnOptions(), FILE_COLUMNS)
    for written in (repr(references), json.dumps(references)):
        assert judge.article({"text": "A.", "references": written}, "a").references == wanted


@pytest.mark.parametrize(
    ("value", "kind"),
    [(["S."], "a list"), (True, "true"), (1.5, "the number 1.5"), ({"a": 1}, "an object")],
)
def test_summary_that_is_no_text_is_said_to_be_what_it_is(
    write: Write, value: object, kind: str
) -> None:
    (article,) = load(write("a.jsonl", lines({"text": "A.", "summary": value})))
    assert isinstance(article, Article)
    (summary,) = Given().summarize([article])
    assert (summary.finish, summary.note) == ("error", f"the row's summary is {kind}, not text")


def test_summary_of_bytes_is_said_to_be_bytes(tmp_path: Path) -> None:
    (article,) = load(parquet(tmp_path / "a.parquet", {"text": ["A."], "summary": [b"S."]}))
    assert isinstance(article, Article)
    (summary,) = Given().summarize([article])
    assert summary.note == "the row's summary is bytes, not text"


def test_null_in_a_list_of_references_is_left_out(write: Write) -> None:
    content = '{"text": "A.", "references": [null, "r", NaN, ""]}'
    assert load(write("a.jsonl", content)) == [Article("a-1", "A.", ("r",))]


# What is rejected, and in which words

HAS = "the row has: "
HALF = "has half of a surrogate pair (character 1)"
BROKEN: list[tuple[str, str | bytes, str]] = [
    ("torn.jsonl", '{"text": "A', "not JSON: Unterminated string starting at (column 10)"),
    ("two.jsonl", '{"text": "A."} {}', "not JSON: Extra data (column 16)"),
    ("list.jsonl", '["A."]', "the row is not an object, like {…}"),
    ("number.jsonl", "17", "the row is not an object, like {…}"),
    ("digits.jsonl", '{"id": ' + "9" * 5000 + "}", "not JSON that can be read: a number has too "
     "many digits"),
    ("deep.jsonl", '{"a": ' + "[" * 99_999, "the row is nested too deeply"),
    ("latin.jsonl", b'{"text": "caf\xe9"}', "not UTF-8: byte 0xe9 at position 13"),
    ("raw_nul.jsonl", '{"text": "A\0"}', "not JSON: Invalid control character at (column 12)"),
    ("missing.jsonl", '{"id": 1, "text2": "A."}',
     f"no field 'article'; {HAS}id, text2 (did you mean columns.article: text2?)"),
    ("strange.jsonl", '{"q": 1, "\\u001b[2J": 2}',
     f"no field 'article'; {HAS}q, \\x1b[2J (name the right one with columns.article)"),
    ("nothing.jsonl", "{}",
     f"no field 'article'; {HAS}nothing (name the right one with columns.article)"),
    ("many.jsonl", json.dumps(dict.fromkeys("qwzyvbnmjk")),
     f"no field 'article'; {HAS}q, w, z, y, v, b, n, m and 2 more "
     "(name the right one with columns.article)"),
    ("null.jsonl", '{"article": null}', "the article is null, not text"),
    ("pair.jsonl", '{"article": ["A.", "B."]}', "the article is a list, not text"),
    ("nan.jsonl", '{"article": NaN}', "the article is the number nan, not text"),
    ("blank.jsonl", '{"article": " \\u00a0\\n"}', "the article is empty"),
    ("nul.jsonl", '{"article": "A\\u0000"}', "the article has a NUL character (character 1)"),
    ("half.jsonl", '{"article": "A\\ud83d"}', f"the article {HALF}"),
    ("id_nan.jsonl", '{"id": NaN, "text": "A."}', "the id is the number nan, not text or a whole "
     "number"),
    ("id_float.jsonl", '{"id": 1.0, "text": "A."}', "the id is the number 1.0, not text or a whole "
     "number"),
    ("id_null.jsonl", '{"id": null, "text": "A."}', "the id is null, not text or a whole number"),
    ("id_true.jsonl", '{"id": true, "text": "A."}', "the id is true, not text or a whole number"),
    ("id_blank.jsonl", '{"id": " ", "text": "A."}', "the id is blank, not text or a whole number"),
    ("id_half.jsonl", '{"id": "x\\ude00", "text": "A."}', f"the id {HALF}"),
    ("ref.jsonl", '{"text": "A.", "reference": {"a": 1}}', "a reference in 'reference' is an "
     "object, not text"),
    ("refs.jsonl", '{"text": "A.", "references": ["r", 2]}', "a reference in 'references' is the "
     "number 2, not text"),
    ("ref_half.jsonl", '{"text": "A.", "references": ["r\\ud800"]}', "a reference in 'references' "
     f"{HALF}"),
    ("title.jsonl", '{"text": "A.", "title": "T\\udfff"}', f"the title {HALF}"),
    ("few.csv", "id,text\n1", "the row has 1 fields, the header 2"),
    ("open.csv", 'id,text\n1,"A.', "not CSV: a quote that opens here never closes"),
    ("quote.csv", 'id,text\n1,"A" B', "not CSV: ',' expected after '\"'"),
    ("latin.csv", b"id,text\n1,caf\xe9", "not UTF-8: byte 0xe9"),
    ("nul.csv", "id,text\n1,A\0", "the article has a NUL character (character 1)"),
    ("semicolon.csv", "id;text\n1;A;B", "the row has 3 fields, the header 2"),
    ("empty.csv", "id,text\n1,", "the article is empty"),
    ("numpy.csv", "text,reference\nA.,['one' 'two']", "a reference in 'reference' looks like a "
     "list written as text that cannot be read; write it as JSON, as in [\"one\", \"another\"]"),
    ("sentences.csv", "text\n\"['One.', 'Two.']\"", "the article is a list written as text; join "
     "it to one text"),
]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_header_without_the_delimiter_tells_another(
    write: Write, delimiter: str, ending: str
) -> None:
    lines = ["id,text,reference", '1,"A; b, c|d\te",R.'] if delimiter == "," else [
        delimiter.join(["id", "text", "reference"]),
        delimiter.join(["1", '"A; b, c|d\te"', "R."]),
    ]  # fmt: skip
    path = write(f"a.{ending}", "\r\n".join(lines))

    assert load(path) == [Article("1", "A; b, c|d\te", ("R.",))]


@pytest.mark.parametrize(("name", "content", "reason"), BROKEN, ids=[row[0] for row in BROKEN])
def test_broken_row_is_rejected_with_its_place_and_reason(
    write: Write, name: str, content: str | bytes, reason: str
) -> None:
    where = f"{name}:{2 if name.endswith('.csv') else 1}"
    assert load(write(name, content)) == [Rejected(where, reason)]


def test_broken_row_ends_the_run_in_the_same_words_where_asked(write: Write) -> None:
    path = write("a.jsonl", lines({"text": "A."}, {"id": 1, "text2": "B."}))
    rows = Files(path, bad_rows="fail").load()
    assert next(rows) == Article("a-1", "A.")
    with pytest.raises(DataError) as error:
        next(rows)
    assert str(error.value) == (
        "a.jsonl:2: no field 'article'; the row has: id, text2 "
        "(did you mean columns.article: text2?)"
    )


def test_good_rows_around_a_broken_one_load(write: Write) -> None:
    path = write("a.jsonl", b'{"text": "A."}\n\xff\xfe\n{"text": "B."}\n')
    assert ids(load(path)) == ["a-1", "a.jsonl:2", "a-3"]


def test_second_row_of_an_id_is_rejected_and_names_the_first(write: Write, tmp_path: Path) -> None:
    write("a.jsonl", lines({"id": 1, "text": ""}, {"id": 1, "text": "A."}, {"id": 2, "text": "B."}))
    write("b.jsonl", lines({"id": "1", "text": "C."}))
    assert load(tmp_path / "?.jsonl") == [
        Rejected("a.jsonl:1", "the article is empty"),
        Article("1", "A."),
        Article("2", "B."),
        Rejected("b.jsonl:1", "the id '1' was used before, at a.jsonl:2"),
    ]


@pytest.mark.parametrize(
    ("use", "columns"),
    [
        ("id", ColumnOptions(id="gold")),
        ("article", ColumnOptions(article="gold")),
        ("reference", ColumnOptions(reference="gold")),
        ("summary", ColumnOptions(summary="gold")),
        ("title", ColumnOptions(title="gold")),
        ("source", ColumnOptions(source="gold")),
    ],
)
def test_column_that_the_config_names_must_be_in_the_row(
    write: Write, use: str, columns: ColumnOptions
) -> None:
    path = write("a.jsonl", lines({"article": "A.", "goldy": "x"}))
    assert load(path, columns=columns) == [
        Rejected(
            "a.jsonl:1",
            f"no field 'gold'; the row has: article, goldy (did you mean columns.{use}: goldy?)",
        )
    ]


def test_extra_column_that_json_cannot_hold_is_rejected(write: Write) -> None:
    path = write("a.jsonl", '{"text": "A.", "votes": [1, NaN]}')
    assert load(path, columns=ColumnOptions(extra=("votes",))) == [
        Rejected("a.jsonl:1", "the column 'votes' holds what JSON cannot: NaN, bytes or the like")
    ]


def test_line_of_hundreds_of_megabytes_is_rejected_unread(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalharness.loaders.formats.LONGEST_ROW", 2**20)
    path = write("a.jsonl", '{"text": "' + "A" * 5_000_000 + '"}\n{"text": "B."}\n')
    assert load(path) == [
        Rejected("a.jsonl:1", "the line is longer than 1 MiB"),
        Article("a-2", "B."),
    ]


# What is fatal: the file itself

PLAIN = '{"text": "A."}\n' * 9999
FATAL: list[tuple[str, str | bytes, str]] = [
    ("empty.jsonl", b"", "the file is empty; write it again, or leave it out"),
    ("blank.jsonl", b"\n\n", "the file has no rows; write it again, or leave it out"),
    ("header.csv", b"id,text\n", "the file has no rows"),
    ("blank.csv", b"\nid,text\n", "the first line is blank; it must name the columns"),
    ("twice.csv", b"id,text,text\n1,A.,B.\n", "the header names the column 'text' twice"),
    ("quote.csv", b'id,"te" xt\n', "the header is not CSV"),
    ("torn.jsonl.gz", gzip.compress(PLAIN.encode())[:-99], "the gzip file is torn or damaged"),
    ("damaged.jsonl.gz", gzip.compress(PLAIN.encode())[:60] + b"\xff" * 60, "torn or damaged"),
    ("list.json", b'[{"text": "A."}]', "unknown ending '.json'; write one object a line (.jsonl)"),
    ("a.xlsx", b"text", "unknown ending '.xlsx'; known are .jsonl, .ndjson, .csv, .tsv, .parquet"),
    ("a.pdf", b"%PDF-1.7\n", "this is a PDF; save its text (pdftotext"),
    ("a.txt", b"\x89PNG\r\n\x1a\n", "this is a picture (PNG); give its text"),
    ("a.jsonl", b"PK\x03\x04...", "this is a zip archive or a spreadsheet; unpack it"),
    ("utf16.csv", "id,text\n".encode("utf-16"), "this is UTF-16 text; save it as UTF-8"),
    ("a.jsonl.zst", b"\x28\xb5\x2f\xfd..", "this is zstd compressed; unpack it"),
    ("renamed.jsonl", b"PAR1....PAR1", "this is Parquet; set format: parquet"),
    ("text.parquet", b"not parquet at all", "not Parquet that can be read"),
    ("a.parquet", gzip.compress(b"PAR1"), "not Parquet that can be read"),
]


@pytest.mark.parametrize(("name", "content", "message"), FATAL, ids=[row[0] for row in FATAL])
def test_file_that_cannot_be_read_ends_the_run_and_is_named(
    write: Write, name: str, content: bytes, message: str
) -> None:
    path = write(name, content)
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


def test_rows_before_the_tear_of_a_gzip_file_are_given(write: Write) -> None:
    rows = Files(write("torn.jsonl.gz", gzip.compress(PLAIN.encode())[:-4])).load()
    assert next(rows) == Article("torn.jsonl-1", "A.") or next(rows)


def test_missing_file_folder_and_pattern_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.jsonl: no such file"):
        load(tmp_path / "no.jsonl")
    with pytest.raises(DataError, match=r"\*\.jsonl: no file matches this pattern"):
        load(tmp_path / "*.jsonl")
    with pytest.raises(DataError, match=r"this is a folder; name its files, as in .*\*\.jsonl"):
        load(tmp_path)


def test_every_file_is_looked_at_before_the_first_row_is_read(write: Write, tmp_path: Path) -> None:
    first = write("a.jsonl", lines({"text": "A."}))
    with pytest.raises(DataError, match="no such file"):
        Files((first, tmp_path / "b.jsonl")).load()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_file_that_the_system_cannot_read_is_named() -> None:
    with pytest.raises(DataError, match=r"/proc/self/mem: cannot be read: Input/output error"):
        load(Path("/proc/self/mem"), format="jsonl")


def test_options_are_checked_as_pydantic_reads_them_from_a_config() -> None:
    files = TypeAdapter(Files)
    text = '{"path": ["a.jsonl", "b.csv"], "columns": {"reference": ["x", "y"], "extra": ["z"]}}'
    assert files.validate_json(text, strict=True) == Files(
        (Path("a.jsonl"), Path("b.csv")), columns=ColumnOptions(reference=("x", "y"), extra=("z",))
    )
    with pytest.raises(ValidationError, match=r"columns\.artcle\s+Unexpected keyword"):
        files.validate_json('{"path": "a.jsonl", "columns": {"artcle": "x"}}', strict=True)
    with pytest.raises(ValueError, match="path: names no file"):
        Files(())


# Laws

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([name for names in FILE_COLUMNS.values() for name in names] + ["votes"])
COLUMNS = ColumnOptions(extra=("votes",))


def judged(line: bytes) -> list[Article | Rejected]:
    import io

    rows = RowJudge(RowReader.of(COLUMNS, FILE_COLUMNS))
    return list(rows.read(json_lines(io.BytesIO(line)), "a.jsonl:", "a"))


@given(st.dictionaries(NAMES | st.text(), JSON, max_size=6) | JSON)
def test_any_json_line_is_an_article_or_rejected(row: object) -> None:
    for judgement in judged(json.dumps(row).encode()):
        if isinstance(judgement, Article):
            assert judgement.text.strip()
            assert judgement.id.strip()
            assert len(digest(judgement.text, judgement.references, dict(judgement.extra))) == 32
            json.dumps([judgement.text, judgement.extra], ensure_ascii=False).encode()
        else:
            assert judgement.where == "a.jsonl:1"
            assert judgement.reason.isprintable()


@given(st.binary(max_size=200).filter(lambda line: b"\n" not in line))
def test_any_bytes_are_rejected_or_blank(line: bytes) -> None:
    assert all(isinstance(judgement, Rejected) for judgement in judged(line))


@given(st.binary(max_size=200))
def test_any_bytes_of_a_csv_body_are_articles_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_bytes(b"id,text\n1,A.\n" + content)
    assert load(path)[0] == Article("1", "A.")


# Size

ROWS = 20_000


def peak(files: Files) -> int:
    """Return the most memory (bytes) that reading all rows took beyond the start."""
    first = next(files.load())  # what is imported and cached once
    assert isinstance(first, Article)
    tracemalloc.start()
    n = sum(isinstance(row, Article) for row in files.load())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == ROWS
    return most


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"big.{ending}"
    text = "The mayor said no. " * 100
    with path.open("w") as file:
        file.write("id,text\n" if ending == "csv" else "")
        for k in range(ROWS):
            file.write(f"{k},{text}\n" if ending == "csv" else lines({"id": k, "text": text}))
    assert path.stat().st_size > 38_000_000
    assert peak(Files(path)) < 4_000_000  # the ids' hashes: about 150 bytes each


def test_memory_does_not_grow_with_a_parquet_file_of_one_row_group(tmp_path: Path) -> None:
    import pyarrow as pa

    texts = [f"{k:08} The mayor said no. " * 100 for k in range(ROWS)]
    path = parquet(tmp_path / "big.parquet", {"text": texts})
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    try:
        n = sum(isinstance(row, Article) for row in Files(path).load())
    finally:
        pa.set_memory_pool(pa.system_memory_pool())
    assert n == ROWS
    assert pool.max_memory() < 16_000_000  # of 58 million bytes of text


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data")
@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("cao22", 455),
        ("realsumm", 54),
        ("summedits_news", 4),
        ("summeval", 44),
        ("xsumfaith", 204),
        ("zhang23_writers", 55),
    ],
)
def test_shared_articles_load_without_a_rejected_row(name: str, n: int) -> None:
    rows = load(SHARED / "articles" / f"{name}.jsonl")
    articles = [row for row in rows if isinstance(row, Article)]
    assert (len(rows), len(articles)) == (n, n)
    assert all(article.references and article.source == name for article in articles)


def test_loaders_import_without_the_heavy_packages() -> None:
    code = (
        "import sys, evalharness.loaders.files, evalharness.loaders.hub;"
        "import evalharness.loaders.pages.loader;"
        "print({'torch', 'datasets', 'pyarrow', 'lxml', 'huggingface_hub', 'pandas'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
