import errno
import gzip
import hashlib
import json
import tempfile
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from loantap.errors import InputError, LoanTapError, SchemaError, SourceError
from loantap_sources.connectors.db2 import open_drop
from loantap_sources.connectors.kinds import Db2Drop

HEAD = b"NO,AMT\n"
OLD = HEAD + b"1,10\n"
NEW = HEAD + b"1,10\n2,20\n"


def settings(**changes) -> Db2Drop:
    plain = {"kind": "db2", "folder": "x", "key": "NO", "columns": {"loan_amnt": "AMT"}, "settle_seconds": 0}
    return Db2Drop.model_validate(plain | changes)


@pytest.fixture
def drops(tmp_path: Path) -> Path:
    folder = tmp_path / "drops [1]*"
    folder.mkdir()
    return folder


@pytest.fixture
def take(drops: Path, tmp_path: Path):
    staging = tmp_path / "staging"
    staging.mkdir()

    def taken(**changes):
        brought = open_drop(settings(**changes), str(drops), staging=staging)
        keys = pa.concat_tables(brought.tables)["NO"].to_pylist()
        assert list(staging.iterdir()) == []
        return keys, brought.facts, brought.notes

    return taken


@pytest.fixture
def refusal(take, drops: Path):
    def message(error: type[LoanTapError], **changes) -> str:
        with pytest.raises(error) as caught:
            take(**changes)
        assert str(drops) in str(caught.value)
        return str(caught.value)

    return message


def vouch(path: Path, **changes) -> None:
    data = path.read_bytes()
    stated = {"rows": data.count(b"\n") - 1, "sha256": hashlib.sha256(data).hexdigest()}
    path.with_name(path.name + ".manifest.json").write_text(json.dumps(stated | changes))


def test_the_last_drop_by_name_is_taken_and_told(take, drops: Path):
    (drops / "X_2015.csv").write_bytes(NEW)
    (drops / "X_2014.csv").write_bytes(OLD)
    keys, facts, notes = take(pattern="X_*.csv")
    assert keys == ["1", "2"]
    assert notes == []
    assert facts == {
        "location": str(drops),
        "drop": "X_2015.csv",
        "files": [
            {
                "file": str(drops / "X_2015.csv"),
                "size": len(NEW),
                "sha256": hashlib.sha256(NEW).hexdigest(),
                "rows": 2,
            }
        ],
    }


def test_all_files_of_a_subfolder_are_one_drop(take, drops: Path):
    for name, data in {"a/X_1": NEW, "b/X_1": OLD, "b/X_2": HEAD + b"7,1\n8,1\n", "b/Y_1": NEW, "X_9": NEW}.items():
        (drops / name).parent.mkdir(exist_ok=True)
        (drops / f"{name}.csv").write_bytes(data)
    keys, facts, _ = take(pattern="*/X_*.csv")
    assert keys == ["1", "7", "8"]
    assert facts["drop"] == "b"
    assert [file["rows"] for file in facts["files"]] == [1, 2]


def test_a_folder_whose_name_matches_is_no_file(take, drops: Path):
    (drops / "x.csv").write_bytes(OLD)
    (drops / "y.csv").mkdir()
    assert take()[0] == ["1"]


def test_a_gzipped_drop_is_unpacked(take, drops: Path):
    (drops / "x.csv.gz").write_bytes(gzip.compress(NEW))
    assert take(pattern="*.csv.gz")[0] == ["1", "2"]


@pytest.mark.parametrize("capitals", [False, True])
def test_a_drop_that_its_manifest_vouches_for_needs_no_last_line_end(take, drops: Path, capitals: bool):
    path = drops / "x.csv"
    path.write_bytes(NEW[:-1])
    digest = hashlib.sha256(NEW[:-1]).hexdigest()
    vouch(path, rows=2, sha256=digest.upper() if capitals else digest)
    assert take(manifest="required", pattern="*")[0] == ["1", "2"]


def break_empty(path: Path) -> None:
    path.write_bytes(b"")


def break_line(path: Path) -> None:
    path.write_bytes(NEW[:-1])


def break_gzip(path: Path) -> None:
    path.rename(path.with_name(path.name + ".gz"))
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(NEW)[:-9])


def break_sha(path: Path) -> None:
    vouch(path)
    path.write_bytes(NEW + b"3,3\n")


def break_rows(path: Path) -> None:
    vouch(path, rows=3)


def break_manifest(path: Path) -> None:
    path.with_name(path.name + ".manifest.json").write_text('{"rows": 2, "sha')


def break_manifest_form(path: Path) -> None:
    path.with_name(path.name + ".manifest.json").write_text("[1]")


def break_manifest_content(path: Path) -> None:
    path.with_name(path.name + ".manifest.json").write_text('{"rows": 2}')


BROKEN = pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (break_empty, "y.csv is empty (0 bytes)"),
        (break_line, "y.csv ends in the middle of a line"),
        (break_gzip, "y.csv.gz is cut short or damaged"),
        (break_sha, "y.csv has another sha256 than its manifest says"),
        (break_rows, "y.csv has 2 rows, its manifest says 3"),
        (break_manifest, "y.csv.manifest.json is damaged"),
        (break_manifest_form, "y.csv.manifest.json is damaged"),
        (break_manifest_content, "y.csv.manifest.json is damaged"),
    ],
)


