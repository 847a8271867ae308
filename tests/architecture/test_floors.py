"""DESIGN §2: a file imports its own floor and the floors under it, never above, and there are no circles."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ["core", "vault", "sso", "connectors", "web"]


def modules(floor: str) -> Iterator[Path]:
    return (ROOT / floor).rglob("*.py")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """The dotted names a module imports; with `at_run_time`, only those that its own import executes."""
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if at_run_time and (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)):
            continue
        pending.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("floor", FLOORS)
def test_a_file_imports_only_its_own_floor_and_the_floors_under_it(floor: str) -> None:
    above = set(FLOORS[FLOORS.index(floor) + 1 :]) | {"tests"}
    if floor != "web":
        above.add("demo")
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(floor)
        for name in imports(path)
        if name.split(".")[0] in above
    ]
    assert wrong == []


def test_core_knows_no_word_of_the_field() -> None:
    import re

    field = re.compile(r"\b(cadre|tenant|password|oidc|oauth|recipe|ticket)s?\b", re.IGNORECASE)
    wrong = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for path in modules("core")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if field.search(line) and path.name != "settings.py" and not line.lstrip().startswith(('"""', "#"))
        if "url.password" not in line
    ]
    assert wrong == []


def test_there_are_no_circles_between_modules() -> None:
    graph: dict[str, set[str]] = {}
    paths = {name_of(path): path for floor in FLOORS for path in modules(floor)}
    for name, path in paths.items():
        graph[name] = {target for target in imports(path, at_run_time=True) if target in paths and target != name}
        # A package's __init__ that re-exports its own modules is not a circle with them.
        if path.name == "__init__.py":
            graph[name] = {target for target in graph[name] if not target.startswith(f"{name}.")}
    assert _circle(graph) is None


def _circle(graph: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()
    for start in sorted(graph):
        trail: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []
        if start in done:
            continue
        stack.append((start, iter(sorted(graph[start]))))
        trail.append(start)
        while stack:
            name, targets = stack[-1]
            following = next((target for target in targets if target not in done), None)
            if following is None:
                done.add(name)
                stack.pop()
                trail.pop()
            elif following in trail:
                return [*trail[trail.index(following) :], following]
            else:
                stack.append((following, iter(sorted(graph[following]))))
                trail.append(following)
    return None


def test_a_request_passes_each_room_of_the_gateway_once() -> None:
    """DESIGN §2: the sub-packages stand in the order of a request, and none looks back at a later one."""
    rooms = ["wire", "session", "swap", "answers", "pages"]
    wrong = []
    for place, room in enumerate(rooms):
        later = tuple(f"connectors.gateway.{name}" for name in rooms[place + 1 :])
        for path in (ROOT / "connectors" / "gateway" / room).rglob("*.py"):
            wrong += [f"{path.name} imports {name}" for name in imports(path) if name.startswith(later)]
    assert wrong == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helper", "helpers", "manager", "common", "misc"}
    assert [str(path) for floor in FLOORS for path in modules(floor) if path.stem in empty] == []


def test_what_day_it_is_only_the_local_time_knows() -> None:
    """`.date()` of a time in UTC is another day than the people's, for some hours of each."""
    asked = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for floor in FLOORS
        for path in modules(floor)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (".date()" in line or ".today()" in line) and path.name != "local_time.py"
    ]
    assert asked == []


def test_modules_stay_short_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for floor in FLOORS
        for path in modules(floor)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400 and "migrations" not in path.parts
    }
    assert long == {}
