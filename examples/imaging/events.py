"""What happens to a pipeline, what becomes out of date by it, and what is made again then."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import provgraph
from examples.imaging import pipeline
from examples.imaging.night import BEGIN, FIELDS, SCREEN, Night

NIGHT = pipeline.night_of(BEGIN)
CODE = Path(pipeline.__file__)
ORDER = (
    "MasterDark", "MasterFlat", "ReducedFrame", "ResampledFrame", "Coadd", "FieldSources", "PulledCatalog", "MagnitudeHistogram",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What became of one event. out_of_date : reasons by what is out of date. made : what was made, with its version."""

    event: str
    out_of_date: dict[str, tuple[str, ...]]
    made: tuple[str, ...]

    def causes(self) -> dict[str, list[str]]:
        """What is out of date of itself, by reason; the rest is by what it is made from."""
        found: dict[str, list[str]] = {}
        for name, reasons in self.out_of_date.items():
            for reason in reasons:
                if "is out of date" not in reason:
                    found.setdefault(reason, []).append(name)
        return found

    def __str__(self) -> str:
        lines = [self.event, f"  out of date  {summary(self.out_of_date)}"]
        lines += [f"  because      {reason} ({summary(names)})" for reason, names in self.causes().items()]
        return "\n".join([*lines, f"  made         {summary(self.made)}"])


class Example:
    """A survey with raw frames of one simulated night, of two fields, and what is made of them.

    open_survey : opens the survey, again with each call; where nothing is said, one in `directory`.
    """

    def __init__(self, directory: Path, *, exposures: int = 3, stars: int = 80,
                 open_survey: Callable[[], Any] | None = None) -> None:  # fmt: skip
        self.directory = directory
        self.exposures = exposures
        self.open_survey = open_survey or (lambda: provgraph.open(directory / "survey"))
        self.night = Night(directory / "raw", stars=stars)
        self.survey = self.open_survey()
        pipeline.define(self.survey)

    def begin(self) -> Any:
        """Raw frames only, then one call for each field; the histograms."""
        sky = [self.night.science(field, n) for field in FIELDS for n in range(self.exposures)]
        for path in [*self.night.calibration(self.exposures, self.exposures), *sky]:
            self.arrives(path)
        return [self.survey.target(pipeline.MagnitudeHistogram, field=f, date=NIGHT).make() for f in FIELDS]

    def arrives(self, path: Path) -> Any:
        return self.survey.store(pipeline.raw_frame(path))

    # -- the events --------------------------------------------------------------------------------------------------------

    def new_raw_frame(self) -> None:
        """One more exposure of F12 arrives."""
        self.arrives(self.night.science("F12", self.exposures))

    def better_flat(self) -> None:
        """A flat of more and brighter exposures, taken the next evening, is made for this night."""
        raws = [self.arrives(self.night.flat(lamp=4000.0, later=timedelta(days=1))) for _ in range(5)]
        dark = self.survey.target(pipeline.MasterDark, date=NIGHT, exposure=SCREEN).object()
        self.survey.make(pipeline.MasterFlat(date=NIGHT, filter="g", raws=raws, dark=dark))

    def changed_parameter(self) -> None:
        """Sources have to be 6 instead of 4 standard deviations above the background."""
        self.edited("threshold = persistent(float, default=4.0", "threshold = persistent(float, default=6.0")

    def changed_line(self) -> None:
        """The sky of a reduced frame is its mean instead of its median."""
        self.edited("self.sky = float(np.nanmedian(frame.data))", "self.sky = float(np.nanmean(frame.data))")

    def same_result(self) -> None:
        """The code of dark frames changes, and what it makes does not."""
        self.edited("self.level = float(np.median(dark.data))", "self.level = float(np.quantile(dark.data, 0.5))")

    def edited(self, old: str, new: str) -> None:
        """The pipeline with a line changed, as somebody would edit its file and start Python again."""
        self.survey.close()
        source = Path(pipeline.__file__).read_text(encoding="utf-8")
        if source.count(old) != 1:
            raise ValueError(f"not once in the pipeline: {old}")
        path = Path(tempfile.mkdtemp(dir=self.directory)) / "pipeline.py"
        path.write_text(source.replace(old, new), encoding="utf-8")
        load(path)
        self.survey = self.open_survey()

    # -- what becomes of them ----------------------------------------------------------------------------------------------

    def targets(self) -> dict[str, Any]:
        """The newest version of each target and of each pulled catalog, by what it is called, as the pipeline goes."""
        newest = {called(one): one for one in sorted(self.survey.find(cls="ProcessTarget"), key=lambda t: t.version)}
        histograms = [one for one in newest.values() if isinstance(one, pipeline.MagnitudeHistogram)]
        newest |= {f"PulledCatalog {one.field}": one.catalog for one in histograms}
        return {name: newest[name] for name in sorted(newest, key=place)}

    def out_of_date(self) -> dict[str, tuple[str, ...]]:
        targets = self.targets()
        found = zip(targets, self.survey.statuses(list(targets.values())), strict=True)
        return {name: status.reasons for name, status in found if status.status == "OUT_OF_DATE"}

    def make(self) -> tuple[str, ...]:
        """Bring the histograms up to date; what was made for it, as the pipeline goes."""
        before = {one.object_id for one in self.survey.find(cls="ProcessTarget")}
        newest = [one for one in self.targets().values() if isinstance(one, pipeline.MagnitudeHistogram)]
        self.survey.make(*newest)
        made = [one for one in self.survey.find(cls="ProcessTarget") if one.object_id not in before]
        return tuple(sorted((f"{called(one)}@{one.version}" for one in made), key=place))

    def after(self, event: Callable[[], None]) -> Told:
        event()
        return Told((event.__doc__ or "").strip(), self.out_of_date(), self.make())

    def events(self) -> Iterator[Told]:
        """One after the other, each from where everything is up to date."""
        for event in (
            self.new_raw_frame,
            self.better_flat,
            self.changed_parameter,
            self.changed_line,
            self.same_result,
        ):
            yield self.after(event)

    def close(self) -> None:
        self.survey.close()
        load(CODE)


