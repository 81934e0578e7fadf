"""Nothing that can run code when it is read: the syntax trees of the library, the examples and the benchmarks."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for folder in ("hour_lake", "examples", "bench") for path in (ROOT / folder).rglob("*.py"))
FORBIDDEN = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_YAML = {"load", "load_all", "full_load", "unsafe_load", "UnsafeLoader", "FullLoader"}


def found_in(source: str) -> list[str]:
    """What a source text does that it must not, each with its line."""
    return [f"{getattr(node, 'lineno', 0)}: {what}" for node in ast.walk(ast.parse(source)) for what in _wrong(node)]


def _wrong(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.split(".")[0] in FORBIDDEN]
    if isinstance(node, ast.ImportFrom):
        module = (node.module or "").split(".")[0]
        unsafe = [
            a.name
            for a in node.names
            if module == "yaml" and a.name in UNSAFE_YAML or module == "torch" and a.name == "load"
        ]
        return [module] * (not node.level and module in FORBIDDEN) + unsafe
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return [f"yaml.{node.attr}"] * (node.value.id == "yaml" and node.attr in UNSAFE_YAML)
    return _wrong_call(node) if isinstance(node, ast.Call) else []


def _wrong_call(call: ast.Call) -> list[str]:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    called = ast.unparse(call.func)
    wrong = [called] * (called in ("__import__", "import_module", "importlib.import_module") and _names_forbidden(call))
    if given.get("allow_pickle", "False") != "False":
        wrong.append("allow_pickle")
    return wrong + ["torch.load"] * (called == "torch.load" and given.get("weights_only") != "True")


def _names_forbidden(call: ast.Call) -> bool:
    name = call.args[0] if call.args else None
    return isinstance(name, ast.Constant) and str(name.value).split(".")[0] in FORBIDDEN


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled(path: Path) -> None:
    assert found_in(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "snippet",
    ["import pickle", "import pickle as p", "from joblib import load", "def f():\n    import dill", "import marshal",
     "torch.load(x)", "torch.load(x, weights_only=False)", "from torch import load", "np.load(x, allow_pickle=True)",
     "np.load(x, allow_pickle=y)", "yaml.load(x)", "from yaml import unsafe_load", "yaml.load_all(x, Loader=L)",
     "import_module('cloudpickle')"],
)  # fmt: skip
def test_the_rule_can_fail(snippet: str) -> None:
    assert found_in(snippet)


@pytest.mark.parametrize(
    "snippet",
    ["torch.load(x, weights_only=True)", "np.load(x)", "np.load(x, allow_pickle=False)", "yaml.safe_load(x)",
     "json.load(x)", "from .pickle import x"],
)  # fmt: skip
def test_what_is_safe_is_taken(snippet: str) -> None:
    assert found_in(snippet) == []
