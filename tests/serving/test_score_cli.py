import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import command_line
import pandas as pd
import pytest
import sqlalchemy as sa

from loantap.data.application_file import open_applications
from loantap.data.applications import FIELDS
from loantap.errors import InputError
from loantap.model.persistence import export_pickle, load_model, model_version
from loantap_serving.batch import score_applications
from loantap_sources.connectors.config import read_config
from loantap_sources.tables import append
from loantap_sources.warehouse import open_warehouse

COLUMNS = [column.name for column in FIELDS]
SECRET = "${PG_PASSWORD}"


def loantap(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return command_line.loantap(*words, cwd=cwd, LOANTAP_MODELS=str(cwd / "models"))


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path, raw_loans: pd.DataFrame) -> Path:
    """A warehouse with a table of 2,000 applications."""
    url = f"sqlite:///{tmp_path}/w.db"
    if request.param == "postgresql":
        url = f"postgresql+psycopg://analyst:{SECRET}@127.0.0.1:{request.getfixturevalue('postgres')}/postgres"
    path = tmp_path / "loantap.yml"
    path.write_text(f"warehouse: {{url: '{url}'}}\n")
    frame = raw_loans[COLUMNS].assign(loan_id=[f"L{number}" for number in range(len(raw_loans))])
    with open_warehouse(read_config(path), create=True).begin() as connection:
        for name in ("applications", "scores", "others"):
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
        frame.to_sql("applications", connection, index=False)
    return path


def rows(config: Path, query: str) -> pd.DataFrame:
    with open_warehouse(read_config(config)).connect() as connection:
        return pd.read_sql(sa.text(query), connection)


