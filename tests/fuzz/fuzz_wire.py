"""Coverage-guided fuzzing of the wire decoder: ``python -m tests.fuzz.fuzz_wire [-runs=N] [-max_total_time=SECONDS] FOLDER``.

The options are libFuzzer's. Without them it makes 50,000 runs in at most 30 seconds, from the seeds of ``seeds.py``. What it finds on
its way goes into FOLDER; octets that break a promise go into a file ``FOLDER/crash-...``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["harness.wire"]):
    from tests.fuzz import properties, seeds

BOUNDS = {"-runs": "50000", "-max_total_time": "30", "-max_len": "1024", "-timeout": "10", "-seed": "1"}


def main(arguments: list[str]) -> None:
    given = {argument.partition("=")[0] for argument in arguments}
    options = [f"{name}={value}" for name, value in BOUNDS.items() if name not in given]
    folder = Path(arguments[-1])
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    _sow(folder / "corpus")
    prefix = f"-artifact_prefix={folder}/"
    atheris.Setup([sys.argv[0], *options, *arguments[:-1], prefix, str(folder / "corpus")], properties.check_octets)
    atheris.Fuzz()


def _sow(folder: Path) -> None:
    frames = seeds.seed_frames()
    for number, frame in enumerate(frames):
        (folder / f"frame-{number}").write_bytes(b"\0" + frame)
    (folder / "capture").write_bytes(b"\x80" + seeds.seed_capture())
    (folder / "fragments").write_bytes(b"\xff" + b"\xfe\xff\xfe".join(frames[6:9]))
    (folder / "stream").write_bytes(b"\x50" + b"\x01\x10\0\0" + b"\0\x11\0\x03abc" + b"\x02\x18\0\x02xy" + b"\0\x14\0\x04defg")


if __name__ == "__main__":
    main(sys.argv[1:])
