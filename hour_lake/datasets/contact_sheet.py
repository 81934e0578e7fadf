"""The contact sheet: a picture of a dataset version, one card a segment, to be looked at before anything is trained."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hour_lake.catalog.connect import connect_to
from hour_lake.catalog.snapshot import Snapshot
from hour_lake.datasets.drawing import ACCENTS, BRIGHT, FAINT, LINE, PANEL, SOFT, Canvas, Colour, fitting
from hour_lake.datasets.glimpse import Glimpse, glimpse, told
from hour_lake.datasets.publish import find_version, read_card, read_index
from hour_lake.identity import parse_segment_id
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer

MARGIN, GAP, COLUMNS = 48, 20, 2
FRAMES, FRAME_WIDTH, FRAME_HEIGHT, FRAME_GAP = 4, 176, 99, 6
INSIDE = FRAMES * FRAME_WIDTH + (FRAMES - 1) * FRAME_GAP
CARD_WIDTH, CARD_HEIGHT, PAD = INSIDE + 36, 260, 18
WIDTH = 2 * MARGIN + COLUMNS * CARD_WIDTH + (COLUMNS - 1) * GAP
WAVE_HEIGHT = 48
# Fact, its short name, how to write it. Shown where the layer has run.
SHOWN = (
    ("voice_activity.speech_share", "speech", lambda v: f"{100 * v:.0f} %"),
    ("blink.blinks_per_minute", "blinks", lambda v: f"{v:.0f}/min"),
    ("head_pose.yaw_abs_max", "yaw", lambda v: f"{v:.0f}°"),
    ("luminance.mean", "luma", lambda v: f"{v:.0f}"),
    ("loudness.integrated_lufs", "loudness", lambda v: f"{v:.0f} LUFS"),
)  # fmt: skip


def contact_sheet(
    lake: Lake, name: str, destination: Path, *, layers: Mapping[str, Layer], most: int = 24
) -> Path:  # fmt: skip
    """Draw `NAME` or `NAME@vN` as a PNG of at most `most` segments, spread evenly over the parts; gives its path."""
    version, card = find_version(lake, name), read_card(lake, name)
    rows = read_index(lake, version).to_pylist()
    shown = _spread(sorted(rows, key=lambda row: (_place(card, row), row["segment_id"])), most)
    snapshot = Snapshot(lake, card["source"]["commit"])
    facts = _facts(snapshot, layers, [row["segment_id"] for row in shown])
    header = _Header(card, len(shown))
    lines = math.ceil(len(shown) / COLUMNS)
    canvas = Canvas(WIDTH, header.height + lines * (CARD_HEIGHT + GAP) + MARGIN - GAP)
    header.draw(canvas)
    for i, row in enumerate(shown):
        x = MARGIN + i % COLUMNS * (CARD_WIDTH + GAP)
        y = header.height + i // COLUMNS * (CARD_HEIGHT + GAP)
        segment = parse_segment_id(row["segment_id"])
        seen = glimpse(lake, snapshot.commit_id, segment, frames=FRAMES, columns=INSIDE)
        _card(canvas, x, y, row, facts.get(row["segment_id"], {}), seen, header.colour_of(row["split"]))
    canvas.save(destination)
    return destination


class _Header:
    """What the whole is: name, sizes, the parts of the split, and what became of every constraint."""

    def __init__(self, card: Mapping[str, Any], shown: int) -> None:
        self.card, self.shown = card, shown
        self.parts = list(card["splits"])
        self.top = 96 if not self.parts else 136  # of the constraints, below the name's line
        self.height = MARGIN + 26 + self.top + 26 * math.ceil(len(card["constraints"]) / COLUMNS) + 6

    def colour_of(self, part: str | None) -> Colour:
        return ACCENTS[self.parts.index(part) % len(ACCENTS)] if part in self.parts else ACCENTS[0]

    def draw(self, canvas: Canvas) -> None:
        card, y = self.card, MARGIN + 26
        x = canvas.text((MARGIN, y), card["name"], size=34, colour=BRIGHT, weight=700)
        canvas.text((x + 14, y), f"v{card['version']}", size=34, colour=FAINT, weight=300)
        canvas.text((MARGIN, y + 32), canvas.fitted(card["description"], WIDTH - 2 * MARGIN, size=16), size=16)
        self._figures(canvas, y + 66)
        self._parts(canvas, y + 84)
        for i, each in enumerate(card["constraints"]):
            left = MARGIN + i % COLUMNS * (CARD_WIDTH + GAP)
            self._constraint(canvas, left, y + self.top + 26 * (i // COLUMNS), each)

    def _figures(self, canvas: Canvas, y: int) -> None:
        card = self.card
        shown = f", {self.shown} of them shown" if self.shown < card["segments"] else ""
        licences = ", ".join(f"{name} {count}" for name, count in card["licences"].items())
        words = f"{card['segments']} segments{shown}   ·   {card['seconds']:.1f} s   ·   {licences}"
        x = canvas.text((MARGIN, y), words, size=16, colour=BRIGHT, weight=500)
        tail = f"   ·   chosen of {card['candidates']['count']} candidates   ·   commit {card['source']['commit'][:10]}"
        canvas.text((x, y), tail, size=16, colour=FAINT)

    def _parts(self, canvas: Canvas, y: int) -> None:
        x = MARGIN
        for name, part in self.card["splits"].items():
            words = f"{name}   {part['segments']} segments, {part['seconds']:.0f} s   {', '.join(part['speakers'][:4])}"
            x = canvas.pill(x, y, words, self.colour_of(name)) + 10

    def _constraint(self, canvas: Canvas, x: int, y: int, each: Mapping[str, str]) -> None:
        right = canvas.width_of(each["achieved"], size=14, weight=600)
        canvas.text((x + CARD_WIDTH - right, y), each["achieved"], size=14, colour=ACCENTS[0], weight=600)
        end = canvas.text((x, y), each["name"], size=14, colour=SOFT, weight=600)
        room = x + CARD_WIDTH - right - end - 28
        canvas.text((end + 12, y), canvas.fitted(each["wanted"], room, size=14), size=14, colour=FAINT)


def _card(
    canvas: Canvas, x: int, y: int, row: Mapping[str, Any], facts: Mapping[str, Any], seen: Glimpse, accent: Colour
) -> None:
    canvas.box(x, y, CARD_WIDTH, CARD_HEIGHT, PANEL, radius=14)
    canvas.box(x, y + 20, 4, 22, accent, radius=2)
    left, top = x + PAD, y + PAD
    _title(canvas, left, top + 17, row, accent)
    for i, picture in enumerate(seen.frames):
        place = left + i * (FRAME_WIDTH + FRAME_GAP)
        canvas.picture(place, top + 34, fitting(picture, FRAME_WIDTH, FRAME_HEIGHT))
    _sound(canvas, left, top + 34 + FRAME_HEIGHT + 12, seen, accent)
    _told(canvas, left, y + CARD_HEIGHT - PAD - 3, facts)
    _legend(canvas, left, y + CARD_HEIGHT - PAD - 3, seen, accent)


def _title(canvas: Canvas, x: int, y: int, row: Mapping[str, Any], accent: Colour) -> None:
    end = canvas.text((x, y), row["video_id"], size=17, colour=BRIGHT, weight=600)
    span = f"{row['start_ms'] / 1000:.2f} – {row['stop_ms'] / 1000:.2f} s"
    canvas.text((end + 14, y), span, size=15, colour=FAINT)
    if row["split"]:
        width = canvas.width_of(row["split"], size=13, weight=600) + 20
        canvas.pill(x + INSIDE - width, y - 18, row["split"], accent)


def _sound(canvas: Canvas, x: int, y: int, seen: Glimpse, accent: Colour) -> None:
    dim = (accent[0] * 2 // 5 + 20, accent[1] * 2 // 5 + 20, accent[2] * 2 // 5 + 20)
    if len(seen.peaks):
        # The square root lifts quiet speech to where it can be seen.
        canvas.wave(x, y, INSIDE, WAVE_HEIGHT, np.sqrt(np.clip(seen.peaks, 0, 1)), dim)
    else:
        canvas.box(x, y + WAVE_HEIGHT // 2, INSIDE, 1, LINE, radius=0)
        canvas.text((x, y + WAVE_HEIGHT // 2 - 8), "no sound", size=13, colour=FAINT)
    if np.isfinite(seen.mouth).any():
        canvas.curve(x, y, INSIDE, WAVE_HEIGHT, seen.mouth / max(float(np.nanmax(seen.mouth)), 1e-6), accent)


def _legend(canvas: Canvas, x: int, y: int, seen: Glimpse, accent: Colour) -> None:
    if np.isfinite(seen.mouth).any():
        width = canvas.width_of("mouth", size=13)
        canvas.text((x + INSIDE - width, y), "mouth", size=13, colour=FAINT)
        canvas.box(x + INSIDE - width - 24, y - 6, 16, 3, accent, radius=1)


def _told(canvas: Canvas, x: int, y: int, facts: Mapping[str, Any]) -> None:
    for name, short, written in SHOWN:
        value = told(facts, name)
        if value is not None:
            end = canvas.text((x, y), short, size=14, colour=FAINT)
            x = canvas.text((end + 7, y), written(value), size=14, colour=BRIGHT, weight=500) + 24


def _facts(snapshot: Snapshot, layers: Mapping[str, Layer], ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    with connect_to(snapshot, layers) as connection:
        found = connection.execute("FROM facts WHERE list_contains(?, segment_id)", [list(ids)])
        names = [column[0] for column in found.description or ()]
        rows = (dict(zip(names, row, strict=True)) for row in found.fetchall())
        return {row["segment_id"]: row for row in rows}


def _place(card: Mapping[str, Any], row: Mapping[str, Any]) -> int:
    parts = list(card["splits"])
    return parts.index(row["split"]) if row["split"] in parts else 0


def _spread(rows: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Every part of the order is represented: the first, then equal steps."""
    return [rows[i * len(rows) // most] for i in range(most)] if len(rows) > most else list(rows)
