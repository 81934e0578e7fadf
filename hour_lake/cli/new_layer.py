"""`layers new`: a file with a layer that runs as it is, for a researcher to change."""

import ast
import keyword
from collections.abc import Sequence
from pathlib import Path

from hour_lake.errors import LayerError
from hour_lake.passes.declare import MEDIA_READS, NAME, Layer
from hour_lake.passes.graph import checked_reads
from hour_lake.passes.registry import Layers

TEMPLATE = '''"""{title}: say here what it tells, and in which unit."""

{numpy}from hour_lake.layers import {types}, layer


@layer(reads={reads},{rows} columns={{"value": "float32"}}, facts={{"{fact}": "{fact}(value)"}})
def {name}({arguments}):
    """`value`: {what}."""
    return {{"value": {value}}}
'''
TYPES = {"frames": "Frames", "samples": "Samples", "master": "Samples"}
# What is read -> what the first version of the layer tells, how, and how many rows it has.
FIRST = {
    "frames": ("mean brightness of the frame, 0..255", "frames.pixels.mean(axis=(1, 2, 3))", ""),
    "samples": ("root mean square of the sound, 0..1", "np.sqrt(np.mean(samples.values**2))", "segment"),
    "master": ("root mean square of the sound, 0..1", "np.sqrt(np.mean(master.values**2))", "segment"),
}


def new_layer(name: str, reads: Sequence[str], folder: Path, known: Layers) -> Path:
    """Write `folder/name.py`. LAYER_NAME, _DUPLICATE, _READS, _UNKNOWN, _EXISTS: why it is not written."""
    file = folder / f"{name}.py"
    if not NAME.fullmatch(name) or name in MEDIA_READS or keyword.iskeyword(name):
        raise LayerError("LAYER_NAME", "a layer's name is lower case letters, digits and '_', no keyword of Python",
                         value=name,
                         fix=f"it must match {NAME.pattern} and be none of {', '.join(MEDIA_READS)}")  # fmt: skip
    if file.exists():
        raise LayerError("LAYER_EXISTS", "there is such a file already", value=name, where=str(file),
                         fix="take another name, or edit that file")  # fmt: skip
    if name in known:
        raise LayerError("LAYER_DUPLICATE", "there is a layer of that name", value=name, where=known[name].where,
                         fix="take another name")  # fmt: skip
    _check_reads(name, reads, file, known)
    text = text_of(name, reads)
    if name in {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}:
        raise LayerError("LAYER_NAME", "the file itself needs what is called so", value=name, fix="take another name")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def _check_reads(name: str, reads: Sequence[str], file: Path, known: Layers) -> None:
    """LAYER_UNKNOWN, LAYER_READS: what would be said of it when the file is loaded."""
    for read in reads:
        if read not in MEDIA_READS:
            known.require(read)
    twice = next((read for read in reads if reads.count(read) > 1), None)
    if twice:
        raise LayerError("LAYER_READS", "reads the same twice", value=twice, where=str(file), fix="name it once")
    new = Layer(name=name, function=text_of, reads=tuple(reads), columns={}, facts={}, rows="frame", group="",
                models=(), compute="cpu", memory_gib=1, owner=None)  # fmt: skip
    for error in checked_reads({**known, name: new})[1]:
        error.where = str(file)
        raise error


def text_of(name: str, reads: Sequence[str]) -> str:
    """The file of a layer that reads these: media first decide what it tells, else it counts rows."""
    rows_of = ("number of rows", f"len(next(iter({reads[0]}.values())))", "segment")
    what, value, rows = next((FIRST[read] for read in MEDIA_READS if read in reads), rows_of)
    types = sorted({TYPES.get(read, "Table") for read in reads})
    return TEMPLATE.format(
        title=name.replace("_", " ").capitalize(), numpy="import numpy as np\n\n" if "np." in value else "",
        types=", ".join(types), reads=f'"{reads[0]}"' if len(reads) == 1 else repr(tuple(reads)).replace("'", '"'),
        rows=f' rows="{rows}",' if rows else "", fact="first" if rows else "avg", name=name, what=what, value=value,
        arguments=", ".join(f"{read}: {TYPES.get(read, 'Table')}" for read in reads),
    )  # fmt: skip
