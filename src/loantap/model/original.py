"""The original's protocol, rebuilt from its public notebook, and the steps from its figures to this project's.

Source: LoanTap_V2.ipynb of the repository Shubham680Dalal/loan_tap_repo, October 2024. What it printed are means over its folds;
its test loans were never scored.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve
from sklearn.model_selection import StratifiedKFold

from loantap.model.bootstrap import CONFIDENCE
from loantap.model.evaluation import BETA, Predictions, evaluate
from loantap.model.folds import Split, put_together
from loantap.model.inputs import LEAK, PRICING, Inputs
from loantap.model.paired import fbeta_differences
from loantap.model.parallel import in_parallel
from loantap.model.tuning import stratified_sample

# The original's own choices, not those of a run.
CLAIMED_BETA, FOLDS, SEED = 2.0, 5, 42
SMOOTHING, MOST_VIF = 10.0, 5.0  # loans that a state's rate is smoothed with; variance inflation that a column may have
SETTINGS = tuple((penalty, C) for penalty in ("l1", "l2") for C in (1.0, 100.0, 10_000.0))
CHOSEN = (("l2", 1.0),)  # what its search chose
SCORES = ("accuracy", "precision", "recall", "f2")
F2 = SCORES.index("f2")
THERE = "the original's way"
MAX_ITERATIONS = 30  # with C = 10,000 the solver would go on for minutes without moving a score
NUMBERS = (
    "loan_amnt", "term", "int_rate", "installment", "annual_inc", "dti", "open_acc", "pub_rec", "revol_bal", "revol_util",
    "total_acc", "mort_acc", "pub_rec_bankruptcies",
)  # fmt: skip
CATEGORIES = ("grade", "home_ownership", "application_type", "verification_status", "initial_list_status", LEAK)
ORIGINAL_COLUMNS = (*NUMBERS, *CATEGORIES, "sub_grade", "emp_length", "purpose", "state", "issue_d", "earliest_cr_line")
PURPOSES = {
    "debt_consolidation": "debt", "credit_card": "debt", "home_improvement": "home", "moving": "home", "house": "home",
    "small_business": "business", "educational": "education", "renewable_energy": "energy",
}  # fmt: skip


@dataclass(frozen=True)
class Original:
    """What the original's protocol arrives at on the loans at hand."""

    penalty: str  # of the setting with the best mean F2 over the folds
    C: float  # its inverse strength
    threshold: float  # where recall equals one minus the false positive rate on the resampled training loans, rounded
    rows: int  # training loans used
    claimed_f2: float  # mean F2 over the held-out folds: what the original printed
    folds: dict[str, float]  # means over the held-out folds: accuracy, precision, recall, f2, threshold
    spread: float  # the best mean F2 of the settings less the worst
    dropped: list[str]  # columns left out for their variance inflation
    test: dict  # scores on the test loans, as in `evaluate`, at that threshold
    flagged: np.ndarray  # whether each test loan is at or above it
    steps: list[dict]  # from the original's way towards this project's: step, threshold, test as in `evaluate`,
    # and difference: its F2 less that of the step before, with difference_low and difference_high


