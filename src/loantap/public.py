"""What a person calls by `import loantap`: thin names over what the notebooks, the API and the dashboard stand on.

The examples work on a run of 4,000 synthetic loans (seed 0) and its model; what they print is computed anew whenever the tests run.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from pydantic import ValidationError

from loantap.analysis.association import Association, analyse
from loantap.analysis.counts import FrameCounts
from loantap.analysis.levels import factor_counts
from loantap.data.applications import Application, rule
from loantap.data.ingest import ingest
from loantap.data.reading import SyntheticLoans
from loantap.errors import InputError
from loantap.extensions import provider
from loantap.model import persistence
from loantap.model.persistence import SavedModel
from loantap.model.reasons import Reason as Reason
from loantap.runs.checksums import need_unchanged
from loantap.runs.record import newest_run
from loantap.runs.results import RunFolder
from loantap.scoring import application as scoring
from loantap.scoring.application import Score
from loantap.scoring.table import score_table
from loantap.settings import run_folder, runs_dir


def synthetic_loans(rows: int = 5_000, *, seed: int = 0) -> pd.DataFrame:
    """Make loans to try things on, cleaned as a run cleans them.

    They are made from published statistics of the real portfolio, so single columns look like its own and columns together only roughly do.

    >>> import loantap
    >>> loans = loantap.synthetic_loans(4_000, seed=0)
    >>> loans[["loan_amnt", "term", "grade", "issue_d", "default"]].head(3)
       loan_amnt  term grade    issue_d  default
    0    20000.0    60     B 2014-10-01        0
    1     8000.0    36     B 2016-07-01        0
    2     9000.0    36     B 2012-12-01        0
    >>> f"{loans['default'].mean():.1%} of {len(loans):,} defaulted"
    '19.6% of 4,000 defaulted'

    Args:
        rows: How many.
        seed: The same seed makes the same loans.

    Returns:
        One row per loan, with the columns of the codebook (`data/README.md`), `state` and `pincode` in place of the address, and `default`: 1
        for Charged Off, 0 for Fully Paid.

    Raises InputError for fewer than a few rows, which do not hold both outcomes.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "loans.parquet"
        ingest(SyntheticLoans(rows, seed), loans_path=path, quarantine_path=None)
        return pd.read_parquet(path)


def open_run(path: str | Path | None = None) -> RunFolder:
    """Open a run of record, to read its loans and results.

    >>> import loantap
    >>> run = loantap.open_run()
    >>> run.path.name
    '20260102-030405'
    >>> len(run.loans())
    4000
    >>> round(run.result("association_grade")["cramers_v"], 3)
    0.255
    >>> run.table("association-grade")[["level", "n", "default_rate"]].head(3)
      level     n  default_rate
    0     A   648      0.063272
    1     B  1173      0.126172
    2     C  1069      0.211413

    Args:
        path: A run's folder, or its name under `runs/`; the finished run that ended last if None.

    Returns:
        The run. `loans()` are its cleaned loans, `result(NAME)` is `results/NAME.json`, `table(NAME)` is `results/tables/NAME.csv`, and
        `manifest()` tells what it was made from.

    Raises InputError if there is no such run, or its files are not as its stages wrote them.
    """
    if path is not None:
        folder = run_folder(Path(path))
    elif newest := newest_run():
        folder = newest.path
    else:
        raise InputError(f"expected a finished run under {runs_dir()}, found none. Make one with: loantap run")
    need_unchanged(folder)
    return RunFolder(folder)


def analyse_factor(
    loans: pd.DataFrame,
    factor: str,
    *,
    reference: str | None = None,
    correction: str = "holm",
    alpha: float = 0.05,
    min_cell: int = 10,
) -> Association:
    """Test whether a factor and default are associated, and which of its levels stand out.

    >>> import loantap
    >>> loans = loantap.synthetic_loans(4_000, seed=0)
    >>> grade = loantap.analyse_factor(loans, "grade")
    >>> f"V = {grade.cramers_v:.3f}, {grade.cramers_v_low:.3f} to {grade.cramers_v_high:.3f}, p = {grade.p_value:.1e}"
    'V = 0.255, 0.224 to 0.286, p = 1.7e-54'
    >>> grade.levels[["level", "n", "default_rate", "ci_low", "ci_high"]].round(3)
      level     n  default_rate  ci_low  ci_high
    0     A   648         0.063   0.047    0.085
    1     B  1173         0.126   0.108    0.146
    2     C  1069         0.211   0.188    0.237
    3     D   641         0.289   0.255    0.325
    4     E   317         0.372   0.321    0.427
    5     F   119         0.429   0.343    0.518
    6     G    33         0.485   0.325    0.648
    >>> f"odds ratio of C against the rest: {grade.level('C')['odds_ratio']:.2f}"
    'odds ratio of C against the rest: 1.14'

    Args:
        loans: Cleaned loans, with the factor's column and `default`.
        factor: A column, or "profession" or "profession_group", which are made from `emp_title`.
        reference: The level that others are compared with; the first one of an ordered factor, else the largest, if None.
        correction: Of p-values for the number of levels: "holm" or "bh".
        alpha: One minus the confidence of every interval.
        min_cell: Levels with fewer defaults or repaid loans are pooled first.

    Raises InputError for a factor or reference that the loans do not have, and for loans too few to compare.
    """
    return analyse(
        factor_counts(FrameCounts(loans), factor),
        factor=factor,
        reference=reference,
        correction=correction,
        alpha=alpha,
        min_cell=min_cell,
    )


