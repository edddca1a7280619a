import hashlib
from pathlib import Path

import pytest

from loantap.files import replacing, sha256, write_text


def test_a_file_is_replaced_whole(tmp_path: Path):
    path = write_text(tmp_path / "a.txt", "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path):
    path = write_text(tmp_path / "a.csv.gz", "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_name_keeps_the_suffixes(tmp_path: Path):
    with replacing(tmp_path / "loans.csv.gz") as temporary:
        assert temporary.name.endswith("loans.csv.gz")
        temporary.write_text("")


def test_folders_are_made(tmp_path: Path):
    assert write_text(tmp_path / "a" / "b" / "c.txt", "x").is_file()


def test_sha256_is_that_of_the_bytes(tmp_path: Path):
    path = write_text(tmp_path / "a.txt", "loans")
    assert sha256(path) == hashlib.sha256(b"loans").hexdigest()
