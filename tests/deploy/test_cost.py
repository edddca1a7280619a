"""The estimate of costs: its arithmetic, what it counts, and the page that it is written to."""

import json
import math
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from loantap.errors import InputError
from loantap.settings import project_root

if (scripts := str(project_root() / "tools")) not in sys.path:
    sys.path.append(scripts)

import deploy_capacity
import deploy_cost
from page_parts import write_part

PRICES = yaml.safe_load((deploy_cost.FOLDER / "prices.yml").read_text("utf-8"))
START, END = "<!-- cost: written by tools/deploy_cost.py -->\n", "<!-- end of cost -->"
PAGE = f"# Runbook\n\n{START}\nstale\n\n{END}\n\nThe end.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The templates, sizes and prices, to be changed."""
    return Path(shutil.copytree(deploy_cost.FOLDER, tmp_path / "ecs"))


def columns(table: str) -> dict[str, list[str]]:
    """Return a Markdown table by its columns."""
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    return {name: [row[place] for row in rows] for place, name in enumerate(head)}


def totals(folder: Path) -> dict[str, float]:
    """Return what each environment costs."""
    read = columns(deploy_cost.cost_table(folder))
    return {name: float(read[f"{name}, USD"][-1].replace(",", "")) for name in deploy_cost.ENVIRONMENTS}


@pytest.mark.parametrize("environment", deploy_cost.ENVIRONMENTS)
def test_each_amount_is_the_arithmetic_before_it_and_the_last_is_their_sum(environment: str) -> None:
    read = columns(deploy_cost.cost_table(deploy_cost.FOLDER))
    amounts = [float(text.replace(",", "")) for text in read[f"{environment}, USD"]]
    assert len(amounts) == 26
    for text, amount in zip(read[environment][:-1], amounts, strict=False):
        product = math.prod(float(part.split()[0]) for part in text.split(" × "))
        assert amount == pytest.approx(product, abs=0.006), text  # both are rounded: half a cent
    assert amounts[-1] == pytest.approx(sum(amounts[:-1]), abs=0.006 * len(amounts))


def test_the_service_of_production_costs_what_the_price_list_says() -> None:
    # 2 tasks of 1 core and 2 GB for 730 hours, by hand.
    read = columns(deploy_cost.cost_table(deploy_cost.FOLDER))
    assert read["production, USD"][:2] == ["67.98", "14.92"]
    assert read["production"][0] == "2 tasks × 1 core × 730 h × 0.04656"


def test_more_tasks_cost_more_in_that_environment_only(folder: Path) -> None:
    before = totals(folder)
    change(folder / "production.json", "MinTasks=2", "MinTasks=4")
    after = totals(folder)
    assert after["production"] - before["production"] == pytest.approx(67.98 + 14.92, abs=0.02)
    assert after["staging"] == before["staging"]


def test_a_resource_that_a_template_makes_more_of_is_counted(folder: Path) -> None:
    before = totals(folder)
    text = (folder / "network.yml").read_text("utf-8")
    (folder / "network.yml").write_text(text + "\n  Second:\n    Type: AWS::EC2::NatGateway\n", "utf-8")
    assert totals(folder)["staging"] - before["staging"] == pytest.approx(730 * 0.052, abs=0.01)


def test_each_price_is_used_and_says_what_it_is_for_and_where_to_check_it() -> None:
    lines = deploy_cost.cost_lines(
        deploy_cost.sizes(deploy_cost.FOLDER / "production.json"),
        deploy_cost.resources(deploy_cost.FOLDER),
        PRICES["assumed"],
    )
    assert {line.price for line in lines} == PRICES["prices"].keys()
    for price in PRICES["prices"].values():
        assert price.keys() == {"usd", "for", "source"}
        assert price["usd"] > 0
        assert re.fullmatch(r"https://aws\.amazon\.com/[a-z0-9-]+/pricing/", price["source"])
    assert all(quantity > 0 for line in lines for quantity, _ in line.quantities)


def test_what_is_billed_by_the_hour_is_counted_from_the_templates() -> None:
    count = deploy_cost.resources(deploy_cost.FOLDER)
    assert count["AWS::ElasticLoadBalancingV2::LoadBalancer"] == count["AWS::EC2::NatGateway"] == 1
    assert count["AWS::CloudWatch::Alarm"] == 6


def test_the_table_takes_the_place_of_the_former_and_the_rest_stays(tmp_path: Path) -> None:
    page = tmp_path / "runbook.md"
    page.write_text(PAGE, "utf-8")
    write_part(page, "cost", "| new |")
    write_part(page, "cost", "| new |")
    assert page.read_text("utf-8") == PAGE.replace("stale", "| new |")


@pytest.mark.parametrize("text", [None, "", "# Runbook\n", f"{START}\nno end\n", f"{END}\n{START}\n"])  # fmt: skip
def test_a_page_without_the_marks_is_left_as_it_is(tmp_path: Path, text: str | None) -> None:
    page = tmp_path / "runbook.md"
    if text is not None:
        page.write_text(text, "utf-8")
    with pytest.raises(InputError, match="expected the lines"):
        write_part(page, "cost", "| new |")
    assert (page.read_text("utf-8") if text is not None else None) == text


def test_capacity_is_the_measured_rate_times_cores_and_tasks(folder: Path) -> None:
    load = (
        "<!-- load: x -->\n| connections | s | scores |\n|   8 |   60 |   1,000 |  3.9 |\n|  16 |  60 |  900 |  8 |\n"
    )
    read = columns(deploy_capacity.capacity_table(folder, load))
    assert read["a task"] == ["0.5 × 1,000 = 500", "1 × 1,000 = 1,000"]
    assert read["more tasks are started from"][1] == "2 × 60% × 1,000 = 1,200"
    assert read["all that there is"][1] == "6 × 1,000 = 6,000"


def test_the_runbook_holds_what_the_scripts_would_write() -> None:
    page = deploy_cost.PAGE.read_text("utf-8")
    capacity = deploy_capacity.capacity_table(deploy_cost.FOLDER, deploy_capacity.LOAD.read_text("utf-8"))
    for name, text in {"cost": deploy_cost.cost_table(deploy_cost.FOLDER), "capacity": capacity}.items():
        script = f"tools/deploy_{name}.py"
        part = f"<!-- {name}: written by {script} -->\n\n{text}\n\n<!-- end of {name} -->"
        assert part in page, f"run: python {script}"


def test_the_table_says_that_prices_are_to_be_checked() -> None:
    said = deploy_cost.cost_table(deploy_cost.FOLDER)
    assert PRICES["region"] in said
    assert str(PRICES["noted"]) in said
    assert "Check them" in said


def change(path: Path, old: str, new: str) -> None:
    """Change a text in a file of sizes, which has to be there."""
    text = path.read_text("utf-8")
    assert json.dumps(old) in text
    path.write_text(text.replace(json.dumps(old), json.dumps(new)), "utf-8")
