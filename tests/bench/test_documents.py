import subprocess
import sys

from tests.support.processes import CHECKOUT


def test_first_sight_and_memory_are_printed_ten_times() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench.documents", "--documents", "10"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [str(number) for number in range(1, 11)]
    assert all("ms" in line and line.endswith("MiB") for line in lines)
