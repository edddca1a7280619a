"""A report is published whole or not at all, into a folder or a bucket, and only as it was rendered."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from sealed import seal_run
from typer.testing import CliRunner

from loantap.cli.app import app
from loantap.errors import DeployError, InputError
from loantap.runs.checksums import content_sha256
from loantap_deploy.report import publish_report, read_report
from loantap_deploy.shelf import Bucket, Folder, Shelf

LAST = "latest/index.html"


def make_run(folder: Path, *, run_id: str = "20250105-060000", words: str = "first", kind: str = "synthetic", **facts: Any) -> Path:  # fmt: skip
    """Write a finished run whose report says `words`, and that holds what nobody may publish."""
    at = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}T06:30:00+00:00"
    manifest = {"run_id": run_id, "started_at": at, "finished_at": at, "status": "done", "data": {"kind": kind, "rows": 5000}}  # fmt: skip
    files = {
        "manifest.json": json.dumps(manifest | facts),
        "data/loans.parquet": "secret loans",
        "results/model.json": "{}",
        "report/index.html": f'<!DOCTYPE html><html lang="en"><head><title>Report</title></head><body><p>{words}</p></body></html>',
        "report/loantap-insights.pdf": f"%PDF-1.7 {words}",
        "report/loantap-tables.xlsx": f"PK {words}",
        "report/assets/report.css": "p { color: #222 }",
        "report/tables/rate.csv": "grade,rate\nA,0.06\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return note_report(folder)


def note_report(run: Path) -> Path:
    """Note the report as it is now in the manifest, as if it had just been rendered."""
    report = run / "report"
    sums = {path.relative_to(report).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in report.rglob("*") if path.is_file()}  # fmt: skip
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"report": {"sha256": content_sha256(sums)}}))
    return seal_run(run)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return make_run(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return make_run(tmp_path / "second", run_id="20250205-060000", words="second", kind="file")


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A place for reports of either kind, empty."""
    if request.param == "folder":
        yield Folder(tmp_path / "site")
        return
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "eu-central-1")):
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="reports")
        yield Bucket("reports")


def text(shelf: Shelf, name: str = LAST) -> str:
    return (shelf.read(name) or b"").decode()


def latest(shelf: Shelf) -> str:
    """Return what a reader of the latest report sees, or nothing."""
    target = re.search(r'url=\.\./([^"]+)"', text(shelf))
    return re.search(r"<p>(.*?)</p>", text(shelf, target[1]))[1] if target else ""


def test_the_latest_page_leads_to_the_whole_report_and_nothing_else_is_there(first: Path, shelf: Shelf):
    assert publish_report(read_report(first), shelf) == 8
    assert latest(shelf) == "first"
    names = {name.split("/", 3)[3] for name in shelf.names("runs")}
    assert names == {"index.html", "loantap-insights.pdf", "loantap-tables.xlsx", "assets/report.css", "tables/rate.csv", "run.json"}  # fmt: skip
    record = json.loads(text(shelf, next(name for name in shelf.names("runs") if name.endswith("run.json"))))
    assert (record["run_id"], record["rows"], record["synthetic"]) == ("20250105-060000", 5000, True)
    assert record["files"]["tables/rate.csv"] == {
        "sha256": hashlib.sha256(b"grade,rate\nA,0.06\n").hexdigest(),
        "size": 18,
    }


def test_a_second_time_writes_nothing_and_an_older_run_can_be_the_latest_again(first: Path, second: Path, shelf: Shelf):
    publish_report(read_report(first), shelf)
    assert publish_report(read_report(first), shelf) == 0
    publish_report(read_report(second), shelf)
    assert latest(shelf) == "second"
    assert publish_report(read_report(first), shelf) == 1
    assert latest(shelf) == "first"


def test_the_list_shows_the_newest_run_first_and_says_what_is_synthetic(first: Path, second: Path, shelf: Shelf):
    publish_report(read_report(second), shelf)
    publish_report(read_report(first), shelf)
    rows = re.findall(r"<tr><th scope=\"row\">.*", text(shelf, "index.html"))
    assert ["20250205" in rows[0], "Real loans (file)" in rows[0], "2025-02-05 06:30 UTC" in rows[0], "5,000" in rows[0]] == [True] * 4  # fmt: skip
    assert "Synthetic data" in rows[1]
    for target in re.findall(r'href="([^"]+)"', text(shelf, "index.html")):
        assert shelf.read(target), target


