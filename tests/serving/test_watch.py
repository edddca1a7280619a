"""A month's files and rows: from snapshots and applications as they come, the same again, whole or not at all."""

import json
import shutil
import sqlite3
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from loantap.data.applications import FIELDS
from loantap.data.columns import BY_NAME
from loantap.data.panel import Panel
from loantap.data.snapshots import write_snapshots
from loantap.data.synthetic.panel import synthetic_panel
from loantap.errors import InputError, SchemaError
from loantap.files import alone_in
from loantap.model.economics import Economics
from loantap.model.persistence import SavedModel
from loantap.watchlist.last_worklist import read_last
from loantap.watchlist.live import Live, application_needs
from loantap.watchlist.month import Watch, watch
from loantap.watchlist.settings import read_settings
from loantap_serving import month_files as module
from loantap_serving.live import read_live
from loantap_serving.month_files import Written, write_month
from loantap_serving.month_rows import TABLE, write_rows
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.warehouse import open_warehouse

N = 600
FILES = {
    "worklist.csv",
    "worklist.xlsx",
    "watchlist.csv",
    "changes.csv",
    "offers.csv",
    "quarantine.csv",
    "watchlist.json",
    "index.html",
}
MONTH = np.datetime64("2016-10", "M")
COLUMNS = [column.name for column in FIELDS]


@pytest.fixture(scope="module")
def panel(raw_loans: pd.DataFrame) -> Panel:
    """Snapshots of 600 loans over a year, 2016."""
    some = raw_loans.head(N).assign(term=lambda t: t["term"].str.split().str[0].astype(int))
    return synthetic_panel(some, some["int_rate"] / 100, months=12, random_state=0, first_month="2016-01").panel


