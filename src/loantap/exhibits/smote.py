"""The tuned logistic regression with SMOTE: how it was chosen, what it decides and how good it is, beside the champion."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.heads import head
from loantap.exhibits.scores import tested
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.tuning_sentences import change
from loantap.exhibits.words import by_name, columns, percent, show
from loantap.model.study import Evaluation
from loantap.model.tuning import Tuned

_COUNTS = ("tn", "fp", "fn", "tp")
NAME = "tuned SMOTE"  # among the rivals of the champion


def beside_the_champion(
    champion: Evaluation, smote: Evaluation, tuned: Tuned, ladder: pd.DataFrame, paired: Mapping[str, float]
) -> Exhibits:
    """Show what the search chose, what both models decide, and every score of both.

    Args:
        champion: How it does on the test loans.
        smote: How the tuned SMOTE model does on them.
        tuned: Its search.
        ladder: From `comparisons.ladder`, with the paired difference in F-beta.
        paired: From `paired_differences`, the champion less the SMOTE model.
    """
    level, score = percent(champion.confidence), champion.score
    decided = pd.DataFrame(
        {"name": name, "penalty": one.model.penalty, "C": one.model.C, "threshold": one.model.threshold}
        | one.test["confusion"]
        | {f"{name}_{end}": value for name, ends in one.test["confusion_ci"].items() for end, value in zip(("low", "high"), ends, strict=True)}
        for name, one in (("Champion", champion), ("SMOTE, tuned", smote))
    )  # fmt: skip
    verdict = _verdict(
        by_name(ladder)[NAME],
        "difference",
        above="lies above",
        below="lies below",
        differs="is not shown to differ from",
    )
    kinds: Any = dict.fromkeys(_COUNTS, "count") | {"C": "text"}
    counts = Exhibit(
        exhibit_name("smote", champion.inputs), f"{score.upper()} of the SMOTE model {verdict} the champion's",
        f"At the {score.upper()} threshold of each, chosen out of fold on training loans; {tested(champion)}, {level} bootstrap intervals.",
        text=sentence(champion, smote, tuned, ladder, paired), table=decided,
        columns=columns("name", "penalty", "C", "threshold", *(f"{name} with interval" for name in _COUNTS), **kinds),
    )  # fmt: skip
    rows = [
        {"metric": head(name)}
        | {f"{of}{end}": value for of, one in (("champion", champion.test), ("smote", smote.test)) for end, value in zip(("", "_low", "_high"), (one[name], *one["ci"][name]), strict=True)}
        for name in champion.test["ci"]
    ]  # fmt: skip
    scores = Exhibit(
        exhibit_name("smote-scores", champion.inputs), "Every score of the champion and of the tuned SMOTE model",
        f"{tested(champion)}; {level} bootstrap intervals ({champion.repetitions} repetitions), each model by itself.",
        table=pd.DataFrame(rows), columns=columns("metric", "champion with interval", "smote with interval", champion="score"),
    )  # fmt: skip
    return together(counts, scores)


def _verdict(row: Mapping[str, Any], name: str, *, above: str, below: str, differs: str) -> str:
    """Return where the SMOTE model lies; differences are the champion's less its own."""
    return below if row[f"{name}_low"] > 0 else above if row[f"{name}_high"] < 0 else differs


def sentence(
    champion: Evaluation, smote: Evaluation, tuned: Tuned, ladder: pd.DataFrame, paired: Mapping[str, float]
) -> str:
    """Return what was asked for, what the search chose, and how far from the champion it ends; takes what the exhibit does."""
    score = champion.score
    in_score, in_ranking = (
        f"{_verdict(row, name, above='above', below='below', differs='not shown to differ from')} the champion's "
        f"({change(row, name, reverse=True).replace(' (', ', ')}"
        for row, name in ((by_name(ladder)[NAME], "difference"), (paired, "roc_auc_difference"))
    )
    fitted = ""
    if smote.model.train_rows < champion.model.train_rows:
        fitted = f"It is fitted on {show(smote.model.train_rows, 'count')} of the training loans, drawn at random. "
    return (
        f"The search tried {len(tuned.grid)} settings and chose penalty {tuned.best['penalty']} with C = {tuned.best['C']:g}. {fitted}"
        f"At its threshold of {show(smote.model.threshold, 'rate')} it flags {show(smote.referred['threshold'], 'rate')} of the test loans; "
        f"the champion flags {show(champion.referred['threshold'], 'rate')}. "
        f"Its {score.upper()} is {show(smote.test[score], 'score')}, {in_score}. "
        f"Its ROC-AUC is {show(smote.test['roc_auc'], 'score')}, {in_ranking}. "
        "Its signs are free, and it learns what a missing value does; a promotion would ask first whether a change for the worse scores better."
    )
