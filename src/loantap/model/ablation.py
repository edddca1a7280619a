"""Which part of a model brings what: recipes compete over repeated folds, and a stated rule chooses the champion."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit
from statsmodels.stats.multitest import multipletests

from loantap.model.bootstrap import CONFIDENCE
from loantap.model.calibration import SigmoidCalibration
from loantap.model.evaluation import BETA, Predictions, fbeta_name
from loantap.model.features import ENCODINGS, Encoding
from loantap.model.folds import Split, out_of_fold
from loantap.model.inputs import Inputs
from loantap.model.parallel import together
from loantap.model.recipe import NEIGHBOURS, SAMPLERS, Recipe, Sampler

SURE = 0.999  # with which a candidate is left behind


@dataclass(frozen=True)
class Candidate:
    """What competes."""

    name: str  # in words
    recipe: Recipe | None  # the logistic regression's recipe; None for a challenger, which cannot become champion
    C: float | None  # inverse strength of its l2 penalty, see `compete`; None for a challenger
    # one row per fold: F-beta (f2 where beta is 2), flagged, roc_auc, average_precision, brier and
    # expected_calibration_error (calibrated), brier_uncalibrated, and the score at the raw probability 0.5 (f2_at_half)
    scores: pd.DataFrame
    tried: tuple[float, ...] = ()  # the strengths that C was chosen from


@dataclass(frozen=True)
class Champion:
    """The chosen candidate, and which came out level with it."""

    candidate: Candidate  # the simplest of those left
    recipe: Recipe  # its recipe
    C: float  # inverse strength of its l2 penalty
    best: str  # the candidate with the best mean F-beta
    level: list[str]  # names of those that no other clearly beats in F-beta
    ranked: list[str]  # names of those of them that none of them clearly beats in ROC-AUC
    able: list[str]  # names of all that could have been chosen
    behind: list[str]  # names of those of them that were clearly beaten over the first repeat and ran no further
    folds: int  # folds of each repeat
    repeats: int  # how often the folds were repeated
    beta: float  # of F-beta
    confidence: float  # of the intervals that say whether one clearly beats another

    @property
    def score(self) -> str:
        """The score's name in tables, such as f2."""
        return fbeta_name(self.beta)


def recipes(
    inputs: Inputs, *, samplers: Collection[Sampler], encodings: Collection[Encoding], neighbours: int = NEIGHBOURS
) -> list[Recipe]:
    """Return what competes, the simplest first.

    Every sampler on the plainest features; richer features with the plainest sampler; and splines with SMOTE, if both
    take part.
    """
    resample = [sampler for sampler in SAMPLERS if sampler in samplers]
    encode = [encoding for encoding in ENCODINGS if encoding in encodings]
    pairs = [(encode[0], sampler) for sampler in resample] + [(encoding, resample[0]) for encoding in encode]
    pairs += [("splines", "SMOTE")] if "splines" in encode and "SMOTE" in resample else []
    return [Recipe(inputs, encoding, sampler, neighbours) for encoding, sampler in dict.fromkeys(pairs)]


def compete(
    X: pd.DataFrame,
    y: np.ndarray,
    *,
    recipe: Recipe,
    splits: Sequence[Split],
    Cs: Sequence[float],
    beta: float = BETA,
    random_state: int,
) -> Candidate:
    """Return a recipe's scores at one C of an l2 penalty; see `out_of_fold` for the arguments.

    Of the strengths whose calibrated Brier score is within one standard error of the best one's the strongest penalty
    is chosen. The error is that of the paired difference over the folds: what folds differ in by themselves says
    nothing about a penalty.
    """
    paths = out_of_fold(X, y, recipe=recipe, splits=splits, penalties=["l2"], Cs=Cs, random_state=random_state)
    log_odds_by_C = {C: log_odds for (_, C), log_odds in sorted(paths.items())}
    briers = {C: _briers(y, log_odds, splits) for C, log_odds in log_odds_by_C.items()}
    best = briers[min(briers, key=lambda C: briers[C].mean())]
    errors = {C: np.std(own - best, ddof=1) / np.sqrt(len(best)) for C, own in briers.items()}
    chosen = next(C for C, own in briers.items() if np.mean(own - best) <= errors[C])
    scores = fold_scores(y, log_odds_by_C[chosen], splits, beta=beta)
    return Candidate(recipe.name, recipe, chosen, scores, tuple(log_odds_by_C))


