"""Selections of assets on the command line: Dagster's own syntax over the graph of the project, and what is none."""

import pytest

from hour_lake.errors import ConfigError
from hour_lake.orchestration.selection import selected_assets, spelled_out

ABOVE_BLINK = {"manifest", "videos", "segment_plan", "segments", "face_boxes", "face_landmarks"}
BELOW_BLINK = {"cleaning_flags", "catalog", "dataset"}
MEANT = {
    "blink": {"blink"},
    "+blink": {"blink", *ABOVE_BLINK},
    "1+blink": {"blink", "face_landmarks"},
    "2+blink": {"blink", "face_landmarks", "segments", "face_boxes"},
    "blink+": {"blink", *BELOW_BLINK},
    "blink+1": {"blink", "cleaning_flags", "catalog"},
    "+blink+": {"blink", *ABOVE_BLINK, *BELOW_BLINK},
    "1+blink+2": {"blink", "face_landmarks", *BELOW_BLINK},
    "*blink": {"blink", *ABOVE_BLINK},
    "blink*": {"blink", *BELOW_BLINK},
    "blink,mouth": {"blink", "mouth"},
    "mouth, 1+blink": {"blink", "face_landmarks", "mouth"},
    "blink or mouth": {"blink", "mouth"},
    "+blink and group:derived": {"blink"},
    "+blink and not (+face_landmarks)": {"blink"},
    "roots(*)": {"manifest"},
    "sinks(+blink)": {"blink"},
    'key:"bl*"': {"blink", "black_frames"},
    "key:blink or key:mouth": {"blink", "mouth"},
}


@pytest.mark.parametrize("selection", MEANT)
def test_a_selection_means_what_it_means_in_the_ui(selection: str) -> None:
    assert selected_assets(selection) == MEANT[selection]


def test_up_is_all_the_way_also_through_layers_over_the_corpus() -> None:
    assert selected_assets("+catalog") == selected_assets("*") - {"dataset"}
    assert {"people", "cleaning_flags", "catalog"} <= selected_assets("identity+")


UNKNOWN = {
    "bilnk": "'blink'",
    "+bilnk": "'blink'",
    "mouth or bilnk": "'blink'",  # one that is known does not hide one that is not
    "mouth,bilnk+": "'blink'",
    "qqqq": "assets: active_speaker, audio",
    "++blink": "1+blink",
    "blink mouth": "blink or mouth",
    "kind:fortran": "kind:gpu",
    "": "+blink",
}


@pytest.mark.parametrize("selection", UNKNOWN)
def test_what_selects_nothing_is_told_with_what_would(selection: str) -> None:
    with pytest.raises(ConfigError) as told:
        selected_assets(selection)
    assert told.value.code == "SELECTION_UNKNOWN" and UNKNOWN[selection] in str(told.value)


def test_only_bare_names_are_spelled_out() -> None:
    assert spelled_out('1+blink or "a b" and key:mouth+ or roots(kind:gpu)') == (
        '1+key:"blink" or "a b" and key:mouth+ or roots(kind:gpu)'
    )
    assert spelled_out("*blink and not mouth*") == '+key:"blink" and not key:"mouth"+'
