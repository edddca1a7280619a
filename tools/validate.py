"""Simulate loans of known truth and hold every statistic against its goal; write docs/validation.md and .json.

python tools/validate.py [--repetitions N] [--workers N] [--seed N] [--out DIR]
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
from validation.study import SCENARIOS, validate

from loantap.exhibits.words import interval, show, to_markdown
from loantap.files import write_text
from loantap.progress import Clock
from loantap.settings import project_root

Record = dict[str, Any]

INTRODUCTION = """# Can the verdicts be trusted?

Each statistic was applied to simulated loans whose truth is known: {repetitions:,} repetitions, or a multiple of them
where a table says so; seed {seed}, alpha {alpha:g}. `make validate` writes this page and
[validation.json](validation.json), which holds every number. The results describe the methods and say nothing about
real loans.

How to read the table. A *cell* is one setting of a simulation; a row sums up several. "Worst factor" takes the largest of
them. *Beyond chance* counts the cells that miss the goal by more than the simulation's own error, at a confidence that
holds for all cells at once. The verdict is **met** if no cell does, **met on average** if only some do, **met within Monte Carlo
error** if the simulation cannot tell, and **not met** otherwise.
"""

DESIGNS = """## How each was simulated

- **Odds ratio.** A level of {odds_n} loans against {rest:,} others, at {odds_rates} default rates and {odds_ratios} true odds ratios.
  A true rate of 0 or 1 has no finite odds ratio, so no finite interval can cover it: the report calls such a level
  separated, and it is no part of the goals.
- **Adjusted odds ratio.** {adjusted_loans:,} loans in four segments. The log odds are linear in interest rate, amount, term and
  income, so the regression is specified correctly. "Confounded": the segments have different interest rates.
- **False verdicts.** Factors without any effect, default rate {base_rate:g}; levels with counts below {min_cell} are pooled first, as
  in the report. "Some effects" adds pairs of levels with true differences.
- **Power.** One level against {rest:,} loans with a default rate of {base_rate:g}, tested at alpha divided by the number of levels:
  Holm's first step.
- **Cramér's V.** The published sizes and rates of grade and pincode, and factors of no or weak effect. Without any association the
  interval starts at 0 in nearly all draws, so it covers more often than stated.
- **Default rate.** Wilson's interval for {wilson_n} loans and rates of {wilson_rates}.
"""
ADJUSTED = """## Adjusted and unadjusted odds ratios of a confounded factor

Both are compared with the adjusted truth. The unadjusted one answers another question, and misses.
"""
FAMILIES = """## False verdicts: why small levels get an exact test

How often any level of a factor without effect is called different. The last column shows what would happen without the exact
test of levels with few expected loans.
"""
POWER = """## Power at the odds ratio that the report calls the smallest detectable

Simulated power, where {power} was computed. Rows: loans of the level. Columns: the number of levels tested, and whether the
true odds ratio lies below or above 1.
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


def designs(cells: Mapping[str, pd.DataFrame], facts: Record) -> str:
    """Say how each scenario was simulated, with the settings that its cells have."""
    odds, wilson = cells["odds"], cells["wilson"]
    told: Record = {
        f"{name}_n": interval(table["n"].min(), table["n"].max(), "count")
        for name, table in (("odds", odds), ("wilson", wilson))
    }
    told |= {"odds_rates": odds["rest_rate"].nunique(), "odds_ratios": odds["true_or"].nunique()}
    told["wilson_rates"] = interval(wilson["rate"].min(), wilson["rate"].max(), "rate")
    return DESIGNS.format(**facts, **told)


