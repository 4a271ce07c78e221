"""A disk that refuses and a clock that is wrong: the other side of `trouble.c`, preloaded into a program."""

import ctypes
import mmap
from pathlib import Path

from .killpoint import compile_shim


class _Control(ctypes.Structure):
    """The block that both sides map; the same as in `trouble.c`."""

    _fields_ = [("offset", ctypes.c_int64), ("error", ctypes.c_uint32), ("failed", ctypes.c_uint32)]


def build_shim(directory: Path) -> Path:
    """Compiles the shim into `directory` and returns the library."""
    return compile_shim("trouble.c", directory)


class Trouble:
    """What goes wrong in one process; nothing does at first."""

    def __init__(self, shim: Path, path: Path, folder: Path):
        path.write_bytes(bytes(ctypes.sizeof(_Control)))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), ctypes.sizeof(_Control))
        self._control = _Control.from_buffer(self._memory)
        #: What the environment of the process needs.
        self.environment = {
            "LD_PRELOAD": str(shim),
            "GANTRY_TROUBLE_FILE": str(path),
            "GANTRY_TROUBLE_FOLDER": str(folder),
        }

    def refuse_writes(self, error: int) -> None:
        """From now on every write to a file of the folder fails with this number of `errno`."""
        self._control.failed = 0
        self._control.error = error

    def allow_writes(self) -> None:
        self._control.error = 0

    def set_clock(self, seconds: int) -> None:
        """From now on the time of day is that many seconds off."""
        self._control.offset = seconds

    @property
    def refused(self) -> int:
        """How many calls were refused since they are."""
        return self._control.failed
