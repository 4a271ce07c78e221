"""Records the binary interface of plugins as it is now: what hosts of today promise to plugins of today.

    scripts/abi-record [layout|plugin]…      without a name: both

`layout` writes SDK/CGantryPlugin/layout.c from the headers beside it: the size, the alignment and every member of every
struct, and every enumerator. A build of headers that contradict it fails; what is added at the end does not.
Run it when a minor version is finished, never to make a failing build pass.

`plugin` builds Tests/Fixtures/Minor0 from the copy of the header that lies beside it, for x86_64 and aarch64. The
binaries stand for all plugins that were built against 1.0 and are not built again once 1.0 is released.

It needs the `clang` and `ld.lld` of the Swift toolchain.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INCLUDE = ROOT / "SDK/CGantryPlugin/include"
LAYOUT = ROOT / "SDK/CGantryPlugin/layout.c"
MINOR0 = ROOT / "Tests/Fixtures/Minor0"

# They travel in arrays and never grow.
FROZEN = {"gantry_slice", "gantry_pair", "gantry_segment", "gantry_ref", "gantry_value"}

INCLUDES = '#include "gantry_functions.h"\n#include "gantry_plugin.h"\n'

PROLOGUE = """\
/* The layout of the ABI on LP64 platforms, as released; written by scripts/abi-record. A member that moves, changes its
 * type or goes, and a value that changes, breaks every plugin that has been built. What is added stands at the end. */
#include "gantry_functions.h"
#include "gantry_plugin.h"

