"""What the pincode's result says, in sentences: which codes give the outcome away, and what that means."""

from loantap.analysis.association import Association
from loantap.report.tables import show


def leak(association: Association) -> str:
    """Return which levels give the outcome away, as a sentence, or an empty text where none does."""
    separated = association.leaks()
    if separated.empty:
        return ""
    ends = {"all_default": "every loan defaulted in", "none_default": "no loan defaulted in"}
    parts = [
        f"{words} {', '.join(separated.loc[separated['separation'] == kind, 'level'])}"
        for kind, words in ends.items()
        if (separated["separation"] == kind).any()
    ]
    return (
        f"{len(separated)} of {len(association.levels)} {association.factor}s are pure: {' and '.join(parts)} "
        f"({show(separated['n'].sum() / association.n, 'rate')} of all loans)."
    )


def leak_text(association: Association) -> str:
    """Return the warning about the pincode in words; empty for other factors."""
    if association.factor != "pincode":
        return ""
    pure = leak(association)
    why = (
        f"{pure} No real place does that: the publisher of the data made the addresses up after the outcome was known. "
        "The pincode gives the outcome away, so it is a leak, and must be neither a policy nor a model's feature. "
        if pure
        else "No pincode is pure in these loans. "
    )
    return f"{why}Where a borrower lives is also a fair-lending question: it can stand for race or origin."


def leak_warning(association: Association) -> str:
    """Return `leak_text` as the callout that stands beside every exhibit of the pincode; empty for other factors."""
    text = leak_text(association)
    title = "A leak, not a finding" if leak(association) else "Handle with care"
    return f'::: {{.callout-warning title="{title}"}}\n{text}\n:::' if text else ""
