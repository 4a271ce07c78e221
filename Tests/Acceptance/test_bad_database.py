"""A registry that cannot be used, a disk that refuses in the middle, and a clock that is wrong."""

import errno
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.documents import file_message, pdf, upload_body
from support.errors import assert_error
from support.gateway import BUILD, PLUGINS, Gateway, clean_environment, write_configuration
from support.postgresql import Database
from support.registry import change, rows, unfinished
from support.simulators import Simulators
from support.trouble import Trouble, build_shim
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"
DAY = 86_400

StartGateway = Callable[..., Gateway]
Configure = Callable[..., dict]


def refuse_to_start(folder: Path, config: dict, data: Path, *, as_user: bool = False, **environment: str) -> str:
    """Starts a gateway that must not start, and returns its one line; `as_user` takes root's rights away."""
    path = write_configuration(folder / "config.yaml", config)
    command: list[str | Path] = [BUILD / "gantry", "serve", "--config", path, "--plugins", PLUGINS, "--data", data]
    if as_user and os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        command = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", *command]
    run = subprocess.run(
        [*map(str, command), "--port", "0", "--log-level", "error"],
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    assert (run.returncode, len(lines)) == (2, 1), f"{run.returncode}:\n{run.stderr}"
    assert "Fatal error" not in run.stderr
    assert lines[0].startswith("gantry: ") and lines[0].endswith("."), lines[0]
    return lines[0]


class TestARegistryThatCannotBeUsed:
    """One clear line, exit code 2, and nothing is changed."""

    @pytest.fixture
    def used(self, start_gateway: StartGateway, standard_configuration: Configure) -> Path:
        """The data folder of a gateway that has run."""
        gateway = start_gateway(standard_configuration())
        gateway.upload()
        gateway.stop()
        return gateway.data

    def test_of_a_newer_version(self, used: Path, tmp_path: Path, standard_configuration: Configure) -> None:
        ((version,),) = rows(used, "SELECT version FROM schema_version")
        assert change(used, "UPDATE schema_version SET version = ?", version + 1) == 1

        line = refuse_to_start(tmp_path, standard_configuration(), used)

        assert f"version {version + 1}" in line and f"version {version}" in line, line
        assert rows(used, "SELECT version FROM schema_version") == [(version + 1,)]
        change(used, "UPDATE schema_version SET version = ?", version)
        assert len(rows(used, "SELECT id FROM files")) == 1

    def test_of_a_newer_version_on_postgresql(
        self, database: Database, tmp_path: Path, start_gateway: StartGateway, standard_configuration: Configure
    ) -> None:
        environment = {"DATABASE_URL": database.url}
        start_gateway(standard_configuration(), environment=clean_environment(**environment)).stop()
        ((version,),) = database.sql("SELECT version FROM schema_version")
        database.sql(f"UPDATE schema_version SET version = {int(version) + 1}")

        line = refuse_to_start(tmp_path, standard_configuration(), tmp_path / "data", **environment)

        assert f"version {int(version) + 1}" in line and f"version {version}" in line, line
        assert database.server.password not in line
        assert database.sql("SELECT version FROM schema_version") == [[str(int(version) + 1)]]

    @pytest.mark.parametrize("garbage", ["random", "text", "truncated", "one-page"])
    def test_that_is_corrupt(self, used: Path, tmp_path: Path, standard_configuration: Configure, garbage: str) -> None:
        path = used / "gantry.sqlite"
        whole = path.read_bytes()
        broken = {
            "random": secrets.token_bytes(len(whole)),
            "text": b"This is not a database.\n" * 500,
            "truncated": whole[:5000],
            "one-page": whole[:100] + secrets.token_bytes(3996) + whole[4096:],
        }[garbage]
        path.write_bytes(broken)

        line = refuse_to_start(tmp_path, standard_configuration(), used)

        assert str(path) in line, line
        assert "backup" in line, line
        assert path.read_bytes() == broken, "the file that may be needed to rescue something was changed"

    def test_that_is_a_directory(self, tmp_path: Path, standard_configuration: Configure) -> None:
        (tmp_path / "data" / "gantry.sqlite").mkdir(parents=True)

        line = refuse_to_start(tmp_path, standard_configuration(), tmp_path / "data")

        assert str(tmp_path / "data" / "gantry.sqlite") in line, line

    def test_in_a_folder_that_is_a_file(self, tmp_path: Path, standard_configuration: Configure) -> None:
        (tmp_path / "data").write_text("no folder")

        line = refuse_to_start(tmp_path, standard_configuration(), tmp_path / "data")

        assert str(tmp_path / "data") in line, line

    def test_that_is_empty_is_a_new_one(
        self, tmp_path: Path, start_gateway: StartGateway, standard_configuration: Configure
    ) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "gantry.sqlite").touch()

        gateway = start_gateway(standard_configuration(), data=data)

        assert gateway.file_ids() == []
        assert gateway.upload()["id"] in gateway.file_ids()

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://gantry:a-secret-password@localhost/gantry",
            "postgresq://gantry:a-secret-password@localhost/gantry",
            "sqlite:///tmp/a-secret-password",
            "gantry:a-secret-password@localhost/gantry",
            "postgresql//gantry:a-secret-password@localhost/gantry",
            "postgresql://gantry:a-secret-password@localhost:port/gantry",
            " postgresql://gantry:a-secret-password@localhost/gantry",
        ],
    )
    @pytest.mark.parametrize("place", ["database_url", "DATABASE_URL"])
    def test_at_an_address_that_is_none(
        self, tmp_path: Path, standard_configuration: Configure, url: str, place: str
    ) -> None:
        settings = {place: url} if place == "database_url" else {}
        environment = {} if settings else {place: url}

        line = refuse_to_start(tmp_path, standard_configuration(**settings), tmp_path / "data", **environment)

        assert "a-secret-password" not in line, "the password is shown"
        assert place in line or "database's URL" in line, line


