#!/usr/bin/python3
"""What `meson test` wrote of its tests, for tools/test.

usage: meson_results.py sums JUNIT_XML             "passed failed skipped", one test program's rows each
       meson_results.py failures TESTLOG_JSON NAME  what each failed program said of it, with its name
"""
import json
import re
import sys
import xml.etree.ElementTree as tree

LINES = 30
MOST = 3  # of one program
GOOD = ("OK", "SKIP", "EXPECTEDFAIL")


def sums(path):
    # meson copies what tests print as it is, and XML has no place for control characters.
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", file.read())
    passed = failed = skipped = 0
    for case in tree.fromstring(text.encode()).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    print(passed, failed, skipped)


def failures(path, name):
    with open(path, encoding="utf-8", errors="replace") as file:
        tests = [json.loads(line) for line in file if line.strip()]
    for test in tests:
        if test["result"] in GOOD:
            continue
        printed = (test.get("stdout") or "").splitlines() + (test.get("stderr") or "").splitlines()
        print("--- %s: %s: %s after %.0f s" % (name, test["name"].split(" / ")[-1], test["result"], test["duration"]))
        # What a test says of its failure comes before, and others may come after.
        ends = [i + 1 for i, line in enumerate(printed) if line.startswith(("not ok", "Bail out!"))][:MOST]
        for end in ends or [len(printed)]:
            print("\n".join(printed[max(0, end - LINES) : end]))



if __name__ == "__main__":
    if sys.argv[1] == "sums":
        sums(sys.argv[2])
    else:
        failures(*sys.argv[2:4])
