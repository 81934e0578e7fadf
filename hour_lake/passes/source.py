"""What a layer's code is: the syntax trees of its module and of what it imports, without comments and docstrings.

Reformatting changes no tree; a changed helper always does. The tree leaves out the `facts`, `group`, `owner`,
`memory_gib`, `pool` and `providers` of a `@layer(...)`: they are read when a question is asked or a run is planned,
they change no value.
Nothing is imported or run here: imports are followed by name, from file to file.
"""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import hour_lake
from hour_lake.passes.declare import Layer

ROOT = Path(hour_lake.__file__).parent
FOLLOWED = ("hour_lake.layers.", "hour_lake.models.", "hour_lake.media.")
# How weights are fetched and checked is no part of what a network answers: their sha256 is in the fingerprint itself.
NOT_FOLLOWED = ("hour_lake.models.store", "hour_lake.models.registry", "hour_lake.models.device")
NOT_COMPUTED = ("facts", "group", "owner", "memory_gib", "pool", "providers")


def source_digest(layer: Layer) -> str:
    """One sha256 over the code of the layer and of what it imports; worked out once a process."""
    return _together(source_parts(layer))


def source_parts(layer: Layer) -> dict[str, str]:
    """Module name -> sha256 of its tree: the layer's module first, then what it imports, by name."""
    return dict(_parts_of(layer.function))


@cache
def _parts_of(function: Callable[..., Any]) -> dict[str, str]:
    # By function, not by file: a layer that was loaded anew is looked at anew, all others never twice.
    return _parts(function.__module__, Path(inspect.getsourcefile(inspect.unwrap(function)) or ""))


def function_digest(*modules: ModuleType) -> str:
    """The same for plain modules, such as those that cut or decode."""
    parts: dict[str, str] = {}
    for module in modules:
        parts |= _parts(module.__name__, Path(module.__file__ or ""))
    return _together(parts)


def _together(parts: dict[str, str]) -> str:
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in sorted(parts.items())).encode()).hexdigest()


def _parts(name: str, path: Path) -> dict[str, str]:
    home = _home(name, path)
    found = {name: _tree_digest(path)}
    waiting = [*_imports(name, path)]
    while waiting:
        module = waiting.pop()
        file = _file_of(module, home)
        if file is not None and module not in found:
            found[module] = _tree_digest(file)
            waiting += _imports(module, file)
    return {name: found[name], **{key: found[key] for key in sorted(found) if key != name}}


def _home(name: str, path: Path) -> tuple[str, Path]:
    """The package (and its folder) whose modules are the layer's own: its folder in Hour Lake, or its plug-in."""
    parts = name.split(".")
    if parts[0] == "hour_lake":
        return (".".join(parts[:2]), path.parent)
    depth = len(parts) - 1 if path.name != "__init__.py" else len(parts)
    return (parts[0], path.parents[max(depth - 1, 0)] if depth else path.parent)


def _file_of(module: str, home: tuple[str, Path]) -> Path | None:
    """The file of a module that counts; None for the standard library, packages of others and the engine."""
    if module.startswith(home[0] + "."):
        base, rest = home[1], module.removeprefix(home[0] + ".")
    elif module.startswith(FOLLOWED):
        base, rest = ROOT, module.removeprefix("hour_lake.")
    else:
        return None
    if module in NOT_FOLLOWED:
        return None
    place = base.joinpath(*rest.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _imports(name: str, path: Path) -> Iterator[str]:
    """Full names of all that a file may import, wherever in it the import stands."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _tree(path: Path) -> ast.Module:
    facts = path.stat()
    return _read(path, facts.st_mtime_ns, facts.st_size)[0]


def _tree_digest(path: Path) -> str:
    facts = path.stat()
    return _read(path, facts.st_mtime_ns, facts.st_size)[1]


@cache
def _read(path: Path, _mtime_ns: int, _size_bytes: int) -> tuple[ast.Module, str]:
    tree = _without_words(ast.parse(path.read_bytes(), filename=str(path)))
    return tree, hashlib.sha256(_written(tree).encode()).hexdigest()


def _without_words(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for call in filter(_is_declaration, node.decorator_list):
                call.keywords = [keyword for keyword in call.keywords if keyword.arg not in NOT_COMPUTED]  # type: ignore[attr-defined]
    return tree


def _is_declaration(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)) == "layer"


def _written(node: object) -> str:
    """The tree as text, empty fields left out: Python versions differ in those, and would make everything stale."""
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, []) and name != "kind"]
        return f"{type(node).__name__}({','.join(f'{name}={_written(value)}' for name, value in fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_written, node))}]"
    return repr(node)
