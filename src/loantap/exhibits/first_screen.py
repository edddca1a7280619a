"""The report's first screen: one sentence, key figures, the decision, five findings, and where it all comes from."""

from collections.abc import Mapping, Sequence
from typing import Any

from loantap.exhibits import heads
from loantap.exhibits.economics import rounded
from loantap.exhibits.findings import first_findings
from loantap.exhibits.plots.small import small_bars, small_columns, small_line
from loantap.exhibits.words import capital, interval, listed, percent, plain, show

Result = Mapping[str, Any]
VERDICTS = {"shown": ("Shown", "#2c7a4b"), "depends": ("Depends", "#8a5a00"), "not shown": ("Not shown", "#55606d")}
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_LINKS = (
    ("PDF", "loantap-insights.pdf"), ("Word", "loantap-insights.docx"), ("Excel", "loantap-tables.xlsx"), ("What changed", "changes.qmd"),
    ("Glossary", "glossary.qmd"),
)  # fmt: skip


def answer(page: Any) -> str:
    """Return the answer in one sentence: how many loans default, what predicts it best, and what only seems to."""
    shape, columns = page.result("eda")["shape"], page.result("leaks")["columns"]
    leaks = [_label(row["column"]) for row in columns if row["verdict"] == "leak"]
    verbs = ("gives", "is") if len(leaks) == 1 else ("give", "are")
    hidden = f"; {listed(leaks)} {verbs[0]} the outcome away and {verbs[1]} excluded" if leaks else ""
    return f"{capital(share_in_words(shape['default_rate']))} defaulted, and {_predictor(columns)}{hidden}."


def share_in_words(rate: float) -> str:
    """Return a share of loans as people say it: 'one loan in five', 'about one loan in five', or as a percentage."""
    n = round(1 / rate) if rate > 0 else 0
    if not 2 <= n < len(_NUMBERS) + 2 or abs(1 / n - rate) > 0.1 * rate:
        return f"{show(rate, 'rate')} of all loans"
    return f"{'' if abs(1 / n - rate) < 0.01 * rate else 'about '}one loan in {_NUMBERS[n - 2]}"


def _predictor(columns: list[Result]) -> str:
    clear = [row for row in columns if row["auc"] is not None and row["verdict"] != "leak"]
    best = max(clear, key=lambda row: row["auc"], default=None)
    if best is None or best["auc_low"] <= 1 / 2:
        return "no single column is shown to predict default"
    near = [row for row in clear if row is not best and row["auc_low"] > 1 / 2 and row["auc_high"] > best["auc_low"]]
    whose = "the lender's own " if best["known"] == "pricing" else ""
    if 1 <= len(near) <= 2:
        names = listed([_label(row["column"]) for row in (best, *near)])
        return f"the strongest legitimate predictors are {whose}{names}"
    beside = f", closely followed by {len(near)} others" if near else ""
    return f"the strongest legitimate predictor is {whose}{_label(best['column'])}{beside}"


def _label(column: str) -> str:
    return plain(heads.label(column))


def _tile(value: str, label: str, note: str, picture: str = "") -> str:
    """Return a key figure as the cell of a grid: its value, what it is, what to know of it, and a small picture."""
    value = sized(f"**{value}**", size="14.5pt", name="tile-value", colour="#1f3f66")
    note = sized(note, size="7pt", name="tile-note")
    return "\n\n".join(part for part in (value, f"**{label}**", note, picture) if part)


def tiles(page: Any) -> str:
    """Return the key figures side by side."""
    shape, test = page.result("eda")["shape"], page.result("model")["without_pincode"]["test"]
    first, last = (month[:4] for month in page.data["period"])
    lost = next(row for row in shape["outcomes"] if row["outcome"] == "defaulted")
    policy = page.result("policy")
    best = max(policy["policies"], key=lambda row: row["gain"])
    gain = "no policy earned more than approving all"
    if best["gain"] > 0:
        before = best["profit_total"] - best["gain"]
        share = f" ({best['gain'] / before:+.0%})" if before > 0 else ""
        gain = f"best policy: +{rounded(best['gain'], best['gain_low'], best['gain_high'])}{share}"
    figures = (
        _tile(show(shape["n"], "count"), "finished loans", f"funded {first} to {last}"),
        _rate(page),
        _tile(
            money(lost["amount_lent"]),
            "lent to defaulters",
            f"{show(lost['share_of_amount'], 'rate')} of all money lent",
        ),
        _tile(VERDICTS[policy["recommended"]["verdict"]][0], "gain from declining", gain),
        _tile(
            f"{100 * test['roc_auc']:.0f} in 100", "pairs ranked right", f"on {test['n']:,} unseen loans; 50 is chance"
        ),
        _data(page),
    )
    return side_by_side(figures, name="tiles", columns="6")


def _rate(page: Any) -> str:
    eda = page.result("eda")
    base, by_year = eda["shape"], _by_year(eda["vintages"])
    note = f"{percent(eda['settings']['confidence'])} CI {interval(base['ci_low'], base['ci_high'], 'rate')}"
    picture = ""
    if len(by_year) > 1:
        years, rates = list(by_year), [rate for rate, _ in by_year.values()]
        settled = sum(not unripe for _, unripe in by_year.values())
        path = page.draw("first-trend", small_line(rates, first=str(years[0]), last=str(years[-1]), settled=settled))
        alt = f"Default rate by year of funding: from {show(rates[0], 'rate')} in {years[0]} to {show(rates[-1], 'rate')} in {years[-1]}; dotted where loans still run."
        picture = _image(path, alt)
    return _tile(show(base["default_rate"], "rate"), "defaulted", note, picture)