def evaluate_original(
    loans: pd.DataFrame,
    unseen: pd.DataFrame,
    *,
    inputs: Inputs,
    rows: int,
    settings: Sequence[tuple[str, float]] = CHOSEN,
    beta: float = BETA,
    confidence: float = CONFIDENCE,
    repetitions: int,
    random_state: int,
) -> Original:
    """Search as the original did, score the test loans, and take its peculiarities away one at a time.

    Columns, folds, encoding, pruning, SMOTE, solver, settings and threshold are the original's, but that liblinear stops after
    30 iterations. The loans are those at hand.

    Args:
        loans: Cleaned training loans.
        unseen: Cleaned test loans.
        inputs: Which set of inputs. The original saw the pincode; only with it are the steps gone through.
        rows: Most training loans to use.
        settings: Penalties with their C: all of SETTINGS take minutes, and tie.
        beta: Of the F-beta score told besides F2.
        confidence: Of the intervals.
        repetitions: Bootstrap repetitions of the intervals.
        random_state: Seed of sample and bootstrap; folds, SMOTE and solver have the original's.
    """
    sample = loans.iloc[stratified_sample(loans["default"].to_numpy(), rows=rows, random_state=random_state)]
    every = columns(pd.concat([sample, unseen]), inputs=inputs)
    X, others, y = every.iloc[: len(sample)], every.iloc[len(sample) :], sample["default"].to_numpy()
    splits = _splits(sample)
    dropped = inflated(encoded(X.iloc[splits[0][0]], y[splits[0][0]])[0])
    ways = [(THERE, X.columns.drop(dropped), True)]
    if inputs == "with_pincode":
        ways += [("every column kept", X.columns, True), ("no resampling", X.columns, False)]
    tasks = []
    for _, kept, resample in ways:
        tasks += [(X[kept].iloc[train], y[train], X[kept].iloc[test], settings, resample) for train, test in splits]
        tasks.append((X[kept], y, others[kept], settings, resample))
    fits = in_parallel(_fit, tasks, label="original protocol", fits=len(settings))
    by_way = [fits[start : start + FOLDS + 1] for start in range(0, len(fits), FOLDS + 1)]
    scores = np.mean([_scores(y[test], *found) for (_, test), found in zip(splits, by_way[0], strict=False)], axis=0)
    best = int(scores[:, F2].argmax())

    steps = [(THERE, round(float(by_way[0][-1][1][best]), 2), by_way[0][-1][0][best])]
    for (name, _, _), (*held_out, (whole, _)) in zip(ways, by_way, strict=True):
        out_of_fold = put_together([told[best] for told, _ in held_out], splits, len(y))[0]
        threshold = Predictions.of(y, out_of_fold, beta=CLAIMED_BETA).best_threshold()
        steps.append((f"threshold chosen for F{CLAIMED_BETA:g}" if name == THERE else name, threshold, whole[best]))
    drawn: Any = {"confidence": confidence, "repetitions": repetitions, "random_state": random_state}
    outcome, flagged = unseen["default"].to_numpy(), None
    told: list[dict[str, Any]] = []
    for name, threshold, probability in steps:
        test = evaluate(outcome, probability, threshold=threshold, beta=beta, **drawn)
        before, flagged = flagged, probability >= threshold
        change: dict[Any, float] = {}
        if before is not None:
            pair = {"now": flagged, "before": before}
            change = fbeta_differences(outcome, pair, beta=CLAIMED_BETA, **drawn).drop(columns="name").iloc[1].to_dict()
        told.append({"step": name, "threshold": threshold, "test": test, **change})
    return Original(
        *settings[best],
        threshold=steps[0][1],
        rows=len(X),
        claimed_f2=float(scores[best, F2]),
        folds=dict(zip((*SCORES, "threshold"), map(float, scores[best]), strict=True)),
        spread=float(np.ptp(scores[:, F2])),
        dropped=dropped,
        test=told[0]["test"],
        flagged=steps[0][2] >= steps[0][1],
        steps=told,
    )


def _splits(loans: pd.DataFrame) -> list[Split]:
    debt = (loans["purpose"].astype("str").map(PURPOSES) == "debt").astype("str")
    default, home, kind = (loans[name].astype("str") for name in ("default", "home_ownership", "application_type"))
    key = default + "|" + home + "|" + kind + debt
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # rare kinds of loans, there as here
        return list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(key, key))


