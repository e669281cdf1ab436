"""This machine as the kernel tells it: what the gauges must agree with."""

from __future__ import annotations

import os
from pathlib import Path


def memory() -> tuple[float, float]:
    """(bytes used, bytes in all) as the kernel says."""
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines()}
    return (kilobytes["MemTotal"] - kilobytes["MemAvailable"]) * 1024.0, kilobytes["MemTotal"] * 1024.0


def load_1min() -> float:
    return float(Path("/proc/loadavg").read_text().split()[0])


def cores() -> int:
    lines = Path("/proc/stat").read_text().splitlines()
    return sum(line.startswith("cpu") and line[3].isdigit() for line in lines)


def disk_ratio() -> float:
    """As df reckons it: what only root may use is no room."""
    root = os.statvfs("/")
    used = root.f_blocks - root.f_bfree
    return used / (used + root.f_bavail)
