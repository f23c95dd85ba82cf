"""What the kernel tells of processes."""
import os


def family(pid):
    """@pid and all processes below it, by number: their names."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="ascii") as file:
                before, after = file.read().rsplit(")", 1)
        except (OSError, ValueError):
            continue
        found[int(name)] = (before.split("(", 1)[1], int(after.split()[1]))
    below = {pid}
    for _ in range(3):
        below |= {child for child, (_, parent) in found.items() if parent in below}
    return {child: found[child][0] for child in below if child in found}


def named(pid, name):
    """Those at or below @pid that have this name."""
    return [child for child, its in family(pid).items() if its == name]


def status(pid):
    """The fields of its /proc/PID/status."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


if __name__ == "__main__":
    import sys

    sys.exit("this is a module")
