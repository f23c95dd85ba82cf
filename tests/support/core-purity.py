#!/usr/bin/env python3
"""Fails when a sans-IO library reaches for a clock, a socket, a thread, a log, a file, the environment or chance.

usage: core-purity.py LIBRARY.a...
"""

import re
import subprocess
import sys

FORBIDDEN = re.compile(
    r"""^(
      g_get_(monotonic|real)_time | g_date_time_new_now.* | time | gettimeofday | clock_gettime | clock_nanosleep
    | nanosleep | usleep | sleep | g_usleep | g_timer_.* | g_timeout_.*
    | socket(pair)? | bind | listen | accept4? | connect | getaddrinfo
    | (__)?(send|recv)(to|from|msg|mmsg)?(_chk)? | (__)?(poll|ppoll|select)(_chk)? | epoll_.* | g_socket_.* | g_main_.*
    | g_(rec_)?mutex_.* | g_rw_lock_.* | g_cond_.* | g_thread_.* | g_private_.* | g_async_queue_.* | pthread_.* | fork
    | g_log | g_logv | g_log_.* | g_print | g_printerr | g_warn_message | syslog
    | (__)?v?f?printf(_chk)? | puts | fputs | fwrite | putchar
    | (f|fd|p)?open(64|at|at64)? | (__)?(p?read|write)(_chk)? | g_file_.* | g_spawn_.*
    | (secure_)?getenv | setenv | g_getenv | g_setenv
    | s?rand(om)?(_r)? | getrandom | getentropy | arc4random.* | g_random_.* | g_rand_new | g_uuid_string_random
    )$""",
    re.VERBOSE,
)


def impurities(library):
    listing = subprocess.run(["nm", "-u", library], capture_output=True, text=True, check=True)
    member = library
    for line in listing.stdout.splitlines():
        if line.endswith(":"):
            member = line[:-1]
            continue
        words = line.split()
        if words:
            symbol = words[-1].split("@")[0]
            if FORBIDDEN.match(symbol):
                yield member, symbol


def main(libraries):
    if not libraries:
        print(__doc__, file=sys.stderr)
        return 2
    found = [item for library in libraries for item in impurities(library)]
    for member, symbol in found:
        print(f"{member}: {symbol}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
