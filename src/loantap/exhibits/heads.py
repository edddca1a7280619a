"""Column heads in words: what a reader sees above a column, from the name that the results keep."""

_HEADS = {
    "n": "Loans",
    "ci_low": "CI from",
    "ci_high": "CI to",
    "p_value": "p",
    "p_adjusted": "Adjusted p",
    "dti": "DTI",
    "judgement": "Verdict",
    "found": "Result with interval",
    "p_against_adjusted": "Adjusted p (too small)",
}


def head(name: str) -> str:
    """Return the head of a column in words: its own if it has one, else its name with spaces and a capital."""
    text = name.replace("_", " ")
    return _HEADS.get(name, text[:1].upper() + text[1:])
