"""Where the original's figures came from: its protocol rebuilt, and the steps from there to this project's figures."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.analysis.claim_list import load_claims
from loantap.data.columns import BY_NAME
from loantap.data.declarations import readable_level
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.tuning import exhibit_name
from loantap.exhibits.tuning_sentences import signed
from loantap.exhibits.words import columns, listed, percent, show
from loantap.model.original import CLAIMED_BETA, SCORES, Original
from loantap.model.study import Evaluation

Result = Mapping[str, Any]
_SOURCE = "LoanTap\\_V2.ipynb of the public repository Shubham680Dalal/loan\\_tap\\_repo"


def printed() -> dict[str, float]:
    """Return the scores that the original printed, by name."""
    return {claim.variable: claim.claimed for claim in load_claims() if claim.test == "metric" and claim.claimed}


def original_sentence(original: Result) -> str:
    """Return what the original's protocol arrives at on the loans at hand; takes the fields of `Original`."""
    test = original["test"]
    return (
        f"The original's protocol, rebuilt (penalty {original['penalty']}, C = {original['C']:g}, {show(original['rows'], 'count')} training "
        f"loans), has an F2 of {show(original['claimed_f2'], 'score')} over its held-out folds and {show(test['f2'], 'score')} on the test loans. "
        f"Its threshold equalises both error rates, which is not best for a score that counts a missed default {CLAIMED_BETA**2:g} times."
    )


def steps(original: Original, champion: Evaluation) -> Exhibit:
    """Show what the original printed, its protocol on the loans at hand, and what each step from there changes.

    A model without the pincode has no such table, since the original saw it.
    """
    if champion.inputs != "with_pincode":
        return Exhibit(
            text="The original saw the pincode: where its figures came from is told of the model that sees it too."
        )
    folds = original.folds
    rows: list[dict[str, Any]] = [
        {"step": "printed by the original, over its folds", **printed()},
        {
            "step": "its protocol rebuilt, over its folds",
            **{name: folds[name] for name in SCORES},
        },
    ]
    for step in original.steps:
        test = step["test"]
        row = {"step": step["step"], **{name: test[name] for name in (*SCORES, "roc_auc")}}
        ends = dict(zip(("f2_low", "f2_high"), test["ci"]["f2"], strict=True))
        rows.append(row | ends | {name: value for name, value in step.items() if name.startswith("difference")})
    test = champion.test
    last = {
        "step": "this project's champion",
        **{name: test[name] for name in (*SCORES, "roc_auc")},
    }
    rows.append(last | dict(zip(("f2_low", "f2_high"), test["ci"]["f2"], strict=True)))
    # Precision and ROC-AUC are in the file: a table of more columns is no table on a page.
    kinds = {"accuracy": "rate", "difference": "score"}
    shown = columns("step", "accuracy", "recall", "f2 with interval", "difference with interval", **kinds)
    claimed = printed()
    return Exhibit(
        exhibit_name("original", champion.inputs),
        title=f"The original printed an F2 of {show(claimed['f2'], 'score')}; its protocol, rebuilt on these loans, has {show(original.claimed_f2, 'score')}",
        caption=f"{percent(champion.confidence)} bootstrap intervals over {show(test['n'], 'count')} test loans, which the original never scored; "
        "difference: in F2 from the step before, on the same loans.",
        text=steps_sentence(vars(original)),
        table=pd.DataFrame(rows),
        columns=shown,
    )


def steps_sentence(original: Result) -> str:
    """Return where the protocol comes from, how near it comes to what was printed, and what each step from it changes."""
    claimed, folds = printed(), original["folds"]
    near = [
        f"{name.replace('f2', 'F2')} {show(folds[name], 'score')} ({show(claimed[name], 'score')})" for name in SCORES
    ]
    dropped = [_in_words(name) for name in original["dropped"]]
    moved = [
        f"{step['step']}: {signed(step['difference'])} ({signed(step['difference_low'])} to {signed(step['difference_high'])})"
        for step in original["steps"][1:]
    ]
    pruned = f"Pruning by variance inflation leaves out {listed(dropped)}. " if dropped else ""
    return (
        f"Source: {_SOURCE}. Rebuilt on these loans, held-out folds give {listed(near)}; what it printed stands in brackets. {pruned}"
        f"From there, F2 on the test loans changes step by step: {'; '.join(moved)}."
    )


def _in_words(name: str) -> str:
    """Return a column of the original: the label of a number, and the level of a category after its label."""
    column = max((known for known in BY_NAME if f"{name}_".startswith(f"{known}_")), key=len, default="")
    if not column:
        return name.replace("_", " ")
    return f"{BY_NAME[column].label} {readable_level(name.removeprefix(column).removeprefix('_'))}".strip()
