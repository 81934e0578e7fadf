"""The measurements of ITU-R BS.1770-4: K-weighting, blocks of 0.4 s, two gates, true peak. Mono and stereo."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
FLOOR_LUFS = -70.0  # the absolute gate

# Biquads for 48 kHz, (b, a): a shelf that stands for the head, and a high pass (tables 1 and 2).
SHELF = ([1.53512485958697, -2.69169618940638, 1.19839281085285], [1.0, -1.69065929318241, 0.73248077421585])
HIGH_PASS = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
# The interpolating filter of annex 2, four phases of 12 taps; the other two are these reversed.
PHASES = np.array([
    [0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
     0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500],
    [-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
     0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375],
])  # fmt: skip


def block_powers(samples: Floats, rate_hz: int) -> NDArray[np.float64]:
    """Mean square of the K-weighted sound `(n, channels)` in each 0.4 s, every 0.1 s, summed over the channels.

    Sound of less than 0.4 s is one block.
    """
    if rate_hz != 48_000:
        raise ValueError(f"loudness is measured at 48 kHz, got {rate_hz}")
    squares = np.square(_k_weighted(samples)).sum(axis=1)
    block, step = (19_200, 4_800) if len(squares) >= 19_200 else (len(squares), 4_800)
    sums = np.concatenate([[0.0], np.cumsum(squares)])
    starts = np.arange(0, len(squares) - block + 1, step)
    return np.maximum(sums[starts + block] - sums[starts], 0) / block


def lufs(powers: Floats) -> NDArray[np.float64]:
    """Powers as loudness, not below -70."""
    return np.maximum(-0.691 + 10 * np.log10(np.maximum(powers, 1e-12)), FLOOR_LUFS)


def integrated(powers: Floats) -> float:
    """Loudness of the blocks that pass -70 LUFS and, of these, 10 LU below their mean; -70 when none does."""
    loud = powers[lufs(powers) > FLOOR_LUFS]
    if len(loud) == 0:
        return FLOOR_LUFS
    return float(lufs(loud[lufs(loud) > lufs(loud.mean()) - 10].mean()))


def true_peak(samples: Floats) -> float:
    """The largest magnitude of the sound `(n, channels)` at four times its rate; 1 is full scale.

    Between samples only where the filter has all it needs: a cut in the middle of a sound is no click.
    """
    peaks = [np.abs(samples).max()]
    if len(samples) >= PHASES.shape[1]:
        filters = [*PHASES, *PHASES[:, ::-1]]
        peaks += [np.abs(np.convolve(one, taps, "valid")).max() for one in samples.T for taps in filters]
    return float(max(peaks))


def _k_weighted(samples: Floats) -> NDArray[np.float64]:
    """Filtered in the frequency domain: a second of zeros lets both filters ring out, so nothing wraps around."""
    length = -(-(len(samples) + 48_000) // 4_800) * 4_800  # many small factors: a quick transform
    turns = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    response = _response(*SHELF, turns) * _response(*HIGH_PASS, turns)
    return np.fft.irfft(np.fft.rfft(samples, length, axis=0) * response[:, None], length, axis=0)[: len(samples)]


def _response(b: list[float], a: list[float], turns: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.polyval(b[::-1], turns) / np.polyval(a[::-1], turns)
