"""What kind of file this is, by its first bytes; its name and the address it came from are not asked."""

from pathlib import Path

from hour_lake.errors import MediaError, SourceError

HEAD_BYTES = 4096
TS_PACKET_BYTES = (188, 192, 204)
TS_SYNC = 0x47
MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx")
STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
TAKEN = "mp4, mov, mkv, webm, ts or avi"

# Playlists make a demuxer open other files and addresses; the rest are containers that nobody here needs.
REFUSED = (
    (b"#EXTM3U", "an HLS playlist"),
    (b"ffconcat", "a list of files to join"),
    (b"FLV\x01", "Flash video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"GIF8", "a GIF picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
)
SOUND = (
    (b"ID3", "MP3"),
    (b"fLaC", "FLAC"),
    (b".snd", "AU"),
    (b"FORM", "AIFF"),
    (b"\xff\xfb", "MP3"),
    (b"\xff\xf1", "AAC"),
)


def sniff(path: Path) -> str:
    """The container, named as its demuxer is: `mov` (mp4 too), `matroska` (webm too), `mpegts` or `avi`.

    SOURCE_MISSING, SOURCE_EMPTY; FORMAT_REFUSED for playlists and other containers; NO_VIDEO for sound files;
    NOT_MEDIA for anything else. `sniff(Path("talk.mp4")) == "mov"`
    """
    if not path.is_file():
        raise SourceError("SOURCE_MISSING", "there is no such file", where=str(path))
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise SourceError("SOURCE_EMPTY", "the file has 0 bytes", value=0, where=str(path), fix="copy it again")
    container = _container_of(head)
    if container is None:
        raise _refusal(head, str(path))
    return container


def _container_of(head: bytes) -> str | None:
    if head[4:8] in MOV_BOXES and head[8:12] not in STILL_BRANDS:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    return "mpegts" if ts_packet_bytes(head) else None


def ts_packet_bytes(head: bytes) -> int | None:
    """The packet size (188, 192 or 204) when the first bytes are an MPEG transport stream."""
    for size in TS_PACKET_BYTES:
        first = 4 if size == 192 else 0
        syncs = head[first : first + 5 * size : size]
        if len(syncs) >= 2 and all(byte == TS_SYNC for byte in syncs):
            return size
    return None


def _refusal(head: bytes, where: str) -> MediaError:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, what in REFUSED:
        if text.startswith(magic):
            return MediaError("FORMAT_REFUSED", f"the file is {what}", where=where, fix=f"give {TAKEN}")
    if b"<MPD" in head:
        return MediaError("FORMAT_REFUSED", "the file is a DASH playlist", where=where, fix=f"give {TAKEN}")
    if text.startswith((b"file ", b"file\t")):
        return MediaError("FORMAT_REFUSED", "the file is a list of files to join", where=where, fix=f"give {TAKEN}")
    if head[4:8] == b"ftyp":
        return MediaError("FORMAT_REFUSED", "the file is a still picture", where=where, fix=f"give {TAKEN}")
    sound = "WAV" if head.startswith(b"RIFF") and head[8:12] == b"WAVE" else _sound(head)
    if sound:
        return MediaError("NO_VIDEO", f"the file is sound only ({sound})", where=where, fix="give a video")
    return MediaError("NOT_MEDIA", f"the file is not {TAKEN}", value=head[:16], where=where, fix="check the pointer")


def _sound(head: bytes) -> str | None:
    if head.startswith(b"OggS"):
        return None if b"theora" in head else "Ogg"
    return next((name for magic, name in SOUND if head.startswith(magic)), None)
