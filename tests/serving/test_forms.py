"""Files as people have them: whatever form a file has, each door reads the same loans from it, and says what it was told from."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from loantap.data.application_file import open_applications
from loantap.data.columns import BY_NAME, KEY, names
from loantap.data.ingest import IngestSummary, ingest
from loantap.data.loan_file import LoanFile, open_loans
from loantap.data.snapshot_sources import open_snapshots
from loantap.data.snapshots import read_snapshots
from loantap.data.text_form import NOTHING_ASKED, Asked
from loantap.errors import InputError, SchemaError
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.watchlist.live import application_needs, read_applications
from loantap_serving.batch import score_applications
from loantap_serving.upload import score_upload

NUMBERS, MONTHS = names(kind="number"), names(kind="month")
PERCENTAGES = ["int_rate", "revol_util"]


def months(frame: pd.DataFrame, change: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
    return frame.assign(**{name: change(pd.to_datetime(frame[name], format="%b-%Y")) for name in MONTHS})


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: pd.to_numeric(frame[name]) for name in NUMBERS})


def signs(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: (" " + frame[name] + "%").where(frame[name].notna()) for name in PERCENTAGES})


def commas(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].str.replace(".", ",") for name in NUMBERS}, emp_title="Geschäftsführer")


def csv(frame: pd.DataFrame, path: Path, **options: object) -> Path:
    frame.to_csv(path.with_suffix(".csv"), **({"index": False} | options))
    return path.with_suffix(".csv")


def parquet(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path.with_suffix(".parquet"), index=False)
    return path.with_suffix(".parquet")


def parts(frame: pd.DataFrame, path: Path) -> Path:
    """A folder as Spark writes it."""
    (path / "_temporary").mkdir(parents=True)
    frame.head(10).to_parquet(path / "_temporary" / "part-0.parquet")
    for number in range(3):
        frame.iloc[number::3].to_parquet(path / f"part-{number}.snappy.parquet", index=False)
    (path / "_SUCCESS").touch()
    return path


def excel(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_excel(path.with_suffix(".xlsx"), index=False)
    return path.with_suffix(".xlsx")


def around(frame: pd.DataFrame, path: Path, *, above: str = "", below: str = "") -> Path:
    path.with_suffix(".csv").write_text(above + frame.to_csv(index=False) + below)
    return path.with_suffix(".csv")


def packed(frame: pd.DataFrame, path: Path) -> Path:
    path.with_suffix(".txt").write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    return path.with_suffix(".txt")


SECOND_TABLE = "Loans by branch\nbranch,loans\nnorth,12\nsouth,30\n"
FORMS: dict[str, tuple[Callable[[pd.DataFrame, Path], Path], str]] = {
    "as the case study": (csv, ""),
    "percent signs": (lambda f, p: csv(signs(f), p), "written with percent signs: int_rate, revol_util"),
    "index without a name": (lambda f, p: csv(f, p, index=True), ""),
    "index that pandas named": (lambda f, p: csv(f.rename_axis("Unnamed: 0"), p, index=True), ""),
    "names in capitals": (lambda f, p: csv(f.rename(columns={n: f" {n.upper()} " for n in f if n != KEY}), p), "other letters or spaces"),
    "values in another case": (lambda f, p: csv(f.assign(home_ownership=f["home_ownership"].str.title(), purpose=f["purpose"].str.upper()), p), "levels written otherwise"),
    "values with spaces": (lambda f, p: csv(f.assign(sub_grade=f["sub_grade"] + "   ", issue_d=f["issue_d"] + "\u00a0", loan_amnt=" " + f["loan_amnt"]), p), ""),
    "term as a number": (lambda f, p: csv(f.assign(term=f["term"].str.extract(r"(\d+)")[0]), p), "levels written otherwise than in the codebook: term"),
    "dates of ISO": (lambda f, p: csv(months(f, lambda m: m.dt.strftime("%Y-%m-%d")), p), "written as 2015-01"),
    "dates of Excel": (lambda f, p: csv(months(f, lambda m: m.dt.strftime("%b-%y")), p), "written as Jan-15"),
    "dates with slashes": (lambda f, p: csv(months(f, lambda m: m.dt.strftime("%m/%d/%Y")), p), "are read month-first"),
    "dates with points": (lambda f, p: csv(months(f, lambda m: m.dt.strftime("31.%m.%Y")), p), "are read day-first"),
    "German Excel": (lambda f, p: csv(commas(f), p, sep=";", encoding="cp1252"), "numbers have a decimal comma"),
    "semicolons": (lambda f, p: csv(f, p, sep=";"), "semicolons"),
    "tabs": (lambda f, p: csv(f, p, sep="\t"), "tabs"),
    "bars": (lambda f, p: csv(f, p, sep="|"), "bars"),
    "UTF-16": (lambda f, p: csv(f, p, encoding="utf-16"), "read as utf-16"),
    "a byte order mark": (lambda f, p: csv(f, p, encoding="utf-8-sig"), ""),
    "a hint for Excel": (lambda f, p: around(f, p, above="sep=,\n"), "1 line above the names"),
    "notes and blank lines on top": (lambda f, p: around(f, p, above="Notes offered by prospectus\n\n"), "2 lines above the names"),
    "totals below": (lambda f, p: around(f, p, below="\nTotal amount funded: 460296150\n\x1a"), "lines that hold no record, such as notes and totals, left out: 2"),
    "empty records below": (lambda f, p: around(f, p, below="," * (f.shape[1] - 1) + "\n"), "left out: 1"),
    "the names again": (lambda f, p: around(f, p, below=f.head(0).to_csv(index=False)), "left out: 1"),
    "a second table": (lambda f, p: around(f, p, below=SECOND_TABLE), "another table below a note, left out: 3"),
    "packed under another name": (packed, ""),
    "Parquet": (lambda f, p: parquet(typed(f), p), ""),
    "Parquet with dates": (lambda f, p: parquet(months(typed(f), lambda m: m.dt.date), p), ""),
    "Parquet with months at midnight elsewhere": (lambda f, p: parquet(months(typed(f), lambda m: m.dt.tz_localize("Asia/Kolkata")), p), ""),
    "Parquet with categories and empty texts": (lambda f, p: parquet(f.fillna("").astype(dict.fromkeys(("term", "purpose"), "category")), p), ""),
    "a folder of Spark": (lambda f, p: parts(typed(f), p), ""),
    "Excel": (excel, ""),
}  # fmt: skip


# One reader stands behind all doors: a run meets every form, the other doors take turns.
SCORED, WATCHED = list(FORMS)[::3], list(FORMS)[1::3]


@pytest.fixture(scope="module")
def keyed(raw_loans: pd.DataFrame) -> pd.DataFrame:
    """240 raw loans with a key, the addresses without a line break, as Excel keeps none."""
    frame = pd.read_csv(io.StringIO(raw_loans.head(240).to_csv(index=False)), dtype="str").assign(
        **{KEY: [f"L{number:03}" for number in range(240)]}
    )
    return frame.assign(address="1 Sample Street, " + frame["address"].str[-8:], emp_title="Clerk")


def loans_of(opened: LoanFile, folder: Path) -> tuple[pd.DataFrame, IngestSummary]:
    summary = ingest(opened, loans_path=folder / "out.parquet", quarantine_path=None)
    frame = pd.read_parquet(folder / "out.parquet").drop(columns=["row", "emp_title"])
    return frame.sort_values(KEY, ignore_index=True), summary


@pytest.fixture(scope="module")
def as_usual(keyed: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same loans in the form of the case study."""
    return csv(keyed, tmp_path_factory.mktemp("usual") / "as_usual")


