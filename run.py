"""Start here: one file that needs nothing but Python 3.11 and makes the rest.

    python3 run.py demo | serve | test | check | bench | bento | setup | clean

Each command makes or mends `.venv` first; see `launcher/` for how.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said before an older Python trips over the imports
    sys.exit(
        "run.py needs Python 3.11 or later; this is "
        + sys.version.split()[0]
        + " ("
        + str(sys.executable)
        + "). Try: python3.11 run.py "
        + " ".join(sys.argv[1:])
    )

import argparse
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from launcher.console import CannotGoOnError, Console, clean
from launcher.environment import Environment, alone, child_environment, hint, prepare, remove
from launcher.homes import Home, empty_state, first_home, own_home, servers_running
from launcher.server import Address, Server, StoppedError, fetch, own_port
from launcher.store import bentoml_environment, fill

ROOT = Path(__file__).resolve().parent
STORM = "tests/data/storm.json"
INTERRUPTED = 130
_STARTS = 'if __name__ == "__main__"'  # what tells a bench from a module that one needs
Run = Callable[[argparse.Namespace, Environment, Console], int]


def main(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a plain terminal must not stop us
    ours, rest = _split(arguments)
    options = _parser().parse_args(ours)
    options.rest = rest
    console = Console(sys.stdout)
    run: Run = options.run
    try:
        return run(options, Environment(ROOT), console)
    except CannotGoOnError as error:
        console.say(f"{console.paint('run.py:', 'bold', 'red')} {error}")
        return 1
    except KeyboardInterrupt:
        console.say("\ninterrupted")
        return INTERRUPTED
    except StoppedError as stopped:
        return stopped.code
    except BrokenPipeError:  # nobody reads any more, as under `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except OSError as error:  # a full disk, a folder that is not ours, a command gone from .venv
        console.say(f"{console.paint('run.py:', 'bold', 'red')} {error}{hint(str(error))}")
        return 1


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What is for us, and what a command hands on to another program as it is."""
    hands_on = arguments[:1] in (["test"], ["bento"]) and arguments[1:] not in (["-h"], ["--help"])
    return (arguments[:1], arguments[1:]) if hands_on else (arguments, [])


