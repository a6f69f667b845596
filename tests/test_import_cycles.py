"""No module imports another that imports it: who reads one file need not have read the other first."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("headshrink", "demo", "tasks", "flows")
LAYERS = ("model", "data", "importance", "pruning", "distillation")  # of the library: each may import those before it

Graph = dict[str, set[str]]


def module_of(file: Path, root: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def at_import(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported: those of branches too, of functions and TYPE_CHECKING none."""
    for node in nodes:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from at_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            for name in ("body", "orelse", "finalbody"):
                yield from at_import(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from at_import(handler.body)


def imported(statement: ast.stmt, package: list[str]) -> Iterator[str]:
    """Full names that one statement of a module of `package` imports: modules, and what it takes from them."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        above = package[: len(package) - statement.level + 1] if statement.level else []
        base = ".".join([*above, *([statement.module] if statement.module else [])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in statement.names)


def import_graph(root: Path, packages: tuple[str, ...]) -> Graph:
    """The modules of packages, and the ones among them that each imports by name at its top level.

    That a module's package comes before it is left out: a package's `__init__` takes names from its modules.
    """
    files = {module_of(file, root): file for name in packages for file in sorted((root / name).rglob("*.py"))}
    graph: Graph = {}
    for name, file in files.items():
        package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
        statements = at_import(ast.parse(file.read_text(encoding="utf-8")).body)
        graph[name] = {found for one in statements for found in imported(one, package) if found in files} - {name}
    return graph


def cycle_in(graph: Graph) -> list[str]:
    """The modules of one cycle, its first again at the end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle[::-1]
    return []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_one_that_imports_it(package: str) -> None:
    graph = import_graph(ROOT, (package,))
    assert len(graph) > 10
    assert " -> ".join(cycle_in(graph)) == ""


def test_no_package_imports_one_that_imports_it() -> None:
    """Of headshrink, demo, tasks and flows: each is below the next."""
    for name, found in import_graph(ROOT, PACKAGES).items():
        assert max([PACKAGES.index(other.split(".")[0]) for other in found], default=0) <= PACKAGES.index(
            name.split(".")[0]
        ), name


def test_the_librarys_layers_import_downwards() -> None:
    for name, found in import_graph(ROOT, ("headshrink",)).items():
        layers = [LAYERS.index(part) for one in (name, *found) if (part := f"{one}.".split(".")[1]) in LAYERS]
        if f"{name}.".split(".")[1] in LAYERS:
            assert max(layers) == layers[0], name


@pytest.mark.parametrize(
    ("files", "cycle"),
    [
        ({"a": "from p import b", "b": "import p.a"}, ["p.a", "p.b", "p.a"]),
        ({"a": "from p.b import f", "b": "if x:\n    from .a import g"}, ["p.a", "p.b", "p.a"]),
        ({"__init__": "from p.a import f", "a": "from p import b", "b": ""}, ["p", "p.a", "p"]),
        ({"__init__": "from p.a import f", "a": "from p.b import g", "b": ""}, []),
        ({"a": "import p.b", "b": "def f():\n    import p.a"}, []),
        ({"a": "import p.b", "b": "if TYPE_CHECKING:\n    import p.a"}, []),
        ({"a": "try:\n    import p.b\nexcept ImportError:\n    pass", "b": "import p.a"}, ["p.a", "p.b", "p.a"]),
    ],
)
def test_a_cycle_is_found_where_there_is_one(tmp_path: Path, files: dict[str, str], cycle: list[str]) -> None:
    for name, content in files.items():
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / f"{name}.py").write_text(content, encoding="utf-8")
    found = cycle_in(import_graph(tmp_path, ("p",)))
    assert set(found) == set(cycle)
    assert len(found) == len(cycle)