def power_table(cells: pd.DataFrame) -> str:
    """Return simulated power by n (rows), number of levels and side of 1 (columns)."""
    side = np.where(cells["true_or"] > 1, "above", "below")
    table = cells.assign(what=[f"{levels} levels, {way} 1" for levels, way in zip(cells["levels"], side, strict=True)])
    grid = table.pivot(index="n", columns="what", values="found")[list(dict.fromkeys(table["what"]))]
    return f"{to_markdown(grid.reset_index(), {'n': 'count', **dict.fromkeys(grid.columns, 'rate')})}\n"


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
    """Say of each goal that is not simply met what was found, and where; what was said of one before is not repeated."""
    lines: list[str] = []
    said: set[str] = set()
    for row in facts["verdicts"]:
        if row["verdict"] == "met":
            continue
        cells = pd.DataFrame(facts["scenarios"][row["scenario"]]["cells"])
        parts = [part for part in explanation(row, cells) if part not in said]
        said.update(parts)
        lines.append(f"- **{row['quantity']}: {row['verdict']}.** {' '.join(parts)}")
    text = "\n".join(lines) or "Every goal is met, in every cell."
    return f"## What is not simply met, and why\n\n{text}\n"


def explanation(row: Record, cells: pd.DataFrame) -> list[str]:
    """Explain a verdict other than met, in sentences that follow from its numbers."""
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
        meaning = ": the intervals there are wider than needed, which is the safe side" if coverage else ""
        parts.append(f"{row['above']} of {row['cells']} cells lie above (most {show(row['most'], 'rate')}){meaning}.")
    if row["outside"] and "expected" in cells:
        outside = cells["expected"].to_numpy()[row["outside"]]
        least, most = f"{outside.min():.3g}", f"{outside.max():.3g}"
        parts.append(
            f"They expect {least if least == most else f'{least} to {most}'} loans of the rarer outcome; no cell with more misses "
            "the goal beyond chance."
        )
        if coverage and outside.max() < 50:
            parts.append("With so few, coverage jumps with each whole default, and normal approximations are rough.")
    if row["scenario"] == "power" and row["outside"]:
        parts.append(
            "The computed power uses the normal approximation. Levels with few expected loans get the exact test, which finds high odds "
            "ratios less often than computed and low ones more often."
            if _exact_test_shows(cells.iloc[list(row["outside"])])
            else "The computed power uses the normal approximation."
        )
    if row["measure"] == "covered_shown" and row["below"]:
        parts.append(
            "Such a level is published only if chance gave it more of the rarer outcome than expected, so its published rate is "
            "exaggerated. The cause is the hiding of small cells, not the interval."
        )
    if row["scenario"] == "families" and row["measure"] in ("holm", "bh") and row["outside"]:
        families = cells.iloc[list(row["outside"])].to_dict(orient="records")
        names = "; ".join(f"{cell['factor']}, {cell['levels']} levels, {cell['loans']:,} loans" for cell in families)
        parts.append(f"That is: {names}. Which levels are pooled depends on their outcomes too.")
    if row["scenario"] == "families" and row["measure"] == "chi2":
        parts.append("The chi-square test is an approximation that aims at alpha itself, not below it.")
    return parts


def _exact_test_shows(cells: pd.DataFrame) -> bool:
    high = cells["true_or"] > 1
    return bool((cells["found"] < cells["formula"])[high].all() and (cells["found"] > cells["formula"])[~high].all())


def page(facts: Record) -> str:
    """Return docs/validation.md from what docs/validation.json holds."""
    cells = {name: pd.DataFrame(scenario["cells"]) for name, scenario in facts["scenarios"].items()}
    adjusted = cells["adjusted"]
    detectable = cells["power"].query("kind == 'smallest detectable'")
    sections = [
        INTRODUCTION.format(**facts),
        verdict_table(facts["verdicts"]),
        reasons(facts),
        designs(cells, facts),
        ADJUSTED,
        markdown(adjusted[adjusted["setting"] == "confounded"], {
            "level": ("segment", "text"), "true_or": ("true odds ratio", "ratio"), "covered": ("coverage", "rate ±"),
            "unadjusted_covered": ("unadjusted: coverage", "rate ±"), "unadjusted_log_error": ("unadjusted: bias (log)", "score"),
        }),
        FAMILIES,
        markdown(cells["families"], {
            "factor": ("factor", "text"), "levels": ("levels", "count"), "loans": ("loans", "count"),
            "holm": ("any level (Holm)", "rate ±"), "holm_normal": ("without the exact test", "rate ±"),
        }),
        POWER.format(power=show(detectable["formula"].mean(), "rate")),
        power_table(detectable),
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