def _image(path: str, alt: str) -> str:
    return f'![]({path}){{fig-alt="{alt.replace(chr(34), chr(39))}"}}'


def _by_year(vintages: list[Result]) -> dict[int, tuple[float, bool]]:
    """Return the default rate of the loans funded in each year, and whether some of such loans have not ended."""
    years: dict[int, list[Result]] = {}
    for row in vintages:
        if row["n"] and row["defaults"] is not None:
            years.setdefault(int(row["start"][:4]), []).append(row)
    return {
        year: (sum(row["defaults"] for row in rows) / sum(row["n"] for row in rows), any(row["unripe"] for row in rows))
        for year, rows in sorted(years.items())
    }


def money(amount: float) -> str:
    """Return an amount as a headline says it: in millions from a million on."""
    if abs(amount) < 1e6:
        return show(amount, "money")
    return f"{amount / 1e6:,.0f}m" if abs(amount) >= 1e8 else f"{amount / 1e6:.1f}m"


def _data(page: Any) -> str:
    columns = page.result("leaks")["columns"]
    leaks = [_label(row["column"]) for row in columns if row["verdict"] == "leak"]
    used = f"{page.data['rows']:,} of {page.data['rows_read']:,} records used"
    if not leaks:
        return _tile("No leak", f"in {len(columns)} columns", used)
    return _tile(f"{len(leaks)} leak{'s' * (len(leaks) > 1)}", f"excluded: {listed(leaks)}", used)


def decision(page: Any) -> str:
    """Return the decision: its verdict, what it gains and costs, what is asked, and the picture of what was possible."""
    policy = page.result("policy")
    recommended = policy["recommended"]
    word, colour = VERDICTS[recommended["verdict"]]
    badge = f'[`#box(fill: rgb("{colour}"), inset: (x: 5pt, y: 2.5pt), radius: 2pt)[#text(fill: white, weight: "bold", size: .9em)[`{{=typst}}{word}`]]`{{=typst}}]{{.verdict .verdict-{recommended["verdict"].replace(" ", "-")}}}'
    links = "[Decision sheet](policy.qmd#sec-sheet) · [who is declined](policy.qmd#sec-who) · [what it rests on](policy.qmd#sec-assumptions)"
    first, colon, rest = recommended["ask"].partition(":")  # the first words of what is asked in bold
    ask = f"**{plain(first)}:**{plain(rest)}" if colon else plain(first)
    head = sized("**The decision**", size="12pt", name="box-head")
    text = f"{head} {badge}\n\n{plain(recommended['short'])}\n\n{ask}\n\n{links}"
    picture = _image("figures/policy-trade-off.svg", page.run.exhibit("policy-trade-off", "figures").alt)
    return side_by_side([text, picture], name="decision", columns="(1fr, 1.15fr)", size="9pt")


def findings(page: Any) -> str:
    """Return the findings side by side, each a sentence with a small chart of default rates."""
    overall = page.result("eda")["shape"]["default_rate"]
    cells = []
    for shown in first_findings(page):
        chart = small_bars(shown.levels, shown.rates, overall=overall)
        if shown.ordered:
            chart = small_columns(shown.rates, first=shown.levels[0], last=shown.levels[-1], overall=overall)
        picture = _image(page.draw(f"first-{shown.name}", chart), shown.alt)
        head = f"**[{plain(shown.head)}](drivers.qmd#{shown.section})**"
        cells.append(f"{head}\n\n{plain(shown.text.rstrip('.'))}.\n\n{picture}")
    return side_by_side(cells, name="findings", columns=str(len(cells)))


def source_line(page: Any) -> str:
    """Return in one line where the loans come from, which run this is, and, on the site, what else there is to read."""
    data = page.data
    named = str(data.get("location", "")).rsplit("/", 1)[-1].replace("`", "")
    origin = "Synthetic loans" if page.synthetic else f"`{named}`" if named else "Merged sources"
    links = " · ".join(f"[{words}]({target})" for words, target in _LINKS)
    return f'::: {{.source-note}}\n{origin} · run {page.manifest["run_id"]} [· {links}]{{.content-visible when-format="html"}}\n:::'


def side_by_side(cells: Sequence[str], *, name: str, columns: str, size: str = "8pt") -> str:
    """Return blocks of Markdown as the cells of a grid: a style sheet lays out the site, Typst's grid the PDF.

    Args:
        cells: The blocks, as Markdown.
        name: The class of the grid; that of a cell is NAME-cell.
        columns: The columns in the PDF, as Typst takes them: a number, or a tuple of widths.
        size: The size of letters in the PDF.
    """
    opened = f"#block(width: 100%, above: 1em, below: 1em)[#set text(size: {size}); #grid(columns: {columns}, column-gutter: 10pt, row-gutter: 9pt, ["
    body = f"\n\n{typst('], [')}\n\n".join(f"::: {{.{name}-cell}}\n{cell}\n:::" for cell in cells)
    return f":::: {{.{name}}}\n\n{typst(opened)}\n\n{body}\n\n{typst('])]')}\n\n::::"


def typst(source: str) -> str:
    """Return a block that only the PDF reads."""
    return f"```{{=typst}}\n{source}\n```"


def sized(text: str, *, size: str, name: str, colour: str = "") -> str:
    """Return a text in a size and colour of its own: by its class on the site, by Typst in the PDF."""
    fill = f', fill: rgb("{colour}")' if colour else ""
    return f"[`#text(size: {size}{fill})[`{{=typst}}{text}`]`{{=typst}}]{{.{name}}}"
