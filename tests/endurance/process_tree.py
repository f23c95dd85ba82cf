"""What a process and those below it hold: descriptors, threads, memory. From /proc."""
import os


def _lines(path):
    try:
        with open(path) as file:
            return file.read().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []


def children(pid):
    found = []
    try:
        threads = os.listdir("/proc/%d/task" % pid)
    except FileNotFoundError:
        return found
    for thread in threads:
        for line in _lines("/proc/%d/task/%s/children" % (pid, thread)):
            found += [int(child) for child in line.split()]
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def name(pid):
    return "".join(_lines("/proc/%d/comm" % pid)[:1])


def is_zombie(pid):
    return any(line.startswith("State:") and "Z" in line.split()[1] for line in _lines("/proc/%d/status" % pid))


def _kib(pid, file, key):
    for line in _lines("/proc/%d/%s" % (pid, file)):
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def holdings(pid):
    """Returns: fds, threads, and KiB: resident, proportional, its own."""
    try:
        fds = len(os.listdir("/proc/%d/fd" % pid))
        threads = len(os.listdir("/proc/%d/task" % pid))
    except FileNotFoundError:
        fds = threads = 0
    own = _kib(pid, "smaps_rollup", "Private_Dirty") + _kib(pid, "smaps_rollup", "Private_Clean")
    return {
        "fds": fds,
        "threads": threads,
        "rss_kib": _kib(pid, "smaps_rollup", "Rss"),
        "pss_kib": _kib(pid, "smaps_rollup", "Pss"),
        "own_kib": own,
    }