@pytest.mark.fault("file half copied")
@BROKEN
def test_a_drop_that_is_not_complete_is_passed_over_with_a_note(take, drops: Path, damage, reason: str):
    (drops / "x.csv").write_bytes(OLD)
    (drops / "y.csv").write_bytes(NEW)
    damage(drops / "y.csv")
    keys, facts, notes = take(pattern="*.csv*")
    assert keys == ["1"]
    assert facts["drop"] == "x.csv"
    assert len(notes) == 1
    assert notes[0].startswith("drop y.csv")
    assert reason in notes[0]


@pytest.mark.fault("file half copied")
@BROKEN
def test_without_a_complete_drop_every_reason_is_named(refusal, drops: Path, damage, reason: str):
    (drops / "x.csv").write_bytes(b"")
    (drops / "y.csv").write_bytes(NEW)
    damage(drops / "y.csv")
    message = refusal(SourceError, pattern="*.csv*")
    assert "expected a complete drop, found none" in message
    assert reason in message
    assert "drop x.csv is not complete" in message


def test_one_broken_file_makes_the_whole_drop_incomplete(take, drops: Path):
    for name, data in {"a/1": OLD, "b/1": NEW, "b/2": NEW[:-3]}.items():
        (drops / name).parent.mkdir(exist_ok=True)
        (drops / f"{name}.csv").write_bytes(data)
    assert take(pattern="*/*.csv")[1]["drop"] == "a"


def test_a_manifest_may_be_required(take, drops: Path):
    (drops / "x.csv").write_bytes(OLD)
    vouch(drops / "x.csv")
    (drops / "y.csv").write_bytes(NEW)
    keys, _, notes = take(manifest="required")
    assert keys == ["1"]
    assert notes == ["drop y.csv is not complete and was passed over: y.csv.manifest.json is absent"]


def meanwhile(drops: Path, *, write) -> threading.Thread:
    def work() -> None:
        for _ in range(200):
            write()
            time.sleep(0.01)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.fault("file half copied")
def test_a_file_that_grows_is_passed_over(take, drops: Path):
    (drops / "x.csv").write_bytes(OLD)
    (drops / "y.csv").write_bytes(HEAD)

    def grow() -> None:
        with (drops / "y.csv").open("ab") as stream:
            stream.write(b"3,3\n")

    thread = meanwhile(drops, write=grow)
    keys, _, notes = take(settle_seconds=0.3)
    thread.join()
    assert keys == ["1"]
    assert "y.csv is still being copied (" in notes[0]


@pytest.mark.fault("file half copied")
def test_a_drop_to_which_files_are_added_is_passed_over(take, drops: Path):
    for folder in ("a", "b"):
        (drops / folder).mkdir()
        (drops / folder / "1.csv").write_bytes(OLD)
    thread = threading.Timer(0.15, (drops / "b" / "2.csv").write_bytes, [NEW])
    thread.start()
    _, facts, notes = take(settle_seconds=0.5, pattern="*/*.csv")
    thread.join()
    assert facts["drop"] == "a"
    assert "2.csv is still being copied" in notes[0]


@pytest.mark.fault("file half copied")
def test_a_file_that_disappears_is_passed_over(take, drops: Path):
    (drops / "x.csv").write_bytes(OLD)
    (drops / "y.csv").write_bytes(NEW)
    thread = threading.Timer(0.15, (drops / "y.csv").unlink)
    thread.start()
    keys, _, notes = take(settle_seconds=0.5)
    thread.join()
    assert keys == ["1"]
    assert "y.csv is still being copied" in notes[0]


@pytest.mark.fault("file half copied")
def test_what_is_read_is_what_was_hashed(drops: Path, tmp_path: Path):
    (drops / "x.csv").write_bytes(OLD)
    brought = open_drop(settings(), str(drops), staging=tmp_path)
    (drops / "x.csv").write_bytes(NEW)
    assert pa.concat_tables(brought.tables)["NO"].to_pylist() == ["1"]
    assert brought.facts["files"][0]["sha256"] == hashlib.sha256(OLD).hexdigest()


def test_no_file_that_matches_is_said(refusal, drops: Path):
    (drops / "x.txt").write_bytes(OLD)
    assert "expected files that match '*.csv', found none" in refusal(InputError)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(InputError, match=r"found none\. Check folder"):
        open_drop(settings(), str(tmp_path / "no"), staging=tmp_path)


@pytest.mark.parametrize("folder", ["ftp://host/x", "memory://x", "simplecache::s3://b/x", "http://host/x"])
def test_another_place_than_a_folder_or_s3_is_refused(folder: str, tmp_path: Path):
    with pytest.raises(InputError, match="expected a local folder or s3"):
        open_drop(settings(), folder, staging=tmp_path)


def test_a_file_that_cannot_be_read_is_said(take, refusal, drops: Path, monkeypatch: pytest.MonkeyPatch):
    (drops / "x.csv").write_bytes(OLD)

    def refuse(*_args, **_named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.open", refuse)
    assert "PermissionError: [Errno 13] Permission denied" in refusal(SourceError)


def test_a_complete_drop_of_another_form_is_an_error_and_not_passed_over(refusal, drops: Path):
    (drops / "x.csv").write_bytes(OLD)
    (drops / "y.csv").write_bytes(b"NO,AMOUNT\n1,10\n")
    message = refusal(SchemaError)
    assert "y.csv: expected the column AMT, found instead: AMOUNT" in message


def test_a_full_disk_is_told_as_such(drops: Path, refusal, monkeypatch: pytest.MonkeyPatch):
    (drops / "a.csv").write_bytes(NEW)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    assert "there is no room in" in refusal(SourceError, pattern="*.csv")
