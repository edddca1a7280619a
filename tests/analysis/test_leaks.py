"""The search for leaks names what gives the outcome away, and stays silent on what is only strong or only fine-grained."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from loantap.analysis.leaks import LeakReport, find_leaks
from loantap.analysis.strength import auc_alone, counts_of_column
from loantap.data.ingest import ingest
from loantap.data.loan_file import open_loans
from loantap.data.reading import SyntheticLoans
from loantap.errors import InputError

pytestmark = pytest.mark.slow

ALL_DEFAULT = {"11650", "86630", "93700"}
NONE_DEFAULT = {"00813", "05113", "29597"}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """20,000 synthetic loans, cleaned."""
    path = tmp_path_factory.mktemp("leaks") / "loans.parquet"
    ingest(SyntheticLoans(20_000, 5), loans_path=path, quarantine_path=None)
    return pd.read_parquet(path)


@pytest.fixture(scope="module")
def clean(many: pd.DataFrame) -> pd.DataFrame:
    """The same without the pincode."""
    return many.drop(columns="pincode")


@pytest.fixture(scope="module")
def real(real_file, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("real") / "loans.parquet"
    ingest(open_loans(real_file), loans_path=path, quarantine_path=path.with_suffix(".csv"))
    return pd.read_parquet(path)


def named(report: LeakReport) -> list[str]:
    return report.leaks()["column"].tolist()


def the_six_codes_are_named(report: LeakReport) -> None:
    assert named(report) == ["pincode"]
    ends = report.levels.groupby("separation")["level"].agg(set)
    assert ends.to_dict() == {"all_default": ALL_DEFAULT, "none_default": NONE_DEFAULT}
    row = row_of(report, "pincode")
    assert row["pure_levels"] == 6
    assert row["loans_in_pure"] == report.levels["n"].sum()
    # 0.838 among the 396,030 loans; four standard errors at 4,000 are 0.04.
    assert row["auc"] == pytest.approx(0.838, abs=0.04)
    assert row["auc"] > row["auc_ceiling"]
    # Out of fold, levels without meaning fall a little below one half.
    assert row_of(report, "state")["auc_low"] < 0.5


def row_of(report: LeakReport, name: str) -> pd.Series:
    """Return a column's row."""
    return report.columns.set_index("column").loc[name]


def test_the_pincode_and_its_six_pure_codes_are_named(loans, many):
    for table in (loans, many):
        the_six_codes_are_named(find_leaks(table))


def test_the_pincode_is_named_in_the_real_sample_and_nothing_else(real):
    the_six_codes_are_named(find_leaks(real))


def test_the_real_sample_is_silent_with_the_pincode_shuffled(real):
    assert named(find_leaks(real.assign(pincode=real["pincode"].sample(frac=1, random_state=1).to_numpy()))) == []


@pytest.mark.parametrize("shuffles", [12, pytest.param(50, marks=pytest.mark.long)])
def test_shuffled_pincodes_raise_no_alarm(loans, shuffles: int):
    narrow = loans[["default", "pincode", "state", "grade", "int_rate", "emp_title"]]
    alarms = 0
    for seed in range(shuffles):
        mixed = narrow["pincode"].sample(frac=1, random_state=seed).to_numpy()
        report = find_leaks(narrow.assign(pincode=mixed), random_state=seed)
        assert row_of(report, "pincode")["pure_levels"] == 0
        alarms += len(report.leaks())
    # Two rules at 5% each would allow 10% of the runs; both ask for far more than a difference, so none is expected.
    assert alarms == 0


@pytest.mark.parametrize("tables", [50, pytest.param(150, marks=pytest.mark.long)])
def test_chance_makes_pure_levels_no_more_often_than_alpha(tables: int):
    # Tables with small levels, where purity by chance is common: 86% of them hold a pure level of ten loans or more.
    rng = np.random.default_rng(0)
    alarms = 0
    for seed in range(tables):
        codes = rng.integers(0, 70, 1_200)
        table = pd.DataFrame({"code": codes.astype("str"), "default": rng.random(1_200) < 0.2})
        report = find_leaks(table.astype({"default": "int8"}), random_state=seed)
        alarms += row_of(report, "code")["pure_levels"] > 0
    assert alarms / tables < 0.05 + 3 * np.sqrt(0.05 * 0.95 / tables)  # three standard errors of such a share


@pytest.mark.parametrize("column", ["grade", "sub_grade", "int_rate", "emp_title", "title", "issue_d", "installment"])
def test_strong_and_fine_grained_columns_are_no_leaks(clean, column):
    assert named(find_leaks(clean[["default", column]])) == []


