"""`make mlflow`: MLflow's UI on this machine, and the links that open its runs as a table and as charts."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from flows import view
from flows.checkout import FlowError
from flows.track import EXPERIMENT
from headshrink.errors import first_line
from tasks.tracking import UI_NOTE, UI_PORT, WORK, connect, main_checkout, sqlite_path, tracking_uri

HOST = "127.0.0.1"
SERVER = {  # one process is enough for one user; the jobs are for traces of agents, and would be eleven more
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def serve(main: Path, port: int) -> int:
    """Write the view, print its links and serve until interrupted; the server's exit status.

    Raises FlowError where the port is taken, the runs are on a server already, or the database cannot be opened.
    """
    uri, ui = tracking_uri(main), f"http://{HOST}:{port}"
    if sqlite_path(uri) is None and uri.startswith(("http://", "https://")):
        raise FlowError("MLFLOW_TRACKING_URI names a server, which has a UI of its own; unset it for this checkout's")
    if taken(port):
        raise FlowError(f"port {port} is taken; give another one with PORT=")
    try:
        client, experiment = connect(main, EXPERIMENT)
        view.save(client, experiment)
    except Exception as error:  # whatever MLflow or its database raise
        reason = first_line(error) or type(error).__name__
        raise FlowError(f"MLflow cannot open its database of {main}: {reason}") from error
    print(f"MLflow: {view.address(ui, experiment)}\ncharts: {view.address(ui, experiment, charts=True)}", flush=True)
    note = main / WORK / UI_NOTE
    note.write_text(f"{ui}\n", encoding="utf-8")
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    environment = os.environ | SERVER | {"MLFLOW_BACKEND_STORE_URI": uri}  # its password is not for the process list
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        note.unlink(missing_ok=True)


def taken(port: int) -> bool:
    """Whether another process listens at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; exit 2 after one line where the server cannot start."""
    parser = argparse.ArgumentParser(prog="python -m flows.mlflow_ui", description="MLflow's UI of this checkout.")
    parser.add_argument("--port", type=int, default=UI_PORT)
    port = parser.parse_args(arguments).port
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return serve(main_checkout(Path.cwd()), port)
    except KeyboardInterrupt:
        return 0
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
