"""Pictures that are unsafe for work: nudity, as a network trained by Yahoo sees it, once a second."""

from typing import Any

import numpy as np

from hour_lake.layers import Frames, frames, layer
from hour_lake.models.open_nsfw import unsafe_probability


@layer(
    reads=frames(width=512, fps=1),
    opt_in=True,
    models=("open_nsfw",),
    columns={"unsafe_probability": "float32"},
    facts={"max": "max(unsafe_probability)", "mean": "avg(unsafe_probability)"},
)
def unsafe(frames: Frames) -> dict[str, Any]:
    """0..1 for the first frame of each second. Yahoo: below 0.2 is most likely safe, above 0.8 most likely not;
    between them a person has to look. Data-Juicer keeps pictures of at most 0.5.

    It knows photographs of nudity, no drawings and no violence, and it errs: a low score is no proof.
    """
    found = [unsafe_probability(picture, asked_by="unsafe") for picture in frames.pixels]
    return {"unsafe_probability": np.array(found, np.float32)}
