"""What only the text of a layer's file shows: two layers of one name, and calls that write files unseen by Python."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from hour_lake.errors import LayerError
from hour_lake.passes.declare import Layer

# They open files in C, where no hook of Python's sees it.
WRITERS = ("cv2.imwrite", "cv2.imwritemulti", "cv2.VideoWriter", "soundfile.write", "pyarrow.parquet.write_table",
           "pyarrow.csv.write_csv", "torchaudio.save", "torchvision.io.write_video")  # fmt: skip
SUSPECT = re.compile("|".join(rf"\b{name.rpartition('.')[2]}\b" for name in WRITERS))
AT_THE_LEFT = re.compile(r"^(?:class|def)\s+(\w+)", re.MULTILINE)


def problems_in_text(path: Path, layers: Mapping[str, Layer]) -> Iterator[tuple[str, LayerError]]:
    """Name of a layer of this file -> LAYER_DUPLICATE or LAYER_WRITES; the text is parsed only where it looks so."""
    text = path.read_text(encoding="utf-8", errors="replace")
    names = [name for name in AT_THE_LEFT.findall(text) if name in layers]
    if len(names) == len(set(names)) and not SUSPECT.search(text):
        return
    tree = ast.parse(text)
    known = dict(_imported_names(tree))
    first: dict[str, ast.stmt] = {}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name not in layers:
            continue
        before = first.setdefault(node.name, node)
        if before is not node:
            yield node.name, _twice(node, before, path)
        for call in ast.walk(node):
            written = _dotted(call.func, known) if isinstance(call, ast.Call) else None
            if written in WRITERS:
                yield node.name, _writes(node.name, written, f"{path}:{getattr(call, 'lineno', node.lineno)}")


def _twice(node: ast.FunctionDef | ast.ClassDef, before: ast.stmt, path: Path) -> LayerError:
    line, first = (_line(one) for one in (node, before))
    return LayerError("LAYER_DUPLICATE", "the file declares two layers of one name; neither is taken", value=node.name,
                      where=f"{path}:{line}", fix=f"rename it; the other is at {path}:{first}")  # fmt: skip


def _writes(name: str, call: str, where: str) -> LayerError:
    return LayerError("LAYER_WRITES", f"{name} writes a file; a layer gives a table and nothing else", value=call,
                      where=where, fix="return it as a column, or look at it with `hour-lake try`")  # fmt: skip


def _line(node: ast.stmt) -> int:
    """Where a declaration begins: at its decorator."""
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def _imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Name in the file -> what it stands for: `sf` -> `soundfile`, `imwrite` -> `cv2.imwrite`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _dotted(node: ast.expr, known: Mapping[str, str]) -> str | None:
    """`cv.imwrite` -> `cv2.imwrite` after `import cv2 as cv`."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (left := _dotted(node.value, known)):
        return f"{left}.{node.attr}"
    return None
