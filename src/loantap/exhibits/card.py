"""The model card: what a saved model is, for whom, how good, and what it must not be used for. As JSON, and as a page."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.analysis.leaks import LEAK
from loantap.data.columns import BY_NAME
from loantap.exhibits.economics import told
from loantap.exhibits.single_page import single_page
from loantap.exhibits.words import interval, show, to_markdown
from loantap.exhibits.words import plain as escape_markdown
from loantap.model.economics import Economics
from loantap.model.study import Judged
from loantap.report.results import RunFolder, plain

_USES = (
    "Ranking applications by risk, and asking what a threshold would do.",
    "Sending an application to a person: the model refers, it does not refuse.",
)
_MISUSES = (
    "Deciding alone on a person.",
    "Applicants unlike those once approved: the refused are not in the data.",
    "Replacing the lender's own pricing: sub-grade, rate and installment are inputs, and the model learns from that judgement.",
    "Reading its reasons as causes: they say what moves the score.",
)
_LIMITS = (
    "Home ownership and income may stand in for what the law protects; compare the groups below before use.",
    "Of the latest loans only those that ended early are in the data.",
    "What was recovered after a default is not in the data; the profit threshold rests on an assumed loss.",
)
_SCORES = {"metric": "text", "estimate": "score", "ci_low": "score", "ci_high": "score"}
_RULES = {"rule": "text", "difference": "score", "difference_low": "score", "difference_high": "score"}
_GROUPS = {
    "factor": "text", "group": "text", "n": "count", "default_rate": "rate", "recall": "rate", "false_positive_rate": "rate",
    "roc_auc": "score",
}  # fmt: skip


def model_card(
    run: RunFolder, result: Mapping[str, Any], judged: Judged, ladder: pd.DataFrame, features: list[str]
) -> dict[str, Any]:
    """Return the model card.

    Args:
        run: The run that made the model.
        result: The model's part of `results/model.json`.
        judged: How it did on the test loans.
        ladder: How it compares with rules and rivals, see `loantap.exhibits.tuning_tables.ladder`.
        features: Its inputs.
    """
    # A model that was made on a bench is none of the run whose loans it saw.
    manifest = {"run_id": run.bench} if run.on_bench else run.manifest()
    data = run.data
    leaks = run.result("leaks") if run.find("results", "leaks.json").is_file() else None
    return plain(
        {
            "name": "Probability of default of a loan application",
            "run_id": manifest.get("run_id"),
            "git_commit": manifest.get("git_commit"),
            "made_at": manifest.get("started_at"),
            "synthetic": run.is_synthetic,
            "data": {name: data.get(name) for name in ("kind", "sha256", "rows", "defaults", "period")},
            "sample": run.model_note(),
            "uses": _USES,
            "misuses": _MISUSES,
            "limits": _LIMITS,
            "features": features,
            "not_features": [
                {"column": name, "why": column.why} for name, column in BY_NAME.items() if not column.feature
            ],
            "leaks": None
            if leaks is None
            else [line["column"] for line in leaks["columns"] if line["verdict"] == LEAK],
            "recipe": {"encoding": result["features"], "sampler": result["sampler"], **result["best_params"]},
            "train_rows": result["train_rows"],
            "split": result["split"],
            "threshold": result["threshold"],
            "threshold_rule": result["threshold_rule"],
            "profit_threshold": result["profit_threshold"],
            "profit_threshold_rule": result["profit_threshold_rule"],
            "economics": result["economics"],
            "test": result["test"],
            "calibration": {
                **result["calibration"],
                "deciles": judged.deciles,
                "brier_uncalibrated": result["brier_uncalibrated"],
                "expected_calibration_error_uncalibrated": result["expected_calibration_error_uncalibrated"],
            },
            "rivals": ladder[["name", "rule", "f2", "difference", "difference_low", "difference_high"]],
            "groups": judged.groups,
            "out_of_time": result["out_of_time"],
        }
    )


def card_page(card: Mapping[str, Any]) -> str:
    """Return the model card as an HTML page that needs nothing else."""
    return single_page(card["name"], _sections(card))


def _sections(card: Mapping[str, Any]) -> list[str]:
    test, rows, recipe = card["test"], card["data"]["rows"], card["recipe"]
    sampled = {"none": "no resampling", "class_weights": "class weights"}.get(recipe["sampler"], recipe["sampler"])
    scores = [
        {"metric": name.replace("_", " "), "estimate": test[name], "ci_low": low, "ci_high": high}
        for name, (low, high) in test["ci"].items()
    ]
    rivals = [line for line in card["rivals"] if line["difference"] is not None]
    notice = "::: notice\nMade from synthetic loans, not from loans that were lent: for trying things out only.\n:::"
    later = card["out_of_time"]
    parts = [
        f"# Model card: {card['name']}",
        notice if card["synthetic"] else "",
        f"A logistic regression ({recipe['encoding']} features, {sampled}, penalty "
        f"{recipe['penalty']}, C = {recipe['C']:g}), fitted on {show(card['train_rows'], 'count')} of {show(rows, 'count')} finished loans, "
        f"with calibrated probabilities of default. It refers an application to a person at {show(card['threshold'], 'rate')} or more "
        f"({card['threshold_rule']}). For the largest profit, if {told(Economics(**card['economics']))}, "
        f"that would be {show(card['profit_threshold'], 'rate')}. {card['sample']}",
        f"Run {escape_markdown(card['run_id'] or 'without a manifest')}, begun {card['made_at'] or 'at a time not noted'}.",
        "## What it is for", _listed(card["uses"]),
        "## What it is not for", _listed(card["misuses"]),
        "## How good it is",
        f"On n = {show(test['n'], 'count')} test loans, which nothing was chosen on; 95 % bootstrap intervals.",
        to_markdown(pd.DataFrame(scores), _SCORES),
        "Its F2 less that of a rule or a rival on the same loans, paired (95 % bootstrap intervals):",
        to_markdown(pd.DataFrame(rivals), _RULES),
    ]  # fmt: skip
    if later:
        parts.append(
            f"On loans funded from {later['first_month'][:7]} on, fitted on earlier ones: ROC-AUC {show(later['test']['roc_auc'], 'score')} "
            f"({interval(later['test']['ci']['roc_auc'][0], later['test']['ci']['roc_auc'][1], 'score')})."
        )
    parts += [
        "## Whom it serves worse",
        "At its threshold; small groups are pooled.",
        to_markdown(pd.DataFrame(card["groups"]), _GROUPS),
        "## What it looks at",
        _listed([name.replace("_", " ") for name in card["features"]]),
        "Columns that are no features, and why:",
        _listed([f"{escape_markdown(line['column'])}: {line['why']}" for line in card["not_features"]]),
        _leaks(card["leaks"]),
        "## Limits",
        _listed(card["limits"]),
    ]
    return [part for part in parts if part]


def _leaks(leaks: list[str] | None) -> str:
    if leaks is None:
        return "No search for leaks was made in this run."
    return f"Columns that gave the outcome away in this run: {', '.join(leaks) or 'none'}. No leak is a feature."


def _listed(items: Any) -> str:
    return "\n".join(f"- {item}" for item in items)
