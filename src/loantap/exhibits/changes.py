"""What changed since an earlier run: tables and the figure, from the two runs side by side."""

import pandas as pd

from loantap.analysis.changes import Changes
from loantap.exhibits.changes_words import ORDER, headline, name_in_words, number_in_words, value_in_words, with_ends
from loantap.exhibits.exhibit import Exhibit, Exhibits, together
from loantap.exhibits.plots import drivers as plots
from loantap.exhibits.words import capital, columns, percent, show

_TABLES = {
    "rate": ("rates", "Default rates and shares"),
    "score": ("scores", "Predictors and model"),
    "money": ("policy", "Profit per 100 of money asked for, of approving all, and what each policy adds to it"),
}


def exhibits(changes: Changes | None) -> Exhibits:
    """Return tables of what differs, of numbers and of findings side by side, and default rates by grade then and now."""
    if changes is None:
        return Exhibits()
    shown = [_causes(changes)] if len(changes.causes) else []
    shown += [_numbers(changes, kind) for kind in _TABLES if (changes.numbers["kind"] == kind).any()]
    shown += [_findings(changes)] if not changes.facts["same"].all() else []
    return together(*shown, *_grades(changes))


def _causes(changes: Changes) -> Exhibit:
    table = changes.causes.assign(
        aspect=changes.causes["aspect"].map(capital), what=changes.causes["what"].map(name_in_words)
    )
    caption = f"What differs between what run {changes.earlier['run_id']} and this run were made from. Where: the stages concerned."
    shown = columns("aspect", "what", "earlier", "later", "where")
    return Exhibit("changes-causes", headline(changes), caption, table=table, columns=shown)


def _numbers(changes: Changes, kind: str) -> Exhibit:
    name, what = _TABLES[kind]
    rows = changes.numbers[changes.numbers["kind"] == kind]
    rows = pd.concat([*(rows[rows["verdict"] == verdict] for verdict in ORDER), rows[~rows["verdict"].isin(ORDER)]])
    table = rows.assign(what=[number_in_words(row) for row in rows.to_dict("records")]).drop(columns="kind")
    kinds = dict.fromkeys(("earlier", "later", "difference"), "number" if kind == "money" else kind)
    tested = () if changes.same_loans else ("p_adjusted",)
    shown = columns("what", *(f"{one} with interval" for one in kinds), *tested, "verdict", **kinds)
    if changes.same_loans:
        shown["difference"] = kinds["difference"]
    verdict, words = ("differs", "differ") if changes.same_loans else ("changed", "changed")
    counted = int((rows["verdict"] == verdict).sum())
    title = f"{what}: {show(counted, 'count') if counted else 'none'} of {show(len(rows), 'count')} {words}"
    return Exhibit(f"changes-{name}", title, _method(changes), table=table.reset_index(drop=True), columns=shown)


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
    said = {"part": capital, "what": name_in_words, "earlier": value_in_words, "later": value_in_words}
    table = pd.DataFrame({name: differ[name].map(words) for name, words in said.items()})
    title = f"{show(len(differ), 'count')} of {show(len(changes.facts), 'count')} findings in words differ"
    caption = "Leaks, recipe, inputs, directions, verdicts and assumptions, as each run tells them. They have no interval, and no test."
    shown = columns("part", "what", "earlier", "later")
    return Exhibit("changes-findings", title, caption, table=table.reset_index(drop=True), columns=shown)


def _grades(changes: Changes) -> list[Exhibit]:
    grades = changes.numbers[changes.numbers["part"] == "grade"]
    if grades.empty:
        return []
    changed, differ = ((grades["verdict"] == verdict).sum() for verdict in ORDER)
    title = (
        f"The default rate of {show(int(changed), 'count')} of {len(grades)} grades changed" if changed
        else f"The default rate of {show(int(differ), 'count')} of {len(grades)} grades differs on the same loans" if differ
        else "Default rates by grade are the same" if changes.same_loans
        else "No grade's default rate is shown to have changed"
    )  # fmt: skip
    rows = grades.to_dict("records")
    ends = [f"{row['name']}: {with_ends(row, 'earlier')} then, {with_ends(row, 'later')} now" for row in rows]
    alt = f"Dots with intervals: default rate by grade in the earlier and in this run. {'; '.join(ends)}."
    return [Exhibit("changes-grades", title, f"{title}. {_method(changes)}", alt, figure=plots.then_and_now(grades))]
