"""A dataset's card: what it holds, where it comes from and what it promises, in Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def card_text(card: Mapping[str, Any]) -> str:
    """The card of what `read_card` gave."""
    parts = [
        f"# {card['name']} v{card['version']}",
        card["description"],
        f"{card['segments']} segments, {card['seconds']:g} s, {card['files']['count']} files, "
        f"{card['files']['bytes'] / 1e6:.1f} MB. Chosen of {card['candidates']['count']} candidates by "
        f"{card['solver']['name']} ({card['solver']['status']}), from commit `{card['source']['commit'][:12]}` "
        f"of `{card['source']['ref']}`. Tag `{card['tag']}`.",
        "## Constraints\n\n" + _table(
            ("constraint", "wanted", "achieved"),
            ((each["name"], each["wanted"], each["achieved"]) for each in card["constraints"]),
        ),
        f"Objective: {_objective(card['objective'])}.",
        _counted("Splits", {name: f"{part['segments']} segments, {part['seconds']:g} s, {', '.join(part['speakers'])}"
                            for name, part in card["splits"].items()}),
        _counted("Speakers", card["speakers"]),
        _counted("Licences of the sources", card["licences"]),
        _counted("Consent", card["consent"]),
        _counted("Models that made the layers of these segments, and their licences", {
            layer: ", ".join(_models(used, card["segments"])) for layer, used in card["models"].items()
        }),
        _counted("Left out: candidates without", card["candidates"]["left_out"]),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _objective(objective: Mapping[str, Any]) -> str:
    word = "maximise" if "maximise" in objective else "minimise"
    return f"{word} the sum of `{objective[word]}`, which came to {objective['value']:g}"


def _models(used: Sequence[Mapping[str, Any]] | Mapping[str, str], segments: int) -> Iterator[str]:
    if isinstance(used, Mapping):  # a version from before digests were told
        yield from (f"{name} ({licence})" for name, licence in used.items())
        return
    for one in used:
        about = [one["licence"] or "licence not known: the registry has other weights now"]
        about += [f"provider {one['provider']}"] if one["provider"] else []
        about += [f"sha256 {one['sha256']}"]
        about += [f"{one['segments']} of {segments} segments"] if one["segments"] != segments else []
        yield f"{one['name']} ({', '.join(about)})"


def _counted(title: str, counts: Mapping[str, Any]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {name}: {count}" for name, count in counts.items()) if counts else ""


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(columns)
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
