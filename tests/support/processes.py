"""What the kernel tells of processes."""
import os


def _stat(pid):
    """Returns: (name, state, parent, when it began), or None of a process that is no more."""
    try:
        with open("/proc/%s/stat" % pid, encoding="ascii") as file:
            before, after = file.read().rsplit(")", 1)
    except (OSError, ValueError):
        return None
    fields = after.split()
    return before.split("(", 1)[1], fields[0], int(fields[1]), int(fields[19])


def family(pid):
    """@pid and all processes below it, by number: their names."""
    found = {int(name): _stat(name) for name in os.listdir("/proc") if name.isdigit()}
    found = {child: stat for child, stat in found.items() if stat}
    below = {pid}
    for _ in range(3):
        below |= {child for child, (_, _, parent, _) in found.items() if parent in below}
    return {child: found[child][0] for child in below if child in found}


def descendants(pid):
    """All processes below @pid."""
    return [child for child in family(pid) if child != pid]


def is_zombie(pid):
    stat = _stat(pid)
    return stat is not None and stat[1] == "Z"


def began(pid):
    """When, for still_there()."""
    stat = _stat(pid)
    return stat[3] if stat else None


def still_there(before):
    """Those of {pid: began (pid)} that run. Another process may have been given the number of one that has ended."""
    return [pid for pid, at in before.items() if at is not None and began(pid) == at and not is_zombie(pid)]


def named(pid, name):
    """Those at or below @pid that have this name."""
    return [child for child, its in family(pid).items() if its == name]


def status(pid):
    """The fields of its /proc/PID/status."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def holdings(pid):
    """What it holds, nothing once it is no more: descriptors, threads, and KiB: resident, and what it has written itself
    (Anonymous of smaps_rollup). Whether a page of a file, or one inherited at a fork, counts as private depends on who
    else has it: it changes when another program that uses the same libraries ends."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            memory = dict(line.split(":", 1) for line in file if "kB" in line)
        return {
            "fds": len(os.listdir("/proc/%d/fd" % pid)),
            "threads": len(os.listdir("/proc/%d/task" % pid)),
            "rss_kib": int(memory["Rss"].split()[0]),
            "own_kib": int(memory["Anonymous"].split()[0]),
        }
    except (FileNotFoundError, ProcessLookupError):
        return dict.fromkeys(("fds", "threads", "rss_kib", "own_kib"), 0)


if __name__ == "__main__":
    import sys

    sys.exit("this is a module")
