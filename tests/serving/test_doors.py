"""One set of rules at every door: what is refused, or read in a certain way, is so wherever loans and applications come in."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from loantap.data.application_file import open_applications
from loantap.data.applications import FIELDS
from loantap.data.columns import BY_NAME, KEY, NAMES, RESERVED
from loantap.data.ingest import ingest
from loantap.data.loan_file import open_loans
from loantap.data.units import PERCENTAGES, Units
from loantap.errors import InputError
from loantap.model.inputs import feature_frame
from loantap.model.persistence import SavedModel
from loantap.runs.intake import take_in
from loantap.runs.results import RunFolder
from loantap.scoring.pyfunc import ApplicationModel
from loantap.watchlist.live import application_needs, read_applications
from loantap_serving.api.problems import Problem
from loantap_serving.api.validation import valid_batch
from loantap_serving.batch import score_file
from loantap_serving.upload import ScoredUpload, score_upload
from loantap_sources.connectors.config import Config, read_config
from loantap_sources.gather import gather
from loantap_sources.pushdown import count_in_warehouse
from loantap_sources.warehouse import write_loans

Door = Callable[[pd.DataFrame], object]
INGEST = {"quarantine_path": None}


@pytest.fixture
def keyed(raw_loans: pd.DataFrame) -> pd.DataFrame:
    """300 raw loans with a key."""
    return raw_loans.head(300).assign(**{KEY: [f"L{number}" for number in range(300)]})


def written(frame: pd.DataFrame, path: Path) -> Path:
    """Write a CSV; Parquet, where months have a type."""
    if isinstance(frame["issue_d"].dtype, pd.StringDtype):
        frame.to_csv(path.with_suffix(".csv"), index=False)
        return path.with_suffix(".csv")
    frame.to_parquet(path.with_suffix(".parquet"), index=False)
    return path.with_suffix(".parquet")


def declared(folder: Path, frame: pd.DataFrame) -> Config:
    """A file as a source, and a warehouse."""
    path = written(frame, folder / "source")
    source = {"kind": "file", "path": path.name, "columns": list(NAMES)}
    text = yaml.safe_dump({"sources": {"loans": source}, "warehouse": {"url": "sqlite:///w.db"}})
    (folder / "loantap.yml").write_text(text)
    return read_config(folder / "loantap.yml")


def counted(folder: Path, frame: pd.DataFrame) -> object:
    """Count what somebody else has put into the warehouse."""
    frame.to_csv(folder / "loans.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Units, "doubts", lambda *_: [])
        ingest(
            open_loans(folder / "loans.csv"),
            loans_path=folder / "l.parquet",
            checked_path=folder / "checked.parquet",
            **INGEST,
        )
    config = declared(folder, frame)
    write_loans(config, folder / "checked.parquet")
    return count_in_warehouse(
        config, counts_dir=folder / "counts", loans_path=folder / "sample.parquet", sample_rows=50
    )


@pytest.fixture
def doors(model: SavedModel, tmp_path: Path) -> dict[str, Door]:
    def file(frame: pd.DataFrame) -> Path:
        return written(frame, tmp_path / "given")

    def records(frame: pd.DataFrame) -> list[dict]:
        texts = frame[[column.name for column in FIELDS]].assign(term=frame["term"].str.strip())
        numbers = [column.name for column in FIELDS if column.kind == "number"]
        texts[numbers] = texts[numbers].astype(float)
        return texts.astype("object").where(texts.notna(), None).to_dict("records")

    return {
        "run": lambda frame: ingest(open_loans(file(frame)), loans_path=tmp_path / "loans.parquet", **INGEST),
        "sources": lambda frame: gather(declared(tmp_path, frame), loans_path=tmp_path / "loans.parquet", **INGEST),
        "pushdown": lambda frame: counted(tmp_path, frame),
        "score": lambda frame: score_file(model, file(frame), tmp_path / "out.csv"),
        "upload": lambda frame: score_upload(model, "mine.csv.gz", gzip.compress(file(frame).read_bytes(), 1)),
        "mlflow": lambda frame: ApplicationModel(model).predict(frame),
        "api": lambda frame: valid_batch({"applications": records(frame)}),
        "watch": lambda frame: read_applications(model, open_applications(file(frame), needed=application_needs(model))),
    }  # fmt: skip


DOORS = ("run", "sources", "pushdown", "score", "upload", "mlflow", "api", "watch")


@pytest.mark.parametrize("door", DOORS)
def test_fractions_are_refused(keyed: pd.DataFrame, doors: dict[str, Door], tmp_path: Path, door: str):
    doors[door](keyed)
    for path in tmp_path.glob("*.*"):
        path.unlink()
    fractions = keyed.assign(**{name: keyed[name].astype(float) / 100 for name in PERCENTAGES})
    with pytest.raises(
        (InputError, Problem), match=r"column 'dti': .* got fractions. Multiply the column by 100. column 'revol_util'"
    ):
        doors[door](fractions)
    assert not any((tmp_path / name).exists() for name in ("out.csv", "loans.parquet", "sample.parquet"))


def test_an_interest_rate_in_fractions_is_below_its_smallest_value():
    assert PERCENTAGES == ("dti", "revol_util")
    assert BY_NAME["int_rate"].low == 1


def test_a_few_fractions_are_asked_after(keyed: pd.DataFrame, model: SavedModel, tmp_path: Path):
    keyed.head(50).assign(dti=0.175).to_csv(tmp_path / "few.csv", index=False)
    (note,) = score_file(model, tmp_path / "few.csv", tmp_path / "out.csv").notes
    assert "50 of 50 values of dti above 0 are 1.5 or less" in note


# Names that the project makes itself


def in_file(frame: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, dict]:
    frame.to_csv(folder / "loans.csv", index=False)
    run = RunFolder(folder / "run")
    _, facts = take_in(run, data=str(folder / "loans.csv"), sources="", pushdown=False, rows=0, seed=0, quarantine=True, model_rows=0)  # fmt: skip
    return pd.read_parquet(run.loans_path), facts


@pytest.mark.parametrize("name", [*RESERVED, "Row", " pincode"])
def test_an_extra_column_never_takes_the_place_of_one_that_is_made(raw_loans: pd.DataFrame, tmp_path: Path, name: str):
    plain, _ = in_file(raw_loans.head(200), tmp_path)
    loans, facts = in_file(raw_loans.head(200).assign(**{name: 813}), tmp_path)
    kept = f"{name}_in_file"
    pd.testing.assert_frame_equal(loans.drop(columns=kept), plain)
    assert set(loans[kept]) == {813} or set(loans[kept]) == {"813"}
    assert facts["extra_columns"] == [kept]
    assert any(f"the file's is kept as '{kept}'" in note for note in facts["notes"])


def test_the_name_under_which_an_extra_column_is_kept_is_free(raw_loans: pd.DataFrame, tmp_path: Path):
    loans, _ = in_file(raw_loans.head(200).assign(row=1, row_in_file=2), tmp_path)
    assert loans["row"].is_unique
    assert set(loans["row_in_file"].astype(int)) == {2}
    assert set(loans["row_in_file_in_file"].astype(int)) == {1}


def test_every_name_that_is_made_is_reserved(loans: pd.DataFrame):
    made = set(loans) | set(feature_frame(loans, inputs="with_pincode")) | {"profession", "profession_group", "load_id"}
    assert made - set(NAMES) == set(RESERVED)


@pytest.mark.parametrize("door", ["score", "upload", "mlflow", "watch"])
def test_extra_columns_change_no_score(keyed: pd.DataFrame, doors: dict[str, Door], tmp_path: Path, door: str):
    plain = answer(doors[door](keyed), tmp_path)
    assert answer(doors[door](keyed.assign(**dict.fromkeys(RESERVED, "9"))), tmp_path) == plain


# An installment follows from amount, rate and term


@pytest.mark.parametrize("door", ["score", "upload", "mlflow", "watch"])
def test_an_installment_left_out_is_the_annuity(keyed: pd.DataFrame, doors: dict[str, Door], tmp_path: Path, door: str):
    plain = answer(doors[door](keyed), tmp_path)
    assert by_columns(answer(doors[door](keyed.drop(columns="installment")), tmp_path)) == by_columns(plain)
    empty = keyed["installment"].where(keyed.index % 2 == 0)
    assert by_columns(answer(doors[door](keyed.assign(installment=empty)), tmp_path)) == by_columns(plain)


def by_columns(text: str) -> str:
    """The same table with its columns in the order of their names."""
    return pd.read_csv(io.StringIO(text)).sort_index(axis=1).to_csv()


# Months with a time zone


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("door", ["run", "sources", "score", "mlflow", "watch"])
def test_a_month_is_that_of_its_own_zone(keyed: pd.DataFrame, doors: dict[str, Door], tmp_path: Path, door: str, zone: str):  # fmt: skip
    plain = answer(doors[door](keyed), tmp_path)
    months = pd.to_datetime(keyed["issue_d"], format="%b-%Y")
    assert answer(doors[door](keyed.assign(issue_d=months.dt.tz_localize(zone))), tmp_path) == plain
    assert answer(doors[door](keyed.assign(issue_d=months - pd.Timedelta("6h"))), tmp_path) != plain  # it would be seen


def answer(found: object, folder: Path) -> str:
    """What came through a door, as a text."""
    if isinstance(found, tuple):  # of watch: applications and notes
        found = found[0]
    if isinstance(found, pd.DataFrame):
        return found.to_csv()
    if isinstance(found, ScoredUpload):
        return found.scores.decode()
    if (folder / "out.csv").exists():
        return (folder / "out.csv").read_text()
    return pd.read_parquet(folder / "loans.parquet", columns=["row", "issue_d", "default", "annual_inc"]).to_csv()


def test_an_empty_text_is_missing_in_a_parquet_file_too(keyed: pd.DataFrame, doors: dict[str, Door], tmp_path: Path):
    months = pd.to_datetime(keyed["issue_d"], format="%b-%Y")
    plain = answer(doors["run"](keyed.assign(issue_d=months)), tmp_path)
    assert keyed["emp_length"].isna().any()
    empty = keyed.assign(issue_d=months, emp_length=keyed["emp_length"].fillna(""))
    assert answer(doors["run"](empty), tmp_path) == plain
