"""What a long search tells while it works."""

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from loantap.progress import PROGRESS_FILE, BarProgress, counted


def test_in_a_run_the_fits_are_told_to_the_runs_own_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "fits.json"
    monkeypatch.setenv(PROGRESS_FILE, str(path))
    told = [
        (result, json.loads(path.read_text("utf-8"))["done"])
        for result in counted(iter("abc"), label="grid", each=12, total=36)
    ]
    assert told == [("a", 12), ("b", 24), ("c", 36)]


def test_by_itself_a_search_shows_nothing_where_nobody_looks(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(PROGRESS_FILE, raising=False)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert list(counted([1, 2], label="grid", each=1, total=2)) == [1, 2]
    assert capfd.readouterr().err == ""


def test_the_bar_shows_fits_done_and_time_left(tmp_path: Path):
    path = tmp_path / "fits.json"
    screen = io.StringIO()
    with BarProgress(Console(file=screen, force_terminal=True, width=120), stages=2) as bars:
        bars.stage("tuning", 9, path)
        for done in (12, 24):
            path.write_text(json.dumps({"label": "plain, SMOTE", "done": done, "total": 60}))
            bars._bars.refresh()
        path.write_text("{half a")  # a file read while it is written is passed over
        bars._bars.refresh()
    shown = screen.getvalue()
    assert "plain, SMOTE" in shown
    assert "24/60" in shown
    assert "left" in shown
    assert "half a" not in shown
