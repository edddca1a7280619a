"""What caps would have done to a run's test loans, asked from the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from loantap.data.columns import BY_NAME
from loantap.errors import InputError
from loantap.exhibits.decision import records
from loantap.exhibits.economics import told
from loantap.exhibits.words import interval, percent, show
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.decision import capacity_threshold
from loantap.model.economics import Economics
from loantap.model.persistence import load_model
from loantap.policy.book import LOAN_COLUMNS, make_book
from loantap.policy.composition import composition, expected_loss
from loantap.policy.fairness import fairness
from loantap.policy.groupings import words_of
from loantap.policy.levers import Cap, Lever, Threshold, Together
from loantap.policy.scenarios import scenarios, worst_corners
from loantap.policy.simulate import simulate
from loantap.policy.verdicts import APPROVE_ALL, NOT_LATER, verdicts
from loantap.runs.notebook_model import split_run
from loantap.runs.results import RunFolder, decision_sheet

CAPPED = tuple(
    name
    for name in LOAN_COLUMNS
    if name in BY_NAME and (BY_NAME[name].kind, BY_NAME[name].known) == ("number", "application")
)
_MIN_CELL = 10
_ASKED = "asked"
_NOT_ASKED = pd.DataFrame(columns=["name"])  # parts of the sheet that nobody looks at here


@dataclass(frozen=True)
class WhatIf:
    """The answer."""

    rules: list[str]  # what is asked about, in words
    effect: dict[str, Any]  # what it does, an entry of the decision sheet, see `loantap.exhibits.decision.records`
    beside: list[dict[str, Any]]  # entries to compare it with: refusing nobody, and the policies of the run
    gaps: list[str]  # for each kind of group, which good customers are refused more often than which, in words
    note: str  # what the answer rests on
    confidence: float = CONFIDENCE  # of the intervals


def parse_caps(texts: Sequence[str]) -> list[Cap]:
    """Return the caps of texts such as dti=25; raises InputError for another form, column or value."""
    caps = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        known = BY_NAME.get(name)
        if not equals or known is None or name not in CAPPED:
            raise InputError(f"--cap expected NAME=VALUE with NAME among {', '.join(CAPPED)}, got '{text}'.")
        try:
            limit = float(value)
        except ValueError:
            limit = float("nan")
        if not known.low <= limit <= min(known.high, 1e9):
            raise InputError(f"--cap {name}: expected {known.rule}, got '{value}'.")
        if known.unit.startswith("percent") and 0 < limit <= 1:
            raise InputError(
                f"--cap {name}: expected {known.unit}, got {value}, which looks like a fraction. Name {100 * limit:g}."
            )
        caps.append(Cap(name, limit))
    if len({cap.column for cap in caps}) < len(caps):
        raise InputError("--cap: expected each column once. The lower of two limits declines what both decline.")
    return caps


def what_if(
    run: RunFolder,
    caps: Sequence[Cap],
    *,
    threshold: float | None,
    capacity: float | None = None,
    repetitions: int,
    random_state: int,
) -> WhatIf:
    """Return what caps and thresholds would have done to the run's test loans.

    Profit is computed under the assumptions of the run's decision sheet, or without one under those of the model's card.

    Args:
        run: A run with a model.
        caps: Limits above which a loan is refused.
        threshold: Probability of default at and above which it is refused; None for none.
        capacity: Share of the training loans that may lie at and above one more threshold; None for none.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.

    Raises InputError for a run without a model.
    """
    model, sheet = load_model(run.path / "model"), decision_sheet(run) or {}
    saved = {one["name"]: one["default"] for one in sheet["assumptions"]} if sheet else model.card.get("economics", {})
    economics, confidence = Economics(**saved), sheet.get("confidence", CONFIDENCE)
    training, test = split_run(run, model)
    book = make_book(test, model.probability(test), economics)
    levers: list[Lever] = [*caps, *([] if threshold is None else [Threshold("asked", threshold)])]
    if capacity is not None:  # the model's own was chosen out of fold
        of_model = model.metadata.capacity_threshold
        own = capacity == model.metadata.capacity
        limit = of_model if own else capacity_threshold(model.probability(training), capacity)
        levers.append(Threshold("capacity", limit))
    everyone, asked_rule = Together(APPROVE_ALL, "approve all"), Together(_ASKED, "asked rule", tuple(levers))
    policies: dict[str, Lever] = {APPROVE_ALL: everyone, _ASKED: asked_rule}
    refusals = {name: policy.refuses(book) for name, policy in policies.items()}
    drawn = {"repetitions": repetitions, "random_state": random_state, "confidence": confidence}
    effects, varied = simulate(book, refusals, **drawn), scenarios(book, refusals)
    gaps = fairness(book, refusals, min_cell=_MIN_CELL, confidence=confidence).gaps
    nobody, asked = records(
        policies, effects=effects, verdicts=verdicts(effects, varied, None), composition=composition(book, refusals, min_cell=_MIN_CELL),
        scenarios=varied, corners=worst_corners(book, refusals), later=None, first_month=None, stress=_NOT_ASKED, turns=_NOT_ASKED,
        expected_loss=expected_loss(book, refusals), gaps=gaps,
    )  # fmt: skip
    if asked["why"] == NOT_LATER:
        asked["reasons"] = [
            "It was tried on these very loans, so they cannot show its gain. That takes loans that had no part in choosing it."
        ]
    others = [entry for entry in sheet.get("policies", []) if entry["name"] != APPROVE_ALL]
    wide = gaps[(gaps["rule"] == _ASKED) & (gaps["gap"] > 0)]
    declined_more = [
        f"Good customers declined, by {words_of(row['attribute'])}: {row['highest']} {show(row['gap'], 'rate').removesuffix('%')} percentage points "
        f"more often than {row['lowest']} ({interval(row['gap_low'], row['gap_high'], 'rate')})."
        for row in wide.to_dict("records")
    ]
    note = _note(run, asked, economics, confidence, others=bool(others))
    return WhatIf([lever.rule for lever in levers], asked, [nobody, *others], declined_more, note, confidence)


def _note(run: RunFolder, asked: Mapping[str, Any], economics: Economics, confidence: float, *, others: bool) -> str:
    made = " Synthetic loans." if run.is_synthetic else ""
    beside = (
        " The interval of its gain stands alone; those of the run's own policies hold for all of them at once."
        if others
        else ""
    )
    return (
        f"On n = {show(asked['n'], 'count')} test loans of run {run.path.name}, which the model was not made from; {percent(confidence)} bootstrap intervals.{beside} "
        f"Assumed: {told(economics)}. A limit chosen on these very loans promises more than it will earn.{made}"
    )
