"""Plugins that are each wrong in one way, compiled from `evil.c`, and manifests for them."""

import json
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..gateway import ROOT

SOURCE = Path(__file__).with_name("evil.c")
_HEADERS = ROOT / "SDK" / "CGantryPlugin"
_FLAGS = [
    *("-shared", "-fPIC", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-infinite-recursion"),
    *(f"-I{_HEADERS / 'include'}", f"-Wl,--version-script={_HEADERS / 'exports.map'}"),
    "-Wl,-z,nodelete,-z,now,-z,defs",
]


@dataclass(frozen=True)
class Evil:
    """One plugin; without a word of what is wrong it is a good one."""

    name: str
    #: What a step does when it is told to misbehave.
    wrong: str = "nothing"
    #: What happens when the library is opened, and its instance and its target made.
    on_load: str = "nothing"
    on_instance: str = "nothing"
    on_target: str = "nothing"
    workers: int = 1
    limits: dict[str, int] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.name

    @cached_property
    def id(self) -> str:
        return f"evil_{self.name}"

    @cached_property
    def entry(self) -> dict:
        """Its entry in `model_list`: the model has the plugin's id."""
        return {"model_name": self.id, "litellm_params": {"model": f"{self.id}/m"}, "model_info": {"id": self.id}}

    def build(self, library: Path) -> Path:
        """Compiles it."""
        words = {"ID": f'"{self.id}"', "WRONG": f"wrong_{self.wrong}", "LOAD": f"load_{self.on_load}"}
        words |= {"INSTANCE": f"load_{self.on_instance}", "TARGET": f"load_{self.on_target}"}
        defines = [f"-DEVIL_{name}={word}" for name, word in words.items()]
        command = ["gcc", *_FLAGS, *defines, "-o", library, SOURCE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"gcc could not build {self}:\n{done.stderr}"
        return library

    def install(self, folder: Path) -> None:
        """Puts its library and its manifest into a folder of plugins; JSON is YAML too."""
        library = self.build(folder / f"lib{self.id}.so.new")
        library.rename(folder / f"lib{self.id}.so")
        manifest = {
            "id": self.id,
            "version": "1.0.0",
            "library": f"lib{self.id}.so",
            "providers": [self.id],
            "hosts": [],
            "isolation": "process",
            "limits": {"step_ms": 500, "memory_mb": 192, "workers": self.workers} | self.limits,
        }
        (folder / f"{self.id}.yaml").write_text(json.dumps(manifest, indent=2))
