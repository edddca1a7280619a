"""What a model is compared with: simple rules, the original's protocol, and itself on later loans."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.original import original_sentence
from loantap.exhibits.scores import tested
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.tuning_sentences import signed
from loantap.exhibits.words import by_name, capital, columns, listed, percent, show
from loantap.model.fitted import OutOfTime
from loantap.model.original import Original
from loantap.model.study import Evaluation

Result = Mapping[str, Any]
_SHOWN = {"reject all": "decline all", "pincode": "by pincode", "grade": "by grade"}


def ladder(
    *,
    champion: Evaluation,
    smote: Evaluation,
    card: Evaluation | None = None,
    original: Original,
    baselines: Sequence[Result],
    differences: pd.DataFrame,
) -> pd.DataFrame:
    """Return F-beta of models and rules on the same test loans, one row each, and the champion's less each other's."""
    score = champion.score
    candidates: list[Result] = [
        {"name": "champion", "rule": "the model in use", "test": champion.test},
        {"name": "tuned SMOTE", "rule": "logistic regression with SMOTE, calibrated", "test": smote.test},
        *([{"name": "scorecard", "rule": "points for bins of each input", "test": card.test}] if card else []),
        {
            "name": "original protocol",
            "rule": "rebuilt: pruned columns, SMOTE, threshold where both error rates meet",
            "test": original.test,
        },
        *baselines,
    ]
    table = pd.DataFrame(
        {"name": candidate["name"], "rule": candidate["rule"], score: candidate["test"][score]}
        | dict(zip(("ci_low", "ci_high"), candidate["test"]["ci"][score], strict=True))
        | {name: candidate["test"][name] for name in ("recall", "precision", "brier")}
        for candidate in candidates
    ).merge(differences, on="name", validate="one_to_one")
    return table.assign(name=table["name"].str.replace("_", " "))


def _compared_title(table: pd.DataFrame, score: str) -> str:
    """Return how many of the others the champion beats, and whether any beats it."""
    others = table[table["name"] != "champion"].replace({"name": _SHOWN})
    beaten, better = (others["difference_low"] > 0).sum(), others.loc[others["difference_high"] < 0, "name"].tolist()
    rest = f"; {listed(better)} {'does' if len(better) == 1 else 'do'} better" if better else ""
    return f"On {score.upper()} the champion beats {beaten} of {len(others)} rivals{rest}"


def compared(table: pd.DataFrame, result: Evaluation, original: Original, rules: Sequence[str]) -> Exhibit:
    """Show how the champion stands against models and rules; takes what `ladder` returns, and the names of the rules."""
    score = result.score
    kinds = {score: "score", "difference": "score"}
    shown = columns("name", "rule", f"{score} with interval", "difference with interval", **kinds)
    return Exhibit(
        exhibit_name("baselines", result.inputs),
        title=_compared_title(table, score),
        caption=f"{tested(result)}; {percent(result.confidence)} bootstrap intervals, models and rules as they are; difference: the "
        f"champion's {score.upper()} minus the rival's, paired over the loans.",
        text=f"{original_sentence(vars(original))}\n\n{baseline_sentence(table, result, rules)}",
        table=table.assign(name=table["name"].replace(_SHOWN).map(capital)),
        columns=shown,
    )


def baseline_sentence(table: pd.DataFrame, result: Evaluation, rules: Sequence[str]) -> str:
    """Return how the champion stands against each simple rule, on the same loans; rules that decide alike count once."""
    known = by_name(table)
    # The draws are the same for all, so only the same decisions have the same difference and interval.
    alike: dict[tuple[float, ...], list[str]] = {}
    for rule in rules:
        row = known[rule.replace("_", " ")]
        ends = tuple(row[f"difference{end}"] for end in ("", "_low", "_high"))
        alike.setdefault(ends, []).append(f"*{row['rule']}*")
    parts = []
    for (difference, low, high), named in alike.items():
        verdict = "beats" if low > 0 else "loses to" if high < 0 else "is neither shown to beat nor to lose to"
        which = f"the rule {named[0]}" if len(named) == 1 else f"the same decisions by {' or '.join(named)}"
        parts.append(f"{verdict} {which} ({signed(difference)}, {signed(low)} to {signed(high)})")
    return f"On {result.score.upper()} the champion {'; '.join(parts)}. Differences are paired over the test loans (bootstrap)."


def later(result: Evaluation, found: OutOfTime | None, *, most_rows: int, rows: int) -> Exhibit:
    """Show what becomes of the model on later loans.

    Args:
        result: How it does on test loans of the same months.
        found: How the same recipe does on later loans, fitted on earlier ones.
        most_rows: Most earlier loans that calibration and threshold were chosen on.
        rows: Training loans that the first model's were chosen on.
    """
    cases: list[tuple[str, Evaluation | OutOfTime]] = [("the same months", result)]
    if found is not None:
        cases.append((f"from {found.first_month:%B %Y} on", found))
    score = result.score
    table = pd.DataFrame(
        {"loans_of": label, "n": one.test["n"], "default_rate": one.default_rate, "predicted": one.predicted, "brier": one.test["brier"]}
        | {f"{name}{end}": value for name in ("roc_auc", score)
           for end, value in zip(("", "_low", "_high"), (one.test[name], *one.test["ci"][name]), strict=True)}
        for label, one in cases
    )  # fmt: skip
    compared = ""
    if found:
        earlier = show(min(most_rows, found.train_rows), "count")
        compared = (
            "Both rows use the same features, sampler and C, chosen on all months. Calibration and threshold come from "
            f"{show(rows, 'count')} training loans above and {earlier} earlier loans below."
        )
    title = later_title(result.test, found)
    caption = f"{percent(result.confidence)} bootstrap intervals, models as fitted. {compared}".rstrip()
    shown = columns(
        "loans_of", "n", "default_rate", "predicted", "roc_auc with interval", score, "brier", **{score: "score"}
    )
    return Exhibit(exhibit_name("out-of-time", result.inputs), title, caption, table=table, columns=shown)


def later_title(test: Result, found: OutOfTime | None) -> str:
    """Return what becomes of the model on later loans, in one line."""
    if found is None:
        return "Too few loans before or after the last months to judge the model on later ones"
    return (
        f"On later loans ROC-AUC is {show(found.test['roc_auc'], 'score')} ({show(test['roc_auc'], 'score')} on the same months); "
        f"{show(found.default_rate, 'rate')} defaulted, {show(found.predicted, 'rate')} were predicted to"
    )
