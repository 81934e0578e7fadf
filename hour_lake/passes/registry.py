"""Finding layers: the built-in ones, folders of files, installed packages; one bad file never takes others down."""

import hashlib
import importlib
import importlib.metadata
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType, ModuleType

from hour_lake.errors import HourLakeError, LayerError
from hour_lake.passes.accepted import is_text
from hour_lake.passes.declare import Layer
from hour_lake.passes.file_text import problems_in_text
from hour_lake.passes.graph import checked_reads

FOLDERS_VARIABLE = "HOUR_LAKE_LAYERS"
ENTRY_POINTS = "hour_lake.layers"


class Layers(Mapping[str, Layer]):
    """Name -> layer, in dependency order; `broken` holds what could not be taken in, each with its file and line."""

    def __init__(self, layers: Mapping[str, Layer], broken: Sequence[HourLakeError] = ()) -> None:
        self._layers = dict(layers)
        self.broken = tuple(broken)

    def __getitem__(self, name: str) -> Layer:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def layers(self) -> Mapping[str, Layer]:
        """The layers alone."""
        return MappingProxyType(self._layers)

    def less(self, problems: Mapping[str, HourLakeError]) -> "Layers":
        """Without these layers and who reads them; what is wrong with each goes to `broken`."""
        whole, wrong = checked_reads({n: x for n, x in self._layers.items() if n not in problems}, problems)
        return Layers(whole, [*self.broken, *problems.values(), *wrong])

    def require(self, name: str) -> Layer:
        """The layer of that name; LAYER_UNKNOWN names the nearest ones, or why the file with it is not loaded."""
        if name in self._layers:
            return self._layers[name]
        for error in self.broken:
            if error.where and Path(error.where.rpartition(":")[0]).stem == name:
                raise error
        near = get_close_matches(name, self._layers, n=3, cutoff=0.5) or sorted(self._layers)
        raise LayerError("LAYER_UNKNOWN", "there is no such layer", value=name, fix=f"one of: {', '.join(near)}")

    def chosen(self, *, opt_in: Iterable[str] = (), opt_out: Iterable[str] = ()) -> "Layers":
        """Those of a project: without the ones that wait to be opted in, the ones opted out, and who reads these.

        LAYER_UNKNOWN for a name that is not there.
        """
        wanted, out = ({self.require(name).name for name in names} for names in (opt_in, opt_out))
        kept: dict[str, Layer] = {}
        for name, layer in self._layers.items():  # in dependency order
            whole = all(read in kept for read in layer.reads if read in self._layers)
            if whole and name not in out and (not layer.opt_in or name in wanted):
                kept[name] = layer
        return Layers(kept, self.broken)

    def with_reads(self, names: Iterable[str]) -> list[Layer]:
        """These layers and all that they read, in dependency order."""
        needed: set[str] = set()
        waiting = [self.require(name).name for name in names]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += [read for read in self._layers[name].reads if read in self._layers]
        return [layer for name, layer in self._layers.items() if name in needed]


def load_layers(extra_folders: Iterable[Path | str] = ()) -> Layers:
    """All layers that can be found; what is wrong with the others is in `.broken`, and none of it is raised.

    Looked for in `hour_lake/layers`, `extra_folders`, the folders in HOUR_LAKE_LAYERS (parted by `:`) and the entry
    points `hour_lake.layers` of installed packages. Of two layers with one name the first found stays.
    """
    found: dict[str, Layer] = {}
    broken: list[HourLakeError] = []
    for load in (_built_in, lambda: _in_folders(extra_folders), _in_packages):
        for outcome in load():
            if isinstance(outcome, HourLakeError):
                broken.append(outcome)
            else:
                _take(outcome, found, broken)
    files: dict[str, dict[str, Layer]] = {}
    for layer in found.values():
        files.setdefault(layer.source_path, {})[layer.name] = layer
    return Layers(found, broken).less(
        {name: error for path, layers in files.items() for name, error in problems_in_text(Path(path), layers)}
    )


