"""Simulates a night, makes its histograms, and shows what each event makes out of date: python -m examples.imaging [DIRECTORY]"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from examples.imaging.events import example


def main() -> None:
    warnings.simplefilter("ignore")  # of what FITS headers say
    with example(Path(sys.argv[1]) if len(sys.argv) > 1 else None) as night:
        for histogram in night.begin():
            print(f"{histogram.field}: {sum(histogram.counts)} sources, by magnitude {list(histogram.counts)}")
        for told in night.events():
            print(f"\n{told}")


if __name__ == "__main__":
    main()
