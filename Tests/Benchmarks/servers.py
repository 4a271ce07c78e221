"""The servers of the benchmark: the instant upstream, nginx as a proxy in front of it, and the gateway."""

import contextlib
import json
import os
import platform
import re
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

MASTER_KEY = "sk-bench-1234"

NGINX = """
worker_processes 1;
worker_rlimit_nofile 65536;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{user}
events {{ worker_connections 16384; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    client_max_body_size 0;
    client_body_buffer_size 64k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""

PROXY = """
    upstream provider {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
            proxy_read_timeout 600s;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer sk-benchmark-provider";
        }}
    }}
"""


GANTRY = """model_list:
  - model_name: gpt-bench
    litellm_params: &openai
      model: gpt-4o-mini
      api_key: sk-benchmark-provider
      api_base: http://127.0.0.1:{upstream}/v1
    model_info: {{id: openai-main}}
  - model_name: gpt-bench-second
    litellm_params: *openai
    model_info: {{id: openai-second}}
  - model_name: gemini-bench
    litellm_params:
      model: vertex_ai/gemini-2.0-flash
      vertex_project: bench
      gcs_bucket_name: bench
      api_base: http://127.0.0.1:{upstream}
      gcs_api_base: http://127.0.0.1:{upstream}
      metadata_host: 127.0.0.1:{upstream}
    model_info: {{id: vertex-main}}
general_settings:
  master_key: {key}
"""

BOUNDARY = "benchmark-boundary"
UPLOAD_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


class Server:
    """A child process on one processor, whose processor time and memory can be read."""

    def __init__(self, command: list[str], core: int, log: Path, environment: dict[str, str] | None = None):
        self.log = log
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
            )

    @property
    def pids(self) -> list[int]:
        """The process and all that came of it."""
        pids = [self.child.pid]
        for pid in pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    pids += map(int, (task / "children").read_text().split())
        return pids

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children so far."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes that are resident now; what several processes share counts once."""
        return sum(self._kibibytes(pid, "smaps_rollup", "Pss") for pid in self.pids) * 1024

    def begin_peak(self) -> int:
        """Forgets the most that was resident so far, and returns the bytes that are resident now."""
        for pid in self.pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        return sum(self._kibibytes(pid, "status", "VmRSS") for pid in self.pids) * 1024

    def peak(self) -> int:
        """The most bytes that were resident since `begin_peak`."""
        return sum(self._kibibytes(pid, "status", "VmHWM") for pid in self.pids) * 1024

    @staticmethod
    def _kibibytes(pid: int, file: str, name: str) -> int:
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0

    def output(self) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-2000:]

    def wait_for_line(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if match := re.search(pattern, self.log.read_text(errors="replace"), re.MULTILINE):
                return match
            if self.child.poll() is not None:
                break
            time.sleep(0.005)
        raise SystemExit(f"bench: {self.child.args} did not start: {self.output()}")

    def stop(self, seconds: float = 15) -> None:
        self.child.terminate()
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Nginx(Server):
    """nginx with one worker; passes everything to the upstream and sets the provider's key."""

    def __init__(self, folder: Path, core: int, upstream_port: int):
        folder.mkdir(parents=True)
        self.port = free_port()
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        http = PROXY.format(port=self.port, upstream=upstream_port)
        config.write_text(NGINX.format(folder=folder, user=user, http=http))
        super().__init__(["/usr/sbin/nginx", "-p", str(folder), "-c", str(config)], core, folder / "output")


class Upstream(Server):
    """The instant provider: OpenAI and Google at once."""

    def __init__(self, build: Path, folder: Path, core: int, download_bytes: int):
        folder.mkdir(parents=True)
        command = [str(build / "gantry-load"), "upstream", "--download-bytes", str(download_bytes)]
        super().__init__(command, core, folder / "output")
        self.port = int(self.wait_for_line(r"^ready (\d+)$")[1])

    def ask(self, method: str, path: str) -> dict:
        return call(self.port, method, path)


class Gantry(Server):
    """The gateway with two deployments of OpenAI and one of Vertex AI, all of which are the upstream."""

    def __init__(
        self,
        build: Path,
        plugins: Path,
        folder: Path,
        core: int | str,
        upstream_port: int,
        wrapper: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        config = folder / "config.yaml"
        config.write_text(GANTRY.format(upstream=upstream_port, key=MASTER_KEY))
        command = [*wrapper, str(build / "gantry"), "serve", "--config", str(config), "--port", "0"]
        command += ["--plugins", str(plugins), "--data", str(self.data)]
        super().__init__(command, core, folder / "output", dict(os.environ) | (environment or {}))

    def wait(self, seconds: float = 20) -> "Gantry":
        """Until it listens."""
        self.port = int(self.wait_for_line(r"\burl=http://\S+:(\d+)\b.*gantry is listening", seconds)[1])
        return self

    def upload(self, models: str) -> str:
        """Uploads a small file to these models and returns its id."""
        head, tail = upload_parts(models)
        return call(self.port, "POST", "/v1/files", head + b"%PDF-" + tail, UPLOAD_TYPE)["id"]


def upload_parts(models: str) -> tuple[bytes, bytes]:
    """What stands before and after the content of an upload."""
    fields = {"purpose": "user_data", "target_model_names": models}
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="paper.pdf"\r\n'
    head += "Content-Type: application/pdf\r\n\r\n"
    return head.encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


def call(port: int, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> dict:
    """One request, whose answer has to be 200 and JSON."""
    headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": content_type}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return json.load(response)


def machine() -> str:
    """What it was measured on, in a line."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def temporary_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="gantry-bench-")