def load(path: Path) -> None:
    """Put the code of a file in place of that of the pipeline."""
    pipeline.__file__ = str(path)
    SourceFileLoader(pipeline.__name__, str(path)).exec_module(pipeline)


@contextmanager
def example(directory: Path | None = None, **how: Any) -> Iterator[Example]:
    """An example in a directory, or in one that is gone afterwards; the pipeline is as it was then."""
    folder = directory or Path(tempfile.mkdtemp())
    made = Example(folder, **how)
    try:
        yield made
    finally:
        made.close()
        if directory is None:
            shutil.rmtree(folder)


def called(one: Any) -> str:
    """What the tables call an object: its class and what it is of."""
    of = getattr(one, "reduced", one)
    raw = getattr(of, "raw", None)
    if raw is not None:
        what = f"{raw.field} {raw.filename.rpartition('_')[2].removesuffix('.fits')}"
    elif isinstance(one, pipeline.MasterDark):
        what = f"{one.exposure:g} s"
    elif isinstance(one, pipeline.MasterFlat):
        what = f"{one.filter} of {len(one.raws)}"
    else:
        what = str(one.field)
    return f"{type(one).__name__} {what}"


def place(name: str) -> tuple[int, str]:
    """Where something stands in the pipeline, by its name."""
    return ORDER.index(name.partition(" ")[0]), name


def summary(names: Iterable[str]) -> str:
    """Classes of the things of these names, with how many there are of each, and the field where they are all of one."""
    of: dict[str, list[str]] = {}
    for name in names:
        cls, what = name.partition("@")[0].split(" ", 1)
        of.setdefault(cls, []).append(what)
    shown = []
    for cls, whats in of.items():
        fields = {what.split()[0] for what in whats} & set(FIELDS)
        of_what = f" {whats[0]}" if len(whats) == 1 else f" {fields.pop()}" if len(fields) == 1 else ""
        shown.append(f"{len(whats)} {cls}{of_what}" if len(whats) > 1 else f"{cls}{of_what}")
    return ", ".join(shown) or "nothing"
