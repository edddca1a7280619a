"""Column heads, names of columns and values of cells in words: what a reader sees of a name that the results keep."""

from collections.abc import Iterable

from loantap.analysis.professions import EMPLOYER, MISSING, OTHER
from loantap.data.columns import COLUMNS, FEATURE_BY_NAME
from loantap.data.declarations import readable_level

# Names that are no columns of a file but are tested or shown beside them.
_LABELS = {name: feature.label for name, feature in FEATURE_BY_NAME.items()} | {
    **{column.name: column.label for column in COLUMNS},
    "credit_history_years": "length of credit history",
    "state": "state",
    "profession": "profession",
    "profession_group": "profession group",
    "sub_grade": "sub-grade",
    "loan_amnt": "loan amount",
    "verification_status": "income verification",
    "dti": "debt-to-income ratio",
    "default": "default",
}
_LEVELS = {level: readable_level(level) for column in COLUMNS for level in column.levels}
# What a rule of professions gives where a title names none.
NO_PROFESSION = {OTHER: "Other job titles", EMPLOYER: "An employer, no job title", MISSING: "Not stated"}
NO_PROFESSION[EMPLOYER.capitalize()] = NO_PROFESSION[EMPLOYER]  # as their group
ENDED_ALIKE = {"all_default": "all defaulted", "none_default": "no loan defaulted"}
_PLURALS = {
    **{
        name: f"{_LABELS[name]}s"
        for name in ("pincode", "state", "profession", "profession_group", "grade", "sub_grade", "term", "purpose")
    },
    "home_ownership": "kinds of home ownership",
    "verification_status": "kinds of income verification",
    "application_type": "kinds of application",
    "profession group": "profession groups",
    "mixed pincode": "pincodes with both outcomes",
}
_HEADS = {
    "n": "Loans",
    "loans": "Loans",
    "ci_low": "CI from",
    "ci_high": "CI to",
    "difference": "Difference",
    "other_rate": "Default rate of the others",
    "p_value": "p",
    "p_adjusted": "Adjusted p",
    "p_against_adjusted": "Adjusted p against",
    "f2_p_adjusted": "Adjusted p (F2)",
    "homogeneity_p": "p, same in all grades",
    "observed": "Odds ratio, observed",
    "adjusted": "Odds ratio, adjusted",
    "within_grade": "Odds ratio within grades",
    "min_detectable_or": "Detectable odds ratio above 1",
    "min_detectable_or_below": "Detectable odds ratio below 1",
    "separation": "How all ended",
    "auc": "AUC",
    "auc_ceiling": "AUC ceiling",
    "pure_levels": "Levels that all ended one way",
    "loans_in_pure": "Loans in these levels",
    "known": "Known at",
    "direction": "Higher values",
    "driver": "Column",
    "rho": "Rank correlation",
    "defaulted": "Median, defaulted",
    "repaid": "Median, repaid",
    "unripe": "Not run to term",
    "level": "Level",
    "what": "Records",
    "records": "Number",
    "superseded": "Replaced by newer rows",
    "loans_without": "Loans without a row",
    "rows_without": "Rows without a loan",
    "differ": "Loans that differ",
    "compared": "Loans compared",
    "rows": "Rows",
    "roc_auc": "ROC-AUC",
    "f2": "F2",
    "f2_at_half": "F2 at threshold 0.5",
    "brier": "Brier score",
    "brier_uncalibrated": "Brier score, uncalibrated",
    "psi": "PSI",
    "dti": "Debt-to-income (%)",
    "dti_before": "Debt-to-income before (%)",
    "dti_after": "Debt-to-income after (%)",
    "revol_util": "Utilisation (%)",
    "loan_id": "Loan",
    "smote": "With SMOTE",
}
# The rest of the portfolio is what a level is compared with; odds ratios elsewhere have other references.
_OF_LEVELS = {"odds_ratio": "Odds ratio vs rest"}
_OF_ASSUMPTIONS = {"meaning": "Assumption"}
_VALUES = {
    "separation": ENDED_ALIKE,
    "direction": {"up": "default more", "down": "default less", "levels": "no order"},
    "verdict": {"leak": "data leakage"},
    "unripe": {"True": "yes", "False": "no"},
}
_OF_COLUMNS = ("column", "driver", "first", "second")


def head(name: str) -> str:
    """Return the head of a column in words: its own if it has one, else its name with spaces and a capital."""
    text = name.replace("_", " ")
    return _HEADS.get(name, text[:1].upper() + text[1:])


def heads(names: Iterable[str]) -> list[str]:
    """Return the heads of the columns of a table in words."""
    names = list(names)
    special = (_OF_LEVELS if "level" in names else {}) | (_OF_ASSUMPTIONS if "low" in names else {})
    return [special.get(name, head(name)) for name in names]


def label(column: str) -> str:
    """Return a column, feature or factor as a sentence names it: 'annual income'; a name that is not known stays as it is."""
    return _LABELS.get(column, column)


def level(name: str) -> str:
    """Return a level, or several that were pooled, as a sentence names them: 'debt consolidation', 'other, none'."""
    text, pooled, rest = name.partition(" (pooled)")
    return ", ".join(NO_PROFESSION.get(part, _LEVELS.get(part, part)) for part in text.split(", ")) + pooled + rest


def plural(factor: str) -> str:
    """Return what the levels of a factor are called: 'grades', 'kinds of home ownership', 'levels of first listing'."""
    return _PLURALS.get(factor, f"levels of {label(factor)}")


def value_in_words(name: str, text: str) -> str:
    """Return the text of a cell in words, from the name of its column."""
    if name in _OF_COLUMNS:
        return label(text)
    if name == "level":
        return level(text)
    return _VALUES.get(name, {}).get(text, text)
