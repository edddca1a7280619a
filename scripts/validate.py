"""Simulate loans of known truth and hold every statistic against its goal; write docs/validation.md and .json.

python scripts/validate.py [--repetitions N] [--workers N] [--seed N] [--out DIR]
"""

import argparse
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loantap.analysis.validation import SCENARIOS, validate
from loantap.exhibits.words import interval, show, to_markdown
from loantap.files import write_text
from loantap.progress import Clock
from loantap.settings import project_root

Record = dict[str, Any]

INTRODUCTION = """# Can the verdicts be trusted?

Written by `make validate` (`scripts/validate.py`): {repetitions:,} repetitions, or the multiple of them that each table
states, of draws whose truth is known; seed {seed}, alpha {alpha:g}. The numbers are also in
[validation.json](validation.json). They are tests of the method on simulated loans and say nothing about real ones.

A probability found by simulation has an error of its own: its 95% Monte Carlo interval. "Cells" are the settings
that a row sums up; a row on the worst factor takes the largest of them, with an interval that holds for all at once.
"Beyond chance" counts the cells whose interval, at a confidence that holds for all at once, lies outside the goal.
**Met**: the number, and no cell beyond chance outside the goal. **Met on average**: some cells are outside. **Met
within Monte Carlo error**: the goal is missed by less than the simulation can tell. **Not met**: it is missed.
"""

ODDS = """## Odds ratio of a level against the rest

A level of n loans against {rest:,} others, each outcome drawn independently. Rows: the default rate of the others and
the level's loans; columns: the true odds ratio.
"""
RARE = """## Rare and separated levels

Small levels against {rest:,} loans with a default rate of {base_rate:g}. Where one of the four cells is 0, 0.5 is added
to each (Haldane–Anscombe). With a true rate of 0 or 1 the true odds ratio is 0 or infinite: no interval with two finite
ends holds it, ever. The report calls such a level separated and says that its odds ratio is a convention; the rows here
show why. They are no part of the goals.
"""
ADJUSTED = """## Adjusted odds ratio

{adjusted_loans:,} loans in four segments. The log odds of default are the segment's effect plus a linear function of
interest rate, amount, term and income, so the regression is right. "Confounded": the segments draw loans of different
interest rates; "independent": they do not. The truth is what `adjusted_odds` estimates: the segment's log odds minus the
mean of the others', weighted by their loans, those of the sample ("coverage") or of the population. The bias is that
of the log odds ratio. The unadjusted odds ratio is held against the same truth: where confounded it answers another
question; where independent it is still nearer to 1, since odds ratios do not average (non-collapsibility).
"""
ADJUSTED_NULL = """### No effect, but a confounder

The same loans, with no effect of the segment at all: how often any segment is called different after Holm's correction.
"""
FAMILIES = """## False verdicts

Factors without any effect, default rate {base_rate:g}. Sizes are drawn; levels with cells under {min_cell} are pooled
first, as in the report. How often any level is called different at alpha {alpha:g}, and how often the chi-square test
of the whole factor finds something. "Holm, normal approximation" is what the report does
not do: it shows what the exact test of levels with few expected loans is good for.
"""
EFFECTS = """### Beside true effects

Pairs of levels of equal size lie above and below the default rate of all others by the shift; the others have exactly
the rate of the rest. "Any false": Holm calls one of those different. "Share false": the mean share of false ones among
the levels that Benjamini–Hochberg calls different. "Found": the share of true effects that were.
"""
POWER = """## Power

One level against {rest:,} loans with a default rate of {base_rate:g}, tested at alpha divided by the number of levels (the
first step of Holm). First at the odds ratios that the report calls the smallest detectable with 80%, then at stated ones.
"Computed" is the power of the normal approximation.
"""
CRAMERS_V = """## Cramér's V

Every loan's level and outcome are drawn. Grade and pincode have the published sizes and rates. With no association the
interval starts at 0 in all but alpha / 2 of the draws, so it covers more often than its nominal 95%.
"""
WILSON = """## Default rate

Wilson's interval. Defaults come in whole numbers, so its coverage swings about 95% with n and the rate.
"""


