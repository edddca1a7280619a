"""The run before a run, and `loantap compare`."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import loantap
from sealed import seal_run

from loantap.errors import InputError
from loantap.runs.earlier import compare_runs, earlier_run
from loantap.runs.results import RunFolder


def a_run(place: Path, day: int, *, kind: str = "file", defaults: int = 20, **manifest: Any) -> Path:
    """Write the finished run of a day: 200 loans of which some defaulted."""
    folder = place / f"r{day:02d}"
    (folder / "results").mkdir(parents=True)
    (folder / "data").mkdir()
    loans = pd.DataFrame(
        {"row": range(200), "loan_amnt": range(day, day + 200), "default": [1] * defaults + [0] * (200 - defaults)}
    )
    loans.to_parquet(folder / "data" / "loans.parquet")
    data = {"kind": kind, "location": f"/x/{day}.csv", "sha256": f"sum of {day}", "rows": 200, "rows_read": 200, "defaults": defaults, "period": ["2015-01", "2015-12"]}  # fmt: skip
    times = {"started_at": f"2026-01-{day:02d}T06:00:00+00:00", "finished_at": f"2026-01-{day:02d}T07:00:00+00:00"}
    facts = {
        "run_id": f"r{day:02d}",
        **times,
        "status": "done",
        "data": data,
        "stages": [{"name": "ingest", "notebook": "01_ingest.ipynb"}],
    }
    (folder / "manifest.json").write_text(json.dumps(facts | manifest))
    eda = {"shape": {"n": 200, "defaults": defaults}, "settings": {"confidence": 0.95}, "strength": []}
    (folder / "results" / "eda.json").write_text(json.dumps(eda))
    (folder / "results" / "ingest.json").write_text(json.dumps({"data": data}))
    return seal_run(folder)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs, in a project that has none of its own."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "_quarto.yml").touch()
    monkeypatch.setenv("LOANTAP_HOME", str(tmp_path / "project"))
    return tmp_path / "place"


def before(run: Path) -> str | None:
    found = earlier_run(RunFolder(run))
    return found.path.name if found else None


def test_the_newest_run_that_ended_before_this_one_began_is_taken(place: Path):
    runs = [a_run(place, day) for day in (1, 2, 3, 4)]
    assert [before(run) for run in runs] == [None, "r01", "r02", "r03"]


def test_a_synthetic_run_is_compared_with_a_synthetic_one(place: Path):
    a_run(place, 1, kind="synthetic")
    a_run(place, 2)
    assert before(a_run(place, 3, kind="synthetic")) == "r01"


def test_a_run_that_is_not_finished_or_was_changed_is_passed_over(place: Path):
    a_run(place, 1)
    a_run(place, 2, status="failed")
    (a_run(place, 3) / "results" / "eda.json").write_text("{}")
    assert before(a_run(place, 4)) == "r01"


def test_where_none_is_beside_it_the_runs_of_the_project_are_looked_through(place: Path, tmp_path: Path):
    a_run(tmp_path / "project" / "runs", 1)
    assert before(a_run(place, 2)) == "r01"


def test_a_bench_without_a_run_has_none_before_it(tmp_path: Path):
    assert earlier_run(RunFolder(tmp_path)) is None


def test_a_run_that_is_named_has_to_be_finished_and_unchanged(place: Path):
    run = a_run(place, 2)
    found = earlier_run(RunFolder(run), str(a_run(place, 5)))
    assert found is not None
    assert found.path.name == "r05"
    with pytest.raises(InputError, match="expected a finished run, it is failed"):
        earlier_run(RunFolder(run), str(a_run(place, 6, status="failed")))


def test_two_runs_of_the_same_loans_and_code_did_not_change(place: Path):
    first = a_run(place, 1)
    done = loantap("compare", first, first)
    assert done.returncode == 0
    assert "Nothing changed since run r01." in done.stdout
    assert "All 1 numbers compared are equal." in done.stdout


def test_other_loans_are_told_with_their_default_rates(place: Path):
    done = loantap("compare", a_run(place, 1), a_run(place, 2, defaults=80))
    assert done.returncode == 0
    assert "Loans changed since run r01; parameters and method did not." in done.stdout
    assert "Default rate of all loans: 10.0% (6.6 to 14.9%) then, 40.0% (33.5 to 46.9%) now (changed)." in done.stdout
    assert "1 of 1 numbers changed by more than chance explains" in done.stdout


def test_the_comparison_can_be_written_for_machines(place: Path, tmp_path: Path):
    out = tmp_path / "changes.json"
    assert loantap("compare", a_run(place, 1), a_run(place, 2, defaults=80), "--out", out).returncode == 0
    found = json.loads(out.read_text("utf-8"))
    assert found["earlier"] == {
        "run_id": "r01",
        "finished_at": "2026-01-01T07:00:00+00:00",
        "loans": 200,
        "defaults": 20,
    }
    assert found["numbers"][0]["verdict"] == "changed"


@pytest.mark.parametrize("wrong", ["changed", "unfinished", "absent"])
def test_what_cannot_be_compared_is_refused(place: Path, wrong: str):
    later = a_run(place, 2)
    first = a_run(place, 1, **({"status": "partial"} if wrong == "unfinished" else {}))
    if wrong == "changed":
        (first / "results" / "eda.json").write_text("{}")
    done = loantap("compare", place / "nothing" if wrong == "absent" else first, later)
    assert done.returncode == 2
    assert done.stderr


def test_loans_in_both_runs_are_counted(place: Path):
    found = compare_runs(RunFolder(a_run(place, 1)), RunFolder(a_run(place, 11)))
    assert not found.same_loans
    assert found.shared == 180  # those that were lent the same and ended alike, moved by ten rows; ten ended otherwise