def race(
    X: pd.DataFrame,
    y: np.ndarray,
    *,
    recipes: Sequence[Recipe],
    splits: Sequence[Split],
    folds: int,
    Cs: Sequence[float],
    beta: float = BETA,
    random_state: int,
) -> list[Candidate]:
    """Return the scores of recipes over repeated folds; who is clearly beaten over the first repeat stays there.

    C is chosen over the first repeat. Who leads it in F-beta beats another where the interval of the paired difference, in
    F-beta or ROC-AUC, lies above 0 at a confidence of 99.9 %. As good a candidate is left behind once in five hundred times,
    so what is told of those that run on is told as if all had. `folds` is how many a repeat has; see `compete`.
    """
    fair: Any = {"beta": beta, "random_state": random_state}
    first: Any = {"splits": splits[:folds], "Cs": Cs, **fair}
    entered = together(*(partial(compete, X, y, recipe=recipe, **first) for recipe in recipes))
    behind = left_behind(entered, folds=folds, beta=beta) if splits[folds:] else [one.name for one in entered]
    running = [one for one in entered if one.name not in behind]
    again: Any = {"splits": splits[folds:], **fair}
    more = together(*(partial(compete, X, y, recipe=one.recipe, Cs=[one.C], **again) for one in running))
    whole = {one.name: _and_further(one, other) for one, other in zip(running, more, strict=True)}
    return [whole.get(one.name, one) for one in entered]


def left_behind(entered: Sequence[Candidate], *, folds: int, beta: float = BETA) -> list[str]:
    """Return the names of those that the leader of one repeat clearly beats; see `race`."""
    score, scored = fbeta_name(beta), {"held_out_share": 1 / folds, "confidence": SURE}
    leader = max(entered, key=lambda one: one.scores[score].mean())
    return [one.name for one in entered if _beats(leader, one, score, scored) or _beats(leader, one, "roc_auc", scored)]


def _and_further(one: Candidate, more: Candidate) -> Candidate:
    return replace(one, scores=pd.concat([one.scores, more.scores], ignore_index=True))


def fold_scores(y: np.ndarray, log_odds: np.ndarray, splits: Sequence[Split], *, beta: float = BETA) -> pd.DataFrame:
    """Score each fold, with calibration and threshold taken from the other folds of its repeat.

    Args:
        y: 1 for default, 0 for repaid.
        log_odds: Out-of-fold log-odds, shape (n_repeats, n_loans).
        splits: As from `fold_splits`.
        beta: Of the F-beta score that the threshold is chosen for.
    """
    rows, score = [], fbeta_name(beta)
    for number, (others, fold) in enumerate(splits):
        row = log_odds[number * len(log_odds) // len(splits)]
        calibrate = SigmoidCalibration.fit(row[others], y[others])
        threshold = Predictions.of(y[others], calibrate(row[others]), beta=beta).best_threshold()
        held_out = Predictions.of(y[fold], calibrate(row[fold]), beta=beta)
        metrics = held_out.metrics(threshold)
        raw = Predictions.of(y[fold], expit(row[fold]), beta=beta).metrics(0.5)
        rows.append(
            {name: metrics[name] for name in (score, "f2", "brier", "expected_calibration_error")}
            | {name: raw[name] for name in ("roc_auc", "average_precision")}
            | {"brier_uncalibrated": raw["brier"], f"{score}_at_half": raw[score]}
            | {"flagged": float(np.mean(held_out.probability >= threshold))}
        )
    return pd.DataFrame(rows)


def resampled_interval(
    values: np.ndarray, *, held_out_share: float, confidence: float = CONFIDENCE
) -> tuple[float, float, float, float]:
    """Return mean, lower end, upper end and two-sided p-value (against 0) of a score over repeated folds.

    Folds share training loans, so their spread alone is too small: the variance of the mean is taken as
    (1/J + held_out/training) times the folds' variance, the corrected resampled t-test of Nadeau and Bengio,
    Inference for the generalization error, Machine Learning 52 (2003), 239-281.
    """
    mean, count = float(np.mean(values)), len(values)
    error = float(np.std(values, ddof=1) * np.sqrt(1 / count + held_out_share / (1 - held_out_share)))
    if error == 0:
        return mean, mean, mean, 1.0 if mean == 0 else 0.0
    half = float(stats.t.ppf((1 + confidence) / 2, count - 1)) * error
    return mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean) / error, count - 1))