def markdown(cells: pd.DataFrame, columns: Mapping[str, tuple[str, str]]) -> str:
    """Return cells as a Markdown table; `columns` maps a name to its header and kind, "rate ±" with its interval."""
    table = pd.DataFrame()
    for name, (header, kind) in columns.items():
        kind, _, with_interval = kind.partition(" ")
        values = [show(value, kind) for value in cells[name]]
        if with_interval:
            ends = zip(cells[f"{name}_low"], cells[f"{name}_high"], strict=True)
            spans = [interval(low, high, kind) for low, high in ends]
            values = [f"{value} ({span})" if not pd.isna(raw) else value
                      for value, span, raw in zip(values, spans, cells[name], strict=True)]  # fmt: skip
        table[header] = values
    kinds = {header: "text" if kind in ("text", "") else kind for header, kind in columns.values()}
    sides = ["left" if kind == "text" else "right" for kind in kinds.values()]
    return str(table.to_markdown(index=False, disable_numparse=True, colalign=sides)) + "\n"


def pivot(cells: pd.DataFrame, measure: str, kind: str, title: str) -> str:
    """Return a measure by default rate and n (rows) and true odds ratio (columns), with the largest Monte Carlo error."""
    grid = cells.pivot(index=["rest_rate", "n"], columns="true_or", values=measure)
    grid.columns = pd.Index([f"OR {ratio:g}" for ratio in grid.columns])
    text = to_markdown(grid.reset_index(), {"rest_rate": "rate", "n": "count", **dict.fromkeys(grid.columns, kind)})
    error = ((cells[f"{measure}_high"] - cells[f"{measure}_low"]) / 2).max()
    return f"{title} Monte Carlo error: ± {show(error, kind)} at most, {repeated(cells)}.\n\n{text}\n"


def repeated(cells: pd.DataFrame) -> str:
    """Say how often each cell was drawn."""
    return f"{int(cells['repetitions'].iloc[0]):,} repetitions"


def verdict_table(verdicts: list[Record]) -> str:
    """Return the verdicts as a Markdown table."""
    rows = []
    for row in verdicts:
        low, high = show(row["goal_low"], "rate"), show(row["goal_high"], "rate")
        goal = f"at most {high}" if row["goal_low"] == 0 else f"at least {low}" if row["goal_high"] == 1 else None
        goal = goal or interval(row["goal_low"], row["goal_high"], "rate")
        rows.append(
            {
                "quantity": row["quantity"],
                "goal": goal,
                "found (Monte Carlo interval)": f"{show(row['found'], 'rate')} ("
                f"{interval(row['found_low'], row['found_high'], 'rate')})",
                "cells": f"{row['cells']}",
                "beyond chance": f"{row['below'] + row['above']}",
                "verdict": row["verdict"],
            }
        )
    sides = ["left", "left", "right", "right", "right", "left"]
    return str(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True, colalign=sides)) + "\n"


def reasons(facts: Record) -> str:
    """Say of each goal that is not simply met what was found, and where."""
    lines = []
    for row in facts["verdicts"]:
        if row["verdict"] == "met":
            continue
        cells = pd.DataFrame(facts["scenarios"][row["scenario"]]["cells"])
        lines.append(f"- **{row['quantity']}: {row['verdict']}.** {explanation(row, cells)}")
    text = "\n".join(lines) or "Every goal is met, in every cell."
    return f"## What is not simply met, and why\n\n{text}\n"


