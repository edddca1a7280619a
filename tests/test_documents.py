"""What README and docs say: links, commands, options, numbers, variables and messages are those that there are."""

import ast
import json
import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from typer.main import get_command

from loantap.analysis.claim_counts import read_counts
from loantap.analysis.claim_list import load_claims
from loantap.analysis.claims import evaluate_claims
from loantap.cli.app import app
from loantap.exhibits.claims import PUBLISHED, records
from loantap.runs.notebooks import STAGES
from loantap.settings import project_root, reference_dir

ROOT = project_root()
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "data/**/*.md", "deploy/*.md")
    for path in ROOT.glob(pattern)
)
CODE = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def line(name: str) -> str:
    """Return a page as one line."""
    return " ".join(page(name).split())


# Links, commands and options


def anchors(name: str) -> set[str]:
    """Return the anchors of a page's headings, as its readers make them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", page(name), re.M)}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str):
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)", page(name)):
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(str(target.relative_to(ROOT))), f"{path}#{anchor}"


def test_the_index_of_the_docs_names_every_page():
    linked = {Path("docs", path).name for path in re.findall(r"\]\(([^)#]+\.md)", page("docs/README.md"))}
    assert {Path(name).name for name in PAGES if name.startswith("docs/")} <= linked | {"README.md"}


def commands(name: str) -> set[str]:
    """Return what a page says to type of loantap, continued lines joined; a sentence may leave out what a command needs."""
    text = page(name).replace("\\\n", " ")
    fenced = re.findall(r"```(\w*)\n(.*?)```", text, re.S)
    lines = [found.strip() for kind, block in fenced if kind in ("", "sh") for found in block.splitlines()]
    inline = re.findall(r"`(loantap [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    return {found[found.index("loantap ") :] for found in [*lines, *inline] if re.match(r"(\w+=\S+ )?loantap ", found)}


WRITTEN = sorted({command for name in PAGES if name != "docs/commands.md" for command in commands(name)})


@pytest.mark.parametrize("command", WRITTEN)
def test_a_command_of_loantap_is_one_and_takes_its_options(command: str):
    try:
        check_words(shlex.split(command.replace("$ENVIRONMENT", "staging").replace("$target", "api"), comments=True))
    except Exception as error:
        if not re.match(r"Missing parameter|Option .* requires an argument", str(error)):
            raise


def check_words(words: list[str]) -> None:
    """Fail for a command or an option that there is not; nothing is run."""
    command, context, args = get_command(app), None, words[1:]
    while args and hasattr(command, "resolve_command"):
        context = command.make_context(words[0], args, parent=context)
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        name, command, args = command.resolve_command(context, rest)
        if (name, args[:1], "--" in args) == ("run", ["--environment"], True):  # what follows is a command too
            check_words(["loantap", *args[args.index("--") + 1 :]])
    if args:
        command.make_context(words[0], args, parent=context)


@pytest.mark.parametrize("command", ["loantap deplo", "loantap deploy --no-such", "loantap deploy run --environment staging -- promot"])  # fmt: skip
def test_what_is_no_command_is_noticed(command: str):
    with pytest.raises(Exception, match=r"(?i)no such"):
        check_words(shlex.split(command))


def test_every_make_target_that_is_named_is_one():
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.M))
    for name in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", page(name), re.M))
        assert named <= targets, name


def test_the_reference_of_commands_is_what_help_says():
    words = [sys.executable, ROOT / "tools" / "commands.py", "--check"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_example_files_are_what_their_script_writes(tmp_path: Path):
    subprocess.run([sys.executable, ROOT / "tools" / "examples.py", tmp_path], check=True)
    for name in ("applications.csv", "snapshots.csv"):
        assert (tmp_path / name).read_bytes() == (ROOT / "data" / "examples" / name).read_bytes()


# Variables and messages


def variables() -> set[str]:
    """Return the environment variables that the project's code and scripts read: by name, or by a constant that holds one."""
    found: set[str] = set()
    for path in (*(ROOT / "src").rglob("*.py"), *(ROOT / "tools").glob("*.py")):
        text = path.read_text("utf-8")
        if "environ" not in text and "getenv" not in text:
            continue
        tree = ast.parse(text)
        held = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        found |= {value for value in held if re.fullmatch(r"(LOANTAP|QUARTO|JIRA|AWS|MLFLOW_TRACKING|JUPYTER)_[A-Z_]+", value)}  # fmt: skip
    found |= set(
        re.findall(r"\b(?:LOANTAP|MLFLOW)_[A-Z_]+", page("deploy/monthly.sh") + page("bitbucket-pipelines.yml"))
    )
    found |= set(re.findall(r"\$\{(\w+)", re.sub(r"#.*", "", page("loantap.yml")))) | set(
        re.findall(r"PIP_AUDIT_\w+", page("Makefile"))
    )
    found |= set(re.findall(r"[\"'](LOANTAP_[A-Z_]+)[\"']", CODE))
    return found - {"NAME"}


