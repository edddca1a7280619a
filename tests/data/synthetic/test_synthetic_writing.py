import tracemalloc

import pandas as pd
import pyarrow.parquet as pq
import pytest

import loantap.data.synthetic as synthetic
from loantap.data.synthetic import generate_loans, iter_loans, write_loans
from loantap.data.synthetic.writing import write_chunks
from loantap.errors import InputError


@pytest.mark.parametrize("name", ["loans.csv", "loans.csv.gz"])
def test_csv_holds_the_generated_loans(tmp_path, name):
    write_loans(tmp_path / name, 500, seed=1)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / name), generate_loans(500, seed=1))


def test_parquet_holds_the_generated_loans(tmp_path):
    write_loans(tmp_path / "loans.parquet", 500, seed=1)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "loans.parquet"), generate_loans(500, seed=1))


@pytest.mark.parametrize("name", ["loans.csv", "loans.csv.gz", "loans.parquet"])
def test_the_same_seed_writes_the_same_bytes(tmp_path, name):
    for folder in ("one", "two"):
        write_loans(tmp_path / folder / name, 300, seed=9)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_csv_of_many_chunks_has_one_header(tmp_path):
    write_chunks(iter_loans(1_000, chunk_rows=300), tmp_path / "loans.csv", lambda written: None)
    loans = pd.read_csv(tmp_path / "loans.csv")
    assert len(loans) == 1_000
    assert not (loans["loan_status"] == "loan_status").any()


def test_every_chunk_is_written_before_the_next_is_made(tmp_path):
    made = []

    def chunks():
        for chunk in iter_loans(1_000, chunk_rows=250):
            assert len(made) == len(seen)
            made.append(len(chunk))
            yield chunk

    seen = []
    write_chunks(chunks(), tmp_path / "loans.parquet", seen.append)
    assert seen == [250, 500, 750, 1_000]
    assert pq.ParquetFile(tmp_path / "loans.parquet").num_row_groups == 4


def test_memory_does_not_grow_with_rows(tmp_path):
    def peak(rows):
        tracemalloc.start()
        write_chunks(iter_loans(rows, chunk_rows=2_000), tmp_path / "loans.csv", lambda written: None)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(2_000)  # caches fill
    # half as much again leaves room for the allocator; six times the rows would show as much more
    assert peak(12_000) < 1.5 * peak(4_000)


def test_progress_is_told_in_rows(tmp_path, monkeypatch):
    seen = []
    write_loans(tmp_path / "loans.csv", 120, on_chunk=seen.append)
    assert seen == [120]


def test_another_suffix_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"loans\.xlsx: expected a file name that ends in .*\.parquet.*rename"):
        write_loans(tmp_path / "loans.xlsx", 10)
    assert list(tmp_path.iterdir()) == []


def test_too_few_rows_write_nothing(tmp_path):
    with pytest.raises(InputError, match="expected rows to be 1 or more, got 0"):
        write_loans(tmp_path / "loans.csv", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_half_way_leaves_the_old_file(tmp_path):
    target = tmp_path / "loans.csv"
    write_loans(target, 50)
    before = target.read_bytes()

    def failing():
        yield from iter_loans(50)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        write_chunks(failing(), target, lambda written: None)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_the_public_names_are_few():
    assert set(synthetic.__all__) == {"ROWS", "generate_loans", "iter_loans", "write_loans"}