def test_a_table_is_scored_into_a_table_as_a_file_is_into_a_file(
    config: Path, model_folder: Path, raw_loans: pd.DataFrame, tmp_path: Path
):
    raw_loans[COLUMNS].to_csv(tmp_path / "in.csv", index=False)
    for _ in range(2):  # again takes the place of the first
        done = loantap("score", "table:applications", "--out", "table:scores", "--model", model_folder, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "Scored 2,000 of 2,000 applications" in done.stdout
    assert loantap("score", "in.csv", "--out", "out.csv", "--model", model_folder, cwd=tmp_path).returncode == 0
    from_table = rows(config, "SELECT * FROM scores").assign(row=lambda t: t["loan_id"].str[1:].astype(int) + 1)
    from_file = pd.read_csv(tmp_path / "out.csv")
    both = from_table.sort_values("row", ignore_index=True)[from_file.columns]
    pd.testing.assert_frame_equal(both, from_file, check_dtype=False, rtol=0, atol=1e-12)


@pytest.fixture
def cleaned(config: Path, loans: pd.DataFrame) -> pd.DataFrame:
    """A table of cleaned loans beside it, as `loantap sources load` writes it."""
    frame = loans.assign(loan_id="L" + loans["row"].astype("str"), term=loans["term"].astype("str") + " months")
    with open_warehouse(read_config(config)).begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS cleaned"))
        texts = {name: frame[name].astype("str") for name in frame.select_dtypes("category")}
        append(connection, sa.Table("cleaned", sa.MetaData()), frame.assign(**texts))
    return frame


INSIDE = ["score", "--table", "cleaned", "--into", "scores", "--model"]


def test_a_table_scored_inside_the_warehouse_is_one_scored_row_by_row(
    config: Path, cleaned: pd.DataFrame, model_folder: Path, tmp_path: Path
):
    for _ in range(2):  # again takes the place of the first
        done = loantap(*INSIDE, model_folder, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    inside = rows(config, "SELECT * FROM scores ORDER BY loan_id")
    said = done.stdout.partition(" (")[0]
    # It may take the place of scores that were made row by row, and they may take its.
    done = loantap("score", "table:cleaned", "--out", "table:scores", "--model", model_folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.partition(" (")[0] == said
    wanted = rows(config, "SELECT * FROM scores ORDER BY loan_id")
    pd.testing.assert_frame_equal(inside, wanted, check_dtype=False, rtol=0, atol=1e-12)
    assert len(wanted) == len(cleaned)
    assert wanted["decision"].nunique() == 2


def test_a_row_that_breaks_the_contract_keeps_a_table_from_being_scored_inside(
    config: Path, cleaned: pd.DataFrame, model_folder: Path, tmp_path: Path
):
    assert loantap(*INSIDE, model_folder, cwd=tmp_path).returncode == 0
    with open_warehouse(read_config(config)).begin() as connection:
        connection.execute(sa.text("UPDATE cleaned SET purpose = 'a yacht', dti = NULL WHERE loan_id = 'L7'"))
        connection.execute(sa.text("UPDATE cleaned SET dti = NULL WHERE loan_id IN ('L8', 'L9')"))
    done = loantap(*INSIDE, model_folder, cwd=tmp_path)
    assert done.returncode == 2
    assert "column 'purpose': not an allowed value: 1." in done.stderr
    assert "column 'dti': missing: 2." in done.stderr
    assert len(rows(config, "SELECT * FROM scores")) == len(cleaned)


def test_percentages_in_fractions_are_not_scored_inside(
    config: Path, cleaned: pd.DataFrame, model_folder: Path, tmp_path: Path
):
    with open_warehouse(read_config(config)).begin() as connection:
        connection.execute(sa.text("UPDATE cleaned SET revol_util = revol_util / 100"))
    done = loantap(*INSIDE, model_folder, cwd=tmp_path)
    assert (done.returncode, "column 'revol_util'" in done.stderr) == (2, True)
    assert "Multiply the column by 100" in done.stderr


def test_a_table_of_others_is_not_replaced_from_inside(
    config: Path, cleaned: pd.DataFrame, model_folder: Path, tmp_path: Path
):
    done = loantap("score", "--table", "cleaned", "--into", "applications", "--model", model_folder, cwd=tmp_path)
    assert (done.returncode, "was not written by loantap" in done.stderr) == (2, True)
    assert len(rows(config, "SELECT * FROM applications")) == 2_000


def test_a_table_of_others_is_not_replaced(config: Path, model_folder: Path, tmp_path: Path):
    done = loantap("score", "table:applications", "--out", "table:applications", "--model", model_folder, cwd=tmp_path)
    assert (done.returncode, "was not written by loantap" in done.stderr) == (2, True)
    assert len(rows(config, "SELECT * FROM applications")) == 2_000


def test_a_table_is_written_for_all_rows_or_none(config: Path, model_folder: Path, tmp_path: Path):
    with open_warehouse(read_config(config)).begin() as connection:
        connection.execute(sa.text("UPDATE applications SET purpose = 'a yacht' WHERE loan_id = 'L7'"))
    done = loantap("score", "table:applications", "--out", "table:scores", "--model", model_folder, cwd=tmp_path)
    assert (done.returncode, "1 of 2,000 rows break the contract" in done.stderr) == (2, True)
    done = loantap("score", "table:applications", "--out", "s.csv", "--model", model_folder, cwd=tmp_path)
    assert (done.returncode, "1 rows break the contract" in done.stdout) == (0, True)
    assert "s.csv.errors.csv" in done.stdout
    before = (tmp_path / "s.csv").read_bytes()
    done = loantap(
        "score", "table:applications", "--out", "s.csv", "--model", model_folder, "--fail-on", "refused", cwd=tmp_path
    )
    assert (done.returncode, "1 rows break the contract" in done.stdout) == (1, True)
    assert (tmp_path / "s.csv").read_bytes() == before


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_a_file_that_holds_something_else_is_replaced_only_where_that_is_said(
    model_folder: Path, raw_loans: pd.DataFrame, tmp_path: Path, kind: str
):
    model, out = load_model(model_folder), tmp_path / f"out.{kind}"
    raw_loans.head(20).to_parquet(tmp_path / "in.parquet", index=False)
    applications = open_applications(tmp_path / "in.parquet", needed=COLUMNS)
    out.write_text("a year's work")
    with pytest.raises(
        InputError, match=f"out.{kind}: expected scores or nothing there, found another file.*--overwrite"
    ):
        score_applications(model, applications, out)
    assert out.read_text() == "a year's work"
    score_applications(model, applications, out, overwrite=True)
    scores = out.read_bytes()
    score_applications(model, applications, out)  # its own may be replaced
    assert out.read_bytes()[-100:] == scores[-100:]
    raw_loans.to_parquet(tmp_path / "out.parquet")
    with pytest.raises(InputError, match="found another file"):
        score_applications(model, applications, tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["table:nothing", "--out", "s.csv"], "there is none"),
        (["table:x; DROP TABLE applications", "--out", "s.csv"], "expected a name of letters, digits and _"),
        (["absent.csv", "--out", "s.csv"], "found nothing"),
        (["table:applications", "--out", "s.xlsx"], "expected a file ending in"),
        (["--table", "applications"], "expected FILE and --out, or --table and --into"),
        (["a.csv", "--out", "s.csv", "--into", "scores"], "expected FILE and --out, or --table and --into"),
        (["--table", "nothing", "--into", "scores"], "there is none"),
    ],
)
def test_what_cannot_be_read_or_written_is_named(config: Path, model_folder: Path, tmp_path: Path, words, complaint):
    done = loantap("score", *words, "--model", model_folder, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert len(rows(config, "SELECT * FROM applications")) == 2_000


def test_months_and_numbers_of_a_typed_table_are_taken(model_folder: Path, raw_loans: pd.DataFrame, tmp_path: Path):
    (tmp_path / "loantap.yml").write_text(f"warehouse: {{url: 'sqlite:///{tmp_path}/w.db'}}\n")
    months = {
        name: pd.to_datetime(raw_loans[name], format="%b-%Y").dt.strftime("%Y-%m-%d")
        for name in ("issue_d", "earliest_cr_line")
    }
    frame = raw_loans[COLUMNS]
    kinds = ", ".join(f'"{name}" {"DATE" if name in months else ""}' for name in COLUMNS)
    with sqlite3.connect(tmp_path / "w.db") as connection:
        connection.execute(f"CREATE TABLE typed ({kinds})")
        frame.assign(**months).to_sql("typed", connection, index=False, if_exists="append")
        frame.to_sql("texts", connection, index=False)
    for name in ("typed", "texts"):
        done = loantap("score", f"table:{name}", "--out", f"{name}.csv", "--model", model_folder, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "typed.csv").read_bytes() == (tmp_path / "texts.csv").read_bytes()


def test_a_pickled_model_scores_only_with_its_sum(model_folder: Path, raw_loans: pd.DataFrame, tmp_path: Path):
    raw_loans.to_csv(tmp_path / "in.csv", index=False)
    sums = export_pickle(model_folder, tmp_path / "pickled")
    words = ("score", "in.csv", "--out", "out.csv", "--model", "pickled")
    done = loantap(*words, cwd=tmp_path)
    assert (done.returncode, "a pickle can run any code" in done.stderr) == (2, True)
    assert loantap(*words, "--allow-pickle", sums.name, cwd=tmp_path).returncode == 0


def test_without_a_model_the_champion_scores(model_folder: Path, raw_loans: pd.DataFrame, tmp_path: Path):
    raw_loans.to_csv(tmp_path / "in.csv", index=False)
    done = loantap("score", "in.csv", "--out", "out.csv", cwd=tmp_path)
    assert (done.returncode, "loantap promote RUN" in done.stderr) == (2, True)
    version = model_version(model_folder)
    shutil.copytree(model_folder, tmp_path / "models" / version)
    promotion = {"version": version, "run_id": "r", "promoted_at": "2026-01-01", "gates": []}
    pd.Series({"history": [promotion], "withdrawn": []}).to_json(tmp_path / "models" / "champion.json")
    done = loantap("score", "in.csv", "--out", "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"with model {version}" in done.stdout


def test_a_table_that_only_looks_like_scores_is_kept(config: Path, model_folder: Path, tmp_path: Path):
    with open_warehouse(read_config(config)).begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE others AS SELECT loan_id, 0.1 AS probability_of_default, 'x' AS decision, 'y' AS model_version, "
                "'z' AS reviewer FROM applications"
            )
        )
    done = loantap("score", "table:applications", "--out", "table:others", "--model", model_folder, cwd=tmp_path)
    assert (done.returncode, "was not written by loantap" in done.stderr) == (2, True)
    assert set(rows(config, "SELECT * FROM others")["reviewer"]) == {"z"}


def test_a_stop_by_the_system_leaves_no_half_file(model_folder: Path, raw_loans: pd.DataFrame, tmp_path: Path):
    pd.concat([raw_loans[COLUMNS]] * 400).to_parquet(tmp_path / "in.parquet", index=False, row_group_size=100_000)
    words = [sys.executable, "-m", "loantap", "score", "in.parquet", "--out", "out.csv", "--model", str(model_folder)]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".writing-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.terminate()
        assert process.stderr.read() == "Stopped: SIGTERM was received.\n"
    assert process.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