class TestAFolderThatCannotBeWritten:
    """For a gateway that is not root."""

    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        # Not in pytest's folder: an unprivileged user could not enter that.
        folder = Path(tempfile.mkdtemp(prefix="gantry-read-only-"))
        folder.chmod(0o755)
        yield folder
        shutil.rmtree(folder)

    def give(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            for path in paths:
                os.chown(path, user.pw_uid, user.pw_gid)

    def configuration(self, simulators: Simulators) -> dict:
        entry = {"model": "gpt-4o-mini", "api_key": "sk-sim-main", "api_base": simulators.openai_url}
        models = [{"model_name": OPENAI_MODEL, "litellm_params": entry}]
        return {"model_list": models, "general_settings": {"master_key": "sk-1234"}}

    @pytest.mark.parametrize("what", ["file", "folder", "missing-folder", "spool", "host"])
    def test_is_refused_by_name(
        self,
        folder: Path,
        simulators: Simulators,
        start_gateway: StartGateway,
        what: str,
    ) -> None:
        data = folder / "data"
        first = start_gateway(self.configuration(simulators), data=data)
        first.upload()
        first.stop()
        self.give(data, *data.rglob("*"))
        path = {"file": data / "gantry.sqlite", "spool": data / "spool", "host": data / "host"}.get(what, data)
        if what == "missing-folder":
            shutil.rmtree(data)
        else:
            path.chmod(0o500 if path.is_dir() else 0o400)

        line = refuse_to_start(folder, self.configuration(simulators), data, as_user=True)

        assert str(path) in line, line
        assert "writable" in line or "rights" in line or "permission" in line.lower(), line


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def trouble(shim: Path, tmp_path: Path) -> Trouble:
    return Trouble(shim, tmp_path / "trouble", tmp_path / "data")


@pytest.fixture
def troubled(
    trouble: Trouble, tmp_path: Path, start_gateway: StartGateway, standard_configuration: Configure
) -> Gateway:
    """A gateway that can get into trouble."""
    environment = clean_environment(**trouble.environment)
    return start_gateway(standard_configuration(sweep_seconds=1), data=tmp_path / "data", environment=environment)


def check_unavailable(response: httpx.Response) -> None:
    error = assert_error(response, 503)
    assert error["code"] in ("registry_unavailable", "spool_unavailable"), error
    assert int(response.headers["retry-after"]) >= 1


class TestADiskThatRefuses:
    """While it is full, broken or read-only: nothing that was acknowledged is lost, and no restart is needed."""

    @pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=["full", "broken", "read-only"])
    def test_lets_go_on_what_needs_no_writing(
        self, troubled: Gateway, trouble: Trouble, simulators: Simulators, error: int
    ) -> None:
        user = troubled.new_user("known")
        content = pdf("Before the disk was full.")
        file_id = troubled.upload(content, BOTH, user.http)["id"]
        doomed = troubled.upload(pdf("To be deleted."), BOTH, user.http)["id"]
        assert troubled.chat(OPENAI_MODEL, file_message(file_id), user.http).status_code == 200

        trouble.refuse_writes(error)

        for _ in range(3):
            check_unavailable(troubled.post_file(upload_body(targets=BOTH), user.http))
        check_unavailable(troubled.admin.post("/user/new", json={"user_id": "new"}))
        check_unavailable(troubled.admin.post("/key/generate", json={}))
        check_unavailable(user.http.delete(f"/v1/files/{doomed}"))
        assert trouble.refused > 0
        for model in (OPENAI_MODEL, VERTEX_MODEL):
            assert troubled.chat(model, file_message(file_id), user.http).status_code == 200
        assert user.http.get(f"/v1/files/{file_id}").status_code == 200
        assert user.http.get(f"/v1/files/{file_id}/content").content == content
        assert set(troubled.file_ids(user.http)) == {file_id, doomed}
        assert troubled.admin.get("/health/liveliness").status_code == 200
        assert troubled.client("sk-never-seen-before-0123456789").get("/v1/models").status_code == 401

        trouble.allow_writes()

        later = troubled.upload(pdf("After it."), BOTH, user.http)["id"]
        assert user.http.delete(f"/v1/files/{doomed}").status_code == 200
        assert set(troubled.file_ids(user.http)) == {file_id, later}
        until("nothing is left to do", lambda: not unfinished(troubled.data), seconds=20)
        assert (len(simulators.openai_files()), len(simulators.google_objects())) == (2, 2)
        self.check_after_a_restart(troubled, file_id, later, content)

    def check_after_a_restart(self, gateway: Gateway, first: str, later: str, content: bytes) -> None:
        gateway.stop()
        ((verdict,),) = rows(gateway.data, "PRAGMA integrity_check")
        assert verdict == "ok"
        again = Gateway.start(gateway.data.parent / "again", gateway.config_path.read_text(), data=gateway.data)
        try:
            assert set(again.file_ids()) >= {first, later}
            assert again.admin.get(f"/v1/files/{first}/content").content == content
        finally:
            again.stop()

    @pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
    def test_in_the_middle_of_an_upload_leaves_nothing(
        self, troubled: Gateway, trouble: Trouble, simulators: Simulators, error: int
    ) -> None:
        before = troubled.file_ids()
        with ThreadPoolExecutor(1) as pool:
            with simulators.holding("openai", path_prefix="/v1/files", method="POST"):
                running = pool.submit(troubled.post_file, upload_body(targets=BOTH))
                until("one provider has its copy", simulators.google_objects)
                simulators.wait_for_held_requests(1)
                trouble.refuse_writes(error)
            response = running.result()

        check_unavailable(response)
        trouble.allow_writes()
        until("what was made is removed", simulators.holds_nothing, seconds=30)
        until("nothing is left to do", lambda: not unfinished(troubled.data), seconds=20)
        assert troubled.file_ids() == before

    def test_a_copy_between_providers_is_refused_and_made_later(
        self, troubled: Gateway, trouble: Trouble, simulators: Simulators
    ) -> None:
        file_id = troubled.upload(targets=VERTEX_MODEL)["id"]
        trouble.refuse_writes(errno.ENOSPC)

        check_unavailable(troubled.chat(OPENAI_MODEL, file_message(file_id)))

        assert simulators.openai_files() == []
        trouble.allow_writes()
        assert troubled.chat(OPENAI_MODEL, file_message(file_id)).status_code == 200

    @pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=["full", "broken", "read-only"])
    def test_at_the_start_is_told_in_one_line(
        self, troubled: Gateway, trouble: Trouble, tmp_path: Path, standard_configuration: Configure, error: int
    ) -> None:
        file_id = troubled.upload()["id"]
        troubled.stop()
        trouble.refuse_writes(error)

        line = refuse_to_start(tmp_path, standard_configuration(), troubled.data, **trouble.environment)

        assert str(troubled.data) in line, line
        trouble.allow_writes()
        again = Gateway.start(tmp_path / "again", standard_configuration(), data=troubled.data)
        try:
            assert again.file_ids() == [file_id]
        finally:
            again.stop()

    def test_says_so_in_the_log_without_a_flood(self, troubled: Gateway, trouble: Trouble) -> None:
        trouble.refuse_writes(errno.ENOSPC)
        lines = len(troubled.process.lines)

        def warnings() -> list[str]:
            new = troubled.process.lines[lines:]
            return [line for line in new if " warning " in line or " error " in line]

        until("somebody is told", warnings, seconds=15)
        troubled.wait_for_sweeps(4)

        trouble.allow_writes()
        assert len(warnings()) <= 20, f"{len(warnings())} lines in some seconds"