def _take(module: ModuleType, found: dict[str, Layer], broken: list[HourLakeError]) -> None:
    for layer in vars(module).values():
        # By its type alone: `isinstance` asks the object too, and one that stands for another may raise.
        if not issubclass(type(layer), Layer) or layer.function.__module__ != module.__name__:
            continue
        if not Path(layer.source_path).is_file():
            broken.append(LayerError("LAYER_IMPORT", "a layer's code is in no file, so nobody sees when it changes",
                                     value=layer.name, where=f"{module.__file__}:1",
                                     fix="write it as a function or a class of that file"))  # fmt: skip
            continue
        first = found.setdefault(layer.name, layer)
        if first.where != layer.where:
            broken.append(LayerError("LAYER_DUPLICATE", "two layers have one name; the first stays", value=layer.name,
                                     where=layer.where, fix=f"rename it; the other is at {first.where}"))  # fmt: skip


def _built_in() -> Iterator[ModuleType | HourLakeError]:
    import hour_lake.layers

    yield from _of_package(hour_lake.layers)


def _of_package(package: ModuleType) -> Iterator[ModuleType | HourLakeError]:
    for item in sorted(pkgutil.iter_modules(package.__path__), key=lambda item: item.name):
        if not item.name.startswith("_"):
            file = f"{item.name}/__init__.py" if item.ispkg else f"{item.name}.py"
            yield _imported(f"{package.__name__}.{item.name}", Path(package.__path__[0]) / file)


def _in_folders(extra_folders: Iterable[Path | str]) -> Iterator[ModuleType | HourLakeError]:
    named = [
        *map(Path, extra_folders),
        *map(Path, filter(None, os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep))),
    ]
    for folder in dict.fromkeys(path.expanduser().resolve() for path in named):
        if not folder.is_dir():
            yield LayerError("LAYER_FOLDER", "a folder of layers is not there", value=str(folder),
                             fix=f"make it, or take it out of {FOLDERS_VARIABLE}")  # fmt: skip
            continue
        yield from _of_package(_folder_as_package(folder))


def _folder_as_package(folder: Path) -> ModuleType:
    """A package whose modules are the files of a folder, so that they may say `from .helper import ...`."""
    name = f"hour_lake_layers_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    for known in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
        del sys.modules[known]  # a file that was edited is read again
    package = ModuleType(name, "Layers of one folder.")
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    importlib.invalidate_caches()
    return package


def _in_packages() -> Iterator[ModuleType | HourLakeError]:
    for point in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        module = _imported(point.module, Path(point.module.replace(".", "/") + ".py"))
        yield module
        if isinstance(module, ModuleType) and hasattr(module, "__path__"):
            yield from _of_package(module)


def _imported(name: str, path: Path) -> ModuleType | HourLakeError:
    try:
        if not is_text(name):
            raise ImportError("the name of the file is no UTF-8")
        module = importlib.import_module(name)
        vars(module)  # a file may have put something else in its own place
        return module
    except KeyboardInterrupt:  # a person who stops the command, as far as anybody can tell
        raise
    except BaseException as error:  # whatever a file does when it is imported, other layers must live on
        where = f"{os.fsencode(path).decode(errors='backslashreplace')}:{_line_of(error, path)}"
        if isinstance(error, HourLakeError):
            error.where = error.where or where
            return error
        return LayerError("LAYER_IMPORT", "the file of a layer cannot be imported", value=_said(error),
                          where=where, fix=_fix_for(error, path))  # fmt: skip


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # an error that cannot even be shown
        return type(error).__name__


def _line_of(error: BaseException, path: Path) -> int:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return (lines[-1] if lines else None) or 1


def _fix_for(error: BaseException, path: Path) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and missing.rpartition(".")[2] == path.stem and not path.is_file():
        return "make it a file that can be read, or give it another name"
    if missing and (path.parent / f"{missing.split('.')[0]}.py").is_file():
        return f"import a neighbour as `from .{missing} import ...`"
    return f"install {missing}" if missing else "mend that line"