def _fit(
    X: pd.DataFrame, y: np.ndarray, others: pd.DataFrame, settings: Sequence[tuple[str, float]], resample: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of the other loans, shape (settings, others), and thresholds from the loans learnt from."""
    train, unseen = encoded(X, y, others)
    outcome = y
    if resample:
        neighbours = min(5, int(np.bincount(y).min()) - 1)
        train, outcome = SMOTE(k_neighbors=neighbours, random_state=SEED).fit_resample(train, y)
    told, thresholds = [], []
    for penalty, C in settings:
        model = LogisticRegression(
            solver="liblinear", l1_ratio=float(penalty == "l1"), C=C, max_iter=MAX_ITERATIONS, random_state=SEED
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped on purpose
            model.fit(train.to_numpy(), outcome)
        false_rate, recall, at = roc_curve(outcome, model.predict_proba(train.to_numpy())[:, 1])
        thresholds.append(at[np.abs(recall - (1 - false_rate)).argmin()])
        told.append(model.predict_proba(unseen.to_numpy())[:, 1])
    return np.array(told), np.array(thresholds)


def _scores(y: np.ndarray, probability: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return SCORES and the threshold of each setting, shape (settings, 5)."""
    rows = []
    for told, threshold in zip(probability, np.round(thresholds, 2), strict=True):
        metrics = Predictions.of(y, told, beta=CLAIMED_BETA).metrics(threshold)
        rows.append([*(metrics[name] for name in SCORES), threshold])
    return np.array(rows)


def encoded(X: pd.DataFrame, y: np.ndarray, others: pd.DataFrame | None = None) -> list[pd.DataFrame]:
    """Return training loans and others as the original's numbers: state by its default rate, no gaps, clipped, standardised.

    Everything comes from the training loans: rates smoothed with the weight of ten loans, means, the commonest employment
    length, three standard deviations. Columns of 0 and 1 stay as they are.
    """
    states = pd.Series(y, X.index).groupby(X["state"]).agg(["sum", "size"])
    rates = (states["sum"] + SMOOTHING * y.mean()) / (states["size"] + SMOOTHING)
    parts = [
        part.assign(state=part["state"].map(rates).fillna(y.mean())) for part in (X, X if others is None else others)
    ]
    numbers = ["state", *X.columns.intersection([*NUMBERS, "emp_length"])]
    train = parts[0][numbers]
    filled = train.mean().fillna(0.0)
    filled["emp_length"] = next(iter(train["emp_length"].mode()), 0.0)
    train = train.fillna(filled)
    low, high = train.mean() - 3 * train.std(), train.mean() + 3 * train.std()
    clipped = [part[numbers].fillna(filled).clip(low, high, axis=1) for part in parts]
    mean, spread = clipped[0].mean(), clipped[0].std(ddof=0).replace(0.0, 1.0)
    return [part.assign(**((kept - mean) / spread)) for part, kept in zip(parts, clipped, strict=True)]


def inflated(matrix: pd.DataFrame) -> list[str]:
    """Return the columns that go, one at a time, until no variance inflation factor is above 5.

    The factor is that of statsmodels without a constant: 1 / (1 - R²) with R² about zero. A column of zeros has none.
    """
    cross = matrix.to_numpy().T @ matrix.to_numpy()
    left, gone = [place for place in range(len(cross)) if cross[place, place] > 0], []
    while left:
        part = cross[np.ix_(left, left)]
        factors = np.diag(np.linalg.inv(part + 1e-9 * np.diag(np.diag(part)))) * np.diag(part)
        if factors.max() <= MOST_VIF:
            break
        gone.append(str(matrix.columns[left.pop(int(factors.argmax()))]))
    return gone


def columns(loans: pd.DataFrame, *, inputs: Inputs) -> pd.DataFrame:
    """Return the original's columns of cleaned loans: numbers, `state` as a text, and one column of 0 and 1 per level.

    The last level of each category is left out; employment length is in years; dates give the quarter alone.
    """
    barred = {*PRICING, "grade", "sub_grade", "installment"} if inputs == "application_only" else set()
    numbers = loans[[name for name in NUMBERS if name not in barred]].astype("float64")
    years = loans["emp_length"].astype("str").str.extract(r"(\d+)")[0].astype("float64")
    years = years.mask(loans["emp_length"].astype("str").str.startswith("<"), 0.0)
    levels = loans[[name for name in CATEGORIES if name not in barred]].astype("str")
    levels = levels.assign(
        home_ownership=levels["home_ownership"].replace({"NONE": "OTHER", "ANY": "OTHER"}),
        purpose=loans["purpose"].astype("str").map(PURPOSES).fillna("personal"),
        credit_quarter=loans["earliest_cr_line"].dt.quarter.astype("str"),
        issue_quarter=loans["issue_d"].dt.quarter.astype("str"),
    )
    if "sub_grade" not in barred:
        levels["sub_grade"] = loans["sub_grade"].astype("str").str[-1]
    if inputs != "with_pincode":
        levels = levels.drop(columns=LEAK)
    return pd.concat([numbers.assign(emp_length=years), loans["state"].astype("str"), _indicators(levels)], axis=1)


def _indicators(levels: pd.DataFrame) -> pd.DataFrame:
    every = {name: sorted(levels[name].unique())[:-1] or sorted(levels[name].unique()) for name in levels}
    return pd.DataFrame(
        {f"{name}_{level}": (levels[name] == level).astype("float64") for name, kept in every.items() for level in kept}
    )