def load_model(path: str | Path | None = None) -> SavedModel:
    """Load a model, which is stored in a form that cannot run code.

    >>> import loantap
    >>> run = loantap.open_run()
    >>> model = loantap.load_model(run.path)
    >>> model.metadata.encoding, model.training.rows, round(model.threshold, 3)
    ('ratios', 4000, 0.126)
    >>> model.probability(run.loans().head(3)).round(3)
    array([0.199, 0.085, 0.154])

    Args:
        path: A model's folder, a run's folder or its name under `runs/`, or a store of promoted models; the champion if None.

    Returns:
        The model. `probability(loans)` are the calibrated probabilities of default of cleaned loans; of applications they come with reasons:
        `score_application`, `score_applications`.

    Raises InputError if there is no model, or it is damaged, changed or of another version.
    """
    return persistence.load_model(provider("find_model")(None if path is None else Path(path)))


def score_application(model: SavedModel, application: Mapping[str, Any]) -> Score:
    """Ask a model about one application: its probability of default, whether it is to be referred, and why.

    >>> import loantap
    >>> model = loantap.load_model(loantap.open_run().path)
    >>> application = {
    ...     "loan_amnt": 10_000, "term": "36 months", "int_rate": 11.44, "installment": 329.48, "grade": "B", "sub_grade": "B4",
    ...     "emp_length": "10+ years", "home_ownership": "RENT", "annual_inc": 60_000, "verification_status": "Not Verified",
    ...     "purpose": "car", "dti": 24.5, "earliest_cr_line": "Mar-1998", "open_acc": 13, "pub_rec": 0, "pub_rec_bankruptcies": 0,
    ...     "revol_bal": 6_300, "revol_util": 45.3, "total_acc": 22, "mort_acc": 0, "application_type": "INDIVIDUAL", "issue_d": "Jan-2015",
    ... }
    >>> score = loantap.score_application(model, application)
    >>> round(score.probability_of_default, 3), score.decision
    (0.204, 'refer')
    >>> for reason in score.reasons:
    ...     print(reason.text)
    Debt-to-income is 24.5%, above the portfolio's median of 16.9%; this raises the risk.
    Home ownership is rent; this raises the risk.
    The purpose is car; this raises the risk.
    The number of open credit lines is 13, above the portfolio's median of 10; this raises the risk.
    >>> loantap.score_application(model, application | {"dti": -1})
    Traceback (most recent call last):
        ...
    loantap.errors.InputError: expected an application by the rules of the codebook (data/README.md):
      dti: Input should be greater than or equal to 0. Expected a number, 0 to 9,999, in percent of monthly income.
    It was not scored.

    Args:
        model: The model.
        application: Values by the codebook's names; fields that may be missing may be absent.

    Raises InputError that names each field that breaks its rule.
    """
    try:
        values = Application.model_validate(dict(application)).model_dump()
    except ValidationError as error:
        told = ""
        for found in error.errors(include_url=False, include_input=False):
            field = str(found["loc"][0] if found["loc"] else found.get("ctx", {}).get("field", "application"))
            told += f"\n  {field}: {found['msg']}. Expected {rule(field)}."
        raise InputError(
            f"expected an application by the rules of the codebook (data/README.md):{told}\nIt was not scored."
        ) from None
    return scoring.score_application(model, values)


def score_applications(model: SavedModel, applications: pd.DataFrame) -> pd.DataFrame:
    """Ask a model about many applications at once.

    >>> import loantap
    >>> from loantap.data.synthetic import generate_loans
    >>> model = loantap.load_model(loantap.open_run().path)
    >>> scores = loantap.score_applications(model, generate_loans(3, seed=1))
    >>> scores[["probability_of_default", "decision", "reason_1", "warnings"]].round(3)
       probability_of_default decision reason_1  warnings
    0                   0.218    refer      R18         0
    1                   0.145    refer      R07         0
    2                   0.110  approve      R18         0
    >>> {code.code: code.label for code in model.reasons}["R18"]
    "the lender's sub-grade"

    Args:
        model: The model.
        applications: One row each, by the codebook's names, texts or typed values as in a file. Other columns are not read.

    Returns:
        Under the same index: probability_of_default, decision ("approve" or "refer"), reason_1 to reason_3 (codes of `model.reasons`, the
        strongest first), warnings (how many doubts there are, as `score_application` tells them), model_version.

    Raises InputError for applications that break a rule of the codebook, with column, rule and rows (from 1).
    """
    return score_table(model, applications)
