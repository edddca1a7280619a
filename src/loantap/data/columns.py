"""The codebook as code: each raw column described once.

The validation schema, the codebook in `data/README.md`, the methods page and the model's allow-list of
features all come from the table `COLUMNS`. There is no second list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# The column that names a loan, where there is one: files have none, merged sources do.
KEY = "loan_id"
# What the project makes itself, from these columns. A column of a file that bears such a name is kept under another one.
RESERVED = (
    "row", "default", "state", "pincode", "load_id", "profession", "profession_group", "credit_history_months", "emp_length_years",
    "loan_to_income", "installment_to_income",
)  # fmt: skip
CHARGED_OFF = "Charged Off"
FULLY_PAID = "Fully Paid"
OUTCOMES = (CHARGED_OFF, FULLY_PAID)
# Loans that may still be repaid or default: counted, then left out of every analysis.
UNFINISHED = (
    "Current",
    "In Grace Period",
    "Issued",
    "Late (16-30 days)",
    "Late (31-120 days)",
)

Kind = Literal["number", "category", "month", "text", "address"]
Known = Literal["application", "pricing", "funding", "outcome"]


@dataclass(frozen=True)
class Column:
    """One raw column.

    Attributes:
        name: The header in the raw file.
        meaning: What the value says, in one line.
        unit: The unit of a number, or the form of a text.
        kind: How the raw text is read.
        known: When the value exists: at the application, as part of the lender's pricing, when the loan is
            funded, or only as the outcome.
        feature: Whether a model may use it.
        why: Why a model may or may not use it.
        levels: The allowed values of a category, in their order if they have one.
        low: The smallest allowed number.
        high: The largest allowed number.
        missing: Whether the value may be absent.
        ordered: Whether the levels have an order.
    """

    name: str
    meaning: str
    unit: str
    kind: Kind
    known: Known
    feature: bool
    why: str
    levels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = float("inf")
    missing: bool = False
    ordered: bool = False

    @property
    def rule(self) -> str:
        """The rule that a value has to keep, in words."""
        match self.kind:
            case "category":
                text = f"one of: {', '.join(self.levels)}"
            case "number":
                above = (
                    f"{self.low:,.10g} or more"
                    if self.high == float("inf")
                    else f"{self.low:,.10g} to {self.high:,.10g}"
                )
                text = f"a number, {above}, in {self.unit}"
            case "month":
                text = "a month such as Jan-2015"
            case "address":
                text = "an address that ends in a state and a five-digit pincode, such as 'OK 22690'"
            case "text":
                text = "a text"
        return f"{text}; may be missing" if self.missing else text


_GRADES = tuple("ABCDEFG")
_PAST = "a fact of the applicant's past"

COLUMNS: tuple[Column, ...] = (
    Column("loan_amnt", "Amount lent", "currency", "number", "application", True, "asked for by the applicant", low=1),
    Column(
        "term", "Number of monthly payments", "months", "category", "application", True, "chosen by the applicant",
        levels=("36 months", "60 months"), ordered=True,
    ),
    Column(
        "int_rate", "Interest rate", "percent a year", "number", "pricing", True,
        "the lender's own price for the risk; left out of the application-time model", low=1, high=60,
    ),
    Column(
        "installment", "Monthly payment: the annuity of amount, rate and term", "currency a month", "number", "pricing",
        True, "follows from amount, rate and term", low=0.01,
    ),
    Column(
        "grade", "Risk grade given by the lender", "A (best) to G", "category", "pricing", True,
        "the lender's own judgement of the risk", levels=_GRADES, ordered=True,
    ),
    Column(
        "sub_grade", "Risk sub-grade given by the lender", "A1 (best) to G5", "category", "pricing", True,
        "the lender's own judgement of the risk", ordered=True,
        levels=tuple(f"{grade}{step}" for grade in _GRADES for step in range(1, 6)),
    ),
    Column(
        "emp_title", "Job title or employer, as the applicant wrote it", "free text", "text", "application", False,
        "free text; analysed as professions, not modelled", missing=True,
    ),
    Column(
        "emp_length", "Years in employment", "years", "category", "application", True, _PAST, missing=True, ordered=True,
        levels=("< 1 year", "1 year", *(f"{years} years" for years in range(2, 10)), "10+ years"),
    ),
    Column(
        "home_ownership", "Home ownership", "category", "category", "application", True, _PAST,
        levels=("MORTGAGE", "RENT", "OWN", "OTHER", "NONE", "ANY"),
    ),
    Column("annual_inc", "Income as stated by the applicant", "currency a year", "number", "application", True, _PAST),
    Column(
        "verification_status", "Whether the income was verified", "category", "category", "application", True,
        "the lender's check of the application", levels=("Not Verified", "Source Verified", "Verified"),
    ),
    Column(
        "issue_d", "Month in which the loan was funded", "month", "month", "funding", False,
        "a model for future loans cannot learn from past months; dates the length of the credit history",
    ),
    Column(
        "loan_status", "How the loan ended", "category", "category", "outcome", False, "this is the outcome",
        levels=(*OUTCOMES, *UNFINISHED),
    ),
    Column(
        "purpose", "What the money is for", "category", "category", "application", True, "stated by the applicant",
        levels=(
            "car", "credit_card", "debt_consolidation", "educational", "home_improvement", "house", "major_purchase",
            "medical", "moving", "other", "renewable_energy", "small_business", "vacation", "wedding",
        ),
    ),
    Column(
        "title", "Loan title, as the applicant wrote it", "free text", "text", "application", False,
        "free text that repeats the purpose", missing=True,
    ),
    Column(
        "dti", "Monthly debt payments without mortgage and this loan, as a share of monthly income",
        "percent of monthly income", "number", "application", True, _PAST, high=9999,
    ),
    Column(
        "earliest_cr_line", "Month of the first credit line", "month", "month", "application", True,
        "used as the length of the credit history at funding",
    ),
    Column("open_acc", "Open credit lines", "count", "number", "application", True, _PAST),
    Column("pub_rec", "Derogatory public records", "count", "number", "application", True, _PAST),
    Column("revol_bal", "Revolving balance", "currency", "number", "application", True, _PAST),
    Column(
        "revol_util", "Revolving utilisation: balance as a share of the credit limit", "percent of the limit", "number",
        "application", True, _PAST, high=1000, missing=True,
    ),
    Column("total_acc", "Credit lines ever opened", "count", "number", "application", True, _PAST),
    Column(
        "initial_list_status", "How the loan was first offered to investors: whole (w) or in fractions (f)", "category",
        "category", "funding", False, "set after the decision", levels=("f", "w"),
    ),
    Column(
        "application_type", "Alone, jointly, or paid out directly to creditors", "category", "category", "application",
        True, "stated by the applicant", levels=("INDIVIDUAL", "JOINT", "DIRECT_PAY"),
    ),
    Column("mort_acc", "Mortgage accounts", "count", "number", "application", True, _PAST, missing=True),
    Column(
        "pub_rec_bankruptcies", "Bankruptcies on public record", "count", "number", "application", True, _PAST, missing=True,
    ),
    Column(
        "address", "Postal address", "text that ends in state and pincode", "address", "application", False,
        "personal data; its pincode gives the outcome away (a leak), and geography is a fair-lending question",
    ),
)  # fmt: skip

BY_NAME = {column.name: column for column in COLUMNS}
NAMES = tuple(BY_NAME)


def names(*, kind: Kind | None = None, known: Known | None = None, feature: bool | None = None) -> list[str]:
    """Return the names of the columns that match every given property, in file order."""
    return [
        column.name
        for column in COLUMNS
        if kind in (None, column.kind) and known in (None, column.known) and feature in (None, column.feature)
    ]


def kept_names(header: Iterable[str]) -> dict[str, str]:
    """Return under which name each column is kept that the codebook does not know, by its name in the file.

    It is the same one, unless it is RESERVED, in whatever letters (databases tell 'Row' and 'row' not apart): 'row' becomes
    'row_in_file'.
    """
    taken = set(header)
    found = {}
    for name in header:
        if name in BY_NAME or name == KEY:
            continue
        kept = name
        while kept.strip().lower() in RESERVED or (kept != name and kept in taken):
            kept += "_in_file"
        found[name] = kept
        taken.add(kept)
    return found


def codebook() -> list[dict[str, str]]:
    """Return the codebook as one row of texts per column."""
    return [
        {
            "column": column.name,
            "meaning": column.meaning,
            "rule": column.rule,
            "known at": column.known,
            "model feature": "yes" if column.feature else "no",
            "why": column.why,
        }
        for column in COLUMNS
    ]