def test_every_environment_variable_is_listed():
    listed = set(re.findall(r"`([A-Z][A-Z_]{4,})`", page("docs/environment.md"))) | {"CI"}
    assert variables() - listed == set()
    for name in listed - {"CI"}:
        assert name in CODE + "".join(page(one) for one in ("deploy/monthly.sh", "bitbucket-pipelines.yml", "Makefile", "loantap.yml", "tests/end_to_end/site_checks.py", "docs/dashboard.md")), name  # fmt: skip


def test_messages_that_are_explained_are_those_that_are_said():
    said = CODE + page("Makefile")
    told = re.findall(r"^\| `([^`]+)` +\|", page("docs/troubleshooting.md"), re.M)
    assert len(told) > 15
    assert [message for message in told if message not in said] == ["loantap: command not found"]


# Numbers


def test_the_front_page_is_short():
    assert len(page("README.md").split()) <= 900


def test_the_findings_of_the_front_page_are_the_published_counts():
    counts = json.loads((reference_dir() / "published_counts.json").read_text("utf-8"))
    n, defaults = counts["loans"]["n"], counts["loans"]["defaults"]
    levels = {name: factor["counts"] for name, factor in counts["levels"].items()}
    rate = {(name, level): one["defaults"] / one["n"] for name, factor in levels.items() for level, one in factor.items()}  # fmt: skip
    pure = sum(one["defaults"] in (0, one["n"]) for one in levels["pincode"].values())
    short, long = rate["term", "36"], rate["term", "60"]
    assert 1.95 < long / short < 2.05
    for told in (
        f"{n:,} published LoanTap loans, of which {defaults:,} ({defaults / n:.1%}) defaulted",
        f"Grade A loans default at {rate['grade', 'A']:.1%}, grade G loans at {rate['grade', 'G']:.1%}",
        f"default twice as often as 36-month loans: {long:.1%} against {short:.1%}",
        f"In {pure} of {len(levels['pincode'])} pincodes every loan ended the same way",
    ):
        assert told in line("README.md")


def test_the_verdicts_of_the_front_page_are_those_of_the_claims():
    entries = records(evaluate_claims(load_claims(), read_counts()), basis=PUBLISHED)
    of = {verdict: sum(one["verdict"] == verdict for one in entries) for verdict in ("supported", "contradicted", "no evidence", "cannot be tested")}  # fmt: skip
    untested = [one["id"] for one in entries if one["verdict"] == "cannot be tested"]
    assert all(name.startswith("model-") for name in untested)
    assert (
        f"Of {len(entries)} claims of the original analysis the published counts support {of['supported']} and contradict "
        f"{of['contradicted']}; {of['no evidence']} lacks evidence and {of['cannot be tested']}, on model scores, need the loans themselves"
    ) in line("README.md")
    assert f"Of the {len(entries)} original claims, the four on model scores cannot be tested" in line("docs/limits.md")


def test_the_output_of_the_front_page_has_the_stages_that_there_are():
    shown = re.search(r"```text\n(.*?)```", page("README.md"), re.S)[1]
    told = re.findall(rf"^\[(\d)/{len(STAGES)}\] ([\w-]+): [\d.]+ s$", shown, re.M)
    assert [number for number, _ in told] == ["1", "2"]
    assert {name for _, name in told} <= {stage.name for stage in STAGES}
    seconds = float(re.search(r"Whole job: ([\d.]+) s", shown)[1])
    assert {5: "about five minutes"}[round(seconds / 60)] in line("README.md")


