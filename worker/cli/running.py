"""Commands that run the system: `run`, and its roles `web`, `worker`, `ticker`."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from worker.cli.app import Usage, Workspace, Workspaces, app, err, fail, out, settings
from worker.cli.rooms import show_problems
from worker.settings import Settings
from worker.workspace.files import read_folder
from worker.workspace.house import House
from worker.workspace.rooms import BrokenRooms

if TYPE_CHECKING:
    from worker.queue.supervisor import Child

Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="The port to serve on.")]
Host = Annotated[
    str,
    typer.Option("--host", help="The address to serve on; 0.0.0.0 behind a reverse proxy or in a container."),
]


def house_of(config: Settings) -> House:
    """The house, with rooms in force; a broken workspace is shown and ends the command."""
    from worker.logs import set_up_logging
    from worker.wiring import open_house, publish_first

    set_up_logging()
    house = open_house(config)
    with broken_rooms(config):
        publish_first(config, house)
    return house


class broken_rooms:  # noqa: N801 (reads as a statement)
    """Shows what is wrong with a workspace that could not be published, and ends the command with 1."""

    def __init__(self, config: Settings) -> None:
        self._config = config

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BrokenRooms):
            show_problems(read_folder(self._config.workspace), error.problems)
            raise fail("The workspace has errors, so it was not put in force.", 1) from error


@app.command()
def run(
    workspace: Workspace = None,
    workspaces: Workspaces = None,
    port: Port = 8000,
    host: Host = "127.0.0.1",
) -> None:
    """Run everything on this machine: web, worker, ticker, and the embedded queue unless REVISIT_REDIS_URL is set."""
    from worker.logs import set_up_logging
    from worker.service.publishing import publish
    from worker.wiring import open_house

    config = settings(workspace, workspaces)
    set_up_logging()
    refuse_taken_port(host, port)
    house = open_house(config)
    if config.workspaces is not None:
        put_all_in_force(config.workspaces, house)
        out.print(f"Data in {config.data_dir}", markup=False)
    else:
        with broken_rooms(config):
            clinic, version = publish(house, read_folder(config.workspace))
        out.print(f"Clinic `{clinic}`, workspace version {version}, data in {config.data_dir}")
    house.engine.dispose()
    out.print(f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}  (Ctrl-C ends)")
    if config.given_api_token is None:
        out.print(f"The API token is in {config.data_dir / 'api_token'}", markup=False)
    _ = (config.api_token, config.secret_key)
    supervise(config, port, host)


def put_all_in_force(top: Path, house: House) -> None:
    """Every workspace of a folder; those that are broken are shown. Ends the command where no clinic is in force."""
    from worker.wiring import serve_all

    served = serve_all(top, house)
    for one in served:
        if one.broken:
            kept = (
                "nothing was ever in force"
                if one.version is None
                else f"version {one.version} stays in force"
            )
            err.print(f"{one.folder.name}/ is broken; {kept}. {one.why}".rstrip(), style="red", markup=False)
            if one.files is not None:
                show_problems(one.files, list(one.problems))
        else:
            out.print(f"{one.folder.name}/: clinic `{one.clinic}`, version {one.version}", markup=False)
    if all(one.version is None for one in served):
        raise fail(f"None of the workspaces in {top} could be put in force.", 1)


def supervise(config: Settings, port: int, host: str) -> NoReturn:
    """Keep the queue, web, worker and ticker running until told to stop: this process goes on as one that does only that."""
    from worker.queue.machine import become

    roles = children(config, port, host, config.redis_url, {})
    become(
        {role.name: role.argv for role in roles},
        config.data_dir if config.redis_url is None else None,
        roles[0].env or os.environ,
    )


def children(
    config: Settings, port: int, host: str, redis_url: str | None, extra_env: dict[str, str]
) -> list[Child]:
    """The commands of the roles, with an environment that leaves them nothing to guess."""
    from worker.queue.supervisor import Child

    env = {
        **os.environ,
        "REVISIT_WORKSPACE": str(config.workspace) if config.workspaces is None else "",
        "REVISIT_WORKSPACES": str(config.workspaces or ""),
        "REVISIT_DATA_DIR": str(config.data_dir),
        **extra_env,
    }
    env.setdefault("REVISIT_PUBLIC_URL", f"http://127.0.0.1:{port}")
    if redis_url is not None:
        env["REVISIT_REDIS_URL"] = redis_url
    base = (sys.executable, "-m", "worker")
    return [
        Child("web", (*base, "web", "--port", str(port), "--host", host), env),
        Child("worker", (*base, "worker"), env),
        Child("ticker", (*base, "ticker"), env),
    ]


def refuse_taken_port(host: str, port: int) -> None:
    """Raises Usage where somebody else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Usage(
                f"port {port} can't be used ({error.strerror}); choose another with --port"
            ) from error


