"""A saved model as one SELECT: what `loantap score` says of each row, computed where the table lies.

Steps follow one another as common table expressions: what is given, what of it the model takes in, what each input adds
to the log-odds, the probability, what speaks for the decision, and the ranks of the reasons. Columns bear the names of
the features, so that the statement can be read.
"""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from loantap.data.annuity import annuity
from loantap.data.application_file import application_columns
from loantap.data.applications import FIELDS
from loantap.data.columns import BY_NAME, KEY
from loantap.data.declarations import Column
from loantap.model.inputs import source_columns
from loantap.model.persistence import SavedModel
from loantap.model.reasons import SLIGHT, voices
from loantap.model.scorer import UNSEEN, Curve, Term
from loantap.scoring.table import REASONS
from loantap_sources.dialects import Dialect
from loantap_sources.sql_inputs import feature, number_of, refusal, warnings
from loantap_sources.sql_steps import Columns, chained, kept
from loantap_sources.sql_values import (
    Number,
    added,
    by_level,
    case,
    column,
    double,
    levels_of,
    plain,
    read,
    this_month,
)

REFUSED = "refused"  # the column that says which rule a row breaks
SCORES = ("probability_of_default", "decision", *(f"reason_{number}" for number in range(1, REASONS + 1)), "warnings", "model_version")  # fmt: skip
# Log-odds beyond which EXP leaves the numbers of a database; the probability is 0 or 1 to every digit there.
_FAR = 700.0
_TERMS = ("loan_amnt", "int_rate", "term")  # what an installment follows from


def model_select(
    model: SavedModel,
    *,
    dialect: Dialect,
    table: exp.Table,
    key: str = KEY,
    columns: Mapping[str, str] | None = None,
) -> exp.Select:
    """Return the statement: the key, the columns of `loantap score`, and `refused`.

    A row that breaks a rule of the codebook has no score; `refused` names the first rule that it breaks.

    Args:
        model: The model.
        dialect: Of the database that will run it.
        table: Cleaned applications or loans, as `loantap sources load` writes them.
        key: The column that names a row.
        columns: What is there of the codebook, with its name in the table; all under their own names if None.
    """
    names = dict(columns) if columns is not None else {field.name: field.name for field in FIELDS}
    there = application_columns(source_columns(inputs=model.metadata.inputs), list(names))
    given = _given(there, names, dialect)
    asked = {"warnings": warnings(model, given), REFUSED: refusal(there, keyed=key == KEY)}
    steps: list[tuple[str, Columns]] = [
        ("given", {key: exp.cast(column(key), "text"), **given}),
        *_scored(model, key, asked),
        ("weights", kept(key, *asked, "probability_of_default") | _weights(model)),
        ("voices", kept(key, *asked, "probability_of_default") | _voices(model)),
        ("ranks", kept(key, *asked, "probability_of_default", *_heads(model), *_speakers(model)) | _ranks(model)),
    ]
    return chained(steps, kept(key) | _answer(model), table=table, dialect=dialect)


def probability_select(
    model: SavedModel,
    *,
    needed: Sequence[str],
    dialect: Dialect,
    table: exp.Table,
    columns: Mapping[str, str],
    prefix: str = "",
) -> exp.Select:
    """Return the statement: loan_id, probability_of_default, and installment, by the annuity where none is given.

    Both are NULL in a row that breaks a rule of the codebook; `refused` names the rule.

    Args:
        model: The model.
        needed: The columns whose rules a row has to keep, TERMS of an installment among them.
        dialect: Of the database that will run it.
        table: Cleaned applications with loan_id.
        columns: What is there of the codebook, with its name in the table.
        prefix: Of the names of the steps: Spark knows no two of one name, however deep they stand.
    """
    there = application_columns(needed, list(columns))
    due = annuity(*(Number(number_of(name)) for name in _TERMS)).sql
    cents = exp.cast(exp.cast(due, "decimal(18, 2)"), "double")
    paid = exp.func("COALESCE", column("installment"), cents) if "installment" in columns else cents
    asked = {REFUSED: refusal(there, keyed=True), "installment": paid}
    steps = [
        ("given", {KEY: exp.cast(column(KEY), "text"), **_given(there, columns, dialect)}),
        *_scored(model, KEY, asked),
    ]
    told = {"installment": case((column(REFUSED).is_(exp.null()), column("installment")))}
    return chained(
        steps, kept(KEY, "probability_of_default") | told | kept(REFUSED), table=table, dialect=dialect, prefix=prefix
    )


def _given(there: Sequence[Column], names: Mapping[str, str], dialect: Dialect) -> dict[str, exp.Expr]:
    """Return what is read of the table, and NULL for what it lacks."""
    given: dict[str, exp.Expr] = {field.name: read(names[field.name], field, dialect) for field in there if field.name in names}  # fmt: skip
    absent = [field for field in there if field.name not in names]
    given |= {field.name: exp.cast(exp.null(), "double" if field.kind != "category" else "text") for field in absent}
    given["issue_d"] = exp.func("COALESCE", given["issue_d"], this_month(dialect)) if "issue_d" in names else this_month(dialect)  # fmt: skip
    return given


def _scored(model: SavedModel, key: str, asked: dict[str, exp.Expr]) -> list[tuple[str, Columns]]:
    """Return the steps from what is given to the probability."""
    return [
        ("inputs", kept(key) | asked | _inputs(model)),
        ("contributions", kept(key, *asked) | _contributions(model)),
        ("log_odds", kept(key, *asked, *model.scorer.features) | {"log_odds": _log_odds(model)}),
        ("scores", kept(key, *asked, *model.scorer.features) | _probability()),
    ]


