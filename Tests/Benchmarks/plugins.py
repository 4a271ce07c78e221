"""What plugins cost: a step in the host's process and in a worker, a worker's start and death, a plain function's call,
and the processor time of chats through a worker beside those of the same plugin in the host's process.

Each number is the median of the rounds, with the least and the greatest of them as its noise. Steps, starts and deaths
are the host's code without the network (gantry-plugin-bench) with a plugin in C; the step in process and the chats are
those of the gateway with the shipped plugin for OpenAI.
"""

import argparse
import json
import statistics
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from generator import Generator, Request

from servers import MASTER_KEY, Gantry, Upstream, temporary_folder
from support.evil import Evil
from support.gateway import BUILD, PLUGINS
from support.prometheus import samples, value

STEP_TIMES = "gantry_plugin_step_duration_seconds"
FUNCTIONS = """
#include <stdint.h>
#include <stddef.h>
int64_t bench_length(const uint8_t *bytes, size_t length) { return bytes[0] + (int64_t)length; }
int32_t bench_number(int32_t number) { return number + 1; }
"""


@dataclass
class Number:
    """One thing that is measured, and what it is meant to be."""

    name: str
    unit: str
    goal: float | None = None
    rounds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        middle, least, most = statistics.median(self.rounds), min(self.rounds), max(self.rounds)
        goal = ""
        if self.goal is not None:
            goal = f"at most {self.goal:g} {self.unit}: {'reached' if middle <= self.goal else 'NOT reached'}"
        return f"| {self.name} | {middle:.2f} {self.unit} | {least:.2f}-{most:.2f} | {goal} |"


class Numbers(dict[str, Number]):
    """What is found, in the order in which it was first."""

    def add(self, name: str, unit: str, found: float, goal: float | None = None) -> None:
        self.setdefault(name, Number(name, unit, goal)).rounds.append(found)

    def text(self) -> str:
        return "\n".join(["| | median | rounds | goal |", "| --- | --- | --- | --- |", *map(str, self.values())])


