import hashlib
import os
import subprocess
import sys
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


def test_what_is_being_written_is_its_owners_until_it_is_whole(tmp_path: Path):
    with replacing(tmp_path / "scores.csv") as temporary:
        assert temporary.stat().st_mode & 0o777 == 0o600
    (tmp_path / "other.csv").touch()
    assert (tmp_path / "scores.csv").stat().st_mode == (tmp_path / "other.csv").stat().st_mode
    with replacing(tmp_path / "keys", private=True):
        pass
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600


KILLED = """
import os, sys
from pathlib import Path
from loantap.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("somebody's score")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_goes_when_the_next_one_writes_there(tmp_path: Path):
    path = tmp_path / "scores.csv"
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    (left,) = tmp_path.iterdir()
    assert left.read_text() == "somebody's score"
    assert left.stat().st_mode & 0o777 == 0o600
    write_text(path, "new")
    assert list(tmp_path.iterdir()) == [path]


def test_two_who_write_at_once_leave_each_other_alone(tmp_path: Path):
    path = tmp_path / "scores.csv"
    with replacing(path) as first:
        first.write_text("first")
        write_text(path, "second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"


def test_a_pipe_that_looks_like_a_leftover_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / ".writing-aaaaaaaa-scores.csv")
    assert write_text(tmp_path / "scores.csv", "new").read_text() == "new"


def test_of_a_link_what_it_leads_to_is_replaced(tmp_path: Path):
    path, link = write_text(tmp_path / "scores.csv", "old"), tmp_path / "link.csv"
    link.symlink_to(path)
    write_text(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_file_keeps_its_mode(tmp_path: Path):
    path = write_text(tmp_path / "scores.csv", "old")
    path.chmod(0o600)
    write_text(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600