def explanation(row: Record, cells: pd.DataFrame) -> str:
    """Explain a verdict other than met, in words that follow from its numbers."""
    coverage = row["goal_low"] > 0 and "overage" in row["quantity"]
    parts = []
    if row["verdict"] != "met on average":
        found = f"{show(row['found'], 'rate')} ({interval(row['found_low'], row['found_high'], 'rate')})"
        if row["verdict"] == "not met":
            parts.append(f"Found {found}: outside the goal beyond chance.")
        else:
            parts.append(f"Found {found}: the goal lies inside the interval; more repetitions would tell.")
    if row["below"]:
        meaning = ": the intervals there are too narrow" if coverage else ""
        parts.append(f"{row['below']} of {row['cells']} cells lie below (least {show(row['least'], 'rate')}){meaning}.")
    if row["above"]:
        meaning = ": the intervals there are wider than they need be, which is the safe side" if coverage else ""
        parts.append(f"{row['above']} of {row['cells']} cells lie above (most {show(row['most'], 'rate')}){meaning}.")
    if row["outside"] and "expected" in cells:
        outside = cells["expected"].to_numpy()[row["outside"]]
        least, most = f"{outside.min():.3g}", f"{outside.max():.3g}"
        parts.append(
            f"These cells expect {least if least == most else f'{least} to {most}'} loans of the rarer outcome; "
            f"in no cell with more is the goal missed beyond chance."
        )
        if coverage and outside.max() < 50:
            parts.append(
                "With so few, whole numbers of defaults make coverage jump, and normal approximations are rough."
            )
    if row["scenario"] == "power" and row["outside"]:
        parts.append(
            "The computed power is that of the normal approximation, while levels with few expected loans get the exact "
            "test: it finds high odds ratios less often than computed and low ones more often, as the table shows."
            if _exact_test_shows(cells.iloc[list(row["outside"])])
            else "The computed power is that of the normal approximation."
        )
    if row["measure"] == "covered_shown" and row["below"]:
        parts.append(
            "Such a level is published only where chance gave it more of the rarer outcome than expected, so its rate "
            "is exaggerated when it is seen. That comes from hiding small cells, not from the interval."
        )
    if row["scenario"] == "families" and row["measure"] in ("holm", "bh") and row["outside"]:
        families = cells.iloc[list(row["outside"])].to_dict(orient="records")
        names = "; ".join(f"{cell['factor']}, {cell['levels']} levels, {cell['loans']:,} loans" for cell in families)
        parts.append(f"That is: {names}. Which levels are pooled depends on their outcomes too.")
    if row["scenario"] == "families" and row["measure"] == "chi2":
        parts.append("The chi-square distribution is an approximation whose size is alpha itself, not less.")
    return " ".join(parts)


def _exact_test_shows(cells: pd.DataFrame) -> bool:
    high = cells["true_or"] > 1
    return bool((cells["found"] < cells["formula"])[high].all() and (cells["found"] > cells["formula"])[~high].all())


