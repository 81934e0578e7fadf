"""What a full decode counted, and what the counts prove: nothing missing, nothing damaged.

Decoders are silent about most damage (a truncated mkv ends like a whole one), so success is never the absence of an
exception: it is frames, packets and seconds that agree with what the container says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from hour_lake.errors import MediaError

SHORT_SECONDS, SHORT_SHARE = 0.5, 0.02
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

    def check(self, container: InputContainer, *, end_seconds: float, damaged_parts: int, where: str) -> None:
        """NO_FRAMES, CORRUPT or TRUNCATED when the counts do not prove a whole, sound file.

        `end_seconds`: how far picture and sound reach. `damaged_parts`: parts of the container with a wrong checksum.
        """
        counts = (
            f"{self.frames} of {max(self.pictures, self.frames)} frames decoded, {len(self.damage)} damaged packets"
        )
        if not self.frames:
            raise MediaError("NO_FRAMES", "not one frame can be decoded", value=counts, where=where)
        is_stream = container.format.name == "mpegts"
        if (
            damaged_parts
            or any(at <= self.packets - AT_THE_END for at in self.damage)
            or (self.damage and not is_stream)
        ):
            raise MediaError("CORRUPT", "parts of the file are damaged", value=counts, where=where, fix="copy it again")
        declared = declared_seconds(container)
        if self.damage or declared - end_seconds > max(SHORT_SECONDS, SHORT_SHARE * declared):
            reached = f"{end_seconds:.2f} of {declared:.2f} s, {counts}"
            raise MediaError("TRUNCATED", "the file ends early", value=reached, where=where, fix="copy it again, whole")


def declared_seconds(container: InputContainer) -> float:
    """How long the container's header says the file is; 0 where that is only guessed from the file's size."""
    if container.format.name == "mpegts":
        return 0.0
    if container.format.name == "avi":
        video = container.streams.video[0]
        return float(video.frames / video.average_rate) if video.average_rate else 0.0
    return (container.duration or 0) / 1_000_000
