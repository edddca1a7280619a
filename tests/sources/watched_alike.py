"""Snapshots of all kinds (gaps, unknown and wrong values, copies, defaults and their probation), and whether a database sees the same lights."""

import numpy as np
import pandas as pd
from given_rows import GivenRows
from scored_alike import COLUMNS, as_cleaned
from sqlglot import exp

from loantap.data.columns import KEY
from loantap.data.snapshot_contract import months_since_1970, status_code
from loantap.data.snapshots import read_snapshots
from loantap.model.persistence import SavedModel
from loantap.watchlist.lights import assess
from loantap.watchlist.live import application_needs
from loantap.watchlist.settings import Settings
from loantap.watchlist.signals import Probabilities, probabilities
from loantap.watchlist.standing import standing
from loantap.watchlist.transitions import transition_matrix
from loantap_sources.dialects import Dialect
from loantap_sources.sql_values import written
from loantap_sources.watch_rows import SnapshotRows
from loantap_sources.watch_sql import LIGHTS, watch_select

LOANS = 60
CLOSE = 1e-9  # sums in another order, and other libraries' EXP and LN
TEXTS = ("known_in", "lost", "light")
NO_DOUBT = {"min_cell": 1, "confidence": 0.95}
WORDS = ("open", "Current", "Fully Paid", "Charged Off", "In Forbearance", "a yacht")
DAYS = (1.0, 29.0, 30.0, 59.0, 60.0, 89.0, 90.0, 150.0, -3.0, 1.5)


def applications_of(loans: pd.DataFrame) -> pd.DataFrame:
    """Return applications of most of the loans; some break the contract, and some tell no installment."""
    frame = as_cleaned(loans).head(LOANS - 5).reset_index(drop=True)
    frame["loan_id"] = [f"L{number:03d}" for number in frame.index]
    frame.loc[3, "annual_inc"], frame.loc[4, "grade"] = -1.0, "Z"
    return frame.assign(installment=frame["installment"].where(frame.index % 3 > 0))


def random_snapshots(seed: int, *, months: int, gaps: float, unknown: float, late: float) -> pd.DataFrame:
    """Return snapshots of LOANS loans up to 2016-12, in no order.

    Args:
        seed: Of what is drawn.
        months: How many there are.
        gaps: Share of months in which a loan is not delivered.
        unknown: Share of values that are not known.
        late: Share of months in which a loan is late.
    """
    rng = np.random.default_rng(seed)
    loan, month = (side.ravel() for side in np.meshgrid(np.arange(LOANS), np.arange(months), indexing="ij"))
    n = len(loan)
    frame = pd.DataFrame({
        "loan_id": [f"L{number:03d}" for number in loan],
        "as_of": (np.datetime64("2016-12", "M") - months + 1 + month).astype(str),
        "dti": rng.choice([5.0, 18.0, 31.5, 44.0, 9_999.0, -1.0], n, p=[0.3, 0.3, 0.2, 0.17, 0.01, 0.02]) + rng.random(n).round(2),
        "revol_util": (50 + 8 * rng.normal(size=n).cumsum() % 60).round(1),
        "balance": np.where(rng.random(n) < 0.05, 0.0, (rng.random(n) * 20_000).round(2)),
        "days_past_due": np.where(rng.random(n) < late, rng.choice(DAYS, n), 0.0),
        "payment": np.where(rng.random(n) < 0.3, (rng.random(n) * 400).round(2), 900.0),
        "inquiries": rng.integers(0, 9, n).astype(float),
        "status": pd.Series(np.where(rng.random(n) < 0.12, rng.choice(WORDS, n), None), dtype="str"),
    })  # fmt: skip
    for name in ("dti", "revol_util", "balance", "days_past_due", "payment", "inquiries"):
        frame.loc[rng.random(n) < unknown, name] = np.nan
    frame = frame[(rng.random(n) >= gaps) | (loan == 0)]  # one loan has every month, so that none is lost
    twice = frame.sample(frac=0.05, random_state=seed)
    twice = twice.assign(dti=twice["dti"].where(rng.random(len(twice)) < 0.5), days_past_due=rng.choice(DAYS[:6], len(twice)))  # fmt: skip
    return pd.concat([frame, twice]).sample(frac=1, random_state=seed).reset_index(drop=True)


def in_sql(model: SavedModel, snapshots: pd.DataFrame, rules: Settings, dialect: Dialect) -> str:
    texts = snapshots["as_of"].unique()
    months = dict(zip(texts, (months_since_1970(pd.Series(texts, dtype="str")) + 1970 * 12 + 1).tolist(), strict=True))
    statuses = {text: status_code(text) for text in snapshots.get("status", pd.Series(dtype="str")).dropna().unique()}
    rows = SnapshotRows(
        exp.to_table("snapshots_"), {name: name for name in snapshots},
        {text: code for text, code in statuses.items() if code is not None}, months,
    )  # fmt: skip
    needed = application_needs(model)
    statement = watch_select(
        rows, first=min(months.values()), last=max(months.values()), settings=rules, dialect=dialect, model=model,
        applications=exp.to_table("applications"), application_columns={name: name for name in COLUMNS}, needed=needed,
    )  # fmt: skip
    return written(statement, dialect)


def by_the_library(
    model: SavedModel, snapshots: pd.DataFrame, joined: pd.DataFrame, rules: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the loans of the last month as `loantap watch` has them, and how they moved into it."""
    panel = read_snapshots(GivenRows(snapshots)).panel
    stands, t = standing(panel, settings=rules), len(panel.months) - 1
    known: Probabilities = probabilities(model, joined, panel, [t], carry=rules.carry)
    due = joined.set_index(KEY)["installment"].reindex(panel.loan_id).to_numpy(dtype=float, na_value=np.nan)
    assessed = assess(
        panel, t, settings=rules, stands=stands, installment=due, probability_then=known.at_application,
        probability_now=known.now[:, 0],
    )  # fmt: skip
    return assessed.set_index(KEY), transition_matrix(panel, stands, first=t, last=t, **NO_DOUBT)


def assert_alike(found: pd.DataFrame, assessed: pd.DataFrame, moved: pd.DataFrame) -> None:
    assert list(found) == list(LIGHTS)
    counted = found.groupby(["bucket_before", "bucket"]).agg(
        loans=("loan_id", "size"), balance=("balance_moved", "sum")
    )
    cells = moved[(moved["before"] != "all") & (moved["now"] != "all")].set_index(["before", "now"])
    cells = cells[cells["loans"] > 0]
    pd.testing.assert_frame_equal(
        counted.astype(float).sort_index(), cells[["loans", "balance"]].astype(float).sort_index(), check_names=False
    )
    here = found[found["light"] != "gone"].set_index(KEY)
    assert {*here.index} == {*assessed.index}
    here = here.loc[assessed.index]
    for name in (name for name in assessed if name != "reasons"):
        if name in TEXTS:
            one, other = (side[name].astype("object").where(side[name].notna(), None) for side in (here, assessed))
            assert one.tolist() == other.tolist(), name
        else:
            one, other = (side[name].astype(float).to_numpy() for side in (here, assessed))
            np.testing.assert_allclose(one, other, rtol=CLOSE, atol=CLOSE, err_msg=name)
