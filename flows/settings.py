"""Where Prefect keeps its things and which server it talks to; imported before prefect, which reads this once."""

import os
import secrets
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tasks.tracking import WORK, main_checkout

SERVER_NOTE = "serve.url"  # under .work: the API address of a running `make serve`
PASSWORD = "prefect-password"  # under .work: what its server asks for
HEALTH_TIMEOUT_SECONDS = 2.0
NO_SERVER = 75  # exit status of a run that found no server: the queue asks for it again


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
        "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",  # else a traceback an event that a lost server misses
        "PREFECT_CLIENT_MAX_RETRIES": "2",  # 6 s; Prefect's 5 hold a run up for a minute where its server is gone
    }
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ:
        (work / "prefect").mkdir(parents=True, exist_ok=True)  # Prefect makes the last folder of this path at most
        defaults["PREFECT_HOME"] = str(work / "prefect")
        if look_for_server:
            known = password(work)  # also for the server that Prefect starts where none runs
            defaults |= {"PREFECT_API_AUTH_STRING": known, "PREFECT_SERVER_API_AUTH_STRING": known}
            if url := running_server(work):
                defaults["PREFECT_API_URL"] = url
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def password(work: Path) -> str:
    """The password of this checkout's server, made once; a file that only its owner can read."""
    path = work / PASSWORD
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        made = work / f"{PASSWORD}.{os.getpid()}"
        with open(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(f"headshrink:{secrets.token_urlsafe(32)}")
        with suppress(FileExistsError):  # of two processes at once the first decides
            os.link(made, path)
        made.unlink()
    path.chmod(0o600)
    return path.read_text()


def running_server(work: Path) -> str | None:
    """The API address that `make serve` left in this checkout, if a server still answers there."""
    try:
        url = (work / SERVER_NOTE).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return url if answers(url) else None


def answers(api_url: str) -> bool:
    """Whether a Prefect server answers at this API address, even if it asks for a password."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=HEALTH_TIMEOUT_SECONDS) as reply:
            status: int = reply.status
            return status == 200
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)
    except (OSError, ValueError):
        return False


def dead_server() -> str | None:
    """One line where the address of the user's PREFECT_API_URL does not answer; without the secrets it may hold."""
    url = os.environ.get("PREFECT_API_URL")
    if url is None or answers(url):
        return None
    shown = urlsplit(url)
    place = f"{shown.scheme}://{shown.netloc.rpartition('@')[2]}{shown.path}"
    return f"no Prefect server answers at {place} (PREFECT_API_URL); start it, or unset the variable"