class TestAClockThatJumps:
    """Time is told by the system, and the system may be wrong."""

    @pytest.mark.parametrize("offset", [DAY, -DAY], ids=["a-day-on", "a-day-back"])
    def test_while_it_runs_changes_nothing_that_has_no_time(
        self, troubled: Gateway, trouble: Trouble, simulators: Simulators, offset: int
    ) -> None:
        user = troubled.new_user("timeless")
        content = pdf("For ever.")
        file_id = troubled.upload(content, BOTH, user.http)["id"]
        before = simulators.openai_files(), simulators.google_objects()

        trouble.set_clock(offset)

        troubled.wait_for_sweeps(4)
        assert (simulators.openai_files(), simulators.google_objects()) == before
        assert user.http.get("/v1/models").status_code == 200
        assert troubled.chat(OPENAI_MODEL, file_message(file_id), user.http).status_code == 200
        other = troubled.upload(pdf("On another day."), OPENAI_MODEL, user.http)
        made_at = troubled.admin.get(f"/v1/files/{file_id}").json()["created_at"]
        assert abs(other["created_at"] - made_at - offset) < 60, "the shim moves this clock"
        assert set(troubled.file_ids(user.http)) == {file_id, other["id"]}
        assert troubled.new_user("newcomer").http.get("/v1/models").status_code == 200
        assert user.http.delete(f"/v1/files/{other['id']}").status_code == 200
        assert len(simulators.openai_files()) == 1

        trouble.set_clock(0)

        troubled.wait_for_sweeps(3)
        assert (simulators.openai_files(), simulators.google_objects()) == before
        assert troubled.chat(VERTEX_MODEL, file_message(file_id), user.http).status_code == 200
        assert troubled.upload(http=user.http)["id"] in troubled.file_ids(user.http)

    def test_on_expires_what_has_a_time_and_nothing_else(
        self, troubled: Gateway, trouble: Trouble, simulators: Simulators
    ) -> None:
        lifetime = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
        short = troubled.post_file(upload_body(b"an hour", **lifetime)).json()["id"]
        kept = troubled.upload(b"for ever")["id"]

        trouble.set_clock(2 * 3600)

        assert_error(troubled.admin.get(f"/v1/files/{short}"), 404, code="file_expired")
        assert_error(troubled.chat(OPENAI_MODEL, file_message(short)), 404, code="file_expired")
        assert troubled.file_ids() == [kept]
        until("it is swept", lambda: len(simulators.openai_files()) == 1, seconds=20)
        assert troubled.chat(OPENAI_MODEL, file_message(kept)).status_code == 200

    def test_on_does_not_give_an_expired_file_to_a_repeated_upload(
        self, trouble: Trouble, tmp_path: Path, start_gateway: StartGateway, standard_configuration: Configure
    ) -> None:
        # Between two sweeps the record of a file that has expired is still there.
        environment = clean_environment(**trouble.environment)
        config = standard_configuration(sweep_seconds=3600)
        gateway = start_gateway(config, data=tmp_path / "data", environment=environment)
        lifetime = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
        body = upload_body(**lifetime)
        headers = {"Content-Type": body.content_type, "Idempotency-Key": "hourly"}
        first = gateway.admin.post("/v1/files", content=body.body(), headers=headers).json()["id"]

        trouble.set_clock(4000)

        answer = gateway.admin.post("/v1/files", content=body.body(), headers=headers)
        assert answer.status_code == 200 and answer.json()["id"] != first, "the file of the answer cannot be used"
        assert gateway.admin.get(f"/v1/files/{answer.json()['id']}").status_code == 200

    @pytest.mark.parametrize("offset", [-1, 0, -5, -3600], ids=lambda offset: f"{-offset}s-back")
    def test_back_a_little_keeps_the_order_of_lists(self, troubled: Gateway, trouble: Trouble, offset: int) -> None:
        user = troubled.new_user("orderly")
        first = [troubled.upload(b"%d" % number, http=user.http)["id"] for number in range(3)]

        trouble.set_clock(offset)

        then = [troubled.upload(b"%d" % number, http=user.http)["id"] for number in range(3)]
        listed = troubled.file_ids(user.http)
        assert set(listed) == {*first, *then}
        if offset >= -1:
            assert listed == [*reversed(then), *reversed(first)]
        pages, after = [], None
        while True:
            page = user.http.get("/v1/files", params={"limit": 2} | ({"after": after} if after else {})).json()
            pages += [one["id"] for one in page["data"]]
            if not page["has_more"]:
                break
            after = page["data"][-1]["id"]
        assert pages == listed, "every file is on one page"

    @pytest.mark.parametrize("offset", [DAY, -DAY], ids=["a-day-on", "a-day-back"])
    def test_during_an_upload_does_not_take_it_away(
        self, troubled: Gateway, trouble: Trouble, simulators: Simulators, offset: int
    ) -> None:
        with ThreadPoolExecutor(1) as pool:
            with simulators.holding("openai", path_prefix="/v1/files", method="POST"):
                running = pool.submit(troubled.upload, None, BOTH)
                until("one provider has its copy", simulators.google_objects)
                trouble.set_clock(offset)
                troubled.wait_for_sweeps(3)
            file_id = running.result()["id"]

        assert troubled.chat(VERTEX_MODEL, file_message(file_id)).status_code == 200
        assert troubled.chat(OPENAI_MODEL, file_message(file_id)).status_code == 200
        assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)

    @pytest.mark.parametrize("offset", [DAY, -DAY], ids=["a-day-on", "a-day-back"])
    def test_does_not_keep_a_cut_off_upload_for_ever(
        self, troubled: Gateway, trouble: Trouble, simulators: Simulators, offset: int
    ) -> None:
        simulators.fault("openai", path_prefix="/v1/files", method="POST", times=1, status=500, after_effect=True)
        assert troubled.post_file(upload_body()).status_code == 503

        trouble.set_clock(offset)

        until("it is swept", simulators.holds_nothing, seconds=15)
