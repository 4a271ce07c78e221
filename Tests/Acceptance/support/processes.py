"""Child processes whose output is read as it comes, so that readiness is an event and not a guess."""

import re
import signal
import subprocess
import threading
import time
from pathlib import Path


class Process:
    """A running child; its stdout and stderr are kept as lines in the order they arrived."""

    def __init__(self, arguments: list[str | Path], environment: dict[str, str], directory: Path | None = None):
        self.arguments = [str(argument) for argument in arguments]
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._open_pipes = 2
        self.started_at = time.monotonic()
        self._child = subprocess.Popen(
            self.arguments,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(pipe,), daemon=True)
            for pipe in (self._child.stdout, self._child.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe) -> None:
        with pipe:
            for line in pipe:
                with self._changed:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._open_pipes -= 1
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    @property
    def output(self) -> str:
        with self._changed:
            return "\n".join(self.lines)

    def wait_for_line(self, pattern: str, seconds: float) -> re.Match[str]:
        """Returns the first match of `pattern` in the output; fails when the child ends or the time is over."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if match := expression.search(line):
                        return match
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or self._open_pipes == 0:
                    break
                self._changed.wait(left)
        state = "still running" if self.is_running else f"exited with {self._child.poll()}"
        raise AssertionError(f"{self.arguments[0]} ({state}) never printed {pattern!r}:\n{self.output}")

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Waits for the end of the process and returns its exit code."""
        try:
            code = self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.arguments[0]} did not end within {seconds} s:\n{self.output}") from None
        for reader in self._readers:
            reader.join(5)
        return code

    def end(self, seconds: float = 30) -> int:
        """Asks the process to end with SIGTERM, kills it after `seconds`, and returns its exit code."""
        if self.is_running:
            self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        finally:
            if self.is_running:
                self._child.kill()
                self._child.wait()

    def memory_bytes(self, field: str) -> int:
        """Reads `VmRSS` or `VmHWM` of the process, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
        assert match, f"no {field} in /proc/{self.pid}/status"
        return int(match[1]) * 1024