@app.command()
def web(
    workspace: Workspace = None,
    workspaces: Workspaces = None,
    port: Port = 8000,
    host: Host = "127.0.0.1",
) -> None:
    """Serve the API and the pages: one role of several."""
    from worker import tracing
    from worker.queue.pulse import heard
    from worker.service.figures import Figures
    from worker.web.app import make_app
    from worker.web.serve import serve
    from worker.wiring import open_queue, provider_keys

    config = settings(workspace, workspaces)
    house = house_of(config)
    tracing.set_up("web")
    with open_queue(config) as queue:

        def redis_ok() -> bool:
            return bool(queue.broker.client.ping())

        application = make_app(
            house,
            token=config.api_token,
            enqueue=queue.put,
            open_page=house.demo and host == "127.0.0.1",
            redis_ok=redis_ok,
            keys=provider_keys(config),
            figures=Figures(house, queue.broker),
            pulse=lambda: heard(queue.broker.client),
        )
        serve(application, host, port)


@app.command()
def worker(
    workspace: Workspace = None,
    workspaces: Workspaces = None,
    drain: Annotated[bool, typer.Option("--drain", help="End when the queue is empty.")] = False,
    threads: Annotated[int, typer.Option("--threads", min=1, max=64, help="Jobs at a time.")] = 8,
    idle_ms: Annotated[
        int,
        typer.Option(
            "--idle-ms",
            min=1,
            max=2_000,
            help="How long an idle worker goes without a look at the queue where nobody rings.",
        ),
    ] = 1_000,
) -> None:
    """Fold events, advance journeys, send messages: one role of several."""
    from worker import tracing
    from worker.queue.broker import run_worker
    from worker.ticker import stop_on_signals
    from worker.wiring import open_worker

    config = settings(workspace, workspaces)
    house_of(config).engine.dispose()
    tracing.set_up("worker")
    stop = stop_on_signals()
    with open_worker(config) as parts:
        run_worker(parts.queue.broker, threads=threads, drain=drain, stop=stop, idle_ms=idle_ms)


@app.command()
def ticker(
    workspace: Workspace = None,
    workspaces: Workspaces = None,
    once: Annotated[bool, typer.Option("--once", help="One sweep; prints what it found as JSON.")] = False,
) -> None:
    """Wake what is due: one role of several; one of all tickers leads."""
    from worker import tracing
    from worker.queue.tally import Tally
    from worker.ticker import run as run_ticker
    from worker.ticker import stop_on_signals, tick
    from worker.wiring import open_queue

    config = settings(workspace, workspaces)
    house = house_of(config)
    with open_queue(config) as queue:
        if once:
            swept = tick(house, queue, inline=True)
            found = {
                "due": swept.due,
                "changed": swept.changed,
                "queued": swept.queued,
                "seconds": round(swept.seconds, 3),
            }
            sys.stdout.write(json.dumps(found) + "\n")
        else:
            tracing.set_up("ticker")
            tally = house.count = Tally(queue.broker.client)
            run_ticker(house, queue, stop_on_signals(), config.data_dir / "exports", config.workspaces)
            tally.close()


def file_or_usage(path: Path) -> Path:
    """The path, if there is a file. Raises Usage."""
    if not path.is_file():
        raise Usage(f"{path}: there is no such file")
    return path
