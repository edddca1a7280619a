import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loantap.errors import InputError, LoanTapError, SchemaError
from loantap_sources.connectors import delimited
from loantap_sources.connectors.delimited import read_delimited


@pytest.fixture
def read(tmp_path: Path):
    def rows(data: bytes, *, name: str = "x.csv", **options) -> list[tuple[str, ...]]:
        path = tmp_path / name
        path.write_bytes(data)
        return records(path, **options)

    return rows


@pytest.fixture
def refusal(read):
    def message(data: bytes, error: type[LoanTapError] = SchemaError, **options) -> str:
        with pytest.raises(error) as caught:
            read(data, **options)
        assert str(caught.value).startswith("x.csv: ")
        return str(caught.value)

    return message


def records(path: Path, **options) -> list[tuple[str, ...]]:
    table = pa.concat_tables(read_delimited(path, shown="x.csv", **{"wanted": ["A"], **options}))
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def small_blocks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", size)


def test_every_value_is_a_text_and_none_is_missing(read):
    assert read(b"A,B,C\n007,1.50,NULL\n,-, x \n") == [("007", "1.50", "NULL"), ("", "-", " x ")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_several_ways(read, end: str):
    assert read(f"A,B{end}1,2{end}3,4{end}".encode()) == [("1", "2"), ("3", "4")]


def test_a_last_line_without_an_end_counts(read):
    assert read(b"A,B\n1,2\n3,4") == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize("encoding", ["cp037", "IBM037", "cp500", "cp273"])
@pytest.mark.parametrize("end", [b"\x15", b"\x25", b"\x0d\x25", b"\x0d\x15"])
def test_ebcdic_lines_end_in_nel_or_line_feed(read, encoding: str, end: bytes):
    lines = [text.encode(encoding) for text in ("A;B", "Müller;1", "Groß;2")]
    data = end.join(lines) + end
    assert read(data, encoding=encoding, delimiter=";") == [("Müller", "1"), ("Groß", "2")]


def test_cp1252_has_umlauts_the_euro_and_the_ellipsis(read):
    assert read("A,B\nÄöü ß€…,“x”\n".encode("cp1252"), encoding="cp1252") == [("Äöü ß€…", "“x”")]


@pytest.mark.parametrize("text", ["GEMÄ“", "Ä–Z", "SPÄ»", "Å\xa0x", "Ä…", "ÄÖÜ", "ÅÄÖ", "MÃE", "Âme"])
def test_what_cp1252_may_well_hold_is_not_taken_for_utf8(read, text: str):
    assert read(f"A\n{text}\n".encode("cp1252"), encoding="cp1252") == [(text,)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf8", "UTF_8"])
def test_a_byte_order_mark_is_no_part_of_a_name(read, encoding: str):
    assert read("\ufeffA,B\nü,2\n".encode(), encoding=encoding) == [("ü", "2")]


def test_utf16_is_read_where_it_is_declared(read):
    assert read("A,B\nü,2\n".encode("utf-16"), encoding="utf-16") == [("ü", "2")]


def test_a_quoted_line_break_stays_in_its_text(read):
    assert read(b'A,B\n"1\r\n2","say ""so"""\n3,4\n') == [("1\r\n2", 'say "so"'), ("3", "4")]


def test_a_quoted_line_break_stays_in_the_name_of_a_column(read):
    assert read(b'A,"B\nC"\n1,2\n') == [("1", "2")]


def test_names_are_given_where_the_file_has_none(read):
    assert read(b"1|2\n3|4\n", header=["A", "B"], delimiter="|") == [("1", "2"), ("3", "4")]


def test_a_gzipped_file_is_unpacked(read):
    assert read(gzip.compress(b"A,B\n1,2\n"), name="x.csv.gz") == [("1", "2")]


def test_the_same_stands_in_blocks_of_any_size(read, monkeypatch: pytest.MonkeyPatch):
    rows = [(f"{i}", "ü" * (i % 7), f'"{i}\n,') for i in range(200)]
    text = io.StringIO()
    csv.writer(text).writerows([("A", "B", "C"), *rows])
    for size in range(60, 100):
        small_blocks(monkeypatch, size)
        assert read(text.getvalue().encode("cp1252"), encoding="cp1252") == rows


def test_a_quoted_line_break_stays_whole_where_two_blocks_meet(read, monkeypatch: pytest.MonkeyPatch):
    data = b"".join(b'"%d\r\n%d","\r\r\n\n"\r\n' % (i, i) for i in range(100))
    for size in range(30, 60):
        small_blocks(monkeypatch, size)
        assert read(b"A,B\r\n" + data) == [(f"{i}\r\n{i}", "\r\r\n\n") for i in range(100)]


def test_a_new_column_is_handed_over(read):
    assert read(b"NEW,A\n1,2\n") == [("1", "2")]


def test_a_column_that_is_not_wanted_may_stand_twice(read):
    assert read(b"A,B,B\n1,2,3\n") == [("1", "2", "3")]


@pytest.mark.parametrize("data", [b"A,B\n", b"A,B", b"A,B\n\n\n", b"A,B\r\n"])
def test_a_header_alone_brings_no_rows(read, data: bytes):
    assert read(data) == []


def test_padding_by_nul_is_handed_over(read):
    assert read(b"A,B\nx\x00\x00,2\n") == [("x\x00\x00", "2")]


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\nA\n"])
def test_a_file_without_a_header_is_refused(refusal, data: bytes):
    assert "expected the column A, found instead: nothing" in refusal(data)


@pytest.mark.fault("renamed column")
def test_a_renamed_column_is_named_with_those_found_instead(refusal):
    wide = ",".join(f"K{i}" for i in range(30))
    message = refusal(f"{wide},LOAN_AMOUNT\n".encode(), wanted=[*wide.split(","), "LOAN_AMT"])
    assert "expected the column LOAN_AMT, found instead: LOAN_AMOUNT." in message


def test_a_column_that_stands_twice_is_refused(refusal):
    assert "more than once: A" in refusal(b"A,B,A\n1,2,3\n")


@pytest.mark.parametrize(("encoding", "declared"), [("cp037", "cp1252"), ("cp1252", "cp037"), ("utf-16", "cp1252")])
def test_another_code_page_than_declared_is_said_to_be_possible(refusal, encoding: str, declared: str):
    message = refusal("A,B\nx,y\n".encode(encoding), encoding=declared)
    assert f"encoding ({declared}) or delimiter (,) is wrong" in message
    assert "\n" not in message


def test_another_delimiter_than_declared_is_said_to_be_possible(refusal):
    assert "found instead: 1 field of other names" in refusal(b"A;B\n1;2\n")
    assert "found 1 in record 1 (2 such records)" in refusal(b"1;2\n3;4\n", header=["A", "B"])
    assert "delimiter is not ','" in refusal(b"1;2\n3;4\n", header=["A", "B"])


def test_a_header_where_none_is_declared_is_refused(refusal):
    assert "Leave 'header' out" in refusal(b"A,B\n1,2\n", header=["A", "B"])


@pytest.mark.parametrize(("before", "place"), [(0, "record 1 (2"), (1, "record 2 (2"), (500, "record 501 (2")])
@pytest.mark.parametrize("wrong", ["1\n", "1,2,3\n"])
def test_records_of_another_length_are_counted_and_the_first_is_named(
    refusal, monkeypatch: pytest.MonkeyPatch, before: int, place: str, wrong: str
):
    small_blocks(monkeypatch, 100)
    data = "x,y\n" * before + wrong + "x,y\n" * 50 + wrong
    assert place in refusal(("A,B\n" + data).encode())
    assert place in refusal(data.encode(), header=["A", "B"])


@pytest.mark.parametrize(
    "data", [b'A,B\n1,"x\n2,y\n', b'A,B\n1,x\n2,"y\n3,z\n', b'A,B\n1,x\n2,"y', b'A,B\n1,x\n"2,y\n3,z\n']
)
def test_a_quote_that_is_not_closed_is_refused(refusal, data: bytes):
    assert "expected every quote to be closed" in refusal(data)


def test_a_quote_that_is_not_closed_in_the_header_is_refused(refusal):
    assert "x.csv" in refusal(b'"A,B\n' + b"1,2\n" * 100_000)


def test_a_record_longer_than_a_block_is_refused(refusal, monkeypatch: pytest.MonkeyPatch):
    small_blocks(monkeypatch, 100)
    for data in (b"1,2\n1," + b"x" * 500 + b"\n2,3\n", b'1,2\n1,"x' + b"\n2,3" * 100, b"1,2\n2," + b"x" * 500):
        message = refusal(b"A,B\n" + data)
        assert "expected records of at most 100 bytes" in message
        assert "A quote is not closed" in message


@pytest.mark.fault("mixed encodings")
@pytest.mark.parametrize("size", [1 << 22, *range(32, 40)])
@pytest.mark.parametrize("text", ["ü", "Ö", "€", "ś", "’", "§"])
def test_utf8_in_a_file_of_cp1252_is_refused(refusal, monkeypatch: pytest.MonkeyPatch, size: int, text: str):
    small_blocks(monkeypatch, size)
    data = "A,B\nGröße,1\nx,22222222222222222222\n".encode("cp1252") + f"{text},4\n".encode() + b"x,y\n" * 20
    message = refusal(data, encoding="cp1252")
    assert (
        f"expected cp1252 throughout, byte {data.index(text.encode())} in line 4 and what follows is UTF-8" in message
    )


@pytest.mark.fault("mixed encodings")
@pytest.mark.parametrize("size", [1 << 22, *range(32, 40)])
def test_cp1252_in_a_file_of_utf8_is_refused(refusal, monkeypatch: pytest.MonkeyPatch, size: int):
    small_blocks(monkeypatch, size)
    data = "A,B\nGröße,1\nx,222222222222222222\n".encode() + "ü,4\n".encode("cp1252") + b"x,y\n" * 20
    for start in (b"", b"\xef\xbb\xbf"):
        place = len(start) + data.index(b"\xfc,4")
        assert f"expected utf-8 throughout, byte {place} in line 4 is not" in refusal(start + data, encoding="utf-8")


@pytest.mark.fault("mixed encodings")
def test_a_character_cut_at_the_end_is_refused(refusal):
    assert "byte 6 in line 2 is not" in refusal(b"A,B\n1,\xc3", encoding="utf-8")


@pytest.mark.fault("mixed encodings")
def test_a_byte_that_the_code_page_does_not_know_is_refused(refusal):
    assert "byte 4 in line 2 is not" in refusal(b"A,B\n\x81,2\n", encoding="cp1252")


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"A,B\n" + bytes(range(256)) * 400)[:-30], gzip.compress(b"A,B\n1,2\n")[:-4]],
    ids=["cut", "cut at the end"],  # a gzip holds the time it was made
)
def test_a_damaged_gzip_is_refused(refusal, data: bytes):
    assert "damaged or cut short" in refusal(data, InputError, name="x.csv.gz", encoding="latin-1", header=["A"])