def page(facts: Record) -> str:
    """Return docs/validation.md from what docs/validation.json holds."""
    cells = {name: pd.DataFrame(scenario["cells"]) for name, scenario in facts["scenarios"].items()}

    def text(template: str, name: str) -> str:
        return template.format(**facts) + (f"\nEach cell: {repeated(cells[name])}.\n" if name else "")

    odds = cells["odds"].assign(fold=lambda t: np.exp(t["log_width"]))
    for end in ("low", "high"):
        odds[f"fold_{end}"] = np.exp(odds[f"log_width_{end}"])
    rare = cells["rare"].assign(
        true_or=[show(v, "ratio") if pd.notna(v) else "infinite" for v in cells["rare"]["true_or"]]
    )
    sections = [
        INTRODUCTION.format(**facts),
        verdict_table(facts["verdicts"]),
        reasons(facts),
        text(ODDS, ""),
        pivot(odds, "covered", "rate", "Coverage."),
        pivot(odds, "covered_shown", "rate", f"Coverage among draws where no cell of the level was under {facts['min_cell']} (a dash: never)."),
        pivot(odds, "log_error", "ratio", "Bias: mean error of the log odds ratio."),
        pivot(odds, "fold", "ratio", "Width: the upper end as a multiple of the lower one (geometric mean)."),
        text(RARE, "rare"),
        markdown(rare, {
            "rate": ("true rate", "rate"), "n": ("n", "count"), "true_or": ("true OR", "text"),
            "covered": ("coverage", "rate ±"), "corrected": ("0.5 added", "rate"),
            "covered_corrected": ("coverage where added", "rate"), "log_error": ("bias (log)", "ratio"),
        }),
        text(ADJUSTED, "adjusted"),
        markdown(cells["adjusted"], {
            "setting": ("setting", "text"), "level": ("segment", "text"), "true_or": ("true OR", "ratio"),
            "covered": ("coverage", "rate ±"), "covered_population": ("population's weights", "rate"),
            "log_error": ("bias (log)", "score ±"), "unadjusted_log_error": ("unadjusted: bias (log)", "score ±"),
            "unadjusted_covered": ("unadjusted: coverage", "rate ±"),
        }),
        text(ADJUSTED_NULL, "adjusted_null"),
        markdown(cells["adjusted_null"], {
            "setting": ("setting", "text"), "adjusted_false": ("adjusted: any level", "rate ±"),
            "unadjusted_false": ("unadjusted: any level", "rate ±"),
        }),
        text(FAMILIES, "families"),
        markdown(cells["families"], {
            "factor": ("factor", "text"), "levels": ("levels", "count"), "loans": ("loans", "count"),
            "published": ("levels left", "number"), "holm": ("any level (Holm)", "rate ±"),
            "bh": ("any level (BH)", "rate ±"),
            "holm_normal": ("Holm, normal approximation", "rate ±"), "chi2": ("chi-square", "rate ±"),
        }),
        text(EFFECTS, "effects"),
        markdown(cells["effects"], {
            "levels": ("levels", "count"), "loans": ("loans", "count"), "pairs": ("pairs", "count"),
            "shift": ("shift", "rate"), "holm_false": ("any false (Holm)", "rate ±"), "holm_found": ("found (Holm)", "rate"),
            "bh_share_false": ("share false (BH)", "rate ±"), "bh_found": ("found (BH)", "rate"),
        }),
        text(POWER, "power"),
        markdown(cells["power"], {
            "kind": ("odds ratio", "text"), "n": ("n", "count"), "levels": ("levels", "count"),
            "true_or": ("true OR", "ratio"), "formula": ("computed", "rate"), "found": ("simulated", "rate ±"),
        }),
        text(CRAMERS_V, "cramers_v"),
        markdown(cells["cramers_v"], {
            "factor": ("factor", "text"), "levels": ("levels", "count"), "loans": ("loans", "count"),
            "true_v": ("true V", "score"), "covered": ("coverage", "rate ±"), "error": ("bias", "score ±"),
            "width": ("width", "score"),
        }),
        text(WILSON, "wilson"),
        markdown(cells["wilson"], {
            "rate": ("true rate", "rate"), "n": ("n", "count"), "covered": ("coverage", "rate ±"), "width": ("width", "score"),
        }),
    ]  # fmt: skip
    return "\n".join(sections)


class Lines(AbstractContextManager["Lines"]):
    """A bar over all repetitions on a terminal; one line per finished scenario elsewhere."""

    def __init__(self, console: Console, repetitions: int) -> None:
        self._console, self._clock = console, Clock()
        self._left = {name: repetitions * scenario.times for name, scenario in SCENARIOS.items()}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("repetitions", total=sum(self._left.values()))

    def __enter__(self) -> "Lines":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def done(self, scenario: str, repetitions: int) -> None:
        """Count repetitions of a scenario as done."""
        self._left[scenario] -= repetitions
        self._bar.update(self._task, advance=repetitions, description=SCENARIOS[scenario].title)
        if self._left[scenario] == 0:
            self._console.print(f"{SCENARIOS[scenario].title}: done after {self._clock}", highlight=False)


def main() -> None:
    """Run the validation and write its page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=2_000, help="of the slow scenarios; others have a multiple")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=project_root() / "docs", help="where the page goes")
    options = parser.parse_args()
    if options.repetitions < 1 or options.workers < 1:
        parser.error("--repetitions and --workers: expected 1 or more")
    console = Console(stderr=True)
    with Lines(console, options.repetitions) as lines:
        result = validate(
            repetitions=options.repetitions, workers=options.workers, seed=options.seed, on_block=lines.done
        )
    facts = result.to_dict()
    write_text(options.out / "validation.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    path = write_text(options.out / "validation.md", page(facts))
    columns = {"quantity": "text", "found": "rate", "verdict": "text"}
    print(to_markdown(result.verdicts, columns).replace("\\", ""))
    print(f"\n{path}")


if __name__ == "__main__":
    main()
