"""What of a run may be published, and what is refused."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from report_support import make_run, note_report

from loantap.errors import InputError
from loantap_deploy.report_files import read_report


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def refusal(run: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_report(run)
    return str(caught.value)


def test_only_files_of_the_report_are_read(run: Path):
    names = set(read_report(run).files)
    assert names == {
        "index.html", "about.html", "notebooks/eda.html", "loantap-insights.pdf", "loantap-insights.docx", "loantap-tables.xlsx", "assets/report.css", "figures/rate.svg",
        "tables/rate.csv", "tables/rate.json",
    }  # fmt: skip


def test_the_record_says_what_was_published(run: Path):
    edition = read_report(run).edition
    assert (edition.run_id, edition.kind, edition.synthetic, edition.rows) == (
        "20250105-060000",
        "synthetic",
        True,
        5000,
    )
    assert edition.finished_at.isoformat() == "2025-01-05T06:30:00+00:00"
    assert edition.files["about.html"].size == (run / "report" / "about.html").stat().st_size


def test_equal_reports_stand_at_equal_paths_and_others_elsewhere(run: Path, tmp_path: Path):
    path = read_report(run).edition.path
    assert path.startswith("runs/20250105-060000/")
    assert read_report(make_run(tmp_path / "copy")).edition.path == path
    assert read_report(make_run(tmp_path / "other", words="again")).edition.path != path


def test_loans_made_for_a_demonstration_count_as_synthetic_wherever_they_were_read(tmp_path: Path):
    run = make_run(tmp_path / "run", data={"kind": "warehouse", "synthetic": True, "rows": 7})
    assert read_report(run).edition.synthetic


@pytest.mark.parametrize("status", ["running", "partial", "failed"])
def test_an_unfinished_run_is_refused(tmp_path: Path, status: str):
    assert f"this one's status is {status}" in refusal(make_run(tmp_path / "run", status=status))


@pytest.mark.parametrize("name", ["index.html", "loantap-insights.pdf"])
def test_a_report_that_is_not_whole_is_refused(run: Path, name: str):
    (run / "report" / name).unlink()
    assert "expected a rendered report" in refusal(run)
    assert f"loantap report {run}" in refusal(run)


def test_a_run_without_a_report_is_refused(run: Path):
    shutil.rmtree(run / "report")
    assert "expected a rendered report" in refusal(run)


def test_a_report_of_other_results_is_refused(run: Path):
    """As after `loantap run --resume RUN --only policy`: the results are new, the pages are not."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["stages"][0]["files"]["results/model.json"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert "was rendered from other results" in refusal(run)


@pytest.mark.parametrize("name", ["loans.parquet", "notes.odt", "tables/rate.CSV", "Makefile", "page.html.bak"])
def test_a_file_of_an_unknown_kind_is_named(run: Path, name: str):
    (run / "report" / name).write_text("x")
    assert f"'{name}': expected one of .css" in refusal(run)


@pytest.mark.parametrize("name", [".env", ".git/config.json", "tables/.hidden.csv", "run.json", "a\nb.csv"])
def test_a_file_of_a_strange_name_is_refused(run: Path, name: str):
    (run / "report" / name).parent.mkdir(exist_ok=True)
    (run / "report" / name).write_text("x")
    assert "a report has no file of this name" in refusal(run)


def test_a_link_out_of_the_report_is_refused_and_not_followed(run: Path):
    (run / "report" / "tables" / "loans.csv").symlink_to(run / "data" / "loans.parquet")
    (run / "report" / "data").symlink_to(run / "data")
    assert "'tables/loans.csv': expected a plain file, found a link" in refusal(run)
    assert "'data': expected a plain file, found a link" in refusal(run)


def test_a_report_that_is_itself_a_link_is_refused(run: Path):
    (run / "report").rename(run / "elsewhere")
    (run / "report").symlink_to(run / "elsewhere")
    assert "expected a rendered report" in refusal(run)


def test_what_is_no_file_is_refused_and_not_waited_for(run: Path):
    os.mkfifo(run / "report" / "tables" / "pipe.csv")
    assert "'tables/pipe.csv': expected a plain file" in refusal(run)


@pytest.mark.parametrize(
    "link",
    [
        "../data/loans.parquet", "/etc/passwd", "file:///etc/passwd", "missing.html", "notebooks/", "..", "./",
        "%2e%2e/data/loans.parquet", "C:\\loans.csv", "http://[", "notebooks/../../results/model.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("tag", ['<a href="{}">', '<img src="{}"/>', "<object data='{}'></object>"])
def test_a_page_that_links_to_what_is_not_in_the_report_is_refused(run: Path, link: str, tag: str):
    page = run / "report" / "about.html"
    page.write_text(page.read_text() + tag.format(link))
    assert f"about.html: its link {link!r} leads to no file of the report" in refusal(run)


@pytest.mark.parametrize(
    "link",
    [
        "#who", "index.html#top", "./index.html?print", "notebooks/../index.html", "data:,", "https://example.com/x", "//example.com/x",
        "mailto:risk@example.com", "tables/%72ate.csv", "",
    ],
)  # fmt: skip
def test_other_links_are_let_be(run: Path, link: str):
    page = run / "report" / "about.html"
    page.write_text(page.read_text() + f'<a href="{link}">')
    assert read_report(note_report(run))


@pytest.mark.parametrize("change", ["added", "changed", "gone"])
def test_what_was_not_rendered_is_not_published(run: Path, change: str):
    """A table of loans that somebody laid there has a suffix that reports have, and nobody links to it."""
    path = run / "report" / "tables" / ("all-loans.csv" if change == "added" else "rate.json")
    if change == "gone":
        path.unlink()
    else:
        path.write_text("name,amount\nJane Doe,1000\n")
    assert "expected the report as it was rendered" in refusal(run)


def test_all_problems_are_said_at_once_and_many_are_counted(run: Path):
    for number in range(12):
        (run / "report" / f"{number:02}.exe").write_text("x")
    text = refusal(run)
    assert "'00.exe'" in text
    assert "'09.exe'" in text
    assert "'10.exe'" not in text
    assert "and 2 more" in text


@pytest.mark.parametrize("run_id", ["../../etc", "a/b", "", ".", "r 1", "r1\n", "<b>"])
def test_a_run_id_that_is_no_part_of_an_address_is_refused(tmp_path: Path, run_id: str):
    assert "expected a manifest that loantap wrote" in refusal(make_run(tmp_path / "run", run_id=run_id))


def test_a_report_that_is_rendered_again_while_it_is_read_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch):
    read = Path.read_bytes

    def swapping(path: Path) -> bytes:
        if path.name == "loantap-insights.pdf" and not (run / "former").exists():
            shutil.copytree(run / "report", run / "new")
            (run / "report").rename(run / "former")
            (run / "new").rename(run / "report")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", swapping)
    assert "rendered again while it was read" in refusal(run)


def test_a_large_report_is_checked_quickly(run: Path):
    links = "".join(f'<a href="#cb{number}">{number}</a>' for number in range(20_000))
    for number in range(20):
        (run / "report" / f"page{number}.html").write_text(links)
    started = time.perf_counter()
    read_report(note_report(run))
    assert (
        time.perf_counter() - started < 20
    )  # it takes about 2 s; a check that grows with the square would take minutes