@pytest.fixture(scope="module")
def applications(raw_loans: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Their applications as texts and numbers, as a file holds them."""
    return raw_loans[COLUMNS].head(N).assign(loan_id=panel.loan_id)


@pytest.fixture(scope="module")
def source(panel: Panel, applications: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both as files."""
    folder = tmp_path_factory.mktemp("live")
    write_snapshots(panel, folder / "live.parquet")
    applications.to_csv(folder / "applications.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def month(source: Path, model: SavedModel) -> Watch:
    return month_of(live_of(source, model), model)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return declared(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """A warehouse without a watchlist."""
    if request.param == "sqlite":
        return declared(tmp_path)
    port = request.getfixturevalue("postgres")
    config = declared(tmp_path, f"postgresql+psycopg://analyst:${{PG_PASSWORD}}@127.0.0.1:{port}/postgres")
    with open_warehouse(config).begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {TABLE}"))
    return config


def declared(folder: Path, url: str = "sqlite:///w.db") -> Config:
    (folder / "loantap.yml").write_text(f"warehouse: {{url: '{url}'}}")
    return read_config(folder / "loantap.yml")


def live_of(folder: Path, model: SavedModel, *, until: np.datetime64 | None = None) -> Live:
    return read_live(str(folder / "live.parquet"), str(folder / "applications.csv"), model, until=until)


def month_of(live: Live, model: SavedModel, as_of: np.datetime64 | None = None, **accepted: Any) -> Watch:
    return watch(live, model, as_of=as_of, settings=read_settings(), economics=Economics(), **accepted)


def written(month: Watch, out: Path, model: SavedModel, **others: Any) -> Written:
    how: dict[str, Any] = {"source": "live", "synthetic": False, "notes": (), "quarantine": pd.DataFrame({"row": []})}
    return write_month(month, out, model=model, settings=read_settings(), **how | others)


def of_a_month(source: Path, model: SavedModel, out: Path) -> dict[str, bytes]:
    """Read, watch and write MONTH; return the files."""
    live = live_of(source, model, until=MONTH)
    done = written(month_of(live, model, MONTH), out, model, notes=live.notes, quarantine=live.quarantine)
    return contents(done.folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def held(config: Config) -> pd.DataFrame:
    with open_warehouse(config).connect() as connection:
        return pd.read_sql_table(TABLE, connection)


# What is read


def test_applications_that_break_the_contract_are_told_and_leave_their_loans_without_probability(
    source: Path, applications: pd.DataFrame, model: SavedModel, tmp_path: Path
):
    broken = applications.assign(annual_inc=applications["annual_inc"].where(applications.index >= 5, -1.0))
    broken.to_csv(tmp_path / "applications.csv", index=False)
    shutil.copy(source / "live.parquet", tmp_path)
    live = live_of(tmp_path, model)
    notes = [note for note in live.notes if "5 of 600 applications break the contract" in note]
    assert len(notes) == 1
    assert "column 'annual_inc'" in notes[0]
    assert "rows 1, 2, 3, ..." in notes[0]
    gone, whole = month_of(live, model), month_of(live_of(source, model), model)
    last = np.isin(live.panel.loan_id[:5], live.panel.loan_id[~np.isnan(live.panel.balance[:, -1])])
    defaulted = live.panel.default_month()[:5] < len(live.panel.months)
    assert gone.month.unknown - whole.month.unknown == (last & ~defaulted).sum() > 0


def test_where_no_application_keeps_the_contract_it_is_said(
    source: Path, applications: pd.DataFrame, model: SavedModel, tmp_path: Path
):
    shutil.copy(source / "live.parquet", tmp_path)
    applications.assign(annual_inc=-1.0).to_csv(tmp_path / "applications.csv", index=False)
    with pytest.raises(SchemaError, match=r"no row keeps the contract of applications:\n  column 'annual_inc'"):
        live_of(tmp_path, model)


def test_a_table_without_applications_is_refused(source: Path, model: SavedModel, config: Config):
    with sqlite3.connect(config.path.parent / "w.db") as connection:
        columns = ", ".join(f'"{name}" TEXT' for name in ("loan_id", *COLUMNS))
        connection.execute(f"CREATE TABLE nobody ({columns})")
    with pytest.raises(InputError, match="expected applications, found none"):
        read_live(str(source / "live.parquet"), "table:nobody", model, config=config)


def test_applications_without_loan_id_are_refused(
    source: Path, applications: pd.DataFrame, model: SavedModel, tmp_path: Path
):
    nameless = applications.drop(columns="loan_id")
    nameless.to_csv(tmp_path / "a.csv", index=False)
    for given in (str(tmp_path / "a.csv"), nameless):
        with pytest.raises(InputError, match="column loan_id, which joins"):
            read_live(str(source / "live.parquet"), given, model)


def test_applications_of_other_loans_only_are_refused_and_some_others_are_passed_by(
    source: Path, applications: pd.DataFrame, model: SavedModel, month: Watch, tmp_path: Path
):
    shutil.copy(source / "live.parquet", tmp_path)
    others = applications.assign(loan_id="other-" + applications["loan_id"].astype("str"))
    others.to_csv(tmp_path / "applications.csv", index=False)
    with pytest.raises(InputError, match="expected those of the panel's loans"):
        month_of(live_of(tmp_path, model), model)
    pd.concat([others, applications]).to_csv(tmp_path / "applications.csv", index=False)
    pd.testing.assert_frame_equal(month_of(live_of(tmp_path, model), model).month.watchlist, month.month.watchlist)


def test_loans_without_an_application_are_watched_and_counted(
    source: Path, applications: pd.DataFrame, model: SavedModel, month: Watch, tmp_path: Path
):
    shutil.copy(source / "live.parquet", tmp_path)
    red = month.month.watchlist.loc[month.month.watchlist["light"] == "red", "loan_id"]
    late = month.month.watchlist.loc[
        month.month.watchlist["days_past_due"] >= 30, "loan_id"
    ]  # red whatever their probability
    assert len(late) > 0
    applications[~applications["loan_id"].isin(red)].to_csv(tmp_path / "applications.csv", index=False)
    found = month_of(live_of(tmp_path, model), model)
    assert (
        found.month.unknown - month.month.unknown
        == month.month.watchlist.set_index("loan_id").loc[red, "probability"].notna().sum()
    )
    listed = found.month.watchlist.set_index("loan_id")
    assert listed.loc[late, "probability"].isna().all()
    assert found.acting.offers["reason"].unique().tolist() == ["int_rate is missing"]


def test_two_applications_of_one_loan_are_refused(
    source: Path, applications: pd.DataFrame, model: SavedModel, tmp_path: Path
):
    shutil.copy(source / "live.parquet", tmp_path)
    pd.concat([applications, applications.head(1)]).to_csv(tmp_path / "applications.csv", index=False)
    with pytest.raises(InputError, match="got several of loan_id S0000001"):
        month_of(live_of(tmp_path, model), model)


def test_only_the_columns_that_are_needed_have_to_be_there(
    source: Path, applications: pd.DataFrame, model: SavedModel, month: Watch, tmp_path: Path
):
    shutil.copy(source / "live.parquet", tmp_path)
    applications[["loan_id", *application_needs(model)]].to_csv(tmp_path / "applications.csv", index=False)
    pd.testing.assert_frame_equal(month_of(live_of(tmp_path, model), model).acting.offers, month.acting.offers)
    applications.drop(columns="revol_bal").to_csv(tmp_path / "applications.csv", index=False)
    with pytest.raises(SchemaError, match="revol_bal"):
        live_of(tmp_path, model)


def test_both_are_read_from_tables(
    source: Path, applications: pd.DataFrame, model: SavedModel, month: Watch, config: Config
):
    with sqlite3.connect(config.path.parent / "w.db") as connection:
        pd.read_parquet(source / "live.parquet").to_sql("live", connection, index=False)
        applications.to_sql("applications", connection, index=False)
    live = read_live("table:live", "table:applications", model, config=config)
    pd.testing.assert_frame_equal(month_of(live, model).month.watchlist, month.month.watchlist)
    assert "table live" in live.source


@pytest.mark.parametrize("table", ["live", "applications"])
def test_tables_want_a_declared_warehouse(source: Path, model: SavedModel, table: str):
    given = {"live": str(source / "live.parquet"), "applications": str(source / "applications.csv")}
    given[table] = f"table:{table}"
    with pytest.raises(InputError, match=f"table:{table}: expected the file that declares the warehouse"):
        read_live(given["live"], given["applications"], model)


# What is written


def test_a_month_has_its_files_and_they_agree(month: Watch, model: SavedModel, tmp_path: Path):
    done = written(month, tmp_path, model)
    assert done.folder == tmp_path / "2016-12"
    assert {path.name for path in done.folder.iterdir()} == FILES
    summary = json.loads((done.folder / "watchlist.json").read_text())
    listed = pd.read_csv(done.folder / "watchlist.csv")
    lights = {light["light"]: light["loans"] for light in summary["lights"]}
    assert listed["light"].value_counts().to_dict() == {
        name: lights[name] for name in ("red", "amber", "unknown", "in default") if lights[name]
    }
    assert (summary["as_of"], summary["model_version"]) == ("2016-12", model.version)
    assert pd.read_csv(done.folder / "changes.csv")["change"].value_counts().to_dict() == {
        kind: count for kind, count in summary["changes"].items() if count and kind != "unchanged"
    }
    assert len(pd.read_csv(done.folder / "offers.csv")) == 5 * lights["red"] > 0


def test_a_work_list_that_people_have_edited_is_never_overwritten(month: Watch, model: SavedModel, tmp_path: Path):
    folder = written(month, tmp_path, model).folder
    edited = (folder / "worklist.csv").read_text() + "a line that somebody wrote\n"
    (folder / "worklist.csv").write_text(edited)
    for _ in range(2):  # a third writing finds the second one unedited, and takes its place
        done = written(month, tmp_path, model)
        assert (folder / "worklist.csv").read_text() == edited
        assert {path.name for path in folder.iterdir()} == FILES | {"worklist-2.csv"}
        assert done.notes == (
            "worklist.csv was edited since it was written, so it was kept; the new list is in worklist-2.csv.",
        )
        assert done.notes[0] in (folder / "index.html").read_text()
    (folder / "worklist-2.csv").write_text("mine too")
    written(month, tmp_path, model)
    assert (folder / "worklist-2.csv").read_text() == "mine too"
    assert (folder / "worklist-3.csv").is_file()


def test_last_months_list_is_carried_on_and_what_became_of_it_is_told(source: Path, model: SavedModel, tmp_path: Path):
    live = live_of(source, model)
    before = written(month_of(live, model, live.panel.months[-2]), tmp_path, model).folder
    rows = pd.read_csv(before / "worklist.csv", dtype=str).fillna("")
    rows.loc[:1, ["owner", "status", "due_date", "note"]] = [
        "Ana",
        "contacted",
        "2016-12-05",
        "will call back; <b>soon</b>",
    ]
    rows.to_csv(tmp_path / "annotated.csv", index=False, sep=";")
    last = read_last(tmp_path / "annotated.csv")
    found = month_of(live, model, last=last, today=date(2017, 1, 2))
    assert found.became is not None
    assert found.became.counts["loans"].sum() == len(rows)
    done = written(found, tmp_path, model)
    listed = pd.read_csv(done.folder / "worklist.csv", dtype=str).fillna("").set_index("loan_id")
    still = [loan for loan in rows["loan_id"][:2] if loan in listed.index]
    assert still
    assert set(listed.loc[still, "note"]) == {"will call back; <b>soon</b>"}
    page = (done.folder / "index.html").read_text()
    assert "What became of last month" in page
    assert "<b>soon" not in page


def test_the_same_month_again_gives_the_same_bytes(source: Path, model: SavedModel, tmp_path: Path):
    first = of_a_month(source, model, tmp_path)
    assert first == of_a_month(source, model, tmp_path) == of_a_month(source, model, tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"2016-10", "other"}


def test_later_snapshots_change_nothing_of_a_month(source: Path, panel: Panel, model: SavedModel, tmp_path: Path):
    """Also if they are wrong, and their loans vanish: notes and quarantine are of what was read up to the month."""
    wrong = pd.DataFrame({"loan_id": ["S0000001"], "as_of": ["2016-04"], "dti": [-1.0], "revol_util": [1.0], "balance": [1.0], "days_past_due": [0.0]})  # fmt: skip
    later = wrong.assign(as_of="2016-12")
    folders = tmp_path / "then", tmp_path / "now"
    for folder, last in zip(folders, (MONTH, panel.months[-1]), strict=True):
        folder.mkdir()
        shutil.copy(source / "applications.csv", folder)
        write_snapshots(panel.until(last), folder / "live.parquet")
        rows = pd.read_parquet(folder / "live.parquet")
        parts = [wrong, rows, *([later] if last > MONTH else [])]
        pd.concat(parts).to_parquet(folder / "live.parquet", index=False)
    then, now = (of_a_month(folder, model, folder / "watch") for folder in folders)
    assert now == then
    assert b"dti: below 0" in now["quarantine.csv"]


def test_where_all_snapshots_are_later_it_is_said(source: Path, model: SavedModel):
    with pytest.raises(InputError, match="expected snapshots of 2015-12 or earlier, all are later"):
        live_of(source, model, until=np.datetime64("2015-12"))


def test_months_lie_side_by_side(source: Path, model: SavedModel, tmp_path: Path):
    live = live_of(source, model)
    for as_of in (MONTH, MONTH + 1):
        written(month_of(live, model, as_of), tmp_path, model)
    assert {path.name for path in tmp_path.glob("2*")} == {"2016-10", "2016-11"}


def test_a_month_without_days_past_due_and_a_first_month_are_written(
    panel: Panel, applications: pd.DataFrame, model: SavedModel, tmp_path: Path
):
    untold = Panel(panel.loan_id, panel.months[:1], panel.dti[:, :1], panel.revol_util[:, :1], panel.balance[:, :1])
    write_snapshots(untold, tmp_path / "live.parquet")
    applications.to_csv(tmp_path / "applications.csv", index=False)
    live = live_of(tmp_path, model)
    with pytest.raises(InputError, match="--without-arrears"):
        month_of(live, model)
    done = written(month_of(live, model, without_arrears=True), tmp_path / "watch", model)
    assert "There is no snapshot of the month before" in (done.folder / "index.html").read_text()
    assert pd.read_csv(done.folder / "watchlist.csv")["days_past_due"].isna().all()


@pytest.mark.parametrize("fails", ["watch_page", "take_place"])
def test_a_write_that_fails_leaves_the_former_month_as_it_was(
    month: Watch, model: SavedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
):
    before = contents(written(month, tmp_path, model).folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, fails, full)
    with pytest.raises(OSError, match="No space"):
        written(month, tmp_path, model, source="another")
    assert contents(tmp_path / "2016-12") == before
    assert {path.name for path in tmp_path.iterdir()} == {"2016-12"}


def test_what_a_killed_process_left_goes_away(month: Watch, model: SavedModel, tmp_path: Path):
    left = tmp_path / ".loantap-staging-0badcafe"
    left.mkdir()
    (left / "watchlist.csv").write_text("loan_id")
    written(month, tmp_path, model)
    assert not left.exists()


def test_only_one_writes_at_a_time(month: Watch, model: SavedModel, tmp_path: Path):
    before = contents(written(month, tmp_path, model).folder)
    with (
        alone_in(tmp_path, busy="busy"),
        pytest.raises(InputError, match="another loantap is writing a watchlist there"),
    ):
        written(month, tmp_path, model, source="another")
    assert contents(tmp_path / "2016-12") == before


def test_of_several_at_once_the_month_is_whole_and_nothing_else_is_left(
    month: Watch, model: SavedModel, tmp_path: Path
):
    outcomes: list[str] = []

    def one() -> None:
        try:
            written(month, tmp_path, model)
            outcomes.append("written")
        except InputError:
            outcomes.append("busy")

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "written" in outcomes
    assert len(outcomes) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"2016-12"}
    assert set(contents(tmp_path / "2016-12")) == FILES


# Rows in the warehouse


def test_a_month_in_the_warehouse_is_there_once_and_other_months_stay(
    source: Path, model: SavedModel, month: Watch, any_config: Config
):
    config, live = any_config, live_of(source, model)
    assert write_rows(month_of(live, model, MONTH).month, config) == len(month_of(live, model, MONTH).month.watchlist)
    former = held(config)
    write_rows(month.month, config)
    write_rows(month.month, config)
    rows = held(config)
    assert rows["as_of"].value_counts().to_dict() == {"2016-10": len(former), "2016-12": len(month.month.watchlist)}
    pd.testing.assert_frame_equal(rows[rows["as_of"] == "2016-10"].reset_index(drop=True), former)
    of_month = rows[rows["as_of"] == "2016-12"].drop(columns="as_of").reset_index(drop=True)
    of_month, listed = (
        rows.sort_values("loan_id") for rows in (of_month, month.month.watchlist)
    )  # tables have no order
    assert of_month["loan_id"].tolist() == listed["loan_id"].tolist()
    assert of_month["light"].tolist() == listed["light"].tolist()
    np.testing.assert_allclose(of_month["balance"], listed["balance"], atol=5e-5)  # four digits are kept


def test_loans_that_are_no_longer_on_the_list_leave_the_warehouse(month: Watch, config: Config):
    write_rows(month.month, config)
    shorter = replace(month.month, watchlist=month.month.watchlist.head(3))
    write_rows(shorter, config)
    assert len(held(config)) == 3
    write_rows(replace(month.month, watchlist=month.month.watchlist.head(0)), config)
    assert len(held(config)) == 0


def test_an_empty_month_may_come_first(source: Path, model: SavedModel, month: Watch, any_config: Config):
    live = live_of(source, model)
    calm = (live.panel.default_month() == len(live.panel.months)) & (live.panel.balance[:, -1] > 0)
    calm &= ~np.isin(live.panel.loan_id, month.month.watchlist["loan_id"])
    some = live.panel.only(calm)
    empty = month_of(replace(live, panel=some), model)
    assert write_rows(empty.month, any_config) == 0
    write_rows(month.month, any_config)
    assert len(held(any_config)) == len(month.month.watchlist)


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_a_table_of_others_is_refused_and_kept(month: Watch, config: Config, kind: str):
    what = "(precious INTEGER)" if kind == "TABLE" else "AS SELECT 1 AS precious"
    with sqlite3.connect(config.path.parent / "w.db") as connection:
        connection.execute(f"CREATE {kind} {TABLE} {what}")
    with pytest.raises(InputError, match="with other columns than this version of loantap writes"):
        write_rows(month.month, config)
    assert list(held(config)) == ["precious"]


def test_rows_that_fail_leave_what_was_there(month: Watch, config: Config, monkeypatch: pytest.MonkeyPatch):
    write_rows(month.month, config)
    before = held(config)

    def fails(*_: object) -> None:
        raise RuntimeError("gone")

    monkeypatch.setattr("loantap_serving.month_rows.append", fails)
    with pytest.raises(RuntimeError):
        write_rows(month.month, config)
    pd.testing.assert_frame_equal(held(config), before)


def test_needs_are_columns_of_the_codebook(model: SavedModel):
    assert set(application_needs(model)) <= set(BY_NAME)