def _inputs(model: SavedModel) -> dict[str, exp.Expr]:
    logarithms = {term[0] for term in model.scorer.terms if term[1]}
    made = {name: feature(name) for name in model.scorer.features}
    return {name: exp.Ln(this=double(1) + value) if name in logarithms else value for name, value in made.items()}


def _contributions(model: SavedModel) -> dict[str, exp.Expr]:
    numbers = {term[0]: _of_number(term) for term in model.scorer.terms}
    return numbers | {name: _of_levels(name, levels) for name, levels in model.scorer.tables.items()}


def _of_number(term: Term) -> exp.Expr:
    name, _, unknown, slope, offset, curve = term
    value = column(name)
    known = _on_curve(value, curve) if curve else double(offset) + double(slope) * value
    return case((value.is_(exp.null()), double(unknown)), default=known)


def _on_curve(value: exp.Expr, curve: Curve) -> exp.Expr:
    """Return a cubic of the distance from the knot where its piece begins; beyond the ends it is constant."""
    low, high, knots, pieces = curve

    def piece(number: int, at: exp.Expr) -> exp.Expr:
        a, b, c, d = map(double, pieces[number])
        distance = exp.paren(at - double(knots[number]))
        return ((a * distance + b) * distance + c) * distance + d

    inner = [(value < double(knots[number + 1]), piece(number, value)) for number in range(len(knots) - 1)]
    ends = [(value <= double(low), piece(0, double(low))), (value >= double(high), piece(len(knots) - 1, double(high)))]
    return case(*ends, *inner, default=piece(len(knots) - 1, value))


def _of_levels(name: str, levels: Mapping[str, float]) -> exp.Expr:
    words = (
        levels_of(BY_NAME[name]) if name in BY_NAME else {plain(level): level for level in levels if level != UNSEEN}
    )
    known = {word: double(levels[level]) for word, level in words.items() if level in levels}
    return by_level(name, known, default=double(levels[UNSEEN]))


def _log_odds(model: SavedModel) -> exp.Expr:
    facts = model.metadata
    log_odds = added([double(model.scorer.intercept), *map(column, model.scorer.features)])
    return double(facts.slope) * exp.paren(log_odds) + double(facts.intercept)


def _probability() -> dict[str, exp.Expr]:
    odds = exp.Exp(this=(-Number(column("log_odds")).clip(lower=-_FAR, upper=_FAR)).sql)
    probability = (1 / (1 + Number(odds))).sql
    return {"probability_of_default": case((column(REFUSED).is_(exp.null()), probability))}


def _weights(model: SavedModel) -> dict[str, exp.Expr]:
    """Return what speaks for the decision: what raises the risk of a referral, what lowers that of an approval."""
    probability, threshold = column("probability_of_default"), double(model.threshold)
    weights = {}
    for line in model.reasons:
        more = double(model.metadata.slope) * exp.paren(column(line.feature) - double(line.typical))
        weights[line.feature] = case((probability >= threshold, more), (probability < threshold, exp.Neg(this=exp.paren(more))))  # fmt: skip
    return weights


def _heads(model: SavedModel) -> list[str]:
    """Return of each voice the first feature, whose name its columns bear."""
    return [model.reasons[places[0]].feature for places in voices(model.reasons)]


def _speakers(model: SavedModel) -> list[str]:
    return [f"code_{head}" for head in _heads(model)]


def _voices(model: SavedModel) -> dict[str, exp.Expr]:
    """Return of each voice the sum of its weights, and the code of the strongest."""
    made: dict[str, exp.Expr] = {}
    for head, code, places in zip(_heads(model), _speakers(model), voices(model.reasons), strict=True):
        lines = [model.reasons[place] for place in places]
        made[head] = added([column(line.feature) for line in lines])
        strongest = [
            (exp.and_(*(column(line.feature) >= column(other.feature) for other in lines[number + 1 :])), line.code)
            for number, line in enumerate(lines[:-1])
        ]
        made[code] = case(*((first, exp.convert(own)) for first, own in strongest), default=exp.convert(lines[-1].code))
    return made


def _ranks(model: SavedModel) -> dict[str, exp.Expr]:
    """Return how many voices come before each: the stronger ones, and of equal ones those that stand before it."""
    heads = _heads(model)
    ranks = {}
    for place, head in enumerate(heads):
        before = [
            column(other) >= column(head) if number < place else column(other) > column(head)
            for number, other in enumerate(heads)
            if number != place
        ]
        ranks[f"rank_{head}"] = added([case((stronger, exp.convert(1)), default=exp.convert(0)) for stronger in before])
    return ranks


def _answer(model: SavedModel) -> dict[str, exp.Expr]:
    probability, threshold = column("probability_of_default"), double(model.threshold)
    decisions = [(probability >= threshold, exp.convert("refer")), (probability < threshold, exp.convert("approve"))]
    reasons = {}
    for number in range(REASONS):
        told = [
            (
                exp.and_(
                    column(f"rank_{head}").eq(number),
                    column(head) >= double(SLIGHT) if number else column(head) > double(0),
                ),
                column(code),
            )
            for head, code in zip(_heads(model), _speakers(model), strict=True)
        ]
        reasons[f"reason_{number + 1}"] = case(*told)
    counted = case((column(REFUSED).is_(exp.null()), column("warnings")))
    return {
        "probability_of_default": probability,
        "decision": case(*decisions),
        **reasons,
        "warnings": counted,
        "model_version": exp.convert(model.version),
        REFUSED: column(REFUSED),
    }
