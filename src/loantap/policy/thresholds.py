"""The thresholds of a model that a policy is compared with."""

from loantap.model.economics import Economics
from loantap.model.evaluation import Predictions
from loantap.model.persistence import SavedModel
from loantap.model.profit import best_profit_threshold, capacity_threshold
from loantap.policy.book import Book


def model_thresholds(model: SavedModel, training: Book) -> dict[str, float]:
    """Return the model's thresholds for its own score, by the name f2, for profit, and for the capacity of those who look at applications.

    All are the model's own, chosen out of fold; where it was made under other assumptions than the book's, the one for
    profit is chosen anew, on the training book.
    """
    same = Economics(**model.card["economics"]) == training.economics if "economics" in model.card else False
    profit = model.facts.profit_threshold if same else best_profit_threshold(training.probability, training.realised)
    return {"f2": model.threshold, "profit": profit, "capacity": model.facts.capacity_threshold}


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
