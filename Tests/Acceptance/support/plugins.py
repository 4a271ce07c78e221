"""Plugins that tests make: from the templates, or a few lines of C compiled on the spot."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .gateway import BUILD, ROOT, clean_environment, run_gantry, write_configuration

#: A plugin that is good for nothing but being looked at; more code can stand before it.
TINY = """
#include "gantry_plugin.h"
static gantry_status instance_new(const gantry_host *h, gantry_slice c, const gantry_sink *w, gantry_instance **o)
{ *o = (gantry_instance *)1; return 0; }
static void instance_free(gantry_instance *i) {}
static gantry_status target_new(gantry_instance *i, gantry_slice p, const gantry_sink *w, gantry_target **o)
{ *o = (gantry_target *)1; return 0; }
static void target_free(gantry_target *t) {}
static gantry_status op_new(gantry_target *t, uint32_t k, gantry_op **o) { *o = (gantry_op *)1; return 0; }
static gantry_status op_step(gantry_op *o, const gantry_event *e, const gantry_sink *s) { return 0; }
static void op_free(gantry_op *o) {}
static const gantry_plugin table = {
  .size = sizeof(gantry_plugin), .ops = 1u << GANTRY_OP_CHAT,
  .id = {(const uint8_t *)"tiny", 4}, .version = {(const uint8_t *)"1.0", 3},
  .instance_new = instance_new, .instance_free = instance_free, .target_new = target_new,
  .target_free = target_free, .op_new = op_new, .op_step = op_step, .op_free = op_free };
GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t minor) { return &table; }
"""

_LINK = ["-Wl,-z,now", "-Wl,-z,nodelete", "-Wl,-z,defs", "-Wl,-z,noexecstack"]


def compile_library(path: Path, source: str = TINY, *options: str) -> Path:
    """Compiles C into a library that is there all at once."""
    written = path.with_suffix(".c")
    built = path.with_suffix(".new")
    written.write_text(source)
    command = ["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-w", "-O1", *_LINK, *options]
    command += ["-I", str(ROOT / "SDK/CGantryPlugin/include"), "-o", str(built), str(written)]
    subprocess.run(command, check=True, timeout=120)
    written.unlink()
    built.chmod(0o755)
    built.replace(path)
    return path


@dataclass
class PluginFolder:
    """A folder of manifests and libraries with a configuration beside it."""

    path: Path
    config: Path

    @classmethod
    def make(cls, directory: Path, *models: dict, **sections) -> "PluginFolder":
        """Makes a folder without plugins, and a configuration of these `model_list` entries and sections."""
        path = directory / "plugins.d"
        path.mkdir(mode=0o755)
        folder = cls(path, directory / "config.yaml")
        folder.configure(*models, **sections)
        return folder

    def configure(self, *models: dict, **sections) -> None:
        config = {"model_list": list(models), "general_settings": {"master_key": "sk-1234"}} | sections
        write_configuration(self.config, config)

    def add(self, name: str, text: str) -> Path:
        """Writes a manifest."""
        manifest = self.path / name
        manifest.write_text(text)
        manifest.chmod(0o644)
        return manifest

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs `gantry plugin` on this folder."""
        return run_gantry("plugin", *arguments, "--plugins", self.path)

    def list(self, *options: str | Path) -> list[dict]:
        """What `gantry plugin list` knows."""
        done = self.run("list", "--json", *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["plugins"]

    def check(self) -> subprocess.CompletedProcess[str]:
        """Loads everything as the gateway would."""
        data = self.config.parent / "data"
        return run_gantry("check", "--config", self.config, "--plugins", self.path, "--data", data)


def build_plugin(folder: Path) -> Path:
    """Builds a plugin that `gantry plugin new` has written, as its README says, and returns its library."""
    command = ["make"] if (folder / "Makefile").exists() else ["./build.sh"]
    environment = toolchain_environment()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (library,) = folder.glob("libgantry-plugin-*.so")
    return library


def toolchain_environment() -> dict[str, str]:
    """The environment with the folders where cargo and Swift are put by their own installers."""
    homes = [Path.home() / ".cargo/bin", Path("/opt/swift/usr/bin")]
    path = os.pathsep.join([os.environ["PATH"], *(str(home) for home in homes if home.is_dir())])
    return clean_environment(PATH=path)


def gantry() -> Path:
    return BUILD / "gantry"
