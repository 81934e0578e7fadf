"""Passes are derived: as few as can be, each after what it reads, never waiting for itself."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hour_lake.passes.declare import Layer
from hour_lake.passes.graph import tables_read
from hour_lake.passes.plan import passes_of


def toy(name: str, *reads: str, compute: Any = "cpu", pool: str | None = None) -> Layer:
    return Layer(name, lambda: None, reads, {"a": "bool"}, {}, "frame", "toys", (), compute, 1.0, None, pool=pool)


def named(*layers: Layer) -> dict[str, list[str]]:
    return {each.name: sorted(layer.name for layer in each.layers) for each in passes_of(layers)}


def test_the_usual_layers_make_three_passes() -> None:
    assert named(
        toy("face_boxes", "frames"), toy("landmarks", "frames", "face_boxes"), toy("blink", "landmarks"),
        toy("vad", "samples"), toy("loudness", "master"), toy("pauses", "vad"), toy("speaking", "blink", "vad"),
    ) == {
        "frames": ["blink", "face_boxes", "landmarks"], "samples": ["loudness", "pauses", "vad"],
        "tables": ["speaking"],
    }  # fmt: skip


def test_gpu_layers_have_passes_of_their_own() -> None:
    assert named(
        toy("boxes", "frames"), toy("masks", "frames", "boxes", compute="gpu"), toy("mask_area", "masks"),
        toy("both", "masks", "boxes"), toy("words", "samples", compute="gpu"),
    ) == {
        "frames": ["boxes"], "frames_gpu": ["mask_area", "masks"], "samples_gpu": ["words"], "tables": ["both"],
    }  # fmt: skip


def test_layers_of_a_pool_have_passes_of_their_own() -> None:
    assert named(
        toy("boxes", "frames"), toy("masks", "frames", compute="gpu", pool="gpu"),
        toy("depth", "frames", compute="gpu"), toy("scarce", "frames", pool="licence"),
        toy("scarce_too", "frames", pool="licence"), toy("rate", "scarce"),
        toy("big", "frames", compute="gpu", pool="licence"), toy("words", "samples", pool="licence"),
        toy("shares", "frames", pool="gpu"),
    ) == {
        "frames": ["boxes"], "frames_gpu": ["depth", "masks"], "frames_pool_licence": ["rate", "scarce", "scarce_too"],
        "frames_gpu_pool_licence": ["big"], "samples_pool_licence": ["words"], "frames_pool_gpu": ["shares"],
    }  # fmt: skip


def test_a_pass_is_in_one_pool_however_many_there_are() -> None:
    many = [toy(f"l{number}", "frames", pool=f"p{chr(97 + number)}") for number in range(12)]
    chain = [toy("end", "frames", *(layer.name for layer in many)), toy("late", "samples", "end", pool="pa")]
    passes = passes_of([*many, *chain])
    assert [{layer.pool for layer in each.layers} for each in passes[:-2]] == [{layer.pool} for layer in many]
    assert [each.name for each in passes[-2:]] == ["frames", "samples_pool_pa"]


def test_pools_that_wait_for_each_other_are_split() -> None:
    ring = [toy("a", "frames", pool="p"), toy("b", "frames", "a", pool="q"), toy("c", "frames", "b", pool="p")]
    more = [toy(f"l{number}", "frames", pool=f"r{chr(97 + number)}") for number in range(6)]
    assert named(*ring, *more) == {
        **{f"frames_pool_{layer.pool}": [layer.name] for layer in more},
        "frames_pool_p": ["a"], "frames_pool_q": ["b"], "frames_pool_p_2": ["c"],
    }  # fmt: skip


def test_sound_goes_first_where_frames_read_it() -> None:
    passes = passes_of([toy("vad", "samples"), toy("active_speaker", "frames", "vad"), toy("boxes", "frames")])
    assert [each.name for each in passes] == ["samples", "frames"]
    assert passes[1].reads == ("vad",)
    assert [each.media for each in passes] == [("samples",), ("frames",)]


def test_a_pass_that_would_wait_for_itself_is_split() -> None:
    assert named(toy("boxes", "frames"), toy("sound", "samples", "boxes"), toy("late", "frames", "sound")) == {
        "frames": ["boxes"], "samples": ["sound"], "frames_2": ["late"],
    }  # fmt: skip


def test_no_layers_no_passes() -> None:
    assert passes_of([]) == []


@st.composite
def graphs(draw: st.DrawFn) -> list[Layer]:
    layers: list[Layer] = []
    for number in range(draw(st.integers(1, 8))):
        media = draw(st.sampled_from(["frames", "samples", "master", None]))
        known = [layer.name for layer in layers]
        tables = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
        reads = [*([media] if media or not tables else []), *tables]
        compute, pool = draw(st.sampled_from(["cpu", "gpu"])), draw(st.sampled_from([None, None, "gpu", "p", "q"]))
        layers.append(toy(f"l{number}", *(r or "frames" for r in reads), compute=compute, pool=pool))
    return draw(st.permutations(layers))


@given(graphs())
def test_each_layer_once_and_every_read_is_made_before_or_beside(layers: list[Layer]) -> None:
    passes = passes_of(layers)
    place = {layer.name: number for number, each in enumerate(passes) for layer in each.layers}
    assert sorted(place) == sorted(layer.name for layer in layers)
    assert sum(len(each.layers) for each in passes) == len(layers)
    assert all(place[read] <= place[layer.name] for layer in layers for read in tables_read(layer))
    assert len({each.name for each in passes}) == len(passes)
    assert all(len({layer.pool_in_force for layer in each.layers} - {None}) <= 1 for each in passes)
    assert passes_of(reversed(layers)) == passes
