"""`loantap watch` as a scheduler calls it: exit codes, what is said, and what is set aside."""

import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from command_line import watch
from serve_run import write_run

from loantap.data.applications import FIELDS
from loantap.data.snapshots import write_snapshots
from loantap.data.synthetic.panel import synthetic_panel
from loantap.model.fitted import FittedModel
from loantap.model.persistence import model_version
from loantap.runs import record
from loantap.runs.results import RunFolder

N = 400
COLUMNS = [column.name for column in FIELDS]


@pytest.fixture(scope="module")
def rows(raw_loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Snapshots of 400 loans over eight months, as rows."""
    some = raw_loans.head(N).assign(term=lambda t: t["term"].str.split().str[0].astype(int))
    panel = synthetic_panel(some, some["int_rate"] / 100, months=8, random_state=0, first_month="2016-01").panel
    path = tmp_path_factory.mktemp("rows") / "live.parquet"
    write_snapshots(panel, path)
    return pd.read_parquet(path)


@pytest.fixture(autouse=True)
def _no_promoted_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOANTAP_MODELS", str(tmp_path / "models"))


@pytest.fixture
def live(rows: pd.DataFrame, raw_loans: pd.DataFrame, model_folder: Path, tmp_path: Path) -> list[object]:
    """The words that watch these loans: files in the test's folder, months in `watch` there."""
    rows.to_csv(tmp_path / "live.csv", index=False)
    names = [f"S{number:07d}" for number in range(1, N + 1)]
    raw_loans[COLUMNS].head(N).assign(loan_id=names).to_csv(tmp_path / "applications.csv", index=False)
    files = ["--snapshots", tmp_path / "live.csv", "--applications", tmp_path / "applications.csv"]
    return [*files, "--model", model_folder, "--out", tmp_path / "watch"]


def test_the_last_month_is_watched(live: list[object], tmp_path: Path):
    code, said = watch(*live)
    assert code == 0, said
    listed = pd.read_csv(tmp_path / "watch" / "2016-08" / "watchlist.csv")
    lights = listed["light"].value_counts()
    assert f"loans delivered = {lights['red']:,} red + {lights['amber']:,} amber + " in said
    assert "Since the month before: " in said
    assert "synthetic" not in said
    assert str(tmp_path / "watch" / "2016-08" / "index.html") in said


def test_a_month_that_is_named_is_watched(live: list[object], tmp_path: Path):
    code, said = watch(*live, "--as-of", "2016-05")
    assert code == 0, said
    assert [path.name for path in (tmp_path / "watch").glob("2*")] == ["2016-05"]


def test_a_month_is_the_same_when_months_have_come_since(live: list[object], rows: pd.DataFrame, tmp_path: Path):
    rows[rows["as_of"] <= "2016-05"].to_csv(tmp_path / "live.csv", index=False)
    assert watch(*live)[0] == 0
    folder = tmp_path / "watch" / "2016-05"
    then = {path.name: path.read_bytes() for path in folder.iterdir()}
    rows.to_csv(tmp_path / "live.csv", index=False)
    assert watch(*live, "--as-of", "2016-05")[0] == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == then


@pytest.mark.parametrize("text", ["2016", "2016-13", "2016-5", "May-2016", "2016-05-31", "", "２０１６-05"])
def test_what_is_no_month_is_exit_code_2(live: list[object], tmp_path: Path, text: str):
    code, said = watch(*live, "--as-of", text)
    assert (code, said) == (2, f"--as-of expected a month such as 2016-05, got '{text}'.")
    assert not (tmp_path / "watch").exists()


@pytest.mark.parametrize(
    ("month", "told"), [("2016-09", "one of the snapshots' months, 2016-01 to 2016-08"), ("2015-12", "all are later")]
)
def test_a_month_without_snapshots_is_exit_code_2(live: list[object], tmp_path: Path, month: str, told: str):
    code, said = watch(*live, "--as-of", month)
    assert (code, told in said) == (2, True), said
    assert not (tmp_path / "watch").exists()


def test_more_lights_than_allowed_are_exit_code_1_and_no_others(live: list[object], tmp_path: Path):
    watch(*live)
    lights = pd.read_csv(tmp_path / "watch" / "2016-08" / "watchlist.csv")["light"].value_counts()
    for light in ("red", "amber"):
        count = lights[light]
        code, said = watch(*live, "--fail-on", f"{light}>{count - 1}")
        assert (code, f"{count} {light} lights are more than {count - 1}" in said) == (1, True), said
        assert watch(*live, "--fail-on", f"{light} > {count}")[0] == 0
    assert (tmp_path / "watch" / "2016-08" / "index.html").is_file()  # written all the same


@pytest.mark.parametrize("text", ["red", "red>", "red>=5", "green>5", "red>-1", "red>1.5", "red<5", "", "red>５"])
def test_another_limit_is_exit_code_2(live: list[object], tmp_path: Path, text: str):
    code, said = watch(*live, "--fail-on", text)
    assert (code, "--fail-on expected a light and a number" in said) == (2, True), said
    assert not (tmp_path / "watch").exists()


@pytest.mark.parametrize("column", ["dti", "revol_util"])
def test_snapshots_in_fractions_stop_with_what_to_do(
    live: list[object], rows: pd.DataFrame, tmp_path: Path, column: str
):
    rows.assign(**{column: rows[column] / 100}).to_csv(tmp_path / "live.csv", index=False)
    code, said = watch(*live)
    assert (code, f"column '{column}'" in said, "Multiply the column by 100." in said) == (2, True, True), said
    assert not (tmp_path / "watch").exists()


def test_rows_that_are_wrong_are_set_aside_with_their_reasons(live: list[object], rows: pd.DataFrame, tmp_path: Path):
    right = rows[rows["loan_id"] != "S0000001"]
    one = {"loan_id": "S0000001", "as_of": "2016-08", "dti": 20.0, "revol_util": 50.0, "balance": 900.0, "days_past_due": 0.0}  # fmt: skip
    others = [
        one | {"balance": -1.0}, one, one | {"dti": 21.0}, one | {"loan_id": "=cmd()"}, one | {"loan_id": "@SUM(A1)"},
        one | {"as_of": "soon"},
    ]  # fmt: skip
    pd.concat([pd.DataFrame(others), right, right.tail(1)]).to_csv(tmp_path / "live.csv", index=False)
    code, said = watch(*live)
    assert code == 0, said
    folder = tmp_path / "watch" / "2016-08"
    assert f"rows that break the contract, with their reasons: {folder / 'quarantine.csv'}" in said
    assert "Rows that repeat another one: 1." in said
    aside = pd.read_csv(folder / "quarantine.csv").set_index("row")
    assert aside.index.tolist() == [1, 2, 3, 4, 5, 6]
    for row, reason in {1: "balance: below 0", 2: "snapshots of one month that differ", 3: "snapshots of one month", 4: "begins like a formula", 5: "begins like a formula", 6: "not a month"}.items():  # fmt: skip
        assert reason in aside.loc[row, "reason"]
    assert aside.loc[[4, 5], "loan_id"].tolist() == ["'=cmd()", "'@SUM(A1)"]
    for name in ("watchlist", "changes", "offers"):
        assert not pd.read_csv(folder / f"{name}.csv")["loan_id"].str.match(r"[=+\-@]").any()


def test_mostly_wrong_snapshots_stop(live: list[object], rows: pd.DataFrame, tmp_path: Path):
    rows.assign(balance=-1.0).to_csv(tmp_path / "live.csv", index=False)
    code, said = watch(*live)
    assert (code, "more than half" in said) == (2, True), said


def test_loans_that_nobody_applied_for_are_counted(live: list[object], tmp_path: Path):
    path = tmp_path / "applications.csv"
    pd.read_csv(path).tail(N - 50).to_csv(path, index=False)
    code, said = watch(*live)
    assert (code, "live loans have no known probability" in said) == (0, True), said


def test_months_go_into_the_declared_warehouse(live: list[object], tmp_path: Path):
    (tmp_path / "loantap.yml").write_text("warehouse: {url: 'sqlite:///w.db'}")
    for _ in range(2):
        code, said = watch(*live, "--config", tmp_path / "loantap.yml")
        assert code == 0, said
    with sqlite3.connect(tmp_path / "w.db") as connection:
        names = pd.read_sql("SELECT * FROM loantap_watchlist", connection)["loan_id"].tolist()
    assert names == pd.read_csv(tmp_path / "watch" / "2016-08" / "watchlist.csv")["loan_id"].tolist()
    assert f"Warehouse: {len(names):,} rows of 2016-08 in loantap_watchlist" in said


def test_that_no_warehouse_is_declared_is_said_before_the_work(live: list[object], tmp_path: Path):
    (tmp_path / "loantap.yml").write_text("sources: {}")
    code, said = watch(*live, "--config", tmp_path / "loantap.yml")
    assert (code, "expected a warehouse, it declares none" in said) == (2, True), said
    assert not (tmp_path / "watch").exists()


def test_loans_of_the_run_are_the_applications_unless_others_are_named(
    live: list[object], rows: pd.DataFrame, fitted: FittedModel, loans: pd.DataFrame, tmp_path: Path
):
    run = write_run(tmp_path / "r1", fitted, loans.assign(loan_id=[f"S{n:07d}" for n in range(1, len(loans) + 1)]))
    words = ["--snapshots", tmp_path / "live.csv", "--run", run, "--out", tmp_path / "watch"]
    code, said = watch(*words)
    assert code == 0, said
    nameless = write_run(tmp_path / "r2", fitted, loans.drop(columns="loan_id", errors="ignore"))
    code, said = watch(*words, "--run", nameless)
    assert (code, "Name a file of applications." in said) == (2, True), said


# Invented snapshots


@pytest.fixture
def run(fitted: FittedModel, loans: pd.DataFrame, tmp_path: Path) -> Path:
    return write_run(tmp_path / "r1", fitted, loans)


def test_without_snapshots_synthetic_ones_are_made_and_it_is_said(run: Path, tmp_path: Path):
    code, said = watch("--run", run, "--out", tmp_path / "watch")
    assert (code, "(synthetic snapshots)" in said) == (0, True), said
    page = next((tmp_path / "watch").glob("*/index.html")).read_text("utf-8")
    assert "These snapshots are synthetic" in page


def test_synthetic_snapshots_are_of_loans_that_the_model_has_not_seen(run: Path, model_folder: Path, tmp_path: Path):
    code, said = watch("--run", run, "--model", model_folder, "--out", tmp_path / "watch")
    assert (code, "the model was made by another run" in said) == (2, True), said


@pytest.mark.parametrize("words", [["--applications", "a.csv"], ["--config", "loantap.yml"]])
def test_what_goes_with_live_loans_is_refused_without(run: Path, tmp_path: Path, words: list[str]):
    code, said = watch("--run", run, "--out", tmp_path / "watch", *words)
    assert (code, "goes with --snapshots" in said) == (2, True), said
    assert not (tmp_path / "watch").exists()


def test_live_loans_are_watched_by_the_champion(
    live: list[object], run: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(record, "newest_run", lambda: RunFolder(model_folder.parent))  # not promoted
    version = model_version(run / "model")
    (tmp_path / "models").mkdir()
    (run / "model").rename(tmp_path / "models" / version)
    promotion = {"version": version, "run_id": "r1", "promoted_at": "2026-01-01", "gates": []}
    pd.Series({"history": [promotion], "withdrawn": []}).to_json(tmp_path / "models" / "champion.json")
    code, said = watch(*live[:4], "--out", tmp_path / "watch")
    assert code == 0, said
    assert f'"model_version": "{version}"' in (tmp_path / "watch" / "2016-08" / "watchlist.json").read_text()