@pytest.fixture(scope="module")
def usual(as_usual: Path) -> pd.DataFrame:
    """What a run reads from them."""
    return loans_of(open_loans(as_usual), as_usual.parent)[0]


@pytest.mark.parametrize("form", FORMS)
def test_a_run_reads_the_same_loans_and_says_what_it_was_told_from(
    tmp_path: Path, keyed: pd.DataFrame, usual: pd.DataFrame, form: str
):
    write, told = FORMS[form]
    found, summary = loans_of(open_loans(write(keyed, tmp_path / "loans")), tmp_path)
    pd.testing.assert_frame_equal(found, usual)
    assert told in " ".join(summary.notes)
    assert bool(told) == bool(summary.notes)


def scores(model: SavedModel, path: Path, folder: Path, asked: Asked = NOTHING_ASKED) -> pd.DataFrame:
    applications = open_applications(path, needed=source_columns(inputs=model.metadata.inputs), asked=asked)
    report = score_applications(model, applications, folder / "scores.csv", overwrite=True)
    assert report.refused == 0
    return pd.read_csv(folder / "scores.csv").sort_values(KEY, ignore_index=True)


@pytest.mark.parametrize("form", SCORED)
def test_scores_are_the_same_from_a_file_and_an_upload(
    tmp_path: Path, keyed: pd.DataFrame, as_usual: Path, model: SavedModel, form: str
):
    path = FORMS[form][0](keyed, tmp_path / "loans")
    expected = scores(model, as_usual, tmp_path)
    pd.testing.assert_frame_equal(scores(model, path, tmp_path), expected)
    if path.is_file():
        uploaded = score_upload(model, path.name, path.read_bytes())
        assert uploaded.report.scored == len(expected)
        assert (uploaded.report.mean_probability, uploaded.report.refused) == (
            pytest.approx(expected["probability_of_default"].mean()),
            0,
        )


