"""The score of te.array_api in the suite of the Array API standard, github.com/data-apis/array-api-tests.

    make conformance SUITE=/path/to/array-api-tests

runs `python -m benchmarks.conformance SUITE`, which writes the block of docs/measured.md. The suite is on no
registry: clone it elsewhere, with its submodule. Each test draws the same examples every time. What is known
to fail is in tests/array_api/xfails.txt, with its reason; the exit code is 1 if anything else fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.report import ROOT, machine, rewrite, table

XFAILS = ROOT / "tests" / "array_api" / "xfails.txt"
EXAMPLES = "30"  # of each test


def run(suite: Path, report: Path) -> None:
    """Run the suite on te.array_api; its results go into the JUnit file `report`."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "array_api_tests", "--tb=short", "-p",
               "no:cacheprovider", "--max-examples", EXAMPLES, "--disable-deadline", "--derandomize",
               f"--xfails-file={XFAILS}", f"--junitxml={report}"]  # fmt: skip
    names = {"ARRAY_API_TESTS_MODULE": "tinygrad_edu.array_api", "OMP_NUM_THREADS": "1"}
    names["ARRAY_API_TESTS_XFAIL_MARK"] = "skip"  # shortening their examples takes longer than all else
    subprocess.run(command, cwd=suite, env=os.environ | names, check=False)


def outcomes(report: Path) -> dict[str, Counter[str]]:
    """How many tests of each file passed, are known to fail, were skipped, or failed."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        file = case.get("classname", "").split(".")[1]
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            found[file]["failed"] += 1
        elif skipped is not None:
            found[file]["known" if "--xfails-file" in skipped.get("message", "") else "skipped"] += 1
        else:
            found[file]["passed"] += 1
    return found


def scores(found: dict[str, Counter[str]]) -> str:
    """The table: a row a file of the suite, and the sum."""
    total = sum(found.values(), Counter())
    rows = [
        [name, *(str(count[kind]) for kind in ("passed", "known", "skipped"))]
        for name, count in [
            *((file.removeprefix("test_").replace("_", " "), found[file]) for file in sorted(found)),
            ("**all**", total),
        ]
    ]
    return table(["tests of", "passed", "known to fail", "skipped"], rows)


def main() -> int:
    """Run the suite and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", type=Path, help="a clone of github.com/data-apis/array-api-tests")
    suite = parser.parse_args().suite.resolve()
    if not (suite / "array-api" / "src").is_dir():
        print(f"{suite} is no clone of array-api-tests with its submodule: "
              "git clone --recursive https://github.com/data-apis/array-api-tests")  # fmt: skip
        return 2
    commit = subprocess.run(
        ["git", "-C", suite, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        run(suite, report)
        found = outcomes(report)
    failed = sum(count["failed"] for count in found.values())
    if failed:
        print(f"{failed} tests failed that have no row in {XFAILS.relative_to(ROOT)}")
        return 1
    about = f"The suite's commit {commit.stdout.strip()}, {EXAMPLES} examples a test."
    text = f"{scores(found)}\n\n{about} {machine('numpy', 'hypothesis')}"
    rewrite(ROOT / "docs" / "measured.md", "conformance", text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