def _stop(number: int, _frame: object) -> None:
    raise StoppedError(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py", description="Set up, try, serve and test aiops_rca.")
    commands = parser.add_subparsers(metavar="command", required=True)

    def command(name: str, run: Run, help_: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_, description=help_)
        added.set_defaults(run=run)
        return added

    command("setup", _setup, "make .venv with the locked dependencies")
    demo = command("demo", _demo, "start the service, send it a storm of alerts, show the answer")
    demo.add_argument("--once", action="store_true", help="end after the answer instead of serving on")
    demo.set_defaults(host="127.0.0.1")
    serve = command("serve", _serve, "start the service")
    host = os.environ.get("AIOPS_SERVER_HOST") or "127.0.0.1"
    serve.add_argument("--host", default=host, help="address to listen on (default: %(default)s)")
    for with_port in (demo, serve):
        with_port.add_argument("--port", type=_port, help="a free port (default: the first free from 3000)")
    serve.set_defaults(port=os.environ.get("AIOPS_SERVER_PORT") or None)
    command("test", _test, "run the test suite; what follows goes to pytest")
    command("check", _check, "everything long: lint, types, layers and all tests with many more examples")
    bench = command("bench", _bench, "measure: all of tests/bench, or the ones named")
    bench.add_argument("names", nargs="*", metavar="name")
    bench.add_argument("--json", action="store_true", help="figures as JSON")
    command("bento", _bento, "fill the model store and build a bento; what follows goes to bentoml build")
    command("clean", _clean, "remove .venv and .aiops")
    return parser


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port, be it from --port or AIOPS_SERVER_PORT")


def _setup(_options: argparse.Namespace, env: Environment, console: Console) -> int:
    prepare(env, console, dev=False)
    console.say("ready: python3 run.py demo")
    return 0


def _demo(options: argparse.Namespace, env: Environment, console: Console) -> int:
    storm = (env.root / STORM).read_bytes()
    prepare(env, console, dev=False)
    with ExitStack() as held:
        server, address = _start(options, env, console, held, demo=True)
        console.say(f"sending {len(json.loads(storm)['alerts'])} alerts from {STORM}\n")
        status, body = fetch(f"{address.url}/incident", storm)
        if status != 200:
            said = clean(body.decode("utf-8", "replace"))
            raise CannotGoOnError(f"POST /incident: {status} {said}{server.tail()}")
        _show(body, env, console)
        if options.once:
            return 0
        storm_file = STORM if Path.cwd() == env.root else shlex.quote(str(env.root / STORM))
        console.say(f"\nserving on {console.paint(address.url, 'bold')} (API: /docs); ask it yourself:")
        console.say(f"  curl -s {address.url}/incident -H 'Content-Type: application/json' -d @{storm_file}")
        return _serve_on(server, console)


def _show(answer: bytes, env: Environment, console: Console) -> None:
    """Print *answer* as `aiops-rca show` does, which colours what goes straight to a terminal."""
    command = [str(env.script("aiops-rca")), "show", "-"]
    out = None if console.colour else subprocess.PIPE
    done = subprocess.run(command, input=answer, stdout=out, env=child_environment(), check=False)
    if done.returncode:
        raise CannotGoOnError("the answer could not be read")
    if done.stdout:
        console.say(done.stdout.decode("utf-8", "replace").rstrip())


def _serve(options: argparse.Namespace, env: Environment, console: Console) -> int:
    prepare(env, console, dev=False)
    with ExitStack() as held:
        server, address = _start(options, env, console, held, demo=False)
        console.say(f"serving on {console.paint(address.url, 'bold')}")
        return _serve_on(server, console)


def _start(
    options: argparse.Namespace, env: Environment, console: Console, held: ExitStack, *, demo: bool
) -> tuple[Server, Address]:
    """Start a server that ends, and gives back home and port, when *held* is closed."""
    home = held.enter_context(own_home(env.scratch))
    address = held.enter_context(own_port(options.host, options.port))
    tags = fill(env, home.path, console, pinned=demo)
    command = [str(env.script("aiops-rca")), "serve", "--host", address.host, "--port", str(address.port)]
    variables = bentoml_environment(home.path)
    if demo:  # its storm is about the graph that ships, whatever was imported since, and meets no incidents
        variables = tags | variables | empty_state(home.path)
        variables.pop("ANTHROPIC_API_KEY", None)  # nobody asked for calls that cost money
    log_file = home.log if demo else None
    console.say(f"starting the service on {address.url}" + (f", log in {log_file}" if log_file else ""))
    server = Server(command, cwd=env.root, env=variables, log=log_file, keep_open=[home.lock_fd])
    held.callback(server.stop)
    server.wait_until_ready(address)
    return server, address


def _serve_on(server: Server, console: Console) -> int:
    """Wait for Ctrl-C, which is how a server is meant to end, or for the server to die, which is not."""
    console.say("Ctrl-C stops it")
    try:
        code = server.wait()
    except (KeyboardInterrupt, StoppedError):
        console.say("\nstopping ...")
        server.stop()
        return 0
    raise CannotGoOnError(f"the server ended by itself with code {code}{server.tail()}")


def _test(options: argparse.Namespace, env: Environment, console: Console) -> int:
    prepare(env, console, dev=True)
    return _hand_over(env, ["-m", "pytest", *options.rest], child_environment())


def _hand_over(env: Environment, arguments: Sequence[str], variables: dict[str, str]) -> int:
    """Become the environment's Python: its output, signals and exit code are ours."""
    sys.stdout.flush()
    os.chdir(env.root)
    os.execve(env.python, [str(env.python), *arguments], variables)  # noqa: S606 - no shell is the point


def _check(_options: argparse.Namespace, env: Environment, console: Console) -> int:
    """Run every check even if one fails, then say which did."""
    prepare(env, console, dev=True)
    variables = {**child_environment(), "RCA_LONG": "1"}
    checks = {
        "ruff": [str(env.script("ruff")), "check"],
        "ruff format": [str(env.script("ruff")), "format", "--check"],
        "mypy": [str(env.python), "-m", "mypy"],
        "lint-imports": [str(env.script("lint-imports"))],
        "pytest": [str(env.python), "-m", "pytest", "-m", "slow or not slow", "--timeout=1800"],
    }
    failed = []
    for name, command in checks.items():
        console.say(console.paint(f"== {name}", "bold"))
        if subprocess.run(command, cwd=env.root, env=variables, check=False).returncode:
            failed.append(name)
    console.say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def _bench(options: argparse.Namespace, env: Environment, console: Console) -> int:
    modules = sorted((env.root / "tests" / "bench").glob("*.py"))
    known = {path.stem: path for path in modules if _STARTS in path.read_text("utf-8")}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise CannotGoOnError(f"no bench named {', '.join(unknown)}; there is: {', '.join(known) or 'none'}")
    prepare(env, console, dev=True)
    with own_home(env.scratch) as home:
        codes = [_run_bench(known[name], options.json, env, home) for name in options.names or known]
    return max(codes, default=0)


def _run_bench(path: Path, as_json: bool, env: Environment, home: Home) -> int:  # noqa: FBT001 - one caller
    # -P: a bench called http must not hide the standard library's module of that name
    command = [str(env.python), "-P", str(path), *(["--json"] if as_json else [])]
    variables = bentoml_environment(home.path) | {"PYTHONPATH": str(env.root / "tests")}
    return subprocess.run(
        command, cwd=env.root, env=variables, pass_fds=[home.lock_fd], check=False
    ).returncode


def _bento(options: argparse.Namespace, env: Environment, console: Console) -> int:
    prepare(env, console, dev=False)
    home = first_home(env.scratch)
    home.mkdir(parents=True, exist_ok=True)
    fill(env, home, console, pinned=False)
    for arguments in (["build", *options.rest], ["list"]):
        command = [str(env.script("bentoml")), *arguments]
        code = subprocess.run(command, cwd=env.root, env=bentoml_environment(home), check=False).returncode
        if code:
            return code
    console.say(f"serve one with: BENTOML_HOME='{home}' .venv/bin/bentoml serve aiops_rca:latest")
    return 0


def _clean(_options: argparse.Namespace, env: Environment, console: Console) -> int:
    running = servers_running(env.scratch)
    if running:
        raise CannotGoOnError(f"a server still uses {', '.join(map(str, running))}: stop it first")
    with alone(env, console):
        for folder in (env.venv, env.scratch):
            if folder.exists() or folder.is_symlink():
                console.say(f"removing {folder}")
                remove(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
