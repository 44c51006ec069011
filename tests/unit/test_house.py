"""The rules of the house, kept by a machine: sizes, layers, purity, and what every test says it shows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "aiops_rca"
OUTER = {"web", "edge", "adapters", "correlator", "bootstrap", "cli", "__main__"}
MODULE_LINES = 300
FUNCTION_LINES = 45
EMPTY_WORDS = {"utils", "helpers", "common", "core", "manager"}
_GLOBAL_CHANCE = re.compile(r"(?:random|np\.random|numpy\.random|secrets)\.\w+")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_files() -> list[Path]:
    """Everything that runs in production, and what starts it."""
    return sorted(
        [ROOT / "run.py", ROOT / "service.py", *(ROOT / "launcher").glob("*.py"), *PACKAGE.rglob("*.py")]
    )


def pure_files() -> list[Path]:
    """The modules below the adapters. `settings` may read files; import-linter watches the rest of it."""
    return [file for file in PACKAGE.rglob("*.py") if layer_of(file) not in OUTER | {"settings"}]


def layer_of(file: Path) -> str:
    """The name of a module's layer: the first part of its path inside the package."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def functions(file: Path) -> Iterator[Function]:
    """Every function and method of *file*."""
    return (node for node in ast.walk(parse(file)) if isinstance(node, Function))


def parse(file: Path) -> ast.Module:
    """The syntax tree of *file*."""
    return ast.parse(file.read_text("utf-8"), filename=str(file))


def at(file: Path, node: ast.stmt | ast.expr) -> str:
    """Where to look."""
    return f"{file.relative_to(ROOT)}:{node.lineno}"


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    """No module has more than 300 lines."""
    sizes = {file: len(file.read_text("utf-8").splitlines()) for file in code_files()}

    assert {str(file): size for file, size in sizes.items() if size > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    """No function has more than 45 lines."""
    sizes = {
        f"{at(file, node)} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for file in code_files()
        for node in functions(file)
    }

    assert {where: size for where, size in sizes.items() if size > FUNCTION_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    """Each module opens with a docstring."""
    assert [str(file) for file in code_files() if not ast.get_docstring(parse(file))] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    """No file or folder is called utils, helpers, common, core or manager."""
    inside = [file.relative_to(ROOT).with_suffix("") for file in code_files()]

    assert [str(path) for path in inside if EMPTY_WORDS & {*path.parts}] == []


def test_every_test_says_what_it_shows() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{at(file, node)} {node.name}"
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in functions(file)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert silent == []


def test_the_layers_hold() -> None:
    """`lint-imports` keeps every contract: layers, and who may touch the outside world."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_service_file_is_glue() -> None:
    """`service.py` imports the shell and `bootstrap`, nothing else of ours."""
    allowed = {"bentoml", "_bentoml_sdk", "starlette", "aiops_rca.bootstrap.service"}
    imported = set(imported_modules(parse(ROOT / "service.py")))
    foreign = {
        name
        for name in imported
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(
            name == root or (not root.startswith("aiops_rca") and name.startswith(f"{root}."))
            for root in allowed
        )
    }

    assert "aiops_rca.bootstrap.service" in imported
    assert foreign == set()


def test_the_launcher_needs_nothing_installed() -> None:
    """`run.py` and `launcher` import the standard library and each other only."""
    files = [ROOT / "run.py", *(ROOT / "launcher").glob("*.py")]
    foreign = {
        name
        for file in files
        for name in imported_modules(parse(file))
        if name.partition(".")[0] not in sys.stdlib_module_names | {"launcher"}
    }

    assert foreign == set()


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """The full names of the modules that *tree* imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer they cross"
            yield node.module or ""


@pytest.mark.parametrize(
    "module", ["aiops_rca", "aiops_rca.cli", "aiops_rca.cli.analyze", "aiops_rca.cli.evaluate"]
)
def test_analysis_starts_without_the_service(module: str) -> None:
    """Importing the library, `analyze` or `evaluate` loads neither bentoml nor a web framework."""
    shell = ["bentoml", "_bentoml_sdk", "fastapi", "starlette"]
    code = f"import sys, {module}; print(*(name for name in {shell} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_the_pure_layers_touch_nothing_outside() -> None:
    """Below the adapters no code opens files, asks for the time, or draws random numbers without a seed."""
    assert [found for file in pure_files() for found in impurities(file, parse(file))] == []


def impurities(file: Path, tree: ast.Module) -> Iterator[str]:
    """The calls in *tree* that depend on more than their arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (fault := fault_of(node)):
            yield f"{at(file, node)} {fault}"


def fault_of(call: ast.Call) -> str | None:
    """What *call* reaches for outside the program, if anything."""
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    seeded = bool(call.args or call.keywords)
    if name in {"open", "input", "print", "exec", "eval"}:
        return name
    if last in {
        "read_text",
        "read_bytes",
        "write_text",
        "write_bytes",
        "utcnow",
        "today",
        "uuid1",
        "uuid4",
        "getenv",
    }:
        return name
    if last == "now" and "date" in name:
        return name
    if last in {"Random", "default_rng", "RandomState"}:
        return None if seeded else f"{name} without a seed"
    return name if _GLOBAL_CHANCE.fullmatch(name) else None


@pytest.mark.parametrize(
    "line",
    [
        "open('x')",
        "Path('x').read_text()",
        "datetime.now(UTC)",
        "datetime.datetime.now()",
        "date.today()",
        "random.random()",
        "random.Random()",
        "np.random.default_rng()",
        "np.random.rand(3)",
        "uuid.uuid4()",
    ],
)
def test_the_purity_check_sees(line: str) -> None:
    """Each kind of impure call is found."""
    assert len(list(impurities(ROOT / "x.py", ast.parse(line)))) == 1


@pytest.mark.parametrize(
    "line", ["random.Random(7).random()", "np.random.default_rng(seed)", "clock.now()", "now()"]
)
def test_the_purity_check_lets_pass(line: str) -> None:
    """Seeded generators and clocks that were handed in are no faults."""
    assert list(impurities(ROOT / "x.py", ast.parse(line))) == []
