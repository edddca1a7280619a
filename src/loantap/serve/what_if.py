"""What caps would have done to a run's test loans, asked from the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loantap.data.columns import BY_NAME
from loantap.decisions.policy.book import LOAN_COLUMNS, make_book
from loantap.decisions.policy.fairness import fairness
from loantap.decisions.policy.levers import Cap, Lever, Threshold, refused_by
from loantap.decisions.policy.simulate import simulate
from loantap.errors import InputError
from loantap.exhibits.decision import rows_by_name
from loantap.exhibits.economics import told
from loantap.exhibits.words import interval, percent, show
from loantap.model.bootstrap import CONFIDENCE
from loantap.model.economics import Economics
from loantap.model.persistence import load_model
from loantap.report.notebook_model import split_run
from loantap.report.results import RunFolder

CAPPED = tuple(
    name
    for name in LOAN_COLUMNS
    if name in BY_NAME and (BY_NAME[name].kind, BY_NAME[name].known) == ("number", "application")
)
_MIN_CELL = 10


@dataclass(frozen=True)
class WhatIf:
    """The answer.

    Attributes:
        rules: What is asked about, in words.
        effect: What it does, see `loantap.decisions.policy.simulate.simulate`, with the share refused.
        gaps: For each kind of group, which good customers are refused more often than which, in words.
        note: What the answer rests on.
        confidence: Of the intervals.
    """

    rules: list[str]
    effect: dict[str, Any]
    gaps: list[str]
    note: str
    confidence: float = CONFIDENCE


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
        raise InputError("--cap: expected each column once. The lower of two limits refuses what both refuse.")
    return caps


def what_if(
    run: RunFolder, caps: Sequence[Cap], *, threshold: float | None, repetitions: int, random_state: int
) -> WhatIf:
    """Return what caps and a threshold would have done to the run's test loans, under the assumptions of its model's card.

    Args:
        run: A run with a model.
        caps: Limits above which a loan is refused.
        threshold: Probability of default at and above which it is refused; None for none.
        repetitions: Bootstrap repetitions.
        random_state: Their seed.

    Raises InputError for a run without a model.
    """
    model = load_model(run.path / "model")
    economics = Economics(**model.card.get("economics", {}))
    _, test = split_run(run, model)
    book = make_book(test, model.probability(test), economics)
    levers: list[Lever] = [*caps, *([] if threshold is None else [Threshold("asked", threshold)])]
    refused = refused_by(levers, book)
    effect = rows_by_name(simulate(book, {"asked": refused}, repetitions=repetitions, random_state=random_state))[
        "asked"
    ]
    gaps = fairness(book, {"asked": refused}, min_cell=_MIN_CELL).gaps
    made = " Synthetic loans." if run.is_synthetic else ""
    return WhatIf(
        [lever.rule for lever in levers],
        effect,
        [_gap({str(name): value for name, value in row.items()}) for row in gaps[gaps["gap"] > 0].to_dict("records")],
        f"On n = {show(len(refused), 'count')} test loans of run {run.path.name}, which the model was not made from; {percent(CONFIDENCE)} bootstrap intervals. "
        f"Assumed: {told(economics)}. A limit chosen on these very loans promises more than it will bring.{made}",
    )


def _gap(row: dict[str, Any]) -> str:
    return (
        f"Good customers refused, by {str(row['attribute']).replace('_', ' ')}: {row['highest']} {show(row['gap'], 'rate').removesuffix(' %')} points more often than "
        f"{row['lowest']} ({interval(row['gap_low'], row['gap_high'], 'rate')})."
    )