def test_a_report_rendered_again_gets_a_path_of_its_own(first: Path, shelf: Shelf):
    publish_report(read_report(first), shelf)
    (first / "report" / "index.html").write_text("<p>again</p>")
    publish_report(read_report(note_report(first)), shelf)
    assert latest(shelf) == "again"
    assert sum(name.endswith("run.json") for name in shelf.names("runs")) == 2


@pytest.mark.parametrize("stop", range(8))
def test_whatever_write_fails_readers_see_the_former_report_and_the_next_try_completes_it(
    stop: int, first: Path, second: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
):
    publish_report(read_report(first), shelf)
    written, write = [], shelf.write

    def full(name: str, content: bytes, *, lasting: bool) -> None:
        if len(written) == stop:
            raise DeployError(f"writing {name}: No space left on device")
        written.append(name)
        write(name, content, lasting=lasting)
        assert latest(shelf) == ("second" if name == LAST else "first"), "a reader looks after each write"

    monkeypatch.setattr(shelf, "write", full)
    with pytest.raises(DeployError, match="No space left"):
        publish_report(read_report(second), shelf)
    assert latest(shelf) == "first"
    assert written[5:] == [*[name for name in written if name.endswith("run.json")], "index.html"][: max(0, stop - 5)]  # fmt: skip
    monkeypatch.undo()
    publish_report(read_report(second), shelf)
    assert latest(shelf) == "second"


def test_each_object_says_what_it_is_and_how_long_it_may_be_kept(first: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="reports")
        publish_report(read_report(first), Bucket("reports"))
        found = {one["Key"]: s3.head_object(Bucket="reports", Key=one["Key"], ChecksumMode="ENABLED") for one in s3.list_objects_v2(Bucket="reports")["Contents"]}  # fmt: skip
    for name, head in found.items():
        lasting = name.startswith("runs/") and not name.endswith("run.json")
        assert head["CacheControl"] == ("max-age=31536000, immutable" if lasting else "no-cache"), name
        assert "ChecksumSHA256" in head
    kinds = {name.rpartition(".")[2]: head["ContentType"] for name, head in found.items()}
    assert (kinds["html"], kinds["csv"], kinds["pdf"]) == ("text/html; charset=utf-8", "text/csv; charset=utf-8", "application/pdf")  # fmt: skip


@pytest.mark.parametrize("name", ["index.html", LAST])
def test_a_page_of_something_else_is_not_overwritten(name: str, first: Path, shelf: Shelf):
    shelf.write(name, b"somebody's site", lasting=False)
    with pytest.raises(InputError, match="one that loantap wrote"):
        publish_report(read_report(first), shelf)
    assert shelf.names("runs") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: (run / "report/tables/rate.csv").write_text("A,1"), "expected the report as it was rendered"),
        (lambda run: (run / "report/loans.csv").write_text("1"), "expected the report as it was rendered"),
        (lambda run: (run / "report/loantap-insights.pdf").unlink(), "expected the report as it was rendered"),
        (lambda run: (run / "report/loans.html").symlink_to(run / "data/loans.parquet"), "a rendered report of plain files, found 'loans.html'"),
        (lambda run: (run / "report").rename(run / "gone"), "a rendered report of plain files, found 'report'"),
        (lambda run: make_run(run, status="failed"), "expected a finished run, this one's status is failed"),
        (lambda run: note_results(run), "from other results"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_rendered_is_refused(change: Any, words: str, first: Path):
    change(first)
    with pytest.raises(InputError, match=words):
        read_report(first)


def note_results(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["report"]["results"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(manifest))


def test_what_a_run_calls_itself_is_text_on_the_page(tmp_path: Path):
    run = make_run(tmp_path / "run", kind="<script>alert(1)</script>")
    publish_report(read_report(run), shelf := Folder(tmp_path / "site"))
    assert "<script>" not in text(shelf, "index.html")


def test_the_command_says_what_it_did_and_ends_with_the_address(first: Path, tmp_path: Path):
    said = [CliRunner().invoke(app, ["deploy", "report", str(first), "--to", str(tmp_path / "site")]) for _ in range(2)]
    assert [one.exit_code for one in said] == [0, 0], said[0].output
    assert "Written: 8 files" in said[0].output
    assert "Nothing changed" in said[1].output
    assert said[1].output.splitlines()[-1] == f"Latest: {tmp_path / 'site'}/latest/index.html"


def test_runs_are_not_published_among_themselves(first: Path):
    said = CliRunner().invoke(app, ["deploy", "report", str(first), "--to", str(first / "site")])
    assert "this one holds runs" in str(said.exception)