@pytest.mark.parametrize("form", WATCHED)
def test_a_watchlist_reads_the_same_applications(
    tmp_path: Path, keyed: pd.DataFrame, as_usual: Path, model: SavedModel, form: str
):
    def read(path: Path) -> pd.DataFrame:
        frame, notes = read_applications(model, open_applications(path, needed=application_needs(model)))
        assert not any("break the contract" in note for note in notes)
        return frame.sort_values(KEY, ignore_index=True).drop(columns="emp_title", errors="ignore")

    pd.testing.assert_frame_equal(read(FORMS[form][0](keyed, tmp_path / "loans")), read(as_usual))


SNAPSHOTS = pd.DataFrame(
    {KEY: list("ABC") * 2, "as_of": ["2016-01"] * 3 + ["2016-02"] * 3, "dti": ["17.5", "18.25", "30"] * 2}
    | {"revol_util": ["40", "41.5", "77"] * 2, "balance": ["900", "1200.5", "40"] * 2, "days_past_due": ["0", "31", "0"] * 2}
)  # fmt: skip
OF_SNAPSHOTS: dict[str, Callable[[pd.DataFrame, Path], Path]] = {
    "percent signs": lambda f, p: csv(f.assign(dti=f["dti"] + "%", revol_util=f["revol_util"] + " %"), p),
    "German Excel": lambda f, p: csv(f.apply(lambda c: c.str.replace(".", ",")), p, sep=";", encoding="cp1252"),
    "slashes": lambda f, p: csv(f.assign(as_of=[text[5:] + "/31/2016" for text in f["as_of"]]), p),
    "notes": lambda f, p: around(f, p, above="Portfolio of February\n", below="Total loans: three\n"),
    "a folder": parts,
    "Excel": excel,
    "dates": lambda f, p: parquet(f.assign(as_of=pd.to_datetime(f["as_of"]).dt.date), p),
}


@pytest.mark.parametrize("form", OF_SNAPSHOTS)
def test_a_watchlist_reads_the_same_snapshots(tmp_path: Path, form: str):
    found = read_snapshots(open_snapshots(OF_SNAPSHOTS[form](SNAPSHOTS, tmp_path / "s"))).panel
    expected = read_snapshots(open_snapshots(csv(SNAPSHOTS, tmp_path / "usual"))).panel
    assert list(found.loan_id) == list(expected.loan_id)
    assert list(found.months) == list(expected.months)
    for (name, values), (_, wanted) in zip(found.matrices(), expected.matrices(), strict=True):
        np.testing.assert_array_equal(values, wanted, err_msg=name)


@pytest.mark.parametrize(
    ("asked", "write"),
    [
        (Asked(encoding="cp037"), lambda f, p: csv(f, p, encoding="cp037")),
        (Asked(delimiter="~"), lambda f, p: csv(f, p, sep="~")),
        (Asked(decimal=","), lambda f, p: csv(commas(f), p, encoding="utf-8")),
        (Asked(dates="day-first"), lambda f, p: csv(months(f, lambda m: m.dt.strftime("5/%m/%Y")), p)),
        (Asked(dialect="case-study"), csv),
    ],
)  # fmt: skip
def test_what_somebody_says_of_a_file_is_believed(
    tmp_path: Path, keyed: pd.DataFrame, usual: pd.DataFrame, asked: Asked, write: Callable[..., Path]
):
    found, summary = loans_of(open_loans(write(keyed, tmp_path / "loans"), asked=asked), tmp_path)
    pd.testing.assert_frame_equal(found, usual)
    assert not summary.notes


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"delimiter": ";;"}, "--delimiter expected one character"),
        ({"decimal": "x"}, "--decimal expected . or ,"),
        ({"dates": "us"}, "--dates expected day-first or month-first"),
        ({"encoding": "klingon"}, "--encoding expected one that Python knows"),
        ({"dialect": "klingon"}, "--dialect expected lendingclub or case-study"),
        ({"dialect": "lendingclub"}, "addr_state, funded_amnt, zip_code, which are absent"),
    ],
)
def test_a_wrong_option_is_refused(tmp_path: Path, keyed: pd.DataFrame, option: dict[str, str], message: str):
    path = csv(keyed, tmp_path / "loans")
    with pytest.raises(InputError, match=message.replace(".", "[.]")):
        open_loans(path, asked=Asked(**option))


