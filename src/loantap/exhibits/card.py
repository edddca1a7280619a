"""The model card: what a saved model is, for whom, how good, and what it must not be used for. As JSON, and as a page."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.exhibits.economics import referred_sentence, told
from loantap.exhibits.heads import head
from loantap.exhibits.single_page import single_page
from loantap.exhibits.words import bullets, columns, estimate, percent, plain, show, to_markdown
from loantap.jsonable import jsonable
from loantap.model.economics import Economics
from loantap.model.evaluation import fbeta_name
from loantap.model.study import Evaluation

_USES = (
    "Ranking applications by risk, and asking what a threshold would do.",
    "Sending an application to a person: the model refers, it does not decline.",
)
_MISUSES = (
    "Deciding alone on a person.",
    "Applicants unlike those once approved: declined applicants are not in the data.",
    "Replacing the lender's own pricing: the model learns from that judgement, since the sub-grade is an input.",
    "Reading its reasons as causes: they say what moves the score.",
)
_LIMITS = (
    "Home ownership and income may stand in for what the law protects: compare the groups before use.",
    "Of the latest loans, only those that ended early are in the data.",
    "What was recovered after a default is not in the data; the profit threshold rests on an assumed loss.",
)
_FEATURES = {"woe": "weight-of-evidence"}
SYNTHETIC = "::: notice\nMade from synthetic loans: for trials only. Decide nothing about real people with it.\n:::"


def model_card(
    facts: Mapping[str, Any],
    result: Mapping[str, Any],
    evaluation: Evaluation,
    ladder: pd.DataFrame,
    features: list[str],
) -> dict[str, Any]:
    """Return the model card.

    Args:
        facts: Of the run that made the model: run_id, git_commit, made_at, synthetic, data, sample, leaks.
        result: The model's part of `results/model.json`.
        evaluation: How it did on the test loans.
        ladder: How it compares with rules and other models, see `loantap.exhibits.comparisons.ladder`.
        features: Its inputs.
    """
    same = ("train_rows", "split", "threshold", "threshold_rule", "profit_threshold", "profit_threshold_rule", "capacity",
            "capacity_threshold", "capacity_threshold_rule", "referred")  # fmt: skip
    unequal = ("brier_uncalibrated", "expected_calibration_error_uncalibrated")
    facts_of = {name: facts[name] for name in ("run_id", "git_commit", "made_at", "synthetic", "data", "sample")}
    recipe = {name: result[name] for name in ("obeys", "unknown", "without")}
    card = {
        "name": "Probability of default of a loan application", **facts_of, "uses": _USES, "misuses": _MISUSES, "limits": _LIMITS,
        "features": features, "not_features": [{"column": name, "why": one.why} for name, one in BY_NAME.items() if not one.feature],
        "leaks": facts["leaks"],
        "recipe": {"encoding": result["features"], "sampler": result["sampler"], **result["best_params"], **recipe},
        **{name: result[name] for name in (*same, "economics", "test")},
        "calibration": {**result["calibration"], "deciles": evaluation.deciles, **{name: result[name] for name in unequal}},
        "rivals": ladder[["name", "rule", evaluation.score, "difference", "difference_low", "difference_high"]], "groups": evaluation.groups,
        **{name: result[name] for name in ("out_of_time", "beta", "confidence")},
    }  # fmt: skip
    return jsonable(card)


def card_page(card: Mapping[str, Any]) -> str:
    """Return the model card as an HTML page that needs nothing else."""
    test, later, level = card["test"], card["out_of_time"], percent(card["confidence"])
    scores = [
        {"metric": head(name), "estimate": test[name], "ci_low": low, "ci_high": high}
        for name, (low, high) in test["ci"].items()
    ]
    rivals = pd.DataFrame([line for line in card["rivals"] if line["difference"] is not None])
    kinds: Any = dict.fromkeys(("ci_low", "ci_high", "difference", "difference_low", "difference_high"), "score")
    groups = columns("factor", "group", "n", "default_rate", "recall", "false_positive_rate", "roc_auc")
    out_of_time = ""
    if later:
        auc = estimate(later["test"]["roc_auc"], *later["test"]["ci"]["roc_auc"], kind="score")
        out_of_time = f"On loans funded from {later['first_month'][:7]} on, fitted on earlier ones: ROC-AUC {auc}."
    parts = [
        f"# Model card: {card['name']}", SYNTHETIC if card["synthetic"] else "", made(card),
        f"Run {plain(card['run_id'] or 'without a manifest')}, begun {card['made_at'] or 'at a time not noted'}.",
        "## What it is for", bullets(card["uses"]),
        "## What it is not for", bullets(card["misuses"]),
        "## How good it is", f"On n = {test['n']:,} test loans, which nothing was chosen on; {level} bootstrap intervals.",
        to_markdown(pd.DataFrame(scores), columns("metric", "estimate", "ci_low", "ci_high", **kinds)),
        f"Its {fbeta_name(card['beta']).upper()} minus that of a rule or rival on the same loans, paired ({level} bootstrap intervals):",
        to_markdown(rivals, columns("rule", "difference", "difference_low", "difference_high", **kinds)), out_of_time,
        "## Does it treat some groups worse?", "At its threshold. Small groups are pooled.", to_markdown(pd.DataFrame(card["groups"]), groups),
        "## What it looks at", bullets([FEATURE_BY_NAME[name].label for name in card["features"]]), conduct(card["recipe"]),
        "Columns that are no features, and why:", bullets([f"{plain(line['column'])}: {line['why']}" for line in card["not_features"]]),
        leaks_told(card["leaks"]),
        "## Limits", bullets(card["limits"]),
    ]  # fmt: skip
    return single_page(card["name"], [part for part in parts if part])


def made(card: Mapping[str, Any]) -> str:
    """Say what the model is, what it was fitted on, and from where on it refers an application."""
    recipe, rows = card["recipe"], card["data"]["rows"]
    sampled = {"none": "no resampling", "class_weights": "class weights"}.get(recipe["sampler"], recipe["sampler"])
    return (
        f"A logistic regression ({_FEATURES.get(recipe['encoding'], recipe['encoding'])} features, {sampled}, penalty "
        f"{recipe['penalty']}, C = {recipe['C']:g}), fitted on {show(card['train_rows'], 'count')} of {show(rows, 'count')} finished loans, "
        f"with calibrated probabilities of default. {card['sample']}\n\n"
        f"{referred_sentence(card)} The first is in use ({card['threshold_rule']}): whoever reaches it is sent to a person. "
        f"The profit threshold assumes that {told(Economics(**card['economics']))}."
    )


def conduct(recipe: Mapping[str, Any]) -> str:
    """Say what the model keeps to, and what it does not look at."""
    kept = "Its signs are free: a change for the worse may lower a probability."
    if recipe["obeys"]:
        kept = "It keeps the declared directions: no change for the worse lowers a probability."
    unknown = "A value left out counts as a risky one."
    if recipe["unknown"] == "learned":
        unknown = "A value left out counts as it did in the training loans, whatever the reason was then."
    left = ", ".join(FEATURE_BY_NAME[name].label for name in recipe["without"])
    return f"{kept} {unknown}" + (f" It does not use these inputs, of which nothing was left: {left}." if left else "")


def leaks_told(leaks: list[str] | None) -> str:
    """Say which columns gave the outcome away in the run."""
    if leaks is None:
        return "No search for leaks was made in this run."
    return f"Columns that gave the outcome away in this run: {', '.join(leaks) or 'none'}. No leak is a feature."