def test_a_pure_level_of_the_best_sub_grade_is_no_alarm(loans):
    # A1 defaults in 2.9% of its loans: a hundred without a default are no wonder there, though impossible at 19.6%.
    lucky = loans.assign(default=loans["default"].where(loans["sub_grade"] != "A1", 0))
    report = find_leaks(lucky[["default", "sub_grade"]])
    assert row_of(report, "sub_grade")["pure_levels"] == 1
    assert named(report) == []


def planted(loans: pd.DataFrame) -> dict[str, object]:
    rng = np.random.default_rng(7)
    bad = loans["default"].to_numpy() == 1
    size = len(loans)
    recovered = np.where(bad & (rng.random(size) < 0.6), rng.gamma(2, 500, size).round(2), 0.0)
    return {
        "noisy_copy": bad ^ (rng.random(size) < 0.01),
        "recoveries": recovered,
        "recoveries_as_text": recovered.astype("str"),
        "charge_off_date": pd.Series(pd.Timestamp("2015-03-01"), index=loans.index).where(bad),
        "settled_on": pd.Series(rng.integers(0, 10**9, size).astype("str"), index=loans.index).where(bad),
        "hardship": np.where(bad & (rng.random(size) < 0.1), "Y", "N"),
        "nearly_pure": np.where(rng.random(size) < np.where(bad, 0.25, 0.0003), "x", "y"),
        "score_after": bad + rng.normal(0, 0.7, size),
        "last_payment": pd.Series(pd.Timestamp("2012-01-01"), index=loans.index)
        + pd.to_timedelta(rng.integers(0, 1000, size) - 700 * bad, unit="D"),
    }


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("noisy_copy", "levels and auc"),
        ("recoveries", "levels"),
        ("recoveries_as_text", "levels"),
        ("charge_off_date", "levels and auc"),
        ("settled_on", "levels and auc"),  # each value once: only having one at all tells
        ("hardship", "levels"),
        ("nearly_pure", "levels"),
        ("score_after", "auc"),
        ("last_payment", "levels and auc"),
    ],
)
def test_a_planted_leak_is_named(clean, column, reason):
    report = find_leaks(clean.assign(**{column: planted(clean)[column]}))
    assert named(report) == [column]
    row = row_of(report, column)
    assert row["known"] == "unknown"
    assert set(reason.split(" and ")) <= set(row["reason"].split(" and "))
    assert (report.levels["column"] == column).all()


def test_the_loans_behind_recoveries_are_all_found(clean):
    recovered = planted(clean)["recoveries"]
    report = find_leaks(clean.assign(recoveries=recovered))
    assert row_of(report, "recoveries")["loans_in_pure"] == (recovered > 0).sum()
    assert set(report.levels["separation"]) == {"all_default"}


def test_identifiers_and_noise_are_no_leaks(clean):
    rng = np.random.default_rng(2)
    extra = {
        "id": np.arange(len(clean)),
        "member": rng.permutation(len(clean)).astype("str"),
        "noise": rng.normal(size=len(clean)),
        "empty": np.nan,
        "constant": "n",
        "branch": rng.integers(0, 900, len(clean)).astype("str"),
        "missing_by_chance": pd.Series(1.0, index=clean.index).where(rng.random(len(clean)) < 0.5),
    }
    assert named(find_leaks(clean.assign(**extra))) == []


def test_a_column_known_at_the_application_is_held_to_the_lenders_price(clean):
    rng = np.random.default_rng(3)
    # An AUC of about 0.77: plausible for a score that nobody knows of, not for a fact that went into the price.
    better = clean["default"] + rng.normal(0, 0.94, len(clean))
    assert named(find_leaks(clean.assign(dti=better))) == ["dti"]
    assert named(find_leaks(clean.assign(bureau_score=better))) == []


@pytest.mark.parametrize("rows", [20, 200])
def test_few_loans_raise_no_alarm_and_no_error(loans, rows):
    for seed in range(4):
        report = find_leaks(loans.sample(rows, random_state=seed))
        assert named(report) == []
        assert report.columns["auc"].between(0, 1).all()


def test_a_perfect_order_of_a_few_loans_is_no_leak_and_of_many_is_one():
    for defaults, found in ((4, []), (40, ["copy"])):
        default = np.repeat([1, 0], [defaults, 4 * defaults])
        assert named(find_leaks(pd.DataFrame({"copy": default.astype("str"), "default": default}))) == found


def test_the_size_from_which_a_pure_level_is_named_is_the_stated_one(many):
    # Adding a level can only change the number of tested levels by one, which the sizes below leave room for.
    quiet = many[["default", "grade"]].copy()
    bad, good = (quiet.index[quiet["default"] == outcome] for outcome in (1, 0))
    stated = find_leaks(quiet)
    for indices, smallest in ((bad, stated.smallest_all_default), (good, stated.smallest_none_default)):
        for factor, found in ((0.8, []), (1.4, ["flag"])):
            flag = quiet.index.isin(indices[: int(factor * smallest)])
            assert named(find_leaks(quiet.assign(flag=np.where(flag, "pure", "rest")))) == found


