"""Which file systems a lake may live on: SQLite's locks and its shared memory need a disk of this machine."""

from pathlib import Path

from hour_lake.errors import LakeError

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "lustre", "gfs2", "ocfs2", "glusterfs",
    "beegfs", "gpfs", "orangefs", "pvfs2", "coda", "virtiofs", "vboxsf", "drvfs", "davfs",
}  # fmt: skip


def check_file_system(folder: Path, mounts: str | None = None) -> None:
    """STORE_UNSUPPORTED_FS, with its name, when `folder` is on a network or FUSE file system.

    `mounts` is the text of Linux' mountinfo; where there is none (another system), nothing is refused.
    """
    if mounts is None:
        if not MOUNTS.exists():
            return
        mounts = MOUNTS.read_text(errors="surrogateescape")
    kind = file_system_of(folder, mounts)
    if kind in NETWORK or kind.split(".")[0] in {"fuse", "fuseblk"}:
        raise LakeError("STORE_UNSUPPORTED_FS", f"the lake cannot live on a {kind} file system", value=kind,
                        where=str(folder), fix="give it a folder on a disk of this machine")  # fmt: skip


def file_system_of(folder: Path, mounts: str) -> str:
    """The type of the mount that holds `folder`: of the deepest mount point above it, the one mounted last.

    A line of mountinfo: `36 35 98:0 /root /mnt/lake rw,noatime shared:1 - ext4 /dev/sda1 rw`, see proc(5).
    """
    deepest, kind = -1, ""
    target = folder.resolve()
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split(" ")[4]))
        if target.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, kind = len(point.parts), after.split(" ")[0]
    return kind


def _unescaped(field: str) -> str:
    """Mountinfo writes space, tab, newline and backslash as octal."""
    for escaped, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        field = field.replace(escaped, character)
    return field
