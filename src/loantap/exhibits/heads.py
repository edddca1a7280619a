"""Column heads, names of columns and values of cells in words: what a reader sees of a name that the results keep."""

from collections.abc import Iterable

from loantap.analysis.professions import EMPLOYER, MISSING, OTHER
from loantap.data.columns import BY_NAME, COLUMNS, FEATURE_BY_NAME
from loantap.data.declarations import readable_level
from loantap.watchlist.worklist import HEADS as _OF_WORKLIST

LABELS = {name: one.label for name, one in (BY_NAME | FEATURE_BY_NAME).items()}
# In sentences, with names that are no columns of a file but are tested or shown beside them.
_LABELS = LABELS | {
    **{column.name: column.label for column in COLUMNS},
    "credit_history_years": "length of credit history", "profession_group": "profession group", "sub_grade": "sub-grade",
    "loan_amnt": "loan amount", "verification_status": "income verification", "dti": "debt-to-income ratio",
}  # fmt: skip
_LEVELS = {level: readable_level(level) for column in COLUMNS for level in column.levels}
# What a rule of professions gives where a title names none.
NO_PROFESSION = {OTHER: "Other job titles", EMPLOYER: "An employer, no job title", MISSING: "Not stated"}
NO_PROFESSION[EMPLOYER.capitalize()] = NO_PROFESSION[EMPLOYER]  # as their group
ENDED_ALIKE = {"all_default": "all defaulted", "none_default": "no loan defaulted"}
_PLURALS = {
    **{name: f"{label}s" for name, label in _LABELS.items() if name in ("pincode", "profession_group", "grade", "sub_grade", "term", "purpose")},
    "state": "states", "profession": "professions",
    "home_ownership": "kinds of home ownership", "verification_status": "kinds of income verification",
    "application_type": "kinds of application", "profession group": "profession groups", "mixed pincode": "pincodes with both outcomes",
}  # fmt: skip
_HEADS = {
    **_OF_WORKLIST,
    "n": "Loans", "ci_low": "CI from", "ci_high": "CI to", "other_rate": "Default rate of the others", "p_value": "p",
    "p_adjusted": "Adjusted p", "homogeneity_p": "p, same in all grades", "observed": "Odds ratio, observed",
    "adjusted": "Odds ratio, adjusted", "within_grade": "Odds ratio within grades",
    "min_detectable_or": "Detectable odds ratio above 1", "min_detectable_or_below": "Detectable odds ratio below 1",
    "separation": "How all ended", "auc": "AUC", "auc_ceiling": "AUC ceiling",
    "pure_levels": "Levels that all ended one way", "loans_in_pure": "Loans in these levels", "known": "Known at",
    "direction": "Higher values", "driver": "Column", "rho": "Rank correlation", "defaulted": "Median, defaulted",
    "repaid": "Median, repaid", "unripe": "Not run to term", "what": "Records", "records": "Number",
    "superseded": "Replaced by newer rows", "loans_without": "Loans without a row",
    "rows_without": "Rows without a loan", "differ": "Loans that differ", "compared": "Loans compared",
    "dti": "Debt-to-income (%)", "judgement": "Verdict", "found": "Result with interval",
    "p_against_adjusted": "Adjusted p (too small)", "refused": "Declined", "n_refused": "Declined",
    "good_refused": "Good customers declined", "false_positive_rate": "Good customers flagged",
    "f2_difference": "Difference in F2", "default_rate_approved": "Default rate of granted",
    "profit_per_100": "Profit per 100 lent", "per_year": "Profit per 100 of balance and year",
    "gain_range": "Gain over the assumptions", "gain_told": "Gain (interval)", "later_told": "Gain on later loans",
    "corner_told": "Gain in the worst corner", "because": "Why", "label": "What changes", "low": "Low end",
    "default": "Assumed", "high": "High end", "profit_low": "Profit per 100 at the low end",
    "profit_high": "Profit per 100 at the high end", "gain_low": "Gain at the low end",
    "gain_high": "Gain at the high end", "turns_at": "Gain gone at", "meaning": "Assumption",
    "n_granted": "Loans granted", "lever": "Limit", "expected_if_short": "Expected at the short term",
    "product": "Segment", "who": "Group", "decile": "Tenth of predicted risk",
    "cumulative_defaults": "Defaults found so far", "predicted": "Predicted default rate", "roc_auc": "ROC-AUC", "roc_auc_promised": "ROC-AUC promised",
    "f2_at_half": "F2 at probability 0.5", "f2_p_adjusted": "Adjusted p (F2)", "brier": "Brier score",
    "brier_uncalibrated": "Brier score before calibration", "expected_calibration_error": "Calibration error",
    "tn": "Repaid, not flagged", "fp": "Repaid, flagged", "fn": "Defaulted, not flagged", "tp": "Defaulted, flagged",
    "smote": "With SMOTE", "ks": "KS", "woe": "Weight of evidence", "range": "Values", "refits_left_nothing": "Refits that leave nothing", "loan_id": "Loan",
    "mainly": "Main reasons", "revol_util": "Utilisation (%)", "dti_before": "DTI before (%)",
    "installment": "Installment after", "unknown": "Not known (loans)",
    "offer": "Offer", "dti_after": "DTI after (%)", "alerts_per_1000": "Alerts per 1,000 loans a month",
    "red_precision": "Precision of red", "lead_median": "Months ahead (median)", "ahead": "Ahead (median)",
    "now": "Month", "not_known": "Not known now", "age": "Months on book", "at_risk": "Loans at risk",
    "since": "First seen at", "flagged_share": "Flagged", "flagged_share_before": "Flagged before",
    "expected_loss_rate": "Expected loss of exposure", "without_pd": "Loans without a probability",
    "flagged_per_1000": "Flagged per 1,000 loans a month", "red_per_1000": "Of these red",
    "caught_alone": "Found by it alone", "flip_flop": "Alerts that flicker", "psi": "Stability index",
    "chance_high": "By chance, up to", "ratio": "Observed over expected", "change_light": "Light of the change",
    "pd": "Default within 12 months", "repaid_early": "Repaid early within 12 months",
    "expected_rate": "Expected to default", "observed_rate": "Defaulted", "agrees": "Agree",
    "better": "Loss, better scenario", "base": "Loss, base scenario", "worse": "Loss, worse scenario",
    "coverage": "Expected loss by exposure",
}  # fmt: skip
_VALUES = {
    "separation": ENDED_ALIKE,
    "direction": {"up": "default more", "down": "default less", "levels": "no order"},
    "verdict": {"leak": "data leakage"},
    "unripe": {"True": "yes", "False": "no"},
    "agrees": {"True": "yes", "False": "no"},
}
_OF_COLUMNS = ("column", "driver", "first", "second")


def head(name: str) -> str:
    """Return the head of a column in words: its own if it has one, else its name with spaces and a capital."""
    text = name.replace("_", " ")
    return _HEADS.get(name, text[:1].upper() + text[1:])


def heads(names: Iterable[str]) -> list[str]:
    """Return the heads of the columns of a table in words."""
    # The rest of the portfolio is what a level is compared with; odds ratios elsewhere have other references.
    names = list(names)
    of_levels = {"odds_ratio": "Odds ratio vs rest"} if "level" in names else {}
    return [of_levels.get(name, head(name)) for name in names]


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
