"""How many scores a second an environment gives: python tools/deploy_capacity.py. Writes the arithmetic into deploy/runbook.md.

The rate of one core is the measured one of docs/api.md, sizes are those of deploy/ecs/staging.json and production.json, and the
share of CPU at which more tasks are started is that of the template.
"""

import re
from pathlib import Path

import pandas as pd
from deploy_cost import ENVIRONMENTS, FOLDER, sizes
from page_parts import write_part

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "deploy" / "runbook.md"
LOAD = ROOT / "docs" / "api.md"


def main() -> None:
    """Write the table, and show it."""
    table = capacity_table(FOLDER, LOAD.read_text("utf-8"))
    print(table)
    write_part(PAGE, "capacity", table)


def capacity_table(folder: Path, load: str) -> str:
    """Return the table of both environments.

    Args:
        folder: Of the templates and sizes.
        load: The page with the table that tools/bench_api.py writes.
    """
    rate, share = measured_rate(load), scale_out_share(folder)
    rows = []
    for name in ENVIRONMENTS:
        size = sizes(folder / f"{name}.json")
        cores, least, most = int(size["ApiCpu"]) / 1024, int(size["MinTasks"]), int(size["MaxTasks"])
        task = rate * cores
        rows.append(
            {
                "environment": name,
                "a task": f"{cores:g} × {rate:,.0f} = {task:,.0f}",
                "more tasks are started from": f"{least} × {share:.0%} × {task:,.0f} = {least * share * task:,.0f}",
                "the most, at that share": f"{most} × {share:.0%} × {task:,.0f} = {most * share * task:,.0f}",
                "all that there is": f"{most} × {task:,.0f} = {most * task:,.0f}",
            }
        )
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def measured_rate(load: str) -> float:
    """Return the scores a second of the first row of the table of load: a process on one core, 8 connections."""
    found = re.search(r"<!-- load: .*?\|\s*8 \|\s*\d+ \|\s*([\d,]+) \|", load, re.S)
    assert found, "docs/api.md: expected the table of tools/bench_api.py"
    return float(found[1].replace(",", ""))


def scale_out_share(folder: Path) -> float:
    """Return the share of CPU at which the template starts more tasks."""
    (found,) = re.findall(r"^ +TargetValue: (\d+)$", (folder / "loantap.yml").read_text("utf-8"), re.M)
    return int(found) / 100


if __name__ == "__main__":
    main()
