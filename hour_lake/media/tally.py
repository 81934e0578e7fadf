"""What a full decode counted, and what the counts prove: nothing missing, nothing damaged.

Decoders are silent about most damage (a truncated mkv ends like a whole one), so success is never the absence of an
exception: it is frames, packets and seconds that agree with what the container says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from hour_lake.errors import MediaError

SHORT_SECONDS, SHORT_SHARE = 0.25, 0.02
SHORT_PICTURE_SECONDS = 0.1
LOST_FRAMES, LOST_SHARE = 4, 0.02  # packets without a frame that are normal: those that lead an open group of pictures
AT_THE_END = 3  # packets: damage there, in a container without sizes, is a cut and not a flipped bit


@dataclass
class Tally:
    """Counts of one decode. `damage` holds the packet numbers (all streams together) where something was wrong."""

    packets: int = 0
    pictures: int = 0
    frames: int = 0
    sound_frames: int = 0
    damage: list[int] = field(default_factory=list[int])

    def decoded(
        self, container: InputContainer, streams: list[Stream], where: str
    ) -> Iterator[VideoFrame | AudioFrame]:
        """Every frame of the streams, in file order, counted; damage is noted and decoding goes on. ENCRYPTED."""
        packets = container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                self.damage.append(self.packets)
                return
            if packet is None:
                return
            yield from self._decoded(packet, where)

    def _decoded(self, packet: "Packet[Stream]", where: str) -> Iterator[VideoFrame | AudioFrame]:
        is_picture = packet.stream.type == "video"
        self.packets += 1
        if packet.has_sidedata("encryption_info"):  # ISO/IEC 23001-7; its codec is declared as if it were not encrypted
            raise MediaError("ENCRYPTED", "the file is encrypted", where=where, fix="give a copy without protection")
        self.pictures += bool(is_picture and packet.size and not packet.is_discard)
        # A transport stream may begin in the middle of a group of pictures: errors before the first frame are normal.
        is_begun = self.frames > 0 or packet.stream.container.format.name != "mpegts"
        if packet.is_corrupt and is_begun:
            self.damage.append(self.packets)
        try:
            frames = packet.decode()
        except FFmpegError:
            if is_begun:
                self.damage.append(self.packets)
            return
        for frame in frames:
            if isinstance(frame, VideoFrame):
                self.frames += 1
                if frame.is_corrupt:
                    self.damage.append(self.packets)
            else:
                self.sound_frames += 1
            yield frame  # type: ignore[misc]  # only video and audio are demuxed

    def check(
        self, container: InputContainer, *, picture_seconds: float, end_seconds: float, damaged_parts: int, where: str
    ) -> None:
        """NO_FRAMES, CORRUPT or TRUNCATED when the counts do not prove a whole, sound file.

        `picture_seconds`: how far the picture reaches, `end_seconds`: picture or sound. `damaged_parts`: parts of the
        container with a wrong checksum.
        """
        counts = (
            f"{self.frames} of {max(self.pictures, self.frames)} frames decoded, {len(self.damage)} damaged packets"
        )
        if not self.frames:
            raise MediaError("NO_FRAMES", "not one frame can be decoded", value=counts, where=where)
        lost = self.pictures - self.frames
        is_stream = container.format.name == "mpegts"
        is_damaged = any(at <= self.packets - AT_THE_END for at in self.damage) or (self.damage and not is_stream)
        if damaged_parts or is_damaged or lost > max(LOST_FRAMES, LOST_SHARE * self.pictures):
            raise MediaError("CORRUPT", "parts of the file are damaged", value=counts, where=where, fix="copy it again")
        declared, declared_picture = declared_seconds(container)
        is_short = declared - end_seconds > max(SHORT_SECONDS, SHORT_SHARE * declared)
        if self.damage or is_short or declared_picture - picture_seconds > SHORT_PICTURE_SECONDS:
            reached = f"{end_seconds:.2f} of {max(declared, declared_picture):.2f} s, {counts}"
            raise MediaError("TRUNCATED", "the file ends early", value=reached, where=where, fix="copy it again, whole")


def declared_seconds(container: InputContainer) -> tuple[float, float]:
    """How long the header says the file and its picture are; 0 where it does not, or where FFmpeg only guesses.

    The picture's own length is what AVI counts and what a Matroska writer may have put into the tag DURATION.
    """
    video, whole = container.streams.video[0], (container.duration or 0) / 1_000_000
    if container.format.name == "mpegts":
        return 0.0, 0.0
    if container.format.name == "avi":
        return 0.0, float(video.frames / video.average_rate) if video.average_rate else 0.0
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", video.metadata.get("DURATION", ""))
    return whole, int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3]) if tag else 0.0
