"""What is asked of an application in SQL: the model's inputs, whether the row keeps the contract, and how many doubts there are.

The same as `feature_frame`, `check_loans` and `count_cautions` do with a frame. Columns have been read by `sql_values.read`.
"""

from collections.abc import Collection, Iterator, Sequence

from sqlglot import exp

from loantap.data.annuity import annuity, months_of
from loantap.data.applications import FIELDS
from loantap.data.columns import BY_NAME, FEATURE_BY_NAME, KEY
from loantap.data.declarations import Column
from loantap.errors import InputError
from loantap.model.inputs import CAPS, CATEGORIES, RATIOS, UNKNOWN
from loantap.model.persistence import SavedModel
from loantap.scoring.cautions import ANNUITY_TOLERANCE, CENT, RARELY, rate_bounds
from loantap_sources.sql_values import Number, added, by_level, case, column, double, infinite, levels_of, plain

_YEARS = (1900, 2099)
_FIELDS = {field.name: field for field in FIELDS}


def feature(name: str) -> exp.Expr:
    """Return one input of a model, in the unit that `feature_frame` gives it.

    Raises InputError for a computed feature whose arithmetic cannot be written in SQL.
    """
    declared = FEATURE_BY_NAME[name]
    if declared.enters == "category":
        return (
            exp.func("COALESCE", column(name), exp.convert(plain(UNKNOWN))) if _may_be_unknown(name) else column(name)
        )
    if isinstance(declared, Column) or declared.compute is None:
        return number_of(name)
    try:
        return declared.compute(*(Number(number_of(source)) for source in declared.sources)).sql
    except (TypeError, AttributeError) as error:
        raise InputError(
            f"feature '{name}': expected arithmetic alone in its compute, which can be written as SQL ({error}). "
            "Write it with +, -, *, /, ** and clip."
        ) from None


def _may_be_unknown(name: str) -> bool:
    return name in BY_NAME and BY_NAME[name].missing


def number_of(name: str) -> exp.Expr:
    """Return what `feature_frame` makes a number of: capped, an ordered level as its place, a term as its months."""
    declared = BY_NAME[name]
    if declared.kind == "category":
        place = months_of if name == "term" else declared.levels.index
        values = {word: double(place(level)) for word, level in levels_of(declared).items()}
        return by_level(name, values, default=exp.null())
    if declared.kind == "month":
        return column(name)
    # What exceeds the codebook's bounds is refused; held within them, it cannot break the statement.
    rules = _FIELDS[name]
    return Number(column(name)).clip(lower=rules.low, upper=min(rules.high, CAPS.get(name, rules.high))).sql


def refusal(columns: Sequence[Column], *, keyed: bool) -> exp.Expr:
    """Return the first rule of the codebook that a row breaks, as 'column: rule'; NULL where it keeps them all.

    Args:
        columns: What is there of the codebook, with its rules.
        keyed: Whether rows have a key.
    """
    rules: list[tuple[exp.Expr, str]] = [(column(KEY).is_(exp.null()), f"{KEY}: missing")] if keyed else []
    for declared in columns:
        rules += [(broken, f"{declared.name}: {rule}") for broken, rule in _rules(declared)]
    there = {declared.name for declared in columns}
    if {"earliest_cr_line", "issue_d"} <= there:
        rules.append((column("earliest_cr_line") > column("issue_d"), "earliest_cr_line: later than issue_d"))
    if {"grade", "sub_grade"} <= there:
        own = exp.func("SUBSTRING", column("sub_grade"), exp.convert(1), exp.convert(1))
        rules.append((own.neq(column("grade")), "sub_grade: of another grade than 'grade'"))
    return case(*((broken, exp.convert(rule)) for broken, rule in rules))


def _rules(declared: Column) -> Iterator[tuple[exp.Expr, str]]:
    value = column(declared.name)
    if not declared.missing and declared.name != "issue_d":
        yield value.is_(exp.null()), "missing"
    if declared.kind == "category":
        known = [exp.convert(level) for level in levels_of(declared)]
        yield exp.not_(value.isin(*known)), "not an allowed value"
    elif declared.kind == "month":
        first, last = (double(12 * year + month) for year, month in zip(_YEARS, (1, 12), strict=True))
        yield exp.or_(value < first, value > last), "not a month"
    elif declared.kind == "number":
        yield infinite(value), "not a number"
        yield value < double(declared.low), f"below {declared.low:,.10g}"
        if declared.high < float("inf"):
            yield value > double(declared.high), f"above {declared.high:,.10g}"


def warnings(model: SavedModel, there: Collection[str]) -> exp.Expr:
    """Return how many doubts `count_cautions` has about a row.

    Args:
        model: The model.
        there: The columns that are there.
    """
    doubts = [doubt for name in (*model.metadata.features, *model.metadata.without) for doubt in _of_input(model, name)]
    if {"int_rate", "sub_grade"} <= {*there}:
        level, rate = column("sub_grade"), column("int_rate")
        doubts += [
            exp.and_(level.eq(plain(name)), exp.or_(rate < double(low), rate > double(high)))
            for name in BY_NAME["sub_grade"].levels
            if name in model.training.rates
            for low, high in [rate_bounds(model.training.rates[name])]
        ]
    if {"pub_rec", "pub_rec_bankruptcies"} <= {*there}:
        doubts.append(column("pub_rec_bankruptcies") > column("pub_rec"))
    if {"installment", "int_rate"} <= {*there}:
        due = annuity(*(Number(number_of(name)) for name in ("loan_amnt", "int_rate", "term")))
        off = exp.func("ABS", (Number(column("installment")) - due).sql)
        doubts.append(exp.and_(off > (ANNUITY_TOLERANCE * due).sql, off > double(CENT)))
    return added([case((doubt, exp.convert(1)), default=exp.convert(0)) for doubt in doubts])


def _of_input(model: SavedModel, name: str) -> Iterator[exp.Expr]:
    if name in CATEGORIES:
        words = levels_of(BY_NAME[name]) if name in BY_NAME else {}
        seen = [word for word, level in words.items() if level in model.scorer.levels[name]]
        yield exp.not_(feature(name).isin(*map(exp.convert, seen)))
    elif known := model.training.numbers.get(name):
        value = column(name) if name in CAPS else feature(name)
        outside: exp.Expr = exp.or_(value < double(known.low), value > double(known.high))
        if name in RATIOS:
            outside = exp.and_(outside, column("annual_inc") >= double(1))
        yield outside
        if known.missing < RARELY:
            yield value.is_(exp.null())
