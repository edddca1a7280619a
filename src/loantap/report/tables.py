"""Numbers as a reader wants them, and tables as Markdown, which both report engines take."""

import re
from collections.abc import Mapping

import pandas as pd

_FORMATS = {
    "count": "{:,.0f}",
    "money": "{:,.0f}",
    "number": "{:,.2f}",
    "ratio": "{:.2f}",
    "rate": "{:.1%}",
    "score": "{:.3f}",
    "text": "{}",
}
ABSENT = "–"
WITH_INTERVAL = " with interval"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#@$|~^])")


def plain(text: str) -> str:
    """Return the text with every sign escaped that Markdown would read as markup.

    Texts that people wrote, such as job titles, must not become tags of a published page.
    """
    return _MARKUP.sub(r"\\\1", text)


def show(value: float | int | str | None, kind: str) -> str:
    """Return a value as text: count, money, number, ratio, rate (a fraction as percent), score, p (p-value) or text."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ABSENT
    if kind == "p":
        return "< 0.001" if float(value) < 0.001 else f"{value:.3f}"
    if kind == "ratio" and float(value) >= 100:
        return f"{value:,.0f}"
    text = _FORMATS[kind].format(value)
    if kind != "text" and not re.search("[1-9]", text):
        text = text.removeprefix("-")  # what rounds to nothing has no sign
    return text.replace("%", " %") if kind == "rate" else text


def interval(low: float | None, high: float | None, kind: str) -> str:
    """Return an interval as text, such as '18.2 to 19.1 %'."""
    first, second = show(low, kind), show(high, kind)
    return f"{first.removesuffix(' %')} to {second}" if ABSENT not in (first, second) else ABSENT


def to_markdown(table: pd.DataFrame, formats: Mapping[str, str]) -> str:
    """Return the table as Markdown, with columns in the order of `formats` and texts left, numbers right.

    Args:
        table: The rows to show.
        formats: For each column to show, the kind of `show`; the column's header is its name with spaces. A kind that ends in
            WITH_INTERVAL takes the ends from the columns NAME_low and NAME_high, or ci_low and ci_high.
    """
    shown = pd.DataFrame({name.replace("_", " "): _cells(table, name, kind) for name, kind in formats.items()})
    sides = tuple("left" if kind == "text" else "right" for kind in formats.values())
    return shown.to_markdown(index=False, disable_numparse=True, colalign=sides)


def _cells(table: pd.DataFrame, name: str, kind: str) -> list[str]:
    base = kind.removesuffix(WITH_INTERVAL)
    texts = [show(value, base) for value in table[name]]
    if kind != base:
        ends = [f"{name}_low", f"{name}_high"] if f"{name}_low" in table else ["ci_low", "ci_high"]
        told = [interval(low, high, base) for low, high in zip(*(table[end] for end in ends), strict=True)]
        texts = [text if ABSENT in (text, ends) else f"{text} ({ends})" for text, ends in zip(texts, told, strict=True)]
    return [plain(text) for text in texts]
