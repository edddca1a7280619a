"""Weight of evidence: each input in a few bins, and each bin as the log of how defaults and repaid loans divide over it.

optbinning finds the bins, so that the information value is largest and the default rate monotone. What it finds is plain
numbers: applying them needs no optbinning.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, FiniteFloat
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from loantap.data.columns import FEATURE_BY_NAME
from loantap.errors import MissingToolError
from loantap.model.features import SUPPORT
from loantap.settings import how_to_add

LEAST_SHARE, LEAST_CASES = 0.05, 10  # of the loans in a bin; defaults, and repaid loans, in it
MOST_BINS = 6  # of an input: a card is read by people
MOST_CUTS = 12  # that they are put together from: more take twice as long, for no more information
LEAST_VALUE = (
    0.02  # of information: below, an input is not predictive, by custom (Siddiqi, Credit Risk Scorecards, 2006)
)
_TRENDS = {"riskier": "ascending", "safer": "descending", "open": "auto_asc_desc"}
_RARE = "rare levels"


class Bins(BaseModel):
    """The bins of one input: of a number between `splits`, the lower end within; of a category groups of levels.

    A missing value, and a level that is in no group, counts as the riskiest bin at least, so that leaving a field out buys
    nothing. Where enough training loans were missing they are a bin of their own, the last one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    splits: list[FiniteFloat]  # ascending; empty for a category
    groups: list[list[str]]  # the levels of each bin; empty for a number
    n: list[int]  # training loans in each bin
    defaults: list[int]  # defaults among them
    woe: list[FiniteFloat]  # of each bin: above 0 where there are more of the defaults than of the repaid loans
    missing: FiniteFloat  # what a missing value, or an unknown level, counts as
    own: bool  # whether missing values are a bin of their own
    value: FiniteFloat  # information value, over all bins

    @property
    def riskiest(self) -> int:
        """The bin, missing ones apart, with the highest weight of evidence."""
        return int(np.argmax(self.woe[: len(self.woe) - self.own]))

    def codes(self, values: pd.Series) -> np.ndarray:
        """Return the bin of each value, -1 where it is missing or unknown."""
        if self.splits:
            known = values.to_numpy(dtype=float)
            return np.where(np.isnan(known), -1, np.searchsorted(self.splits, known, side="right"))
        places = {level: place for place, levels in enumerate(self.groups) for level in levels}
        return values.map(places).fillna(-1).to_numpy(dtype=int)

    def apply(self, values: pd.Series) -> np.ndarray:
        """Return the weight of evidence of each value."""
        return np.append(self.woe[: len(self.woe) - self.own], self.missing)[self.codes(values)]


def find_bins(values: pd.Series, y: np.ndarray) -> Bins | None:
    """Return the bins of an input of training loans; None where it has only one.

    The default rate is monotone over the bins of a number, in the declared direction of risk where there is one. Raises
    MissingToolError without optbinning.
    """
    try:
        from optbinning import OptimalBinning
    except ImportError:
        raise MissingToolError(
            f"a scorecard needs optbinning, which is not installed. Get it with: {how_to_add('report')}"
        ) from None
    limits: dict[str, Any] = {"min_bin_size": LEAST_SHARE, "min_bin_n_event": LEAST_CASES, "min_bin_n_nonevent": LEAST_CASES, "max_n_bins": MOST_BINS, "max_n_prebins": MOST_CUTS, "solver": "mip"}  # fmt: skip
    if values.dtype == object:
        shares = values.value_counts(normalize=True)
        named = values.where(~values.isin(shares.index[shares < SUPPORT]), _RARE)
        shares = named.value_counts(normalize=True)
        named = named.where(named.isin(shares.index[shares >= SUPPORT]))  # too rare even together: unknown
        if named.nunique() < 2:
            return None
        found = OptimalBinning(dtype="categorical", **limits).fit(named.fillna(named.mode()[0]).to_numpy(), y)
        rare = [str(level) for level in values.unique() if level not in set(named.unique())]
        groups = [
            [one for level in levels for one in (rare if level == _RARE else [str(level)])] for levels in found.splits
        ]
        return _weighed([], groups, values, y) if len(groups) > 1 else None
    known = values.notna().to_numpy()
    if values[known].nunique() < 2:
        return None
    trend = _TRENDS[FEATURE_BY_NAME[str(values.name)].higher]
    binning = OptimalBinning(monotonic_trend=trend, **limits).fit(values[known].to_numpy(dtype=float), y[known])
    return _weighed([float(split) for split in binning.splits], [], values, y) if len(binning.splits) else None


