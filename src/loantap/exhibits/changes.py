"""What changed since an earlier run: sentences, tables and the figure, from the two runs side by side."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from loantap.data.columns import BY_NAME, FEATURE_BY_NAME
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.plots import changes as plots
from loantap.exhibits.words import capital, columns, interval, listed, percent, show

ASPECTS = ("loans", "parameters", "method")
NONE = (
    "Nothing is compared: beside this run there is no earlier finished run with loans of its kind (real or synthetic). To compare any two "
    "runs: loantap compare EARLIER LATER."
)
_TOLD = 6
_LABELS = {name: one.label for name, one in (*BY_NAME.items(), *FEATURE_BY_NAME.items())}
_NAMES = {
    "roc_auc": "ROC-AUC", "average_precision": "average precision", "brier": "Brier score", "referred": "share referred to a person",
    "f2": "F2", "threshold_f2": "F2 threshold", "cap_dti": "cap on DTI", "own_price": "expected profit",
}  # fmt: skip
_PARTS = {
    "default rate": "Default rate",
    "predictor": "AUC of one predictor",
    "model": "Model on its test loans",
    "policy": "Policy",
}
_TABLES = {
    "rate": ("rates", "Default rates and shares"),
    "score": ("scores", "Predictors and model"),
    "money": ("policy", "Profit per 100 of money asked for: of approving all, and what each policy adds to it"),
}
_ORDER = ("changed", "differs")


class Changes(Protocol):
    """Two runs side by side, see `loantap.report.earlier`."""

    @property
    def earlier(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def later(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def same_loans(self) -> bool: ...  # noqa: D102
    @property
    def shared(self) -> int: ...  # noqa: D102
    @property
    def alpha(self) -> float: ...  # noqa: D102
    @property
    def causes(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def numbers(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def facts(self) -> pd.DataFrame: ...  # noqa: D102


def record(changes: Changes | None) -> dict[str, Any]:
    """Return what `results/changes.json` holds; without an earlier run only that there is none."""
    if changes is None:
        return {"earlier": None, "told": [NONE]}
    known = ("earlier", "later", "same_loans", "shared", "alpha", "causes", "numbers", "facts")
    return {name: getattr(changes, name) for name in known} | {"headline": headline(changes), "told": told(changes)}


def headline(changes: Changes) -> str:
    """Return which of loans, parameters and method differ, in one sentence."""
    differ = [aspect for aspect in ASPECTS if aspect in set(changes.causes["aspect"])]
    since = f"since run {changes.earlier['run_id']}"
    if not differ:
        return (
            f"Nothing changed {since}"
            if _same(changes)
            else f"Results changed {since}, though loans, parameters and method did not"
        )
    rest = [aspect for aspect in ASPECTS if aspect not in differ]
    several = "; their effects cannot be told apart" if len(differ) > 1 else ""
    unchanged = f"; {listed(rest)} did not" if rest else ""
    return f"{capital(listed(differ))} changed {since}{unchanged}{several}"


def told(changes: Changes) -> list[str]:
    """Return what changed, in sentences: what the runs were made from first, then what they found."""
    return [
        f"{headline(changes)}.", *(text for aspect in ASPECTS if (text := _cause(changes, aspect))), _numbers_told(changes), *_facts_told(changes)
    ]  # fmt: skip


def changed_lines(changes: Changes) -> list[str]:
    """Return one line for each number that changed or differs."""
    table = changes.numbers
    return [
        f"{_part(row['part'])}, {_name(row['name'])}: {_told(row, 'earlier')}, now {_told(row, 'later')} ({row['verdict']})"
        for row in table[table["verdict"].isin(_ORDER)].to_dict("records")
    ]


def exhibits(changes: Changes | None) -> Exhibits:
    """Return tables of what differs, of numbers and of findings side by side, and default rates by grade then and now."""
    if changes is None:
        return Exhibits()
    shown = [_causes(changes)] if len(changes.causes) else []
    shown += [_numbers(changes, kind) for kind in _TABLES if (changes.numbers["kind"] == kind).any()]
    shown += [_findings(changes)] if not changes.facts["same"].all() else []
    return together(*shown, *_grades(changes))


def _same(changes: Changes) -> bool:
    return bool((changes.numbers["verdict"] == "equal").all() and changes.facts["same"].all())


def _cause(changes: Changes, aspect: str) -> str:
    rows = changes.causes[changes.causes["aspect"] == aspect].to_dict("records")
    if not rows:
        return ""
    if aspect == "loans":
        shared = f"{show(changes.shared, 'count')} of this run's loans are in the earlier one too" if changes.shared else "no loan is in both"  # fmt: skip
        caution = (
            ". The tests take the runs as independent, and so call too few differences a change"
            if changes.shared
            else ""
        )
        return f"Loans: {_loans(changes.earlier)} then, {_loans(changes.later)} now; {shared}{caution}."
    texts = [_difference(row) for row in rows]
    more = [f"{len(texts) - _TOLD} more"] if len(texts) > _TOLD else []
    return f"{capital(aspect)}: {'; '.join([*texts[:_TOLD], *more])}."


def _loans(run: Mapping[str, Any]) -> str:
    return f"{show(run['loans'], 'count')} with {show(run['defaults'], 'count')} defaults"


def _difference(row: Mapping[str, Any]) -> str:
    where = f" ({row['where']})" if row["where"] else ""
    if row["what"] in ("notebook", "library") or row["what"].startswith("reference file"):
        return f"{row['what']} changed{where}"
    return f"{row['what']} from {row['earlier']} to {row['later']}{where}"


def _numbers_told(changes: Changes) -> str:
    counts = changes.numbers["verdict"].value_counts()
    compared = len(changes.numbers)
    if changes.same_loans:
        differ = int(counts.get("differs", 0))
        if not differ:
            return f"All {show(compared, 'count')} numbers compared are equal."
        return (
            f"{show(differ, 'count')} of {show(compared, 'count')} numbers differ. Both runs read the same loans, so this is the effect of the "
            "other changes, and no test of chance applies."
        )
    changed = int(counts.get("changed", 0))
    rule = f"a test of each difference, Holm's correction for all of them, error rate {percent(changes.alpha)}"
    if not changed:
        return f"None of {show(compared, 'count')} numbers changed by more than chance explains ({rule})."
    first = changes.numbers[changes.numbers["verdict"] == "changed"].head(_TOLD).to_dict("records")
    names = listed(
        [
            f"{_part(row['part']).lower()} {_name(row['name'])}" if row["part"] not in _PARTS else _name(row["name"])
            for row in first
        ]
    )
    more = f" and {changed - len(first)} more" if changed > len(first) else ""
    return f"{show(changed, 'count')} of {show(compared, 'count')} numbers changed by more than chance explains: {names}{more} ({rule})."


def _facts_told(changes: Changes) -> list[str]:
    differ = changes.facts[~changes.facts["same"].astype(bool)]
    policy = differ[differ["part"] == "policy"].to_dict("records")
    lines = [f"Policy {row['what']}: {_value(row['earlier'])} then, {_value(row['later'])} now." for row in policy if row["what"] in ("verdict", "recommended")]  # fmt: skip
    rest = [what for what in ("predictors", "model", "direction", "assumption") if (differ["part"] == what).any()]
    lines += [f"Findings in words differ for: {listed(rest)}."] if rest else []
    claims = differ["part"].str.startswith("claim").sum()
    return [*lines, *([f"{show(int(claims), 'count')} verdicts on claims differ."] if claims else [])]


def _causes(changes: Changes) -> Exhibit:
    table = changes.causes.assign(aspect=changes.causes["aspect"].map(capital), what=changes.causes["what"].map(_name))
    caption = f"What differs between what run {changes.earlier['run_id']} and this run were made from. Where: the stages concerned."
    return Exhibit(
        "changes-causes",
        headline(changes),
        caption,
        table=table,
        columns=columns("aspect", "what", "where", "earlier", "later"),
    )


def _numbers(changes: Changes, kind: str) -> Exhibit:
    name, what = _TABLES[kind]
    rows = changes.numbers[changes.numbers["kind"] == kind]
    order = rows["verdict"].map({verdict: place for place, verdict in enumerate(_ORDER)}).fillna(len(_ORDER))
    rows = rows.iloc[order.argsort(kind="stable")]
    table = rows.assign(part=rows["part"].map(_part), name=rows["name"].map(_name)).drop(columns="kind")
    kinds = dict.fromkeys(("earlier", "later", "difference"), "number" if kind == "money" else kind)
    tested = () if changes.same_loans else ("p_adjusted",)
    shown = columns("part", "name", *(f"{one} with interval" for one in kinds), *tested, "verdict", **kinds)
    if changes.same_loans:
        shown["difference"] = kinds["difference"]
    return Exhibit(
        f"changes-{name}",
        f"{what}: {_counted(rows, changes)}",
        _method(changes),
        table=table.reset_index(drop=True),
        columns=shown,
    )


def _counted(rows: pd.DataFrame, changes: Changes) -> str:
    verdict = "differs" if changes.same_loans else "changed"
    found, words = int((rows["verdict"] == verdict).sum()), "differ" if changes.same_loans else "changed"
    return f"{show(found, 'count') if found else 'none'} of {show(len(rows), 'count')} {words}"


def _method(changes: Changes) -> str:
    n = f"n = {show(changes.earlier['loans'], 'count')} loans then, {show(changes.later['loans'], 'count')} now."
    intervals = f"{percent(1 - changes.alpha)} intervals, one number at a time"
    if changes.same_loans:
        return f"{n} {intervals}. Both runs read the same loans: differences come from parameters or method, and no test of chance applies."
    return (
        f"{n} {intervals}: Wilson for default rates, bootstrap for the model's scores and for policies; of differences Newcombe's, or Zou and "
        f"Donner's from both intervals. Changed: p, adjusted by Holm for all {show(len(changes.numbers), 'count')} numbers compared, is below "
        f"{percent(changes.alpha)}."
    )


def _findings(changes: Changes) -> Exhibit:
    differ = changes.facts[~changes.facts["same"].astype(bool)]
    table = pd.DataFrame(
        {
            "part": differ["part"].map(capital), "what": differ["what"].map(_name),
            "earlier": differ["earlier"].map(_value), "later": differ["later"].map(_value),
        }
    )  # fmt: skip
    title = f"{show(len(differ), 'count')} of {show(len(changes.facts), 'count')} findings in words differ"
    caption = "Leaks, recipe, inputs, directions, verdicts and assumptions, as each run tells them. They have no interval, and no test."
    return Exhibit(
        "changes-findings",
        title,
        caption,
        table=table.reset_index(drop=True),
        columns=columns("part", "what", "earlier", "later"),
    )


def _grades(changes: Changes) -> list[Exhibit]:
    grades = changes.numbers[changes.numbers["part"] == "grade"]
    if grades.empty:
        return []
    changed, differ = ((grades["verdict"] == verdict).sum() for verdict in _ORDER)
    title = (
        f"The default rate of {show(int(changed), 'count')} of {len(grades)} grades changed" if changed
        else f"The default rate of {show(int(differ), 'count')} of {len(grades)} grades differs on the same loans" if differ
        else "Default rates by grade are the same" if changes.same_loans
        else "No grade's default rate is shown to have changed"
    )  # fmt: skip
    ends = [
        f"{row['name']}: {_told(row, 'earlier')} then, {_told(row, 'later')} now" for row in grades.to_dict("records")
    ]
    alt = f"Dots with intervals: default rate by grade in the earlier and in this run. {'; '.join(ends)}."
    return [
        Exhibit("changes-grades", title, f"{title}. {_method(changes)}", alt=alt, figure=plots.then_and_now(grades))
    ]


def _told(row: Mapping[str, Any], side: str) -> str:
    kind = "number" if row["kind"] == "money" else row["kind"]
    return f"{show(row[side], kind)} ({interval(row[f'{side}_low'], row[f'{side}_high'], kind)})"


def _part(part: str) -> str:
    return _PARTS.get(part) or capital(_name(part))


def _name(name: str) -> str:
    return _NAMES.get(name) or _LABELS.get(name) or name.replace("_", " ")


def _value(text: str | None) -> str:
    return (
        "not in this run"
        if text is None or pd.isna(text)
        else ", ".join(_LABELS.get(part, part) for part in text.split(", "))
    )
