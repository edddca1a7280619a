"""Settings of one source, as text, for the tests of how they are read."""

SECRET = "hunter2"


def source(**settings: str) -> str:
    settings = {"columns": "[loan_amnt]", **settings}
    return "sources:\n  loans:\n" + "".join(f"    {name}: {value}\n" for name, value in settings.items())
