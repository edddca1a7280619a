"""The templates as CloudFormation would read them, and what IAM would answer to their policies."""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from cfnlint.decode import cfn_yaml

from loantap.settings import project_root

FOLDER = project_root() / "deploy" / "ecs"
TEMPLATES = sorted(path.name for path in FOLDER.glob("*.yml") if "Resources:" in path.read_text("utf-8"))
ACCOUNT, REGION = "123456789012", "eu-central-1"
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()


@cache
def template(name: str) -> dict[str, Any]:
    """Return a template with its functions in their long form, such as {"Ref": "Key"}."""
    read: dict[str, Any] = cfn_yaml.load(str(FOLDER / name))
    return read


def rendered(name: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a template with its functions worked out, without those whose condition does not hold.

    What only AWS knows stays a name: {"Ref": "Files"} is Files, and its ARN is Files.Arn. A parameter that is neither given nor
    has a default is its own name.
    """
    read = template(name)
    given = {key: parameters.get(key, facts.get("Default", key)) for key, facts in read["Parameters"].items()}
    stack = _Stack(_PSEUDO | given, read.get("Conditions", {}), read["Resources"])
    return {
        key: stack.value({"Properties": {}} | resource)
        for key, resource in read["Resources"].items()
        if "Condition" not in resource or stack.holds(resource["Condition"])
    }


def of_kind(resources: Mapping[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a kind by their names in the template."""
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


class _Stack:
    def __init__(self, names: dict[str, Any], conditions: dict[str, Any], resources: dict[str, Any]) -> None:
        self._names, self._conditions, self._resources = names, conditions, resources

    def holds(self, condition: str) -> bool:
        return bool(self.value(self._conditions[condition]))

    def value(self, given: Any) -> Any:
        if isinstance(given, list):
            return [one for one in map(self.value, given) if one is not _NOTHING]
        if not isinstance(given, dict):
            return given
        if len(given) == 1 and (name := next(iter(given))) in _FUNCTIONS:
            return _FUNCTIONS[name](self, given[name])
        worked_out = {key: self.value(one) for key, one in given.items()}
        return {key: one for key, one in worked_out.items() if one is not _NOTHING}

    def ref(self, name: str) -> Any:
        return _NOTHING if name == "AWS::NoValue" else self._names.get(name, name)

    def attribute(self, path: list[str]) -> str:
        resource = self._resources[path[0]]
        if resource["Type"] == "AWS::IAM::Role" and path[1] == "Arn" and "RoleName" in resource["Properties"]:
            return f"arn:aws:iam::{ACCOUNT}:role/{self.value(resource['Properties']['RoleName'])}"
        return ".".join(path)

    def substituted(self, given: Any) -> str:
        text, names = given if isinstance(given, list) else (given, {})

        def known(match: re.Match[str]) -> str:
            name = match[1]
            if name in names:
                return str(self.value(names[name]))
            return self.attribute(name.split(".", 1)) if "." in name else str(self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", known, text)


_FUNCTIONS: dict[str, Callable[[_Stack, Any], Any]] = {
    "Ref": _Stack.ref,
    "Condition": _Stack.holds,
    "Fn::GetAtt": lambda stack, given: stack.attribute(given.split(".", 1) if isinstance(given, str) else given),
    "Fn::Sub": _Stack.substituted,
    "Fn::If": lambda stack, given: stack.value(given[1] if stack.holds(given[0]) else given[2]),
    "Fn::Equals": lambda stack, given: str(stack.value(given[0])) == str(stack.value(given[1])),
    "Fn::Not": lambda stack, given: not stack.value(given[0]),
    "Fn::Join": lambda stack, given: given[0].join(stack.value(given[1])),
    "Fn::Select": lambda stack, given: f"{given[1]}[{given[0]}]",
}


def role_policies(resources: Mapping[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the policies of all roles by their names in the template."""
    roles = of_kind(resources, "AWS::IAM::Role")
    assert all(
        role.keys() <= {"RoleName", "Description", "AssumeRolePolicyDocument", "Policies"} for role in roles.values()
    )
    return {name: [policy["PolicyDocument"] for policy in role["Policies"]] for name, role in roles.items()}  # fmt: skip


def statements(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the statements of policies, their actions and resources as lists."""
    found = [statement for document in documents for statement in document["Statement"]]
    return [one | {name: listed(one[name]) for name in ("Action", "Resource") if name in one} for one in found]


def listed(value: Any) -> list[Any]:
    """Return a list of what may be one thing or several."""
    return value if isinstance(value, list) else [value]


def allows(documents: list[dict[str, Any]], action: str, resource: str, known: Mapping[str, str] | None = None) -> bool:
    """Return what IAM answers, as far as these policies go: any denial counts, then any permission.

    Args:
        documents: Policies of the one who asks.
        action: Such as "s3:GetObject".
        resource: An ARN.
        known: What is known of the request, such as {"iam:PassedToService": "ecs-tasks.amazonaws.com"}.
    """
    effects = [
        statement["Effect"]
        for statement in statements(documents)
        if any(_like(action.lower(), pattern.lower()) for pattern in statement["Action"])
        and any(_like(resource, pattern) for pattern in statement.get("Resource", ["*"]))
        and conditions_hold(statement.get("Condition", {}), known or {})
    ]
    return "Allow" in effects and "Deny" not in effects


def conditions_hold(conditions: dict[str, dict[str, Any]], known: Mapping[str, str]) -> bool:
    """Return whether all conditions of a statement hold; an operator that is not known here is an error."""
    return all(
        any(_OPERATORS[operator](known.get(key), wanted) for wanted in listed(values))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _like(text: str | None, pattern: str) -> bool:
    return text is not None and fnmatchcase(text, pattern.replace("[", "[[]"))


_OPERATORS: dict[str, Callable[[str | None, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "StringEqualsIfExists": lambda value, wanted: value is None or value == wanted,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value == wanted,
    "Null": lambda value, wanted: (value is None) == (wanted == "true"),
}