def comparison(
    candidates: Sequence[Candidate], *, reference: str, folds: int, beta: float = BETA, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Return one row per candidate: mean scores, intervals, and paired differences from the reference.

    Columns, where beta is 2: name, C, f2 with f2_low and f2_high, the other scores of `fold_scores`; and the difference
    in each of f2, roc_auc, brier and expected_calibration_error with its ends (f2_difference, …_low, …_high) and
    p_adjusted (Holm over the candidates), missing for the reference itself. Differences are over the folds that both ran.
    """
    scored = {"held_out_share": 1 / folds, "confidence": confidence}
    main = fbeta_name(beta)
    compared = (main, "roc_auc", "brier", "expected_calibration_error")
    base = next(candidate for candidate in candidates if candidate.name == reference)
    rows = []
    for candidate in candidates:
        _, low, high, _ = resampled_interval(candidate.scores[main].to_numpy(), **scored)
        row = {"name": candidate.name, "C": candidate.C, **candidate.scores.mean()}
        row |= {f"{main}_low": low, f"{main}_high": high}
        for score in compared:
            difference = (candidate.scores[score] - base.scores[score]).dropna().to_numpy()
            interval = resampled_interval(difference, **scored)
            names = (f"{score}_difference", f"{score}_difference_low", f"{score}_difference_high", f"{score}_p")
            row |= dict(zip(names, interval if candidate is not base else (np.nan,) * 4, strict=True))
        rows.append(row)
    table = pd.DataFrame(rows)
    for score in compared:
        known = table[f"{score}_p"].notna()
        adjusted = multipletests(table.loc[known, f"{score}_p"], method="holm")[1] if known.any() else []
        table.loc[known, f"{score}_p_adjusted"] = adjusted
    return table.drop(columns=[f"{score}_p" for score in compared])


def choose_champion(
    candidates: Sequence[Candidate], *, folds: int, beta: float = BETA, confidence: float = CONFIDENCE
) -> Champion:
    """Return the champion: the best F-beta, ties to the simpler.

    Who ran fewer folds than others was left behind, and is not chosen. A tie has two parts, since F-beta at a chosen
    threshold hardly moves with the model. In it all are level that no other candidate clearly beats: the interval of
    their paired difference holds 0. Of these, all are level in ranking of whom the same is true of the ROC-AUC. Of what
    is left the simplest wins: plainer features first, then the plainer sampler. The intervals are not widened for the
    number of candidates: this is a choice, not a finding.
    """
    able = [candidate for candidate in candidates if candidate.recipe is not None and candidate.recipe.obeys]
    whole = max(len(candidate.scores) for candidate in able)
    running = [candidate for candidate in able if len(candidate.scores) == whole]
    score, scored = fbeta_name(beta), {"held_out_share": 1 / folds, "confidence": confidence}
    best = max(running, key=lambda candidate: candidate.scores[score].mean())
    level = _unbeaten(running, score, scored)
    ranked = _unbeaten(level, "roc_auc", scored)
    champion, recipe, C = min(
        ((c, c.recipe, c.C) for c in ranked if c.recipe is not None and c.C is not None),
        key=lambda entry: (ENCODINGS.index(entry[1].encoding), SAMPLERS.index(entry[1].sampler)),
    )
    repeats = len(champion.scores) // folds
    behind = [candidate for candidate in able if len(candidate.scores) < whole]
    names = [[candidate.name for candidate in some] for some in (level, ranked, able, behind)]
    return Champion(
        champion, recipe, C, best.name, names[0], names[1], names[2], names[3], folds, repeats, beta, confidence
    )


def _unbeaten(candidates: Sequence[Candidate], score: str, scored: Mapping[str, float]) -> list[Candidate]:
    return [one for one in candidates if not any(_beats(other, one, score, scored) for other in candidates)]


def _beats(one: Candidate, other: Candidate, score: str, scored: Mapping[str, float]) -> bool:
    return resampled_interval((one.scores[score] - other.scores[score]).to_numpy(), **scored)[1] > 0


def _briers(y: np.ndarray, log_odds: np.ndarray, splits: Sequence[Split]) -> np.ndarray:
    """Return the Brier score of each fold; the calibration, two numbers to learn, is of all folds of its repeat."""
    errors = np.array([(SigmoidCalibration.fit(row, y)(row) - y) ** 2 for row in log_odds])
    return np.array([errors[k * len(log_odds) // len(splits), fold].mean() for k, (_, fold) in enumerate(splits)])
