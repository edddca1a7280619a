"""What a threshold would do, counted by hand on a few loans."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from serve_run import write_run

from loantap.errors import InputError
from loantap.model.economics import Economics, loan_profit
from loantap.model.fitted import FittedModel
from loantap.model.persistence import load_model
from loantap.model.tuning import split_loans
from loantap.runs.results import RunFolder
from loantap_serving.trade_off import TestLoans, curve, read_test_loans, trade_off

HALF = Economics(loss_given_default=0.5, default_after=0.0, settled_after=1.0, funding_cost=0.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, fitted: FittedModel, loans: pd.DataFrame) -> Path:
    return write_run(tmp_path_factory.mktemp("trade") / "run", fitted, loans)


@pytest.fixture
def few() -> TestLoans:
    loans = pd.DataFrame(
        {
            "loan_amnt": 1000.0,
            "int_rate": 0.0,
            "installment": 30.0,
            "term": 36,
            "default": [0, 1, 0, 1, 0, 0, 1, 0, 0, 0],
        }
    )
    return TestLoans(np.array([0.05, 0.1, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.02, 0.6]), loans)


def test_shares_are_those_counted_by_hand(few: TestLoans):
    found = trade_off(few, threshold=0.2, economics=HALF)
    assert found["referred"].estimate == 0.6
    assert found["defaults_caught"].estimate == pytest.approx(2 / 3)
    assert found["good_referred"].estimate == pytest.approx(4 / 7)
    assert found["default_rate_approved"].estimate == 0.25
    # Without discount and at no rate, three good loans earn 80 each, and one that pays nothing loses 500, of 10,000 asked for.
    assert found["profit_per_100"].estimate == pytest.approx(100 * (3 * 80 - 500) / 10_000)


def test_intervals_are_wilson_s(few: TestLoans):
    share, z, n = trade_off(few, threshold=0.2, economics=HALF)["referred"], 1.959963984540054, 10
    middle, half = (0.6 + z**2 / (2 * n)), z * np.sqrt(0.6 * 0.4 / n + z**2 / (4 * n**2))
    assert (share.ci_low, share.ci_high) == pytest.approx(((middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)))  # fmt: skip


def test_a_loan_at_the_threshold_is_referred(few: TestLoans):
    assert trade_off(few, threshold=0.6, economics=HALF)["referred"].estimate == 0.1


def test_nobody_approved_has_no_default_rate_and_earns_nothing(few: TestLoans):
    found = trade_off(few, threshold=0.01, economics=HALF)
    assert np.isnan(found["default_rate_approved"].estimate)
    assert found["profit_per_100"].estimate == 0


def test_a_larger_loss_lowers_profit_only(few: TestLoans):
    mild, hard = (
        trade_off(few, threshold=0.3, economics=HALF.with_("loss_given_default", loss)) for loss in (0.2, 0.9)
    )
    assert hard["profit_per_100"].estimate < mild["profit_per_100"].estimate
    assert all(hard[name] == mild[name] for name in mild if name != "profit_per_100")


def test_the_curve_agrees_with_the_shares(few: TestLoans):
    for row in curve(few, np.array([0.01, 0.1, 0.2, 0.45, 0.9])).itertuples():
        found = trade_off(few, threshold=row.threshold, economics=HALF)
        for name in ("referred", "defaults_caught", "good_referred"):
            assert getattr(row, name) == pytest.approx(found[name].estimate), (row.threshold, name)


def test_the_test_loans_are_those_that_were_split_off(run: Path, loans: pd.DataFrame):
    model = load_model(run / "model")
    found = read_test_loans(model, RunFolder(run))
    _, rows = split_loans(loans["default"], test_share=0.25, random_state=0)
    assert len(found.loans) == len(rows) == 1000
    assert found.probability == pytest.approx(model.probability(loans.iloc[rows]))
    expected = loan_profit(loans.iloc[rows], Economics())
    assert loan_profit(found.loans, Economics()) == pytest.approx(expected)


def test_loans_of_another_run_are_refused(run: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_text((run / "manifest.json").read_text().replace('"r1"', '"r2"'))
    with pytest.raises(InputError, match="made by run r1, and this is run r2"):
        read_test_loans(load_model(run / "model"), RunFolder(other))