def measured(cores: str, *words: str | Path) -> dict:
    """Runs the benchmark's executable and its workers on these processors."""
    command = ["taskset", "--cpu-list", cores, str(BUILD / "gantry-plugin-bench"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def plugins_alone(folder: Path, numbers: Numbers, options: argparse.Namespace) -> Callable[[], None]:
    """Steps, starts, deaths and calls without a gateway."""
    good, mortal = Evil("bench"), Evil("mortal", wrong="trap")
    libraries = {evil: evil.build(folder / f"{evil.id}.so") for evil in (good, mortal)}
    functions = folder / "libbench.so"
    (folder / "functions.c").write_text(FUNCTIONS)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", functions, folder / "functions.c"], check=True)
    worker = ["--worker", BUILD / "gantry-worker"]

    def of(evil: Evil) -> list[str | Path]:
        return ["--library", libraries[evil], "--id", evil.id, "--run", folder / "run"]

    def measure() -> None:
        steps = ["--rate", str(options.rate), "--seconds", str(options.seconds)]
        local = measured("0", "steps", *of(good), *steps)
        numbers.add("step in C in process, p50", "us", local["p50"])
        remote = measured("0", "steps", *of(good), *worker, *steps)
        numbers.add(f"worker step at {options.rate:,}/s, one processor, p50", "us", remote["p50"], 15)
        numbers.add(f"worker step at {options.rate:,}/s, one processor, p99", "us", remote["p99"], 40)
        apart = measured("0,1", "steps", *of(good), *worker, *steps)
        numbers.add(f"worker step at {options.rate:,}/s, two processors, p50", "us", apart["p50"], 15)
        numbers.add(f"worker step at {options.rate:,}/s, two processors, p99", "us", apart["p99"], 40)
        starts = measured("0,1", "starts", *of(good), *worker)
        numbers.add("spawn to the end of the first step, p50", "ms", starts["p50"] / 1000, 10)
        deaths = measured("0,1", "deaths", *of(mortal), *worker)
        if deaths["failures"]:
            raise SystemExit(f"bench: {deaths['failures']} workers lived on")
        numbers.add("crash noticed, p50", "ms", deaths["p50"] / 1000, 2)
        numbers.add("crash noticed, greatest", "ms", deaths["max"] / 1000)
        for symbol, signature in (("bench_number", "i32(i32)"), ("bench_length", "i64(bytes)")):
            call = measured("0", "function", "--library", functions, "--symbol", symbol, "--signature", signature)
            numbers.add(f"plain function {signature}", "us", call["mean"], 0.5)

    return measure


def chats(folder: Path, stack: ExitStack, numbers: Numbers, options: argparse.Namespace) -> Callable[[], None]:
    """Chats through the shipped plugin, in process and in a worker."""
    upstream = Upstream(BUILD, folder / "upstream", 1, 1)
    stack.callback(upstream.stop)
    gateways: dict[str, Gantry] = {}
    for isolation in ("in_process", "process"):
        plugins = folder / f"plugins-{isolation}"
        plugins.mkdir()
        for source in PLUGINS.glob("*.yaml"):
            text = source.read_text()
            if "isolation: in_process" in text:
                changed = text.replace("isolation: in_process", f"isolation: {isolation}")
                (plugins / source.name).write_text(changed)
        gateways[isolation] = Gantry(BUILD, plugins, folder / isolation, 0, upstream.port).wait()
        stack.callback(gateways[isolation].stop)
    generator = Generator(BUILD, folder, 1)
    message = {"role": "user", "content": "What is in this?" + "x" * 1100}
    request = Request(body=json.dumps({"model": "gpt-bench", "messages": [message]}).encode())

    def steps(gateway: Gantry) -> tuple[float, float, dict[str, float]]:
        """Seconds and number of all steps so far, and the number of those up to each bound."""
        page = httpx.get(
            f"http://127.0.0.1:{gateway.port}/metrics", headers={"Authorization": f"Bearer {MASTER_KEY}"}, timeout=30
        ).raise_for_status()
        found = samples(page.text)
        total, count = (value(found, f"{STEP_TIMES}_{what}", plugin="openai") for what in ("sum", "count"))
        buckets = {
            dict(labels)["le"]: number
            for (name, labels), number in found.items()
            if name == f"{STEP_TIMES}_bucket" and ("plugin", "openai") in labels
        }
        return total, count, buckets

    def measure() -> None:
        cost = {}
        for isolation, gateway in gateways.items():
            generator.run(gateway.port, request, options.connections, 0.5)
            before, used = steps(gateway), gateway.cpu_seconds()
            load = generator.run(gateway.port, request, options.connections, options.seconds)
            cost[isolation] = (gateway.cpu_seconds() - used) / load.answered * 1e6
            after = steps(gateway)
            count = after[1] - before[1]
            mean = (after[0] - before[0]) / count * 1e6
            median = min(float(le) for le, number in after[2].items() if number - before[2][le] >= count / 2) * 1e6
            where = {"in_process": "in process", "process": "through a worker"}[isolation]
            if isolation == "in_process":
                numbers.add("step of the plugin for OpenAI in process, p50 (its bucket's bound)", "us", median, 2)
                # With the time in which another thread had the processor.
                numbers.add("step of the plugin for OpenAI in process, mean", "us", mean, 2)
            numbers.add(f"chat, {where}: CPU", "us", cost[isolation])
            numbers.add(f"chat, {where}: requests/s", "", load.requests_per_second)
        numbers.add("chat through a worker: CPU more", "us", cost["process"] - cost["in_process"], 40)

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench --plugins", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a measurement (3)")
    parser.add_argument("--rate", type=int, default=5000, help="steps a second (5000)")
    parser.add_argument("--connections", type=int, default=32, help="connections of the chats (32)")
    parser.add_argument("--only", choices=["alone", "chats"], help="a half of it")
    options = parser.parse_args()
    numbers = Numbers()
    with temporary_folder() as name, ExitStack() as stack:
        folder = Path(name)
        measures = []
        if options.only != "chats":
            measures.append(plugins_alone(folder, numbers, options))
        if options.only != "alone":
            measures.append(chats(folder, stack, numbers, options))
        for number in range(options.rounds):
            for measure in measures:
                measure()
            print(f"bench: round {number + 1} of {options.rounds}", flush=True)
    print(numbers.text())


if __name__ == "__main__":
    main()