def test_a_date_that_may_be_in_two_months_is_asked_after(tmp_path: Path, keyed: pd.DataFrame):
    path = csv(months(keyed, lambda m: m.dt.strftime("%m/5/%Y")), tmp_path / "loans")
    with pytest.raises(InputError, match="--dates day-first or --dates month-first"):
        list(open_loans(path).chunks())


def test_points_between_thousands_are_read_and_a_decimal_point_among_commas_is_not(tmp_path: Path, keyed: pd.DataFrame):
    frame = commas(keyed).assign(annual_inc="61.234,50")
    found, _ = loans_of(open_loans(csv(frame, tmp_path / "loans", sep=";")), tmp_path)
    assert (found["annual_inc"] == 61234.5).all()
    frame.loc[frame.index[-1], "annual_inc"] = "61234.5"
    with pytest.raises(SchemaError, match="annual_inc"):
        loans_of(open_loans(csv(frame, tmp_path / "mixed", sep=";"), asked=Asked(decimal=",")), tmp_path)


@pytest.mark.parametrize(
    ("name", "repaid"), [("loan_repaid", "1"), ("Repaid", "1.0"), ("default", "0"), ("charged_off", "0")]
)
def test_an_outcome_of_noughts_and_ones_is_read_by_its_name(
    tmp_path: Path, keyed: pd.DataFrame, usual: pd.DataFrame, name: str, repaid: str
):
    other = {"1": "0", "1.0": "0.0", "0": "1"}[repaid]
    codes = keyed["loan_status"].map({"Fully Paid": repaid, "Charged Off": other})
    path = csv(keyed.drop(columns="loan_status").assign(**{name: codes}), tmp_path / "loans")
    found, _ = loans_of(open_loans(path), tmp_path)
    pd.testing.assert_series_equal(found["default"], usual["default"])


def test_a_status_of_noughts_and_ones_is_not_guessed(tmp_path: Path, keyed: pd.DataFrame):
    path = csv(keyed.assign(loan_status=keyed["loan_status"].eq("Fully Paid").astype(int)), tmp_path / "loans")
    with pytest.raises(SchemaError, match="loan_repaid"):
        loans_of(open_loans(path), tmp_path)


CLUB = MappingProxyType({"id": "1", "member_id": "", "funded_amnt": "5000", "pymnt_plan": "n", "policy_code": "1"})


def club(frame: pd.DataFrame) -> pd.DataFrame:
    """Loans in the columns and words of LendingClub's own file."""
    masked = {"zip_code": frame["address"].str[-5:-2] + "xx", "addr_state": frame["address"].str[-8:-6]}
    kind = frame["application_type"].map({"INDIVIDUAL": "Individual", "JOINT": "Joint App"})
    return signs(frame).drop(columns="address").assign(**CLUB, **masked, application_type=kind)


def test_lendingclubs_own_file_is_recognised(tmp_path: Path, keyed: pd.DataFrame):
    frame = club(keyed)
    outcome = frame["loan_status"].to_numpy().copy()
    outcome[:6] = ["Default", "Does not meet the credit policy. Status:Fully Paid", "Does not meet the credit policy.  Status: Charged Off",
                   "Current", "Late (31-120 days)", "Does not meet the credit policy. Status:Current"]  # fmt: skip
    path = around(
        frame.assign(loan_status=outcome), tmp_path / "accepted", above="Notes\n", below="Total amount funded: 12\n"
    )
    opened = open_loans(path)
    found, summary = loans_of(opened, tmp_path)
    assert opened.dialect == "lendingclub"
    assert list(found["default"].head(3)) == [1, 0, 1]
    assert dict(summary.unfinished) == {"Current": 2, "Late (31-120 days)": 1}
    assert found["pincode"].isna().all()
    assert found["state"].str.fullmatch("[A-Z]{2}").all()
    assert any("dialect lendingclub" in note for note in summary.notes)
    assert any("no pincode" in note for note in summary.notes)


@pytest.mark.parametrize("name", ["zip_code", "Zip", "pincode"])
def test_a_pincode_of_its_own_column_gets_its_lost_zero_back(
    tmp_path: Path, keyed: pd.DataFrame, usual: pd.DataFrame, name: str
):
    digits = keyed["address"].str[-5:].astype(int)
    path = csv(keyed.drop(columns="address").assign(**{name: digits}), tmp_path / "loans")
    found, summary = loans_of(open_loans(path), tmp_path)
    pd.testing.assert_series_equal(found["pincode"], usual["pincode"])
    assert (found["pincode"].str[0] == "0").any()
    assert any(f"pincodes are those of '{name}'" in note for note in summary.notes)


def test_every_synonym_is_of_a_level():
    for column in BY_NAME.values():
        assert set(column.synonyms.values()) <= set(column.levels)
