"""The record of a comparison: what ran, where, and its file."""

import datetime
import json
import os
import platform
import re
import tempfile
from pathlib import Path


def first_match(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1).strip() if found else ""


def zen(cpuinfo):
    """AMD's generation, as a cloud's names of CPUs often hide it; empty for others."""
    if first_match(r"^vendor_id\s*:(.*)", cpuinfo) != "AuthenticAMD":
        return ""
    family, model = (int(first_match(rf"^{key}\s*:\s*(\d+)", cpuinfo) or 0) for key in ("cpu family", "model"))
    if family == 23:
        return "Zen 2" if model >= 0x30 else "Zen"
    if family == 25:
        return "Zen 4" if 0x10 <= model < 0x20 or model >= 0x60 else "Zen 3"
    return "Zen 5" if family == 26 else ""


def cpu_name(cpuinfo):
    """The CPU's model as /proc/cpuinfo has it, without what says nothing."""
    name = first_match(r"^model name\s*:(.*)", cpuinfo) or first_match(r"^Model\s*:(.*)", cpuinfo) or platform.machine()
    name = re.sub(r"\((R|TM)\)|\b(CPU|Processor|\d+-Core)\b|@.*", "", name, flags=re.IGNORECASE)
    generation = zen(cpuinfo)
    return " ".join(name.split()) + (f", {generation}" if generation else "")


def read_file(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def machine():
    return {
        "cpu": cpu_name(read_file("/proc/cpuinfo")),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": first_match(r'^PRETTY_NAME="(.*)"', read_file("/etc/os-release")),
        "kernel": platform.release(),
    }


def built_from(program):
    """The commit that the program says it was built from, and whether with changes; null where it was built without git."""
    commit = program.get("commit") or "unknown"
    if commit == "unknown":
        return {"commit": None, "dirty": None}
    return {"commit": commit.removesuffix("-dirty"), "dirty": commit.endswith("-dirty")}


def commit_text(record):
    return f"commit {record['commit'] or 'unknown'}" + (" with changes" if record["dirty"] else "")


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def stem(record):
    """cpu-<model>-<commit>, in lower case."""
    words = f"cpu-{record['machine']['cpu']}-{record['commit'] or 'unknown'}"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def free_path(folder, name):
    """Where no file is: with a number if there is a record of that name."""
    path, number = Path(folder) / f"{name}.json", 2
    while path.exists():
        path, number = Path(folder) / f"{name}-{number}.json", number + 1
    return path


def write_whole(path, text):
    """Replaces a file by this text, or leaves it as it is. Raises OSError."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(text)
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def to_json(record):
    """Indented, with a list of numbers on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return re.sub(r"\[\s+([-+\d.eE,\s]+?)\s+\]", lambda found: f"[{' '.join(found.group(1).split())}]", text) + "\n"