def table(name: str, part: str) -> list[dict[str, str]]:
    """Return the rows of a measured table, by column."""
    text = re.search(rf"<!-- {part}: .*?-->\n(.*?)<!-- end of {part} -->", page(name), re.S)[1]
    head, _, *rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row.startswith("|")]  # fmt: skip
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_what_is_said_of_the_service_follows_from_its_tables():
    load = {row["connections"]: row for row in table("docs/api.md", "load")}
    few, many = load["8"], load["16"]
    assert (
        f"{few['scores a second']} scores a second at p99 {few['p99 ms']} ms with 8 connections, {many['scores a second']} at "
        f"{many['p99 ms']} ms with 16."
    ) in line("docs/api.md")
    cost = {row["step"]: float(row["microseconds"]) for row in table("docs/api.md", "cost")}
    bare, *_, whole = (cost[name] for name in ("NumPy: encoded vector @ coefficients, expit", "probability from an application", "the same with the check of the fields before and JSON after"))  # fmt: skip
    assert cost["probability from an application"] < 5 * bare, "less than five times the bare dot product"
    a_request = 1e6 / float(few["scores a second"].replace(",", ""))
    assert f"Of the {a_request / 1e3:.1f} ms that a request takes" in line("docs/api.md")
    assert whole < 0.1 * a_request, "HTTP, the log and the counts are more than nine tenths"


def test_what_is_said_of_scoring_and_tuning_follows_from_their_tables():
    peak = {(row["rows"], row["file"]): float(row["peak GB"]) for row in table("docs/scoring.md", "batch")}
    assert (
        f"Ten times the rows of a CSV take {peak['3,960,300', 'csv']:.2f} GB instead of {peak['396,030', 'csv']:.2f}."
        in line("docs/scoring.md")
    )
    tuning = page("docs/tuning.md")
    seconds = {name: float(found) for name, found in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", tuning, re.M)}
    ratio = seconds["GridSearchCV"] / seconds["tune"]
    assert f"Ratio {ratio:.1f}." in tuning
    assert f"search {round(ratio)} times as fast as `GridSearchCV`" in line("CHANGELOG.md")
    assert 50 < seconds["tune"] < 70, "about a minute"
    assert "takes about a minute on two cores" in line("docs/limits.md")
    means = re.findall(r"^\| l\d \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", tuning, re.M)
    furthest = max(abs(Decimal(ours) - Decimal(theirs)) for ours, theirs, _ in means)
    worst = max(Decimal(fold) for *_, fold in means)
    assert f"difference of a fold's F2 is {worst:.4f}, of a mean F2 {furthest:.4f}" in line("docs/tuning.md")


@pytest.mark.parametrize(
    ("name", "part"),
    [("docs/api.md", "load"), ("docs/api.md", "cost"), ("docs/api.md", "hostile"), ("docs/scoring.md", "batch"), ("docs/early-warning.md", "watch")],
)  # fmt: skip
def test_what_was_measured_says_when(name: str, part: str):
    text = re.search(rf"<!-- {part}: .*?<!-- end of {part} -->", page(name), re.S)[0]
    assert re.search(r"\nMeasured on 20\d\d-\d\d-\d\d, at commit [0-9a-f]{7}(\+changes)?\.\n", text)


# Words


@pytest.mark.parametrize("name", PAGES)
def test_pages_use_the_words_of_a_risk_report(name: str):
    for word in ("invented", "not lent", "where they lie", "foresee", "slip of the pen", "in one breath", "pip install -e"):  # fmt: skip
        if (name, word) == ("data/sources.md", "pip install -e"):
            continue  # it says that this is without the lock
        assert word not in page(name), word


def sentences(text: str) -> list[str]:
    """Return the sentences of a page, without blocks, tables, headings and addresses."""
    text = re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.S)
    text = "\n".join(found for found in text.splitlines() if not found.startswith(("|", "#", "![")))
    text = re.sub(r"`[^`]*`", "x", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text))
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", text)]
    return [found for part in parts for found in re.split(r"(?<=[.!?])\s+", part) if len(found.split()) > 2]


@pytest.mark.parametrize("name", [name for name in PAGES if sentences(page(name))])
def test_sentences_are_short(name: str):
    lengths = [len(found.split()) for found in sentences(page(name))]
    assert sum(lengths) / len(lengths) <= 25
