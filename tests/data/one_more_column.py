"""Run by test_one_declaration on a copy of the project that declares one more column: python one_more_column.py FOLDER.

Prints as JSON what became of the column `inq_last_6mths` everywhere.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from loantap.data.ingest import IngestSummary, ingest
from loantap.data.loan_file import open_loans
from loantap.data.reading import LoanSource, SyntheticLoans
from loantap.data.synthetic import generate_loans
from loantap.errors import LoanTapError
from loantap.model.economics import Economics, loan_profit
from loantap.model.explain import odds_ratios, refitted
from loantap.model.fitted import FittedModel, fit_calibrated
from loantap.model.inputs import check_allowed, check_features, feature_frame
from loantap.model.persistence import load_model, save_model
from loantap.model.recipe import Recipe
from loantap.scoring.application import all_reasons, score_application
from loantap.settings import project_root
from loantap_serving.api.openapi import EXAMPLE, describe
from loantap_serving.api.problems import Problem
from loantap_serving.api.validation import valid_application
from loantap_serving.batch import score_file
from loantap_serving.form import check_form, starting_values

NAME = "inq_last_6mths"
INPUTS = "without_pincode"


def taken_in(source: LoanSource, path: Path) -> tuple[IngestSummary, pd.DataFrame]:
    summary = ingest(source, loans_path=path, quarantine_path=None)
    return summary, pd.read_parquet(path)


def fit(loans: pd.DataFrame) -> FittedModel:
    check_features()
    X, y = feature_frame(loans, inputs=INPUTS), loans["default"].to_numpy()
    check_allowed(X, inputs=INPUTS)
    options: dict[str, Any] = {"sample": np.arange(len(y)), "folds": 3, "random_state": 0}
    return fit_calibrated(
        X, y, loan_profit(loans, Economics()), recipe=Recipe(INPUTS, "plain", "none"), C=0.3, **options
    )


def ratios(fitted: FittedModel, loans: pd.DataFrame) -> dict[str, list[float]]:
    X, y = feature_frame(loans, inputs=INPUTS), loans["default"].to_numpy()
    refits = refitted(fitted, X, y, repetitions=30, random_state=0)
    table = odds_ratios(fitted, X, y, refits=refits, rows=300, min_cell=10, random_state=0)
    own = table.loc[table["feature"] == NAME].set_index("change")
    return {str(words): row.tolist() for words, row in own[["odds_ratio", "ci_low"]].iterrows()}


def told(error: type[Exception], action: Any) -> Any:
    try:
        action()
    except error as caught:
        return getattr(caught, "errors", None) or str(caught)
    return None


folder = Path(sys.argv[1])
rng = np.random.default_rng(0)
made = generate_loans(1_500, seed=2)
inquiries = rng.poisson(np.where(made["loan_status"] == "Charged Off", 2.5, 0.8)).astype(float)
inquiries[:3], inquiries[3:200] = 25, np.nan  # beyond the cap, and not known
with_column, without_column = folder / "with.csv", folder / "without.csv"
made.assign(**{NAME: inquiries}).to_csv(with_column, index=False)
made.to_csv(without_column, index=False)

summary, loans = taken_in(open_loans(with_column), folder / "with.parquet")
fitted = fit(loans)
save_model(folder / "model", fitted, loans=loans, card={}, page="")
model = load_model(folder / "model")
application = valid_application(EXAMPLE | {NAME: 6})
start = starting_values(model.training)
page = (project_root() / "data" / "README.md").read_text("utf-8")
scored = {name: score_file(model, path, folder / f"{name}.csv").scored for name, path in (("has", with_column), ("lacks", without_column))}  # fmt: skip
absent, bare = taken_in(open_loans(without_column), folder / "without.parquet")
bare_fitted = fit(bare)
save_model(folder / "bare", bare_fitted, loans=bare, card={}, page="")
twin, twins = taken_in(SyntheticLoans(1_000, 3), folder / "twin.parquet")
unknown = valid_application(EXAMPLE)

print(
    json.dumps(
        {
            "features": model.metadata.features,
            "largest": float(feature_frame(loans, inputs=INPUTS)[NAME].max()),
            "notes": summary.notes,
            "odds": ratios(fitted, loans),
            "reasons": {reason.feature: [reason.code, reason.text] for reason in all_reasons(model, application)},
            "unknown": {reason.feature: reason.text for reason in all_reasons(model, unknown)},
            "probability": [
                score_application(model, valid_application(EXAMPLE | {NAME: value})).probability_of_default
                for value in (0, 3, 10, 12)
            ],
            "warned": [warning.field for warning in score_application(model, application | {NAME: 99.0}).warnings],
            "start": start[NAME],
            "form": [check_form(start | {NAME: value})[1] for value in (2, None, -1)],
            "openapi": describe(secured=False)["components"]["schemas"]["Application"],
            "refused": told(Problem, lambda: valid_application(EXAMPLE | {NAME: -1})),
            "codebook": runpy.run_path(str(project_root() / "tools" / "codebook.py"))["with_codebook"](page),
            "scored": scored,
            "lacking": {
                "notes": absent.notes,
                "rows": absent.rows,
                "missing": absent.missing[NAME],
                "odds": ratios(bare_fitted, bare),
                "probability": score_application(load_model(folder / "bare"), application).probability_of_default,
            },
            "twin": {"columns": list(made), "notes": twin.notes, "missing": int(twins[NAME].isna().sum())},
            "gap": told(LoanTapError, check_features),
        }
    )
)
