"""Death at a chosen point: the other side of `killpoint.c`, which is preloaded into the program under test."""

import ctypes
import mmap
import subprocess
from pathlib import Path


class _Control(ctypes.Structure):
    """The block that both sides map; the same as in `killpoint.c`."""

    _fields_ = [
        ("armed", ctypes.c_uint32),
        ("target", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("files", ctypes.c_uint32),
        ("sockets", ctypes.c_uint32),
        ("deadly", ctypes.c_char * 20),
    ]


def build_shim(directory: Path) -> Path:
    """Compiles the shim into `directory` and returns the library."""
    return compile_shim("killpoint.c", directory)


def compile_shim(name: str, directory: Path) -> Path:
    """Compiles a library to be preloaded, from a source beside this file, into `directory`."""
    source = Path(__file__).with_name(name)
    library = directory / source.with_suffix(".so").name
    command = ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library, source, "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"gcc could not build {name}:\n{done.stderr}"
    return library


class KillPoint:
    """One control block; it serves one process after the other."""

    def __init__(self, shim: Path, path: Path):
        path.write_bytes(bytes(ctypes.sizeof(_Control)))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), ctypes.sizeof(_Control))
        self._control = _Control.from_buffer(self._memory)
        #: What the environment of the process needs.
        self.environment = {"LD_PRELOAD": str(shim), "GANTRY_KILLPOINT_FILE": str(path)}

    def arm(self, target: int = 0) -> None:
        """Counts from now on, and kills just before call number `target`; 0 counts only."""
        self.disarm()
        control = self._control
        control.count = control.files = control.sockets = 0
        control.deadly = b""
        control.target = target
        control.armed = 1

    def disarm(self) -> None:
        self._control.armed = 0

    @property
    def count(self) -> int:
        """How many calls were counted since it was armed."""
        return self._control.count

    @property
    def files(self) -> int:
        """How many of them were on files."""
        return self._control.files

    @property
    def sockets(self) -> int:
        """How many of them were on sockets."""
        return self._control.sockets

    @property
    def deadly(self) -> str:
        """The function that was not called any more, or nothing if the process lives or died otherwise."""
        return self._control.deadly.decode()
