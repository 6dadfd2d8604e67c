"""`revisit demo`: the sample clinic, end to end, on the real system, with a clock that jumps."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from worker.cli.app import Usage, app, err, out
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.actors import Queue
    from worker.workspace.house import House

LIVED = timedelta(days=17)
"""Long enough for most journeys to write, short enough for a minute of waiting."""
FIRST_PORT = 8000


@app.command()
def demo(
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65535, help="The port to serve on. Default: 8000, or another that is free."
        ),
    ] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the summary.")] = False,
) -> None:
    """The sample clinic, end to end: three years of visits loaded, the last weeks lived through. Nothing leaves this machine."""
    chosen = _port(port)
    with _data_dir() as folder:
        _play(folder, chosen, serve=not no_serve)


@contextmanager
def _data_dir() -> Iterator[Path]:
    """REVISIT_DATA_DIR, kept; else a folder that is gone afterwards."""
    kept = os.environ.get("REVISIT_DATA_DIR")
    if kept:
        yield Path(kept).expanduser().absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="revisit-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _port(wanted: int | None) -> int:
    for port in (wanted,) if wanted is not None else (FIRST_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Usage(f"port {wanted} is in use; choose another with --port, or leave it out")


def _play(folder: Path, port: int, *, serve: bool) -> None:
    from worker.actors import Queue
    from worker.cli.demo_story import tell
    from worker.cli.running import children
    from worker.demo.play import Stuck
    from worker.logs import set_up_logging
    from worker.queue.broker import make_broker
    from worker.queue.embedded import ensure
    from worker.queue.supervisor import Supervisor
    from worker.service.publishing import publish
    from worker.wiring import open_house
    from worker.workspace.layout_new import sample_rooms, write_rooms

    set_up_logging(quiet=True)
    workspace = folder / "workspace"
    # Only what the demo itself needs is taken from the environment: it must never reach a real database, queue or provider.
    config = replace(
        Settings.from_env({"REVISIT_DATA_DIR": str(folder)}, Path.cwd()),
        public_url=f"http://127.0.0.1:{port}",
    )
    _refuse_other_data(config)
    rooms = sample_rooms()
    write_rooms(rooms, workspace)
    config = replace(config, workspace=workspace)
    house = open_house(config)
    house.demo = True
    now = datetime.now(UTC)
    _start_clock(house, now)
    publish(house, rooms)
    handle = ensure(config.data_dir)
    quiet = {
        "REVISIT_LOG": "warning",
        "REVISIT_DATABASE_URL": config.database_url,
        "REVISIT_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    quiet |= {"REVISIT_SECRET_KEY": config.secret_key, "REVISIT_API_TOKEN": config.api_token}
    roles = {child.name: child for child in children(config, port, "127.0.0.1", handle.url, quiet)}
    # The demo beats by itself, and its worker looks at the queue more often than one that runs all day.
    kept = [roles["web"], replace(roles["worker"], argv=(*roles["worker"].argv, "--idle-ms", "10"))]
    supervisor = Supervisor(kept)
    keeper = threading.Thread(target=supervisor.run, kwargs={"handle_signals": False}, daemon=True)
    keeper.start()
    try:
        _live(house, Queue(make_broker(handle.url)), config, port, now)
        tell(house, config.data_dir / "outbox" if serve or os.environ.get("REVISIT_DATA_DIR") else None)
        if serve:
            out.print(
                f"\n[bold]http://127.0.0.1:{port}[/bold]  shows all of it. Ctrl-C ends the demo.",
                soft_wrap=True,
            )
            keeper.join()
    except Stuck as error:
        err.print(f"The demo stopped: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    finally:
        supervisor.stop()
        keeper.join()
        handle.stop()
        house.engine.dispose()


def _refuse_other_data(config: Settings) -> None:
    """A demo starts anew on a demo's data, and leaves a clinic's alone."""
    from worker.store import due
    from worker.store.engine import make_engine, read

    database = config.data_dir / "revisit.db"
    if not database.exists():
        return
    engine = make_engine(config.database_url, data_dir=config.data_dir)
    try:
        with read(engine) as conn:
            demo = due.demo_clock(conn) is not None
    finally:
        engine.dispose()
    if not demo:
        raise Usage(
            f"REVISIT_DATA_DIR: {config.data_dir} holds a clinic's data; name another folder for the demo"
        )
    for path in (
        *config.data_dir.glob("revisit.db*"),
        config.data_dir / "queue",
        config.data_dir / "outbox",
        config.data_dir / "workspace",
    ):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _start_clock(house: House, now: datetime) -> None:
    from worker.demo.play import set_clock

    set_clock(house, now - LIVED)


def _live(house: House, queue: Queue, config: Settings, port: int, now: datetime) -> None:
    import urllib3

    from worker.demo.book import read_book
    from worker.demo.play import Api, live, load_history, set_clock
    from worker.domain.calendar import local_day, midnight, zone

    tz = zone("Europe/Athens")
    start = midnight(local_day(now - LIVED, tz), tz)
    set_clock(house, start)
    book = [told for told in read_book(local_day(now, tz), tz) if told.at <= now]
    history = [told for told in book if told.at < start]
    last = [told for told in book if told.at >= start]
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<52}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as progress:
        bar = progress.add_task("Starting the database, the queue, the web and a worker", total=1)
        api = Api(urllib3.PoolManager(timeout=60), f"http://127.0.0.1:{port}", config.api_token)
        api.await_ready()
        progress.advance(bar)
        bar = progress.add_task(
            f"Loading {len(history):,} events of the clinic's history", total=len(history)
        )
        load_history(house, queue, history, lambda count: progress.advance(bar, count))
        bar = progress.add_task("Living through the last weeks", total=(now - start).total_seconds())
        for clock in live(house, queue, api, last, start, now):
            local = clock.astimezone(tz)
            progress.update(
                bar,
                completed=(clock - start).total_seconds(),
                description=f"Living through the last weeks: {local:%a %d %b %H:%M}",
            )
