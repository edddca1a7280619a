import json
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from loantap.errors import InputError
from loantap.exhibits.exhibit import Exhibit
from loantap.jsonable import jsonable
from loantap.runs.results import RunFolder


@dataclass(frozen=True)
class Share:
    estimate: float
    n: int


def test_results_come_back_as_plain_values(tmp_path: Path):
    run = RunFolder(tmp_path)
    run.write_result(
        "x",
        {
            "share": Share(np.float64(0.25), np.int64(4)),
            "table": pd.DataFrame({"level": ["00813"], "rate": [np.nan]}),
            "array": np.arange(2),
            "day": pd.Timestamp("2015-01-01"),
        },
    )
    assert run.result("x") == {
        "share": {"estimate": 0.25, "n": 4},
        "table": [{"level": "00813", "rate": None}],
        "array": [0, 1],
        "day": "2015-01-01",
    }


def test_infinity_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="Out of range float"):
        RunFolder(tmp_path).write_result("x", {"odds_ratio": float("inf")})
    assert not (tmp_path / "results" / "x.json").exists()


def test_two_stages_share_a_result(tmp_path: Path):
    run = RunFolder(tmp_path)
    run.update_result("model", without_pincode=1)
    run.update_result("model", with_pincode=2)
    assert run.result("model") == {"without_pincode": 1, "with_pincode": 2}


def test_a_table_keeps_a_pincode_a_text(tmp_path: Path):
    run = RunFolder(tmp_path)
    run.publish(Exhibit("t", "T", "n = 5", table=pd.DataFrame({"level": ["00813"], "n": [5]})))
    assert list(run.table("t")["level"]) == ["00813"]
    assert run.exhibit("t", "tables") == Exhibit("t", "T", "n = 5")


def test_a_level_named_missing_or_none_stays_what_it_is(tmp_path: Path):
    run = RunFolder(tmp_path)
    run.publish(Exhibit("t", "T", "C", table=pd.DataFrame({"level": ["NONE", "None", "NA"]})))
    assert list(run.table("t")["level"]) == ["NONE", "None", "NA"]


def test_a_figure_is_the_same_file_every_time(tmp_path: Path):
    run = RunFolder(tmp_path)
    files = []
    for name in ("a", "b"):
        figure, axes = plt.subplots()
        axes.plot([1, 2], [3, 4], label="x")
        axes.legend()
        run.publish(Exhibit(name, "T", "C", "A line.", figure=figure))
        plt.close(figure)
        files.append((tmp_path / "results" / "figures" / f"{name}.svg").read_bytes())
    assert files[0] == files[1]
    assert run.exhibit("a", "figures").alt == "A line."


def test_absent_things_are_named(tmp_path: Path):
    run = RunFolder(tmp_path)
    for ask in (
        run.manifest,
        run.loans,
        lambda: run.result("x"),
        lambda: run.table("x"),
        lambda: run.exhibit("x", "figures"),
    ):
        with pytest.raises(InputError, match=str(tmp_path)):
            ask()


def test_json_is_written_whole(tmp_path: Path):
    path = RunFolder(tmp_path).write_result("x", [1])
    assert json.loads(path.read_text()) == [1]
    assert jsonable((1, {2})) == [1, [2]]


def test_a_run_with_counts_reads_them_and_says_that_its_loans_are_a_sample(loans, tmp_path: Path):
    run = RunFolder(tmp_path)
    run.loans_path.parent.mkdir()
    loans.to_parquet(run.loans_path)
    whole = run.counts(["grade", "default"]).by("grade")
    assert not run.is_sampled
    assert run.sample_note(len(loans), counted=len(loans)) == ""
    run.counts_dir.mkdir()
    whole.to_parquet(run.counts_dir / "grade.parquet")
    loans.sample(100, random_state=1).to_parquet(run.loans_path)
    pd.testing.assert_frame_equal(run.counts(["grade", "default"]).by("grade"), whole)
    assert run.sample_note(100, counted=4_000) == "From a stratified sample of 100 of 4,000 loans."


@pytest.mark.parametrize("cut", [0, 4, 300])
def test_loans_that_are_no_parquet_file_are_named(cut: int, tmp_path: Path):
    run = RunFolder(tmp_path)
    run.loans_path.parent.mkdir()
    pd.DataFrame({"a": range(1000)}).to_parquet(run.loans_path)
    run.loans_path.write_bytes(run.loans_path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"loans\.parquet: expected the cleaned loans as Parquet"):
        run.loans()


def test_a_result_that_is_no_json_is_named(tmp_path: Path):
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: expected JSON that loantap wrote"):
        RunFolder(tmp_path).manifest()


def test_a_loan_id_of_digits_keeps_its_zeros(tmp_path: Path):
    run = RunFolder(tmp_path)
    run.publish(Exhibit("watchlist", "One", "n = 1", table=pd.DataFrame({"loan_id": ["007"], "points": [3]})))
    assert run.table("watchlist")["loan_id"].tolist() == ["007"]
