"""Where Prefect keeps its things and which server it talks to; imported before prefect, which reads this once."""

import os
import urllib.request
from pathlib import Path

from tasks.tracking import WORK, main_checkout

SERVER_NOTE = "serve.url"  # under .work: the API address of a running `make serve`
HEALTH_TIMEOUT_SECONDS = 2.0


def apply(look_for_server: bool = True) -> None:
    """Set Prefect's environment where the user has not: home in the checkout, its server if one runs, no telemetry.

    Without a server each run starts an ephemeral one; on a busy machine that takes longer than Prefect's 20 s.
    """
    work = main_checkout(Path.cwd()) / WORK
    defaults = {
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "true",  # the one spelling that MLflow accepts too
        "PREFECT_CLI_PROMPT": "false",
    }
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ:
        (work / "prefect").mkdir(parents=True, exist_ok=True)  # Prefect makes the last folder of this path at most
        defaults["PREFECT_HOME"] = str(work / "prefect")
        if look_for_server and (url := running_server(work)):
            defaults["PREFECT_API_URL"] = url
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def running_server(work: Path) -> str | None:
    """The API address that `make serve` left in this checkout, if a server still answers there."""
    try:
        url = (work / SERVER_NOTE).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return url if answers(url) else None


def answers(api_url: str) -> bool:
    """Whether a Prefect server answers at this API address."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=HEALTH_TIMEOUT_SECONDS) as reply:
            return reply.status == 200
    except (OSError, ValueError):
        return False