#if defined(__cplusplus)
#define CHECK(condition, text) static_assert(condition, text)
#define SAME(one, other) __is_same(one, other)
#else
#define CHECK(condition, text) _Static_assert(condition, text)
#define SAME(one, other) __builtin_types_compatible_p(one, other)
#endif
#define FROZEN(type, bytes, align) \\
  CHECK(sizeof(type) == (bytes) && _Alignof(type) == (align), #type " has another size, though it travels in arrays")
#define GROWING(type, bytes, align) \\
  CHECK(sizeof(type) >= (bytes) && _Alignof(type) == (align), #type " has become smaller, or is aligned in another way")
#define AT(type, member, offset, bytes, ...) \\
  CHECK(offsetof(type, member) == (offset), #type "." #member " has moved"); \\
  CHECK(sizeof(((type *)0)->member) == (bytes), #type "." #member " has another size"); \\
  CHECK(SAME(__typeof__(((type *)0)->member), __VA_ARGS__), #type "." #member " has another type")
#define TYPE(name, ...) CHECK(SAME(name, __VA_ARGS__), #name " is another type")
#define VALUE(name, number) CHECK((name) == (number), #name " has another value")

#if defined(__LP64__)
#if defined(__cplusplus)
#define _Alignof alignof
#endif
"""


def run(*command: str, text: str = "") -> str:
    """Runs a command and returns what it writes."""
    return subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout


def declarations() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]], list[str]]:
    """The names of numbers, the structs with their members and types, the enumerators, in the order of the header."""
    options = ("-std=c11", f"-I{INCLUDE}", "-fsyntax-only", "-Xclang", "-ast-dump=json", "-x", "c", "-")
    tree = json.loads(run("clang", *options, text=INCLUDES))
    numbers: dict[str, str] = {}
    structs: dict[str, list[tuple[str, str]]] = {}
    values: list[str] = []
    for node in tree["inner"]:
        if node["kind"] == "RecordDecl" and node.get("name", "").startswith("gantry_") and "inner" in node:
            members = [field for field in node["inner"] if field["kind"] == "FieldDecl"]
            structs[node["name"]] = [(field["name"], field["type"]["qualType"]) for field in members]
        if (
            node["kind"] == "TypedefDecl"
            and node["name"].startswith("gantry_")
            and "struct" not in node["type"]["qualType"]
        ):
            numbers[node["name"]] = node["type"]["qualType"]
        if node["kind"] == "EnumDecl":
            values += [item["name"] for item in node["inner"] if item["kind"] == "EnumConstantDecl"]
    return numbers, structs, values


def measure(structs: dict[str, list[tuple[str, str]]], values: list[str]) -> list[int]:
    """What the compiler says of sizes, alignments, offsets and values, in order."""
    questions = []
    for name, members in structs.items():
        questions += [f"sizeof({name})", f"_Alignof({name})"]
        for member, _ in members:
            questions += [f"offsetof({name}, {member})", f"sizeof((({name} *)0)->{member})"]
    questions += values
    prints = "\n".join(f'printf("%lld\\n", (long long)({question}));' for question in questions)
    source = f"{INCLUDES}#include <stdio.h>\nint main(void) {{ {prints} }}\n"
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/measure"
        run("clang", "-std=c11", f"-I{INCLUDE}", "-o", program, "-x", "c", "-", text=source)
        return [int(line) for line in run(program).split()]


def record_layout() -> None:
    """Writes layout.c."""
    types, structs, values = declarations()
    numbers = iter(measure(structs, values))
    lines = [PROLOGUE, *(f"TYPE({name}, {number});" for name, number in types.items()), ""]
    for name, members in structs.items():
        size, align = next(numbers), next(numbers)
        lines.append(f"{'FROZEN' if name in FROZEN else 'GROWING'}({name}, {size}, {align});")
        end = 0
        for member, type_name in members:
            offset, width = next(numbers), next(numbers)
            if offset != end:
                sys.exit(f"abi-record: {name} has a gap before {member}; fill it with a reserved member.")
            end = offset + width
            lines.append(f"AT({name}, {member}, {offset}, {width}, {type_name});")
        if end != size:
            sys.exit(f"abi-record: {name} has a gap at its end; fill it with a reserved member.")
        lines.append("")
    lines += [f"VALUE({value}, {next(numbers)});" for value in values]
    lines += ["#endif", ""]
    LAYOUT.write_text("\n".join(lines))
    print(f"abi-record: wrote {LAYOUT.relative_to(ROOT)}: {len(structs)} structs, {len(values)} values")


def record_plugin() -> None:
    """Builds the plugin of 1.0."""
    shutil.copy(INCLUDE / "gantry_plugin.h", MINOR0)
    with tempfile.TemporaryDirectory() as folder:
        for machine in ("x86_64", "aarch64"):
            build_plugin(machine, pathlib.Path(folder))
            print(f"abi-record: built {MINOR0.relative_to(ROOT)}/minor0-{machine}.so")


def build_plugin(machine: str, folder: pathlib.Path) -> None:
    """Builds for one machine, without its C library: a stand-in says what is there."""
    compiler = ["clang", f"--target={machine}-unknown-linux-gnu", "-std=c11", "-O2", "-fPIC", "-shared", "-nostdlib"]
    compiler += ["-ffreestanding", "-fuse-ld=lld", "-Wl,-s", "-Wl,--build-id=none", "-ffile-prefix-map=/=."]
    names = ("calloc", "free", "memcmp", "memcpy", "memset", "realloc", "strlen", "strstr")
    stand_in = folder / "libc.so"
    source = "\n".join(f"void {name}(void) {{}}" for name in names)
    run(*compiler, "-fno-builtin", "-w", "-Wl,-soname,libc.so.6", "-o", str(stand_in), "-x", "c", "-", text=source)
    # What <stdlib.h> and <string.h> declare is the same everywhere, and no other machine's headers are here.
    (folder / "stdlib.h").write_text(
        "#include <stddef.h>\nvoid *calloc(size_t, size_t);\nvoid free(void *);\nvoid *realloc(void *, size_t);\n"
    )
    (folder / "string.h").write_text(
        "#include <stddef.h>\nint memcmp(const void *, const void *, size_t);\n"
        "void *memcpy(void *, const void *, size_t);\nsize_t strlen(const char *);\n"
        "char *strstr(const char *, const char *);\n"
    )
    run(
        *compiler,
        *("-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", f"-I{folder}", f"-I{MINOR0}", "-Wl,-z,noexecstack"),
        *("-Wl,-z,now", "-Wl,-z,defs", "-o", str(MINOR0 / f"minor0-{machine}.so"), str(MINOR0 / "minor0.c")),
        str(stand_in),
    )


def main() -> None:
    """Records what the command line names."""
    parts = {"layout": record_layout, "plugin": record_plugin}
    names = sys.argv[1:] or list(parts)
    if unknown := [name for name in names if name not in parts]:
        sys.exit(f"abi-record: there is no part {unknown[0]}: layout or plugin.")
    for name in names:
        parts[name]()


if __name__ == "__main__":
    main()
