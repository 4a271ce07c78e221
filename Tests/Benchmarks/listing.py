"""The list of files at a million rows, on both databases, through the HTTP API, while files come and go.

One client asks over one connection, so a time is that of the way there, the gateway, its database and the way back; the
row "floor" is a route that does nothing, asked by the same client in the same rounds.
"""

import argparse
import base64
import contextlib
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from churn import Churn
from million import LARGE_OWNER, LARGE_TEAM, SMALL_TEAMS, Million, SeededFile, fill_postgresql, fill_sqlite
from questions import NOBODYS, RARE_NAME, SECOND, Question, questions
from tables import FLOOR, Answer, Times, report, row, section, sections
from wire import Wire

from servers import temporary_folder
from support.gateway import BUILD, MASTER_KEY, Gateway, clean_environment, configuration, openai_entry, vertex_entry
from support.postgresql import PostgreSQL
from support.simulators import Simulators

HERE = Path(__file__).resolve().parent
ROUNDS = 3


@dataclass
class Bench:
    """A running gateway whose registry is full."""

    gateway: Gateway
    million: Million
    options: argparse.Namespace
    keys: dict[str, str]
    #: The database's server, if it is a process of its own.
    server: int | None = None
    #: How clients write the ids of all files that were there when the walks began, oldest first.
    spelled: dict[bytes, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def wire(self, asker: str) -> Iterator[Wire]:
        """A connection for a while: the gateway closes one that is idle for long."""
        wire = Wire(self.gateway.url, self.keys[asker])
        try:
            yield wire
        finally:
            wire.close()

    def owns(self, asker: str, file: SeededFile) -> bool:
        return {
            "admin": True,
            "owner": file.owner == LARGE_OWNER,
            "small owner": file.owner == "owner-0001",
            "member": file.team == LARGE_TEAM,
            "member of all": file.owner == "owner-0002" or file.team is not None,
        }[asker]

    def expected(self, question: Question) -> list[bytes]:
        """The seeded files of the whole answer, in its order."""
        ids = [
            file.id
            for file in self.million.files
            if file.status == "ready" and self.owns(question.asker, file) and question.concerns(file)
        ]
        return ids if "order=asc" in question.query else ids[::-1]

    def pages(self, question: Question, limit: int, most: int = 1_000_000) -> Iterator[tuple[list[str], float]]:
        """Follows `after` from the first page on."""
        after = ""
        with self.wire(question.asker) as wire:
            for _ in range(most):
                body, elapsed = wire.get(target(question, limit, after))
                page = json.loads(body)
                yield [file["id"] for file in page["data"]], elapsed
                if not page["has_more"]:
                    return
                after = page["last_id"]

    def learn_ids(self) -> None:
        everything = Question("", "admin", "order=asc")
        for ids, _ in self.pages(everything, 10_000):
            self.spelled.update((read(id), id) for id in ids)

    def measure(self, question: Question, limit: int) -> Answer:
        dice = random.Random(question.name)
        mine = [self.spelled[file.id] for file in self.million.files if self.may_start_at(question, file)]
        first, jump = Times(), Times()
        with self.wire(question.asker) as wire:
            for _ in range(ROUNDS):
                self.time(first, wire, lambda: target(question, limit))
                self.time(jump, wire, lambda: target(question, limit, dice.choice(mine)))
        walk = []
        deadline = time.monotonic() + self.options.patience
        for _, elapsed in self.pages(question, limit, self.options.pages):
            walk.append(elapsed)
            if time.monotonic() > deadline:
                break
        part = max(1, len(walk) // 5)
        growth = statistics.median(walk[-part:]) / statistics.median(walk[:part])
        return Answer(question, limit, first, jump, Times([walk]), growth)

    def may_start_at(self, question: Question, file: SeededFile) -> bool:
        return file.id in self.spelled and self.owns(question.asker, file)

    def time(self, times: Times, wire: Wire, target: Callable[[], str]) -> None:
        """Adds a round."""
        one: list[float] = []
        before = self.cpu_milliseconds()
        deadline = time.monotonic() + self.options.patience
        while len(one) < self.options.requests and time.monotonic() < deadline:
            one.append(wire.get(target())[1])
        times.rounds.append(one)
        times.cpu += self.cpu_milliseconds() - before

    def cpu_milliseconds(self) -> float:
        """What the gateway and the database have used so far; other programs on the machine do not change it."""
        pids = [self.gateway.process.pid]
        if self.server is not None:
            children = Path(f"/proc/{self.server}/task/{self.server}/children").read_text().split()
            pids += [self.server, *map(int, children)]
        nanoseconds = 0
        for pid in pids:
            for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                # A thread or a connection's process may end in between.
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    nanoseconds += int(thread.read_text().split()[0])
        return nanoseconds / 1e6

    def check(self, question: Question, limit: int, found: list[str], changed: set[str]) -> str:
        """Compares a whole walk with what was seeded, and says what it found."""
        ids = [read(id) for id in found]
        touched = {read(id) for id in changed}
        expected = [id for id in self.expected(question) if id not in touched]
        problems = []
        if len(set(ids)) != len(ids):
            problems.append(f"{len(ids) - len(set(ids))} files came twice")
        if [id for id in ids if id not in touched] != expected:
            problems.append("the files that were there throughout are not exactly those expected, in order")
        verdict = "; ".join(problems) or "each exactly once, in order"
        return f"{question.name}, limit={limit}: {len(ids):,} files, {len(expected):,} of them throughout: {verdict}"


def make_keys(gateway: Gateway) -> dict[str, str]:
    """Makes the users and teams that ask; before their files, since who is new owns none."""

    def made(path: str, body: dict) -> dict:
        response = gateway.admin.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    users = {
        "owner": (LARGE_OWNER, []),
        "small owner": ("owner-0001", []),
        "member": ("member", [LARGE_TEAM]),
        "member of all": ("owner-0002", [LARGE_TEAM, *SMALL_TEAMS]),
    }
    keys = {asker: made("/user/new", {"user_id": user})["key"] for asker, (user, _) in users.items()}
    for team in [LARGE_TEAM, *SMALL_TEAMS]:
        members = [{"role": "user", "user_id": user} for user, teams in users.values() if team in teams]
        made("/team/new", {"team_id": team, "members_with_roles": members})
    return keys | {"admin": MASTER_KEY}


def target(question: Question, limit: int, after: str = "") -> str:
    more = "".join(f"&{part}" for part in (question.query, after and f"after={after}") if part)
    return f"/v1/files?limit={limit}{more}"


def read(client_id: str) -> bytes:
    """The 16 bytes that the database has."""
    return base64.b32decode(client_id.removeprefix("file-").upper())[:16]


def run(bench: Bench, database: str) -> tuple[str, bool]:
    """Measures and checks one database; returns the text about it and whether every walk was right."""
    bench.learn_ids()
    victims = [
        bench.spelled[file.id]
        for file in bench.million.files[:: max(1, bench.million.count // 50_000)]
        if file.id in bench.spelled
    ]
    answers, checks = [], []
    with Churn(bench.gateway.url, MASTER_KEY, victims) as churn:
        floor = Times()
        for question in bench.options.questions:
            with bench.wire("owner") as wire:
                bench.time(floor, wire, lambda: FLOOR)
            for limit in (20, 100):
                answers.append(bench.measure(question, limit))
                print(row(answers[-1]), flush=True)
        walks = []
        for question in bench.options.questions:
            limit = 100 if question.asker == "member" else 1000
            if question.is_compared:
                found = [id for ids, _ in bench.pages(question, limit) for id in ids]
                walks.append((question, limit, found))
    checks = [bench.check(*walk, churn.changed) for walk in walks]
    for line in checks:
        print(line, flush=True)
    is_right = all("each exactly once" in line for line in checks)
    noise = repeat(bench)
    return section(database, floor, answers, checks, noise, len(churn.changed)), is_right


def repeat(bench: Bench) -> str:
    """The same question three times, for a feeling of what the machine does by itself."""
    question = bench.options.questions[0]
    again = [bench.measure(question, 20).jump for _ in range(3)]
    text = ", ".join(f"{one.percentile(0.5):.2f} / {one.percentile(0.99):.2f} / {one.maximum:.2f}" for one in again)
    return f'Noise, three repeats of "{question.name}", limit=20, random places, p50 / p99 / max: {text} ms.'


def config(simulators: Simulators, credentials: Path) -> dict:
    return configuration(
        openai_entry(simulators, model_info={"id": "openai-main"}),
        vertex_entry(simulators, credentials, model_info={"id": "vertex-main"}),
        openai_entry(simulators, SECOND, "second", model_info={"id": "openai-second"}),
        openai_entry(simulators, RARE_NAME, model_info={"id": "openai-rare"}),
        openai_entry(simulators, NOBODYS, model_info={"id": "openai-unused"}),
    )


def measure_database(name: str, folder: Path, simulators: Simulators, options: argparse.Namespace) -> tuple[str, bool]:
    server = None
    with contextlib.ExitStack() as stack:
        credentials = folder / "credentials.json"
        credentials.write_text(json.dumps(simulators.service_account("main")))
        credentials.chmod(0o600)
        environment = clean_environment()
        if name == "PostgreSQL":
            server = PostgreSQL()
            stack.callback(server.close)
            database = server.database()
            environment = clean_environment(DATABASE_URL=database.url)
        configured = config(simulators, credentials)
        # Once, for its tables.
        first = Gateway.start(folder / name, configured, environment=environment, log_level="info")
        keys = make_keys(first)
        first.stop()
        million = Million(options.files)
        started = time.monotonic()
        if name == "PostgreSQL":
            fill_postgresql(database, million)
        else:
            fill_sqlite(folder / name / "data" / "gantry.sqlite", million)
        print(f"{name}: {options.files:,} files in {time.monotonic() - started:.0f} s", flush=True)
        gateway = Gateway.start(folder / name, configured, environment=environment, log_level="info")
        stack.callback(gateway.stop)
        return run(Bench(gateway, million, options, keys, None if server is None else server.pid), name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=200, help="requests a round; there are three rounds")
    parser.add_argument("--pages", type=int, default=2000, help="pages of a walk")
    parser.add_argument("--patience", type=float, default=5, help="seconds after which a round or a walk is cut off")
    parser.add_argument("--database", choices=["SQLite", "PostgreSQL"], action="append", dest="databases")
    parser.add_argument("--only", default="", help="a pattern of questions' names")
    parser.add_argument("--write", action="store_true", help="put the result into LISTING.md")
    options = parser.parse_args()
    options.questions = [question for question in questions() if re.search(options.only, question.name)]

    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(temporary_folder()))
        simulators = Simulators(BUILD / "gantry-simulators", folder / "simulators", clean_environment())
        stack.callback(simulators.stop)
        names = options.databases or ["SQLite", "PostgreSQL"]
        results = [measure_database(name, folder, simulators, options) for name in names]
    texts = {name: text for name, (text, _) in zip(names, results, strict=True)}
    print("\n\n".join(texts.values()) + f"\nlisting: {time.monotonic() - started:.0f} s")
    if options.write:
        page = HERE / "LISTING.md"
        page.write_text(report((sections(page) if page.exists() else {}) | texts, vars(options)))
    if not all(is_right for _, is_right in results):
        sys.exit("listing: a walk did not give what it should.")


if __name__ == "__main__":
    main()
