"""What an environment costs a month: python tools/deploy_cost.py. Writes the arithmetic into deploy/runbook.md.

Numbers of tasks and their sizes come from deploy/ecs/staging.json and production.json, numbers of other resources from the
templates, prices and the quantities that are assumed from deploy/ecs/prices.yml.
"""

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from page_parts import write_part

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "deploy" / "runbook.md"
FOLDER = ROOT / "deploy" / "ecs"
ENVIRONMENTS = ("staging", "production")


@dataclass(frozen=True)
class Line:
    """One thing that is paid for.

    Attributes:
        what: It.
        quantities: Numbers and their units, whose product is paid for.
        price: Its name in prices.yml.
    """

    what: str
    quantities: tuple[tuple[float, str], ...]
    price: str

    def arithmetic(self, prices: dict[str, float]) -> str:
        """Return the product as text, the price last."""
        numbers = (
            f"{number:.4g} {unit.removesuffix('s') if number == 1 else unit}" for number, unit in self.quantities
        )
        return " × ".join([*numbers, f"{prices[self.price]:g}"])

    def usd(self, prices: dict[str, float]) -> float:
        """Return the product."""
        return math.prod(number for number, _ in self.quantities) * prices[self.price]


def main() -> None:
    """Write the table, and show it."""
    table = cost_table(FOLDER)
    print(table)
    write_part(PAGE, "cost", table)


def cost_table(folder: Path) -> str:
    """Return the table of what each environment costs, from a folder of templates, sizes and prices."""
    known = yaml.safe_load((folder / "prices.yml").read_text("utf-8"))
    prices = {name: float(facts["usd"]) for name, facts in known["prices"].items()}
    by_environment = {
        name: cost_lines(sizes(folder / f"{name}.json"), resources(folder), known["assumed"]) for name in ENVIRONMENTS
    }
    rows: list[dict[str, Any]] = [{"a month of": line.what} for line in by_environment[ENVIRONMENTS[0]]] + [
        {"a month of": "**all**"}
    ]
    for name, lines in by_environment.items():
        amounts = [line.usd(prices) for line in lines]
        texts = [line.arithmetic(prices) for line in lines]
        for row, text, amount in zip(rows, [*texts, ""], [*amounts, sum(amounts)], strict=True):
            row |= {name: text, f"{name}, USD": f"{amount:,.2f}"}
    table = pd.DataFrame(rows).to_markdown(
        index=False, disable_numparse=True, colalign=("left", *("left", "right") * len(ENVIRONMENTS))
    )
    said = (
        f"List prices of {known['region']} in USD, noted on {known['noted']} from general knowledge and not fetched. "
    )
    return (
        f"{table}\n\n{said}Check them at the sources that deploy/ecs/prices.yml names, which also says what is assumed."
    )


def cost_lines(size: dict[str, str], count: Counter[str], assumed: dict[str, float]) -> list[Line]:
    """Return what an environment pays for.

    Args:
        size: Its parameters.
        count: Resources of the templates by kind.
        assumed: Quantities that no template says.
    """
    hours = (assumed["hours"], "h")
    tasks, monthly = (int(size["MinTasks"]), "tasks"), (assumed["monthly_task_hours"], "h")
    kinds = {kind: (count[f"AWS::{kind}"], unit) for kind, unit in _COUNTED.items()}
    alarms, balancers, nats = (
        kinds["CloudWatch::Alarm"],
        kinds["ElasticLoadBalancingV2::LoadBalancer"],
        kinds["EC2::NatGateway"],
    )
    return [
        Line("the service: cores", (tasks, _cores(size["ApiCpu"]), hours), "core_hour"),
        Line("the service: memory", (tasks, _memory(size["ApiMemory"]), hours), "memory_hour"),
        Line("the monthly task: cores", (_cores(size["ReportCpu"]), monthly), "core_hour"),
        Line("the monthly task: memory", (_memory(size["ReportMemory"]), monthly), "memory_hour"),
        Line("the load balancer", (balancers, hours), "balancer_hour"),
        Line("its capacity", ((assumed["balancer_units"], "units"), hours), "balancer_unit_hour"),
        Line("the NAT gateway", (nats, hours), "nat_hour"),
        Line("what goes through it", ((assumed["nat_gb"], "GB"),), "nat_gb"),
        Line("its address", (kinds["EC2::EIP"], hours), "address_hour"),
        Line("files", ((assumed["files_gb"], "GB"),), "files_gb"),
        Line("files read", ((assumed["files_read_gb"], "GB"),), "files_read_gb"),
        Line("files written", ((assumed["files_written_gb"], "GB"),), "files_written_gb"),
        Line("backups", ((assumed["backup_gb"], "GB"),), "backup_gb"),
        Line("images", ((assumed["image_gb"], "GB"),), "image_gb"),
        Line("reports and access logs", ((assumed["bucket_gb"], "GB"),), "bucket_gb"),
        Line("logs", ((assumed["log_gb"], "GB"),), "log_gb"),
        # What comes in each month is kept for so many days.
        Line("logs kept", ((assumed["log_gb"], "GB"), (int(size["LogDays"]) / 30, "months")), "log_kept_gb"),
        Line("metrics of containers", ((assumed["metrics"], "metrics"),), "metric"),
        Line("alarms", (alarms,), "alarm"),
        Line("alarms of the scaling", ((2 * count["AWS::ApplicationAutoScaling::ScalingPolicy"], "alarms"),), "alarm"),
        Line("the key", (kinds["KMS::Key"],), "key"),
        Line("the secret of callers", (kinds["SecretsManager::Secret"],), "secret"),
        Line("the secret of the sources", ((1, "secrets"),), "secret"),
        Line("who may read the report", (kinds["WAFv2::WebACL"],), "acl"),
        Line("its rule", (kinds["WAFv2::IPSet"],), "acl_rule"),
    ]


_COUNTED = {
    "CloudWatch::Alarm": "alarms", "EC2::EIP": "IPs", "EC2::NatGateway": "gateways", "ElasticLoadBalancingV2::LoadBalancer": "balancers",
    "KMS::Key": "keys", "SecretsManager::Secret": "secrets", "WAFv2::IPSet": "rules", "WAFv2::WebACL": "lists",
}  # fmt: skip


def _cores(cpu: str) -> tuple[float, str]:
    return int(cpu) / 1024, "cores"


def _memory(mebibytes: str) -> tuple[float, str]:
    return int(mebibytes) / 1024, "GB"


def sizes(path: Path) -> dict[str, str]:
    """Return the parameters of an environment."""
    return dict(one.split("=", 1) for one in json.loads(path.read_text("utf-8")))


def resources(folder: Path) -> Counter[str]:
    """Return how many resources of each kind the templates make."""
    return Counter(
        kind
        for path in folder.glob("*.yml")
        for kind in re.findall(r"^    Type: (AWS::\S+)$", path.read_text("utf-8"), re.M)
    )


if __name__ == "__main__":
    main()
