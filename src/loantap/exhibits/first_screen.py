"""The report's first screen: one sentence, key figures, the decision, five findings, and where it all comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loantap.exhibits import heads
from loantap.exhibits.economics import rounded
from loantap.exhibits.findings import first_findings
from loantap.exhibits.plots.small import small_bars, small_columns, small_line
from loantap.exhibits.words import capital, interval, listed, percent, plain, show

Result = Mapping[str, Any]
VERDICTS = {"shown": ("Shown", "#2c7a4b"), "depends": ("Depends", "#8a5a00"), "not shown": ("Not shown", "#55606d")}
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MILLION = 1e6
_LINKS = (
    ("PDF", "loantap-insights.pdf"), ("Word", "loantap-insights.docx"), ("Excel", "loantap-tables.xlsx"), ("What changed", "changes.qmd"),
    ("Glossary", "glossary.qmd"),
)  # fmt: skip
_NAMED = 2


def answer(page: Any) -> str:
    """Return the answer in one sentence: how many loans default, what predicts it best, and what only seems to."""
    shape, columns = page.result("eda")["shape"], page.result("leaks")["columns"]
    leaks = [_label(row["column"]) for row in columns if row["verdict"] == "leak"]
    gives = "gives" if len(leaks) == 1 else "give"
    hidden = ""
    if leaks:
        hidden = f"; {listed(leaks)} {gives} the outcome away and {'is' if len(leaks) == 1 else 'are'} excluded"
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
    if near and len(near) <= _NAMED:
        names = listed([_label(row["column"]) for row in (best, *near)])
        return f"the strongest legitimate predictors are {whose}{names}"
    beside = f", closely followed by {len(near)} others" if near else ""
    return f"the strongest legitimate predictor is {whose}{_label(best['column'])}{beside}"


def _label(column: str) -> str:
    return plain(heads.label(column))


@dataclass(frozen=True)
class Tile:
    """A key figure: its value, what it is, what to know of it, and a small picture as Markdown."""

    value: str
    label: str
    note: str
    picture: str = ""

    def markdown(self) -> str:
        """Return the tile as the cell of a grid."""
        value = sized(f"**{self.value}**", size="14.5pt", name="tile-value", colour="#1f3f66")
        note = sized(self.note, size="7pt", name="tile-note")
        return "\n\n".join(part for part in (value, f"**{self.label}**", note, self.picture) if part)


def tiles(page: Any) -> str:
    """Return the key figures side by side."""
    made = (_loans(page), _rate(page), _money(page), _gain(page), _model(page), _data(page))
    return side_by_side([tile.markdown() for tile in made], name="tiles", columns="6")


def _loans(page: Any) -> Tile:
    first, last = (month[:4] for month in page.data["period"])
    return Tile(show(page.result("eda")["shape"]["n"], "count"), "finished loans", f"funded {first} to {last}")


def _rate(page: Any) -> Tile:
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
    return Tile(show(base["default_rate"], "rate"), "defaulted", note, picture)


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


def _money(page: Any) -> Tile:
    lost = next(row for row in page.result("eda")["shape"]["outcomes"] if row["outcome"] == "defaulted")
    note = f"{show(lost['share_of_amount'], 'rate')} of all money lent"
    return Tile(money(lost["amount_lent"]), "lent to defaulters", note)


def money(amount: float) -> str:
    """Return an amount as a headline says it: in millions from a million on."""
    if abs(amount) < _MILLION:
        return show(amount, "money")
    return f"{amount / _MILLION:,.0f}m" if abs(amount) >= 100 * _MILLION else f"{amount / _MILLION:.1f}m"


def _gain(page: Any) -> Tile:
    policy = page.result("policy")
    best = max(policy["policies"], key=lambda row: row["gain"])
    word, _ = VERDICTS[policy["recommended"]["verdict"]]
    if best["gain"] <= 0:
        return Tile(word, "gain from declining", "no policy earned more than approving all")
    per = best["gain"] / (best["profit_total"] - best["gain"]) if best["profit_total"] > best["gain"] > 0 else None
    share = f" ({per:+.0%})" if per is not None else ""
    gained = f"+{rounded(best['gain'], best['gain_low'], best['gain_high'])}{share}"
    return Tile(word, "gain from declining", f"best policy: {gained}")


def _model(page: Any) -> Tile:
    test = page.result("model")["without_pincode"]["test"]
    note = f"on {show(test['n'], 'count')} unseen loans; 50 is chance"
    return Tile(f"{100 * test['roc_auc']:.0f} in 100", "pairs ranked right", note)


def _data(page: Any) -> Tile:
    columns = page.result("leaks")["columns"]
    leaks = [_label(row["column"]) for row in columns if row["verdict"] == "leak"]
    used = f"{show(page.data['rows'], 'count')} of {show(page.data['rows_read'], 'count')} records used"
    if not leaks:
        return Tile("No leak", f"in {len(columns)} columns", used)
    return Tile(f"{len(leaks)} leak{'s' * (len(leaks) > 1)}", f"excluded: {listed(leaks)}", used)


def decision(page: Any) -> str:
    """Return the decision: its verdict, what it gains and costs, what is asked, and the picture of what was possible."""
    policy = page.result("policy")
    recommended = policy["recommended"]
    word, colour = VERDICTS[recommended["verdict"]]
    badge = f'[`#box(fill: rgb("{colour}"), inset: (x: 5pt, y: 2.5pt), radius: 2pt)[#text(fill: white, weight: "bold", size: .9em)[`{{=typst}}{word}`]]`{{=typst}}]{{.verdict .verdict-{recommended["verdict"].replace(" ", "-")}}}'
    links = "[Decision sheet](policy.qmd#sec-sheet) · [who is declined](policy.qmd#sec-who) · [what it rests on](policy.qmd#sec-assumptions)"
    said = f"{sized('**The decision**', size='12pt', name='box-head')} {badge}\n\n{plain(recommended['short'])}\n\n{_asked(recommended['ask'])}\n\n{links}"
    alt = page.run.exhibit("policy-trade-off", "figures").alt
    picture = _image("figures/policy-trade-off.svg", alt)
    return side_by_side([said, picture], name="decision", columns="(1fr, 1.15fr)", size="9pt")


def _asked(text: str) -> str:
    """Return what is asked of the committee with its first words, up to a colon, in bold."""
    head, colon, rest = text.partition(":")
    return f"**{plain(head)}:**{plain(rest)}" if colon else plain(text)


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
    told = f"{origin} · run {page.manifest['run_id']}"
    links = " · ".join(f"[{words}]({target})" for words, target in _LINKS)
    return f'::: {{.source-note}}\n{told} [· {links}]{{.content-visible when-format="html"}}\n:::'


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
