"""The scenarios of files: uploads, downloads and lists."""

import argparse

from generator import Request
from measuring import WARM_UP, in_rounds
from results import Column, Table
from ways import GANTRY, LOAD_CORE, PROXY_CORE, THREE_TARGETS, Way, World, wait_until_ready

from servers import UPLOAD_TYPE, Gantry, upload_parts

THREE = f"{GANTRY}, 3 targets"


def upload_request(way: Way, size: int) -> Request:
    head, tail = upload_parts(way.targets)
    return Request(path="/v1/files", content_type=UPLOAD_TYPE, body=head, filler=size, body_end=tail)


def upload(world: World, options: argparse.Namespace, size: int, name: str) -> Table:
    """Small uploads as many at once as there are connections."""
    connections = options.connections if size < 100_000 else 4
    note = f"{connections} connections. Three targets are two of OpenAI and one of Cloud Storage; nginx has one."
    columns = {"rps": Column("uploads/s"), "cpu": Column("CPU us/upload"), "generator": Column("generator's CPU %")}
    table = Table(f"Upload of {name}", note, columns)

    def measure(way: Way, values: dict[str, float]) -> None:
        before = way.server.cpu_seconds() if way.server else 0
        request = upload_request(way, size)
        load = world.generator.run(way.port, request, connections, options.seconds, warm_up=WARM_UP)
        values |= {"rps": load.requests_per_second, "generator": load.cpu_share * 100}
        if way.server:
            values["cpu"] = (way.server.cpu_seconds() - before) * 1e6 / load.answered
            if load.busy[LOAD_CORE] > 0.95 and load.busy[PROXY_CORE] < 0.9:
                table.bounds.add((way.name, "rps"))

    in_rounds(table, _upload_ways(world), options, measure)
    table.compare("rps", "nginx", "rps ratio", "uploads/s / nginx's")
    table.compare("cpu", "nginx", "cpu ratio", "CPU / nginx's")
    return table


def upload_large(world: World, options: argparse.Namespace) -> Table:
    """One upload of 1 GB to a server that has just started, so that its memory is its own."""
    note = (
        "One at a time, each to a server that has just started; memory is the most that was resident, less that before."
    )
    table = Table("Upload of 1 GB", note, _large_columns("upload"))

    def measure(way: Way, values: dict[str, float]) -> None:
        _transfer(world, way, upload_request(way, options.large), options, values)

    return _compare(in_rounds(table, _upload_ways(world), options, measure))


def download_large(world: World, options: argparse.Namespace) -> Table:
    """One download of 1 GB."""
    note = "One at a time, from a server that has just started and, Gantry, taken the file before."
    table = Table("Download of 1 GB", note, _large_columns("download"))

    def measure(way: Way, values: dict[str, float]) -> None:
        request = Request(method="GET", path="", expect_length=options.large)
        _transfer(world, way, request, options, values)

    return _compare(in_rounds(table, world.ways("direct", "nginx", GANTRY), options, measure))


def _upload_ways(world: World) -> list[Way]:
    ways = world.ways("direct", "nginx", GANTRY)
    one = ways[-1]
    return [*ways, Way(THREE, one.port, one.server, one.model, one.files, THREE_TARGETS, one.fresh)]


def _large_columns(what: str) -> dict[str, Column]:
    return {
        "rate": Column("MB/s", 0, 1e6),
        "cpu": Column(f"CPU s/{what}", 2),
        "memory": Column("memory added MB", 1, 1e6),
        "generator": Column("generator's CPU %"),
    }


def _compare(table: Table) -> Table:
    table.compare("rate", "nginx", "rate ratio", "MB/s / nginx's")
    table.compare("cpu", "nginx", "cpu ratio", "CPU / nginx's")
    return table


def _transfer(world: World, way: Way, request: Request, options: argparse.Namespace, values: dict[str, float]) -> None:
    server = way.fresh() if way.fresh else None
    try:
        file, before, resident = way.files[0], 0.0, 0
        if server:
            wait_until_ready(server)
            if isinstance(server, Gantry):
                # OpenAI gives no file of this purpose back; Cloud Storage does.
                file = server.upload("gemini-bench")
            before, resident = server.cpu_seconds(), server.begin_peak()
        if request.method == "GET":
            request.path = f"/v1/files/{file}/content"
        load = world.generator.run(server.port if server else way.port, request, 1, 120, requests=1)
        values["rate"] = options.large / load.seconds
        values["generator"] = load.cpu_share * 100
        if server:
            values |= {"cpu": server.cpu_seconds() - before, "memory": server.peak() - resident}
    finally:
        if server:
            server.stop()


def listing(world: World, options: argparse.Namespace) -> Table:
    """A page of 100 among a million files."""
    from million import Million, fill_sqlite

    note = (
        f"The administrator's first page of 100 among {options.files:,} files, SQLite; nginx passes on such a page "
        "of the upstream."
    )
    columns = {"rps": Column("lists/s"), "cpu": Column("CPU us/list"), "p50": Column("p50 us"), "p99": Column("p99 us")}
    table = Table(f"List of 100 among {options.files:,} files", note, columns)
    folder = world.new_folder()

    def start() -> Gantry:
        return Gantry(world.build, world.plugins, folder, PROXY_CORE, world.upstream.port).wait()

    # The gateway makes its tables itself.
    start().stop()
    fill_sqlite(folder / "data" / "gantry.sqlite", Million(options.files))
    gantry = world.keep(start())
    request = Request(method="GET", path="/v1/files?limit=100")

    def measure(way: Way, values: dict[str, float]) -> None:
        before = way.server.cpu_seconds()
        load = world.generator.run(way.port, request, options.connections, options.seconds, warm_up=WARM_UP)
        values |= {"rps": load.requests_per_second, "p50": load.latency["p50"], "p99": load.latency["p99"]}
        values["cpu"] = (way.server.cpu_seconds() - before) * 1e6 / load.answered

    in_rounds(table, [*world.ways("nginx"), Way(GANTRY, gantry.port, gantry)], options, measure)
    table.compare("cpu", "nginx", "cpu ratio", "CPU / nginx's")
    return table
