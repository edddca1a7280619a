"""Publishing a report into a folder: what readers see, at each moment."""

import errno
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from absences import absent
from command_line import loantap
from report_support import FIRST, SECOND, Watched, make_run, read_site, second_run, words_of

from loantap.errors import DeployError, InputError
from loantap_deploy import report_commands as deploy_report
from loantap_deploy.report import Published, editions, publish_report
from loantap_deploy.report_files import read_report
from loantap_deploy.report_pages import latest_page
from loantap_deploy.shelf import Folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return make_run(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return second_run(tmp_path / "second")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "place"


def publish(run: Path, place: Path) -> Published:
    return publish_report(read_report(run), Folder(place))


def snapshot(place: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(place)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in place.rglob("*")
        if path.is_file()
    }


def test_the_latest_page_leads_to_the_whole_report(first: Path, place: Path):
    done = publish(first, place)
    site = read_site(Folder(place))
    assert {name.removeprefix(f"{done.path}/") for name in site} == {
        "latest/index.html", "index.html", "about.html", "notebooks/eda.html", "loantap-insights.pdf", "loantap-insights.docx", "loantap-tables.xlsx", "assets/report.css",
        "figures/rate.svg", "tables/rate.csv",
    }  # fmt: skip
    assert words_of(site) == {"first"}
    assert done.address == f"{place}/latest/index.html"


def test_nothing_but_the_report_is_in_the_place(first: Path, place: Path):
    done = publish(first, place)
    report = {
        f"{done.path}/{path.relative_to(first / 'report')}" for path in (first / "report").rglob("*") if path.is_file()
    }
    assert set(snapshot(place)) == report | {f"{done.path}/run.json", "index.html", "latest/index.html"}


def test_the_list_shows_the_newest_run_first_and_says_what_is_synthetic(first: Path, second: Path, place: Path):
    publish(second, place)
    publish(first, place)
    text = (place / "index.html").read_text()
    assert text.index(SECOND) < text.index(FIRST)
    rows = {run: next(line for line in text.splitlines() if f"runs/{run}/" in line) for run in (FIRST, SECOND)}
    assert "<strong>Synthetic data</strong>" in rows[FIRST]
    assert "Real loans (file)" in rows[SECOND]
    assert "Synthetic" not in rows[SECOND]
    assert words_of(read_site(Folder(place), "index.html")) == {"first", "second"}


def test_a_second_time_writes_nothing(first: Path, place: Path):
    assert publish(first, place).changed
    before = snapshot(place)
    done = publish(first, place)
    assert (done.uploaded, done.changed, done.former) == (0, False, None)
    assert snapshot(place) == before


def test_an_older_run_published_again_is_the_latest_and_nothing_is_written_twice(
    first: Path, second: Path, place: Path
):
    publish(first, place)
    publish(second, place)
    before = snapshot(place)
    done = publish(first, place)
    assert done.uploaded == 0
    assert done.former is not None
    assert done.former.run_id == SECOND
    changed = {name for name, found in snapshot(place).items() if before[name] != found}
    assert changed == {"latest/index.html"}
    assert words_of(read_site(Folder(place))) == {"first"}


def test_a_report_rendered_again_does_not_touch_the_former_one(first: Path, place: Path, tmp_path: Path):
    former = publish(first, place)
    before = snapshot(place)
    done = publish(make_run(tmp_path / "again", words="again"), place)
    assert done.path != former.path
    after = snapshot(place)
    assert {name for name in before if before[name] != after[name]} == {"index.html", "latest/index.html"}
    assert words_of(read_site(Folder(place))) == {"again"}
    assert len(editions(Folder(place))) == 2


def test_a_damaged_or_lost_file_is_mended(first: Path, place: Path):
    done = publish(first, place)
    (place / done.path / "about.html").write_text("half")
    (place / done.path / "figures" / "rate.svg").unlink()
    assert publish(first, place).uploaded == 2
    assert words_of(read_site(Folder(place))) == {"first"}


def test_a_reader_sees_one_whole_report_before_each_write(first: Path, second: Path, place: Path):
    publish(first, place)
    seen: list[tuple[str, set[str], set[str]]] = []
    lock = threading.Lock()

    def look(name: str) -> None:
        with lock:
            reader = Folder(place)
            seen.append((name, words_of(read_site(reader)), words_of(read_site(reader, "index.html"))))

    publish_report(read_report(second), Watched(place, look))
    names = [name for name, _, _ in seen]
    assert [name.rpartition("/")[2] for name in names[-3:-1]] == ["run.json", "index.html"]
    assert names[-1] == "latest/index.html"
    assert len(names) == 13
    assert all(latest == {"first"} for _, latest, _ in seen)
    assert all(listed == {"first"} for _, _, listed in seen[:-1])
    assert seen[-1][2] == {"first", "second"}
    assert words_of(read_site(Folder(place))) == {"second"}


def test_who_publishes_in_between_is_not_lost_from_the_list(first: Path, second: Path, place: Path):
    """The other one lists its run after this one looked what there is, and before this one writes the list."""

    def other(name: str) -> None:
        if name == "index.html" and not (place / "runs" / SECOND).exists():
            publish(second, place)

    publish_report(read_report(first), Watched(place, other))
    text = (place / "index.html").read_text()
    assert FIRST in text
    assert SECOND in text


def test_a_list_that_something_else_rewrites_each_time_is_an_error_and_not_a_loop(first: Path, place: Path):
    class Rewritten(Folder):
        def read(self, name: str) -> bytes | None:
            content = super().read(name)
            return content and content + b"<!-- served by me -->" if name == "index.html" else content

    with pytest.raises(DeployError, match=r"index\.html: expected it to stay as it was written"):
        publish_report(read_report(first), Rewritten(place))
    assert not (place / "latest").exists()


def test_many_at_once_are_all_listed_and_the_latest_is_one_of_them(place: Path, tmp_path: Path):
    words = [f"run{number}" for number in range(6)]
    runs = [make_run(tmp_path / name, run_id=name, words=name) for name in words]
    with ThreadPoolExecutor(6) as pool:
        paths = {done.path for done in pool.map(lambda run: publish(run, place), [*runs, *runs])}
    assert len(paths) == 6
    text = (place / "index.html").read_text()
    assert all(f'href="{path}/index.html"' in text for path in paths)
    latest = read_site(Folder(place))
    assert sum(f"{path}/index.html" in latest for path in paths) == 1
    assert not list(place.rglob(".writing-*"))


class FullDisk:
    """A disk that takes some files, then half of one, then no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, room: int) -> None:
        self._room, self._write, self._lock = room, Path.write_bytes, threading.Lock()
        monkeypatch.setattr(Path, "write_bytes", lambda path, data: self.write(path, data))

    def write(self, path: Path, data: bytes) -> int:
        """Write as long as there is room."""
        with self._lock:
            self._room -= 1
            if self._room >= 0:
                return self._write(path, data)
        self._write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))


@pytest.mark.parametrize("room", range(13))
def test_a_full_disk_leaves_the_former_report_and_a_second_try_completes_it(
    first: Path, second: Path, place: Path, room: int, monkeypatch: pytest.MonkeyPatch
):
    publish(first, place)
    with monkeypatch.context() as patch:
        FullDisk(patch, room=room)
        with pytest.raises(DeployError, match=r"No space left on device\. Check the permissions and the space left"):
            publish(second, place)
    assert words_of(read_site(Folder(place))) == {"first"}
    assert words_of(read_site(Folder(place), "index.html")) == ({"first", "second"} if room == 12 else {"first"})
    assert not list(place.rglob(".writing-*"))
    done = publish(second, place)
    assert done.uploaded == max(10 - room, 0)
    assert words_of(read_site(Folder(place))) == {"second"}


def test_the_message_of_a_failure_says_what_readers_see(
    first: Path, second: Path, place: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(first, place)
    FullDisk(monkeypatch, room=3)
    with pytest.raises(DeployError, match="The latest report is the one it was"):
        publish(second, place)


@pytest.mark.parametrize(
    "record",
    [
        b"", b"{}", b"[]", b"\xff\xfe", b'{"run_id": "x"}',
        b'{"run_id": "20250105-060000", "finished_at": "2025-01-05T06:30:00Z", "published_at": "2025-01-05T06:30:00Z", "kind": "<script>", '
        b'"synthetic": false, "rows": 1, "files": {}}',
    ],
)  # fmt: skip
def test_a_record_that_does_not_fit_its_place_is_not_listed_and_is_mended(first: Path, place: Path, record: bytes):
    done = publish(first, place)
    (place / done.path / "run.json").write_bytes(record)
    stray = place / "runs" / FIRST / "0123456789ab"
    stray.mkdir()
    (stray / "run.json").write_bytes(record)
    assert editions(Folder(place)) == []
    publish(first, place)
    assert [edition.path for edition in editions(Folder(place))] == [done.path]
    assert "<script>" not in (place / "index.html").read_text()


def test_what_a_record_says_is_text_on_the_page(place: Path, tmp_path: Path):
    publish(make_run(tmp_path / "run", kind="<script>alert(1)</script>"), place)
    assert "(&lt;script&gt;alert(1)&lt;/script&gt;)" in (place / "index.html").read_text()


@pytest.mark.parametrize("name", ["index.html", "latest/index.html"])
def test_a_page_of_something_else_is_not_overwritten(first: Path, place: Path, name: str):
    (place / name).parent.mkdir(parents=True)
    (place / name).write_text("<h1>Our intranet</h1>")
    with pytest.raises(InputError, match="expected none, or one that loantap wrote"):
        publish(first, place)
    assert list(snapshot(place)) == [name]


def test_a_file_in_the_way_is_named(first: Path, place: Path):
    place.write_text("not a folder")
    with pytest.raises(DeployError, match=rf"reading {place}/index\.html: Not a directory"):
        publish(first, place)


# The command


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    return loantap("deploy", "report", *words)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def say(run: Path, **options: Any) -> list[str]:
        deploy_report.report(run, **options)
        return capsys.readouterr().out.splitlines()

    return say


def test_the_command_says_what_it_did_and_ends_with_the_address(first: Path, second: Path, place: Path, said: Any):
    path = read_report(first).edition.path
    lines = said(first, to=place)
    assert lines == [f"Written: 10 of 10 files (0.0 MB in all) to {place}/{path}", f"Latest: {place}/latest/index.html"]
    assert said(first, to=place)[0] == "Nothing changed: this report is published, and was the latest."
    assert len(said(second, to=place)) == 2
    older = said(first, to=place)
    assert older[0].startswith("Written: 0 of 10 files")
    assert older[1] == (
        f"Note: run {FIRST} ended on 2025-01-05 06:30, before run {SECOND} (2025-02-05 06:30), which was the latest. The older one is the latest now."
    )
    assert older[-1] == f"Latest: {place}/latest/index.html"


def test_a_run_is_found_by_its_name(
    first: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Any
):
    (tmp_path / "_quarto.yml").touch()
    first.rename(tmp_path / "moved")
    (tmp_path / "runs").mkdir()
    (tmp_path / "moved").rename(tmp_path / "runs" / "r1")
    monkeypatch.setenv("LOANTAP_HOME", str(tmp_path))
    assert said(Path("r1"), to=place)[-1] == f"Latest: {place}/latest/index.html"


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ([], "got none"),
        (["--to", "x", "--bucket", "y"], "got --bucket and --to"),
        (["--bucket", ""], "got none"),
    ],
)
def test_exactly_one_place_is_asked_for(first: Path, options: list[str], got: str):
    done = command(first, *options)
    assert done.returncode == 2
    assert got in done.stderr


def test_a_refused_report_ends_with_2_and_makes_nothing(first: Path, place: Path):
    (first / "report" / "loans.parquet").touch()
    done = command(first, "--to", place)
    assert (done.returncode, place.exists()) == (2, False)
    assert "loans.parquet" in done.stderr


def test_runs_are_not_published_among_themselves(tmp_path: Path, said: Any):
    run = make_run(tmp_path / "runs" / "r1")
    before = snapshot(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "runs").symlink_to(tmp_path / "runs")
    for place in (tmp_path, run, run / "report", tmp_path / "elsewhere"):
        with pytest.raises(InputError, match="this one holds runs"):
            said(run, to=place)
    other = make_run(tmp_path / "apart" / "r2")
    with pytest.raises(InputError, match="this one holds runs"):
        said(other, to=tmp_path)
    shutil.rmtree(tmp_path / "apart")
    shutil.rmtree(tmp_path / "elsewhere")
    assert snapshot(tmp_path) == before


# In a browser


@pytest.fixture
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        absent("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


def test_a_browser_comes_from_the_latest_page_to_the_report_and_the_list_is_accessible(
    first: Path, second: Path, place: Path, browser: Any
):
    from axe_playwright_python.sync_playwright import Axe

    publish(second, place)
    done = publish(first, place)
    page = browser.new_page()
    page.goto((place / "latest" / "index.html").as_uri())
    page.wait_for_url((place / done.path / "index.html").as_uri())
    assert page.inner_text("p") == "first"
    narrow = browser.new_page(viewport={"width": 360, "height": 740})
    narrow.goto((place / "index.html").as_uri())
    assert Axe().run(narrow).response["violations"] == []
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_latest_page_can_be_read_without_a_redirect(first: Path):
    text = latest_page(read_report(first).edition).decode()
    assert 'name="generator" content="loantap"' in text
    assert text.count(f"../{read_report(first).edition.path}/index.html") == 3


def test_the_record_holds_every_file_with_its_sum(first: Path, place: Path):
    done = publish(first, place)
    record = json.loads((place / done.path / "run.json").read_text())
    sums = place / "sums"
    sums.write_text("".join(f"{file['sha256']}  {name}\n" for name, file in record["files"].items()))
    checked = subprocess.run(["sha256sum", "--check", "--quiet", sums], cwd=place / done.path, capture_output=True, check=False)  # fmt: skip
    assert (checked.returncode, len(record["files"])) == (0, 10)