def _weighed(splits: list[float], groups: list[list[str]], values: pd.Series, y: np.ndarray) -> Bins:
    """Return bins with their counts, weights of evidence and information value."""
    blank = Bins(splits=splits, groups=groups, n=[], defaults=[], woe=[], missing=0, own=False, value=0)
    codes, size = blank.codes(values), len(splits) + 1 if splits else len(groups)
    bad, good = (np.bincount(codes[(codes >= 0) & (y == outcome)], minlength=size) for outcome in (1, 0))
    gone = [int(((codes < 0) & (y == outcome)).sum()) for outcome in (1, 0)]
    if own := min(gone) >= LEAST_CASES:
        bad, good = np.append(bad, gone[0]), np.append(good, gone[1])
    # Half a loan in every bin, so that no share is 0.
    of_bad, of_good = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (bad, good))
    woe = np.log(of_bad / of_good)
    if not own:  # too few to be told by themselves: they are counted with the bin that they count as
        bad[np.argmax(woe)] += gone[0]
        good[np.argmax(woe)] += gone[1]
    return blank.model_copy(
        update={
            "n": (bad + good).tolist(), "defaults": bad.tolist(), "woe": woe.tolist(), "missing": float(woe.max()), "own": own,
            "value": float(((of_bad - of_good) * woe).sum()),
        }
    )  # fmt: skip


class WoeEncoder(TransformerMixin, BaseEstimator):
    """Replace each input by its weight of evidence; inputs with one bin, or of hardly any information, have no column.

    Attributes:
        bins_: The bins of each input with a column, in the order of the columns.
        all_: Those of every input with more than one bin.
        values_: The information value of every input, 0 for one with one bin.
    """

    bins_: dict[str, Bins]
    all_: dict[str, Bins]
    values_: dict[str, float]

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Find the bins of every input of training loans."""
        found = {str(name): find_bins(X[name], np.asarray(y)) for name in X}
        self.values_ = {name: bins.value if bins else 0.0 for name, bins in found.items()}
        self.all_ = {name: bins for name, bins in found.items() if bins}
        best = max(self.values_, key=lambda name: self.values_[name])
        self.bins_ = {name: bins for name, bins in self.all_.items() if bins.value >= LEAST_VALUE or name == best}
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return the weights of evidence, shape (n, inputs)."""
        return np.column_stack([np.zeros((len(X), 0)), *(bins.apply(X[name]) for name, bins in self.bins_.items())])

    @classmethod
    def of(cls, bins: Mapping[str, Bins]) -> Self:
        """Return an encoder with bins that were found before."""
        encoder = cls()
        encoder.bins_ = encoder.all_ = dict(bins)
        encoder.values_ = {name: one.value for name, one in bins.items()}
        return encoder


def is_scorecard(pipeline: Pipeline) -> bool:
    """Tell whether a pipeline is one of weights of evidence."""
    return "woe" in pipeline.named_steps


def steps_of(pipeline: Pipeline) -> Iterator[tuple[str, Bins, float]]:
    """Yield name, bins and coefficient of each input of a fitted scorecard that adds anything."""
    for (name, bins), coefficient in zip(pipeline["woe"].bins_.items(), pipeline["model"].coef_[0], strict=True):
        if coefficient:
            yield name, bins, float(coefficient)


class StoredInput(BaseModel):
    """One input of a saved scorecard."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    bins: Bins
    coefficient: FiniteFloat


class StoredScorecard(BaseModel):
    """What `scorecard.json` in a model's folder holds: plain numbers, in the place of a pipeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    intercept: FiniteFloat
    inputs: dict[str, StoredInput]


def write_scorecard(path: Path, pipeline: Pipeline) -> None:
    """Write a fitted scorecard as plain numbers."""
    inputs = {name: StoredInput(bins=bins, coefficient=coefficient) for name, bins, coefficient in steps_of(pipeline)}
    stored = StoredScorecard(intercept=float(pipeline["model"].intercept_[0]), inputs=inputs)
    path.write_text(stored.model_dump_json(indent=1) + "\n", "utf-8")


def usable_scorecard(stored: StoredScorecard) -> Pipeline:
    """Return a saved scorecard as the pipeline that it was; optbinning is not needed."""
    model = LogisticRegression()
    model.coef_ = np.array([[one.coefficient for one in stored.inputs.values()]])
    model.intercept_, model.classes_ = np.array([stored.intercept]), np.array([0, 1])
    bins = {name: one.bins for name, one in stored.inputs.items()}
    return Pipeline([("woe", WoeEncoder.of(bins)), ("model", model)])
