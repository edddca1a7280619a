"""The codebook as code: each raw column, and with it each feature of the model, described once.

The validation schema, the codebook in `data/README.md`, the methods page, the model's allow-list and features, reasons,
odds ratios, forms and the API's description all come from the table `COLUMNS` and, for what is computed, from
`loantap.data.computed`. There is no second list; `loantap.model.inputs.check_features` looks for gaps when training starts.
"""

from loantap.data.computed import COMPUTED
from loantap.data.declarations import NO_ORDER, Column, Feature, Kind, Known, Step

# The column that names a loan, where there is one: files have none, merged sources do.
KEY = "loan_id"
# What the project makes itself, from these columns. A column of a file that bears such a name is kept under another one.
RESERVED = (
    "row", "default", "state", "load_id", "profession", "profession_group", *(feature.name for feature in COMPUTED),
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
# LendingClub's own files also know loans in default that were not written off yet, and loans granted against its policy.
_STATUSES = {"default": CHARGED_OFF} | {
    f"does not meet the credit policy. status:{space}{status}".lower(): status
    for status in (*OUTCOMES, *UNFINISHED)
    for space in ("", " ")
}
# A column that tells the outcome by 0 and 1, and by whose name it is known which is which.
REPAID, DEFAULTED = ("loan_repaid", "repaid"), ("default", "defaulted", "is_default", "charged_off", "is_charged_off")

_GRADES = tuple("ABCDEFG")
_PAST = "a fact of the applicant's past"
_OWN_PRICE = "the lender's own judgement of the risk"

COLUMNS: tuple[Column, ...] = (
    Column(
        "loan_amnt", "Amount lent", "currency", "number", "application", True, "asked for by the applicant", low=1, example=10000,
        label="amount", enters="logarithm", curved=True, code="R01", phrase="the amount", form="{:,.0f}", voice="amount",
        step=Step("amount doubled", times=2), higher="riskier", because="more has to be repaid from the same income",
    ),
    Column(
        "term", "Number of monthly payments", "months", "category", "application", True, "chosen by the applicant",
        levels=("36 months", "60 months"), synonyms={"36": "36 months", "60": "60 months"}, ordered=True, example="36 months",
        label="term", enters="as it is", code="R13", phrase="the term", form="{:.0f} months",
        step=Step("60 months rather than 36", between=(36, 60)), higher="riskier", because="there is more time for the income to fail",
    ),
    Column(
        "int_rate", "Interest rate", "percent a year", "number", "pricing", True,
        "the lender's own price for the risk; left out of the application-time model", low=1, high=60, example=11.44,
        label="interest rate", enters="as it is", curved=True, code="R09", phrase="the interest rate", form="{:.2f}%", voice="price",
        step=Step("interest rate 1 point higher", by=1), higher="riskier", because="the lender asks more where it sees more risk, and each month costs more",
    ),
    Column(
        "installment", "Monthly payment: the annuity of amount, rate and term", "currency a month", "number", "pricing",
        False, "follows from amount, rate and term, and would hide what each of them does", low=0.01, example=329.48,
        label="monthly payment",
    ),
    Column(
        "grade", "Risk grade given by the lender", "A (best) to G", "category", "pricing", True, _OWN_PRICE,
        levels=_GRADES, ordered=True, example="B", label="grade", enters="elsewhere",
    ),
    Column(
        "sub_grade", "Risk sub-grade given by the lender", "A1 (best) to G5", "category", "pricing", True, _OWN_PRICE,
        levels=tuple(f"{grade}{step}" for grade in _GRADES for step in range(1, 6)), ordered=True, example="B4",
        label="sub-grade", enters="as it is", curved=True, code="R18", phrase="the lender's sub-grade", form="{}", voice="price",
        step=Step("one grade worse", by=5), higher="riskier", because="G5 is the worst that the lender gives",
    ),
    Column(
        "emp_title", "Job title or employer, as the applicant wrote it", "free text", "text", "application", False,
        "free text; analysed as professions, not modelled", missing=True, example="Technician", label="job title",
    ),
    Column(
        "emp_length", "Years in employment", "years", "category", "application", True, _PAST, missing=True, ordered=True,
        levels=("< 1 year", "1 year", *(f"{years} years" for years in range(2, 10)), "10+ years"), example="10+ years",
        label="time in employment", enters="elsewhere",
    ),
    Column(
        "home_ownership", "Home ownership", "category", "category", "application", True, _PAST,
        levels=("MORTGAGE", "RENT", "OWN", "OTHER", "NONE", "ANY"), example="RENT",
        label="home ownership", enters="category", code="R19", phrase="home ownership", form="{}", higher="open", because=NO_ORDER,
    ),
    Column(
        "annual_inc", "Income as stated by the applicant", "currency a year", "number", "application", True, _PAST, cap=500000, example=64000,
        label="annual income", enters="logarithm", curved=True, code="R03", phrase="the annual income", form="{:,.0f}",
        step=Step("annual income doubled", times=2), higher="safer", because="more is left after the cost of living",
    ),
    Column(
        "verification_status", "Whether the income was verified", "category", "category", "application", True,
        "the lender's check of the application", levels=("Not Verified", "Source Verified", "Verified"), example="Not Verified",
        label="verification status", enters="category", code="R20", phrase="the check of the income", form="{}",
        higher="open", because="a lender checks the incomes that it doubts",
    ),
    Column(
        "issue_d", "Month in which the loan is funded", "month", "month", "funding", False,
        "a model for future loans cannot learn from past months; dates the length of the credit history", example="Jan-2015",
        label="month of funding",
    ),
    Column(
        "loan_status", "How the loan ended", "category", "category", "outcome", False, "this is the outcome",
        levels=(*OUTCOMES, *UNFINISHED), synonyms=_STATUSES, aliases=(*REPAID, *DEFAULTED), label="outcome",
    ),
    Column(
        "purpose", "What the money is for", "category", "category", "application", True, "stated by the applicant",
        levels=(
            "car", "credit_card", "debt_consolidation", "educational", "home_improvement", "house", "major_purchase",
            "medical", "moving", "other", "renewable_energy", "small_business", "vacation", "wedding",
        ), example="car",
        label="purpose", enters="category", code="R21", phrase="the purpose", form="{}", higher="open", because=NO_ORDER,
    ),
    Column(
        "title", "Loan title, as the applicant wrote it", "free text", "text", "application", False,
        "free text that repeats the purpose", missing=True, example="New car", label="loan title",
    ),
    Column(
        "dti", "Monthly debt payments without mortgage and this loan, as a share of monthly income",
        "percent of monthly income", "number", "application", True, _PAST, high=9999, cap=60, example=18.4,
        label="debt-to-income", enters="logarithm", curved=True, code="R04", phrase="debt-to-income", form="{:.1f}%",
        step=Step("debt-to-income 5 points higher", by=5), higher="riskier", because="more of the income goes to other debts",
    ),
    Column(
        "earliest_cr_line", "Month of the first credit line", "month", "month", "application", True,
        "used as the length of the credit history at funding", example="Mar-1998", label="first credit line", enters="elsewhere",
    ),
    Column(
        "open_acc", "Open credit lines", "count", "number", "application", True, _PAST, cap=40, example=11,
        label="open credit lines", enters="logarithm", curved=True, code="R06", phrase="the number of open credit lines", form="{:,.0f}",
        step=Step("5 more open credit lines", by=5), higher="open", because="a line is a debt that may be drawn, and a sign of trust",
    ),
    Column(
        "pub_rec", "Derogatory public records", "count", "number", "application", True, _PAST, cap=5, example=0,
        label="derogatory records", enters="logarithm", code="R08", phrase="the number of derogatory public records", form="{:,.0f}",
        voice="records", step=Step("1 more derogatory record", by=1), higher="riskier", because="each is a debt or a duty that was not met",
    ),
    Column(
        "revol_bal", "Revolving balance", "currency", "number", "application", True, _PAST, cap=200000, example=12400,
        label="revolving balance", enters="logarithm", curved=True, code="R05", phrase="the revolving balance", form="{:,.0f}",
        step=Step("revolving balance doubled", times=2), higher="open", because="it is debt, and goes with high limits",
    ),
    Column(
        "revol_util", "Revolving utilisation: balance as a share of the credit limit", "percent of the limit", "number",
        "application", True, _PAST, high=1000, missing=True, cap=150, example=45.3,
        label="revolving utilisation", enters="as it is", curved=True, code="R10", phrase="revolving utilisation", form="{:.1f}%",
        step=Step("revolving utilisation 10 points higher", by=10), higher="riskier", because="less credit is left for a bad month",
    ),
    Column(
        "total_acc", "Credit lines ever opened", "count", "number", "application", True, _PAST, cap=80, example=24,
        label="credit lines ever", enters="logarithm", curved=True, code="R07", phrase="the number of credit lines ever opened",
        form="{:,.0f}", step=Step("10 more credit lines ever", by=10), higher="open", because="it is experience, and an appetite for debt",
    ),
    Column(
        "initial_list_status", "How the loan was first offered to investors: whole (w) or in fractions (f)", "category",
        "category", "funding", False, "set after the decision", levels=("f", "w"), label="first listing",
    ),
    Column(
        "application_type", "Alone, jointly, or paid out directly to creditors", "category", "category", "application",
        True, "stated by the applicant", levels=("INDIVIDUAL", "JOINT", "DIRECT_PAY"),
        synonyms={"joint app": "JOINT"}, example="INDIVIDUAL", label="application type", enters="category", code="R22", phrase="the kind of application", form="{}",
        higher="open", because=NO_ORDER,
    ),
    Column(
        "mort_acc", "Mortgage accounts", "count", "number", "application", True, _PAST, missing=True, cap=10, example=0,
        label="mortgage accounts", enters="as it is", code="R11", phrase="the number of mortgage accounts", form="{:,.0f}",
        step=Step("1 more mortgage account", by=1), higher="safer", because="another lender has looked closely, and lent on a home",
    ),
    Column(
        "pub_rec_bankruptcies", "Bankruptcies on public record", "count", "number", "application", True, _PAST, missing=True, cap=3, example=0,
        label="bankruptcies", enters="as it is", code="R12", phrase="the number of bankruptcies on record", form="{:,.0f}",
        voice="records", step=Step("1 more bankruptcy", by=1), unknown="",  # missing in one loan of a thousand: nothing to compare
        higher="riskier", because="each is a debt that was not repaid",
    ),
    Column(
        "address", "Postal address", "text that ends in state and pincode", "address", "application", False,
        "personal data; its pincode may give the outcome away (a leak), which each run examines, and geography is a fair-lending question", label="address",
        optional=True,
    ),
)  # fmt: skip

BY_NAME = {column.name: column for column in COLUMNS}
NAMES = tuple(BY_NAME)
NEEDED = tuple(column.name for column in COLUMNS if not column.optional)
# The address too may be absent, but cleaned loans hold its parts in its place.
OPTIONAL = tuple(column.name for column in COLUMNS if column.optional and column.kind != "address")
# In the order of their codes, so that a new one stands behind the others and moves none of them.
FEATURES: tuple[Column | Feature, ...] = tuple(
    sorted(
        (*(column for column in COLUMNS if column.enters not in ("", "elsewhere")), *COMPUTED),
        key=lambda feature: (len(feature.code), feature.code),
    )
)
FEATURE_BY_NAME = {feature.name: feature for feature in FEATURES}
# Codes that reasons had once, and what they stood for: stored answers still hold them, so no feature gets one again.
RETIRED = {"R02": "the monthly payment", "R17": "the payments of a year as a share of annual income"}


def names(*, kind: Kind | None = None, known: Known | None = None, feature: bool | None = None) -> list[str]:
    """Return the names of the columns that match every given property, in file order."""
    return [
        column.name
        for column in COLUMNS
        if kind in (None, column.kind) and known in (None, column.known) and feature in (None, column.feature)
    ]


def codebook() -> list[dict[str, str]]:
    """Return the codebook as one row of texts per column."""
    return [
        {
            "column": column.name,
            "meaning": column.meaning,
            "rule": column.rule,
            "column may be absent": "yes" if column.optional else "no",
            "known at": column.known,
            "model feature": "yes" if column.feature else "no",
            "why": column.why,
        }
        for column in COLUMNS
    ]


def feature_codebook() -> list[dict[str, str]]:
    """Return what is declared of the model's features as one row of texts for each."""
    return [
        {
            "feature": feature.name,
            "comes from": f"{', '.join(feature.sources)}: {feature.meaning}" if isinstance(feature, Feature) else "its column",
            "enters": f"{feature.enters}{', curved' if feature.curved else ''}{_capped(feature)}",
            "odds ratio of": _odds_ratio(feature),
            "reason": f"{feature.code}: {feature.phrase}",
            "a higher value is expected to be": f"{feature.higher}: {feature.because}",
        }
        for feature in FEATURES
    ]  # fmt: skip


def _capped(feature: Column | Feature) -> str:
    return f", at most {feature.cap:g}" if isinstance(feature, Column) and feature.cap is not None else ""


def _odds_ratio(feature: Column | Feature) -> str:
    if feature.no_step:
        return f"none: {feature.no_step}"
    return feature.step.words if feature.step else "a level rather than the commonest"