def test_neither_the_order_of_loans_nor_of_columns_matters(loans):
    first = find_leaks(loans)
    turned = find_leaks(loans.sample(frac=1, random_state=4)[loans.columns[::-1]])
    pd.testing.assert_frame_equal(first.columns, turned.columns)
    pd.testing.assert_frame_equal(first.levels, turned.levels)


def test_the_loans_are_left_as_they_were(loans):
    before = loans.copy(deep=True)
    find_leaks(loans)
    pd.testing.assert_frame_equal(loans, before)


def test_purity_by_chance_is_the_exact_test_of_fisher():
    table = pd.DataFrame({"code": ["pure"] * 30 + ["rest"] * 170, "default": [1] * 40 + [0] * 160})
    report = find_leaks(table)
    assert named(report) == ["code"]
    row = report.levels.set_index("level").loc["pure"]
    one_sided = stats.fisher_exact([[30, 0], [10, 160]], alternative="greater").pvalue
    # Two levels are large enough to be pure beyond chance; the sum of both sides is doubled. Rounding only.
    assert row["p_chance"] == pytest.approx(2 * 2 * one_sided, rel=1e-9)


def test_a_columns_auc_from_counts_agrees_with_a_plain_cross_validation(many):
    values, default = many["sub_grade"], many["default"].to_numpy(dtype="int64")
    fold = np.random.default_rng(0).permutation(np.arange(len(many)) % 5)
    areas = []
    for held in range(5):
        rates = many[fold != held].groupby("sub_grade", observed=True)["default"].mean()
        areas.append(roc_auc_score(default[fold == held], values[fold == held].astype("str").map(rates)))
    # Other folds, same loans: repeated with 50 seeds, the mean over five folds spreads by 0.0006; six times that is allowed.
    exact, _ = counts_of_column(values, default)
    assert auc_alone(exact, fold, folds=5) == pytest.approx(np.mean(areas), abs=0.004)


def test_noise_with_many_levels_has_no_auc():
    rng = np.random.default_rng(6)
    default = (rng.random(4_000) < 0.2).astype("int64")
    exact, _ = counts_of_column(pd.Series(rng.integers(0, 800, 4_000).astype("str")), default)
    # On the loans they come from the rates reach 0.81; the standard error at 800 defaults is 0.011, three are allowed.
    assert auc_alone(exact, rng.permutation(np.arange(4_000) % 5), folds=5) == pytest.approx(0.5, abs=0.035)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(10, 400), st.floats(0, 1)), min_size=2, max_size=8), st.integers(0, 3))
def test_swapping_the_outcomes_swaps_the_ends_and_nothing_else(cells, seed):
    rng = np.random.default_rng(seed)
    sizes = [size for size, _ in cells]
    # Rates near an end are drawn to it, so that pure levels are among the examples.
    default = np.concatenate([rng.random(size) < np.clip(1.4 * rate - 0.2, 0, 1) for size, rate in cells]).astype(
        "int8"
    )
    if len(set(default)) < 2:
        return
    table = pd.DataFrame({"code": np.repeat([f"l{k}" for k in range(len(cells))], sizes), "default": default})
    first, turned = find_leaks(table), find_leaks(table.assign(default=1 - default))
    row, other = row_of(first, "code"), row_of(turned, "code")
    exact = ["pure_levels", "loans_in_pure", "extreme_levels"]
    assert row[exact].tolist() == other[exact].tolist()
    assert other["p_adjusted"] == pytest.approx(row["p_adjusted"], rel=1e-6)
    assert (first.smallest_all_default, first.smallest_none_default) == (
        turned.smallest_none_default,
        turned.smallest_all_default,
    )
    if len(first.levels) and len(turned.levels):
        ends = {"all_default": "none_default", "none_default": "all_default"}
        assert first.levels["separation"].replace(ends).tolist() == turned.levels["separation"].tolist()


def test_the_outcome_itself_and_the_row_are_not_examined(loans):
    assert not {"default", "loan_status", "row"} & set(find_leaks(loans).columns["column"])


def test_loans_without_both_outcomes_or_without_columns_are_refused(loans):
    for wrong in (loans.assign(default=0), loans[["grade"]]):
        with pytest.raises(InputError, match="'default' of 0 and 1"):
            find_leaks(wrong)
    with pytest.raises(InputError, match="columns beside the outcome"):
        find_leaks(loans[["default", "loan_status"]])
