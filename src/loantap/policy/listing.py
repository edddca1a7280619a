"""The policies that a committee chooses between, all made from a training book, in one list."""

from collections.abc import Mapping

import numpy as np

from loantap.model.decision import best_profit_threshold, capacity_threshold
from loantap.model.economics import Economics
from loantap.model.evaluation import Predictions
from loantap.model.persistence import SavedModel
from loantap.policy.book import Book
from loantap.policy.design import Policy
from loantap.policy.fairness import GoodCustomers
from loantap.policy.levers import Lever, OwnPrice, RequiredReturn, Threshold, Together
from loantap.policy.verdicts import APPROVE_ALL, COMBINED, LEAST_DISPARATE, PLAIN, RISK_CUT_OFF

_SHARES = np.arange(5, 65, 5) / 100  # of the training book, refused by rules that are tried for their disparity


def listed(
    training: Book,
    designed: Policy,
    *,
    thresholds: Mapping[str, float],
    score: str,
    required_return: float,
    forgone: float,
    min_cell: int,
) -> dict[str, Lever]:
    """Return the policies by name, those that nothing was found for left out.

    Args:
        training: The loans that they are made from.
        designed: What `design_policy` found there.
        thresholds: As from `model_thresholds`.
        score: What the model's own threshold is best for, in words.
        required_return: The least expected return a year on the balance, above the cost of money, as a fraction.
        forgone: Share of the largest gain that may be given up for less disparity.
        min_cell: The smallest count that may be concluded from.
    """
    own = OwnPrice()
    as_many = risk_cut_off(training, own.refuses(training))
    single = [
        Together(APPROVE_ALL, "approve all"),
        Threshold("f2", thresholds["f2"], score),
        Threshold("profit", thresholds["profit"]),
        Threshold("capacity", thresholds["capacity"]),
        own,
        Together(RISK_CUT_OFF, "risk cut-off", (Threshold("risk", as_many),), f" (as many as by {own.title})"),
        RequiredReturn(required_return),
        Together(COMBINED, "limits combined", designed.combination.adopted),
        Together(PLAIN, "limits without the model", designed.plain.adopted),
    ]
    policies: dict[str, Lever] = {lever.id: lever for lever in single if not _is_empty(lever)}
    for name, one in designed.found.items():
        if one.lever is not None:
            policies.setdefault(name, one.lever)
    fairest = least_disparate(training, list(policies.values()), forgone=forgone, min_cell=min_cell)
    if fairest is not None:
        note = f" (the most even rule within {100 * forgone:g}% of the largest gain)"
        policies[LEAST_DISPARATE] = Together(LEAST_DISPARATE, "least disparate", (fairest,), note)
    return policies


def risk_cut_off(training: Book, refused: np.ndarray) -> float:
    """Return the probability at and above which as many loans are refused as a rule refuses, the nearest below where some are equal."""
    count = int(refused.sum())
    return float(np.sort(training.probability)[::-1][count - 1]) if count else float(np.nextafter(1.0, 2.0))


def least_disparate(training: Book, levers: list[Lever], *, forgone: float, min_cell: int) -> Lever | None:
    """Return the rule with the highest worst approval ratio among those that gain nearly as much as the best on the training book.

    Tried are the levers, cut-offs by risk and required returns that refuse 5 to 60% of the loans. None where no rule gains.

    Args:
        training: The loans that the rule is chosen on.
        levers: Rules.
        forgone: Share of the largest gain that may be given up.
        min_cell: The smallest count that may be concluded from.
    """
    a_year = training.expected / training.expected_balance
    tried = [
        *levers,
        *(Threshold("risk", float(at)) for at in np.quantile(training.probability, 1 - _SHARES).round(4)),
        *(RequiredReturn(float(at)) for at in np.quantile(a_year, _SHARES).round(4)),
    ]
    gains = np.array([0 - training.realised[lever.refuses(training)].sum() for lever in tried])
    if not gains.max() > 0:
        return None
    people = GoodCustomers.of(training, min_cell=min_cell)
    near = [lever for lever, gain in zip(tried, gains, strict=True) if gain >= (1 - forgone) * gains.max()]
    ratios = [people.worst_ratio(lever.refuses(training)) for lever in near]
    return None if np.isnan(ratios).all() else near[int(np.nanargmax(ratios))]


def _is_empty(lever: Lever) -> bool:
    return isinstance(lever, Together) and not lever.levers and lever.id != APPROVE_ALL


def model_thresholds(model: SavedModel, training: Book) -> dict[str, float]:
    """Return the model's thresholds for its own score, by the name f2, for profit, and for the capacity of those who look at applications.

    All are the model's own, chosen out of fold; where it was made under other assumptions than the book's, the one for
    profit is chosen anew, on the training book.
    """
    same = Economics(**model.card["economics"]) == training.economics if "economics" in model.card else False
    profit = model.metadata.profit_threshold if same else best_profit_threshold(training.probability, training.realised)
    return {"f2": model.threshold, "profit": profit, "capacity": model.metadata.capacity_threshold}


def threshold_score(model: SavedModel) -> str:
    """Return the score that the model's own threshold is best for, in words: F2, if its card names no other beta."""
    return f"F{model.card.get('beta', 2):g}"


def thresholds_on(book: Book, *, beta: float, capacity: float) -> dict[str, float]:
    """Return the same three as a book itself suggests them, for a model that is judged out of time.

    Args:
        book: The earlier loans, in sample.
        beta: Of the F-beta score.
        capacity: Share of the applications that can be looked at.
    """
    f2 = Predictions.of(book.default.astype(int), book.probability, beta=beta).best_threshold()
    return {
        "f2": f2,
        "profit": best_profit_threshold(book.probability, book.realised),
        "capacity": capacity_threshold(book.probability, capacity),
    }
