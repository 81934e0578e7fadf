"""Names and the grid: ids are stable, distinct and safe; bounds are whole frames and whole samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.errors import ManifestError
from hour_lake.identity import SEGMENT_ID, VIDEO_ID, Segment, derived_video_id, parse_segment_id, video_id_from

TICKS = st.integers(0, 2_000_000)


@given(st.from_regex(VIDEO_ID, fullmatch=True), TICKS, st.integers(1, 5000))
def test_a_segment_and_its_id_are_the_same_thing(video_id: str, start: int, length: int) -> None:
    segment = Segment(video_id, start * 40, (start + length) * 40)
    assert SEGMENT_ID.fullmatch(segment.id)
    assert parse_segment_id(segment.id) == segment
    assert segment.frames == length
    assert segment.samples(16_000) == length * 640 and segment.samples(48_000) == length * 1920


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (40, 0), (0, 41), (1, 41), (-40, 0), (0, 10**8)])
def test_bounds_off_the_grid_are_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="grid"):
        Segment("bob", start, stop)


def test_a_rate_without_whole_samples_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="44110"):
        Segment("bob", 0, 40).samples(44_110)


@given(st.text(max_size=220))
def test_whatever_the_text_an_id_fits_the_grammar_or_is_refused(raw: str) -> None:
    try:
        found = video_id_from(raw, where="x")
    except ManifestError as error:
        assert error.code == "ID_INVALID"
        return
    assert VIDEO_ID.fullmatch(found)
    assert found == video_id_from(raw, where="y")


@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=2, unique=True))
def test_two_texts_never_share_an_id(pair: list[str]) -> None:
    found: list[str] = []
    for raw in pair:
        try:
            found.append(video_id_from(raw, where="x"))
        except ManifestError:
            return
    assert found[0] != found[1]


@given(st.text(min_size=1, max_size=80))
def test_a_pointer_always_gives_an_id(source: str) -> None:
    assert VIDEO_ID.fullmatch(derived_video_id(source.encode("utf-8", "replace").decode()))


@pytest.mark.parametrize("text", ["bob", "bob_0_40", "Bob_00000000_00003000", "bob_00000000_00003001",
                                  "bob_00003000_00000000",
                                  "bob_\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660_00003000",
                                  "bob_00000000_00003000\n"])  # fmt: skip
def test_what_is_no_segment_id_is_refused(text: str) -> None:
    assert parse_segment_id("bob_1_00000000_00003000") == Segment("bob_1", 0, 3000)
    with pytest.raises(ValueError, match=r"segment id|grid"):
        parse_segment_id(text)


@pytest.mark.parametrize(
    ("source", "slug"),
    [("talks/My Talk.mp4", "my-talk"), ("https://h/a.b.mp4?x=/y.z", "a-b"), ("folder.d/", "folder"), ("clip", "clip"),
     ("\u4f60\u597d.mp4", "v"), (".mp4", "mp4")],
)  # fmt: skip
def test_a_derived_id_begins_with_the_name_of_the_file(source: str, slug: str) -> None:
    assert derived_video_id(source).rpartition("-")[0] == slug