def texts(encoding: str) -> st.SearchStrategy[str]:
    # NEL ends a line of EBCDIC; a DOS end-of-file sign is nothing special.
    awkward = st.sampled_from([*",;\"\n\r\t \x1a'", '"",', "\r\n", "üöäÄÖÜß", "é"])
    any_text = st.text(st.characters(codec=encoding, exclude_characters="\x85\x00"), max_size=8)
    return st.lists(st.one_of(awkward, any_text), max_size=4).map("".join)


@pytest.mark.parametrize("encoding", ["cp1252", "cp037", "utf-8"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_was_written_is_read(tmp_path: Path, encoding: str, data: st.DataObject):
    rows = data.draw(st.lists(st.tuples(texts(encoding), texts(encoding)), max_size=8))
    delimiter = data.draw(st.sampled_from(",;|\t"))
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows([("A", "B"), *rows])
    written = stream.getvalue().encode(encoding)
    if encoding == "cp1252" and delimited._UTF8.search(written):
        return
    path = tmp_path / "x.csv"
    path.write_bytes(written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK", data.draw(st.sampled_from([200, 257, 1 << 22])))
        assert records(path, encoding=encoding, delimiter=delimiter) == rows


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04rest", "a zip archive"),
        (b"000105HIXF0002", "DB2's IXF"),
        (b"<html>", "a web page"),
        ("LOAN,AMT\n1,2\n".encode("cp037"), "Text of a mainframe is EBCDIC, such as cp037"),
    ],
)
def test_what_is_no_delimited_text_is_called_by_its_name(refusal, data: bytes, what: str):
    assert what in refusal(data, encoding="cp1252")


def test_the_end_of_file_that_dos_wrote_is_no_record(read):
    assert read(b"A,B\r\n1,2\r\n\x1a") == [("1", "2")]


def test_what_is_packed_is_unpacked_whatever_its_name(read):
    assert read(gzip.compress(b"A,B\n1,2\n"), name="x.del") == [("1", "2")]
