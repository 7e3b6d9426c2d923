"""The Python peer with one named defect, or, without ``--defect``, as it is.

Owns the command line. The peer is the code of ``peers/python``; each defect replaces one class of it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "peers" / "python")]  # before this folder: both have a peer.py

import defects  # noqa: E402
import peer  # noqa: E402 - only now it can be found


def main() -> None:
    """Lists the defects, or lives as a peer until standard input ends."""
    parser = argparse.ArgumentParser(description="The Python peer with one defect.")
    parser.add_argument("--defect", metavar="NAME", help="the one thing that it does wrong")
    parser.add_argument("--list", action="store_true", help="print each defect's name and what it breaks, and end")
    asked = parser.parse_args()
    defects.load("" if asked.list else asked.defect or "none")
    if asked.defect and asked.defect not in defects.DEFECTS:
        parser.error(f"there is no defect {asked.defect!r}; --list names them")
    if asked.list:
        print("\n".join(f"{name}\t{defects.says(name)}" for name in sorted(defects.DEFECTS)))
        return
    if asked.defect:
        defects.install(asked.defect)
    asyncio.run(peer.main())


if __name__ == "__main__":
    main()
