"""Try to install Quarto's wheel into this environment: python tools/install_quarto.py REQUIREMENT.

The wheel downloads Quarto's program while it installs, which fails or hangs where that is not possible. Neither
matters to the report, which has a renderer of its own, so this never fails; it says what came of it.
"""

import subprocess
import sys

PATIENCE_SECONDS = 300


def main(requirement: str) -> str:
    """Install, and return the outcome in one line."""
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", requirement]
    try:
        done = subprocess.run(words, capture_output=True, timeout=PATIENCE_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        done = False
    if done:
        return f"Installed {requirement}."
    return "Quarto could not be installed from here: the built-in renderer will make the report."


if __name__ == "__main__":
    print(main(sys.argv[1]))
