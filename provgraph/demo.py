"""The demonstration: a simulated survey, three pulls, their lineage, and the same work done by hand for comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from provgraph import simulate
from provgraph.errors import NameTaken

if TYPE_CHECKING:
    from rich.console import Console

    from provgraph.resolver.pull import Pull
    from provgraph.survey import Survey

WIDTH = 100
DIRECTORY = "demo-survey"
LINEAGE = "lineage"


@dataclass(frozen=True)
class Asked:
    """One pull of the demonstration: what it shows, what is asked, and how an array program would do it."""

    title: str
    shows: str
    start: str
    attributes: tuple[str, ...]
    where: str
    name: str
    by_hand: Callable[[Path], dict[str, Any]]

    @property
    def call(self) -> str:
        return f"survey.pull({self.start!r}, {list(self.attributes)},\n            where={self.where!r}, name={self.name!r})"


@dataclass
class Told:
    """What came of one pull."""

    asked: Asked
    pull: Pull
    seconds: dict[str, float] = field(default_factory=dict)  # explain, process, by hand


def run(directory: str | Path = DIRECTORY, *, serve: bool = True, host: str = "127.0.0.1", port: int = 8765,
        galaxies: int = simulate.GALAXIES, console: Console | None = None) -> None:  # fmt: skip
    """Make the demonstration survey in `directory` (or find it there), pull from it, show what happened; then serve it.

    serve : False ends after the pulls. host, port : where the pages are shown. galaxies : number simulated.
    """
    import provgraph

    directory = Path(directory)
    out = console or _console()
    began = perf_counter()
    _heading(out, "A survey")
    with _working(out, "Simulating galaxies"):
        simulate.write(directory / "catalogs", galaxies=galaxies)
    with provgraph.open(directory) as survey:
        known = bool(survey.collections(limit=1))
        try:
            fill(survey, directory / "catalogs", out)
        except NameTaken:
            raise NameTaken(
                f"{directory} holds a survey that is not of this version of the demonstration; remove it, or name another "
                "directory with --survey.", code="demo_survey_other",
            ) from None  # fmt: skip
        told = [
            _pull(survey, number, asked, directory / "catalogs", out) for number, asked in enumerate(PULLS, start=1)
        ]
        _timings(out, told)
        _lineage(survey, told[-1].pull, directory, out)
    _closing(out, directory, known, perf_counter() - began)
    if serve:
        from provgraph.api import server

        out.print("\nThe survey as pages and as GraphQL, until Ctrl-C:")
        server.serve(directory, host=host, port=port)  # prints the address


# -- the survey ----------------------------------------------------------------------------------------------------------


def fill(survey: Survey, catalogs: Path, out: Console) -> None:
    """Ingest the three catalogs and define the calculators; what is there already is found again."""
    from rich.table import Table

    from provgraph.schema.operators import ConcatenateAttributes

    shown = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for column, side in (
        ("catalog", "left"),
        ("file", "left"),
        ("sources", "right"),
        ("attributes", "left"),
        ("ms", "right"),
    ):
        shown.add_column(column, justify=side)  # type: ignore[arg-type]
    for name, declaration in CATALOGS.items():
        began = perf_counter()
        path = catalogs / declaration["file"]
        with _working(out, f"Ingesting {path.name}"):
            ingested = survey.ingest(
                path,
                name=name,
                id="source_id",
                id_space="simulated sky",
                units=declaration["units"],
                ucds=declaration["ucds"],
            )
        seconds = perf_counter() - began
        attributes = ", ".join(n for n in ingested.attributes() if n != "source_id")
        shown.add_row(f"[bold]{name}[/]", path.name, f"{len(ingested):,}", attributes, f"{seconds * 1000:.0f}")
    out.print(shown)
    spectra = survey["spectroscopy"].select("redshift", "redshift_error")
    shapes = survey["shapes"].select("radius", "ellipticity", "position_angle")
    galaxies = survey.store(ConcatenateAttributes(parents=[survey["photometry"], spectra]), name="galaxies")
    survey.store(ConcatenateAttributes(parents=[galaxies, shapes]), name="resolved galaxies")
    out.print(
        "\nAll three name the same sources alike, so they share an id space. Two collections are made by hand, and nothing "
        "is copied or computed for them: [bold]galaxies[/] is photometry with spectroscopy, [bold]resolved galaxies[/] is "
        "these with shapes. Two attributes can be calculated wherever what they require is there:\n"
    )
    defined = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for definition in CALCULATORS:
        made = survey.define_calculator(**definition)
        defined.add_row(f"[bold]{made.name}[/]", f"[dim]{made.units[0]}[/]", _plain(made.expression, WIDTH))
    out.print(_indented(defined))


UNITLESS_ID = {"source_id": ""}
UCD_ID = {"source_id": "meta.id;meta.main"}
CATALOGS: dict[str, dict[str, Any]] = {
    "photometry": {
        "file": simulate.PHOTOMETRY, "units": UNITLESS_ID,
        "ucds": UCD_ID | {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}
        | {f"mag_{band}": f"phot.mag;em.opt.{band.upper()}" for band in "uri"}
        | {"mag_g": "phot.mag;em.opt.V", "mag_z": "phot.mag;em.opt.I"},
    },
    "spectroscopy": {  # a CSV file cannot say units
        "file": simulate.SPECTROSCOPY, "units": UNITLESS_ID | {"redshift": "", "redshift_error": ""},
        "ucds": UCD_ID | {"redshift": "src.redshift", "redshift_error": "stat.error;src.redshift"},
    },
    "shapes": {
        "file": simulate.SHAPES, "units": UNITLESS_ID | {"ellipticity": ""},
        "ucds": UCD_ID | {
            "radius": "phys.angSize.smajAxis", "ellipticity": "src.ellipticity", "position_angle": "pos.posAng",
        },
    },
}  # fmt: skip
CALCULATORS: tuple[dict[str, Any], ...] = (
    {
        "name": "absmag_r", "requires": ["mag_r", "redshift"], "expression": "mag_r - distmod(redshift)", "unit": "mag",
        "ucd": "phys.magAbs;em.opt.R", "description": "absolute magnitude in r, without correction for the shift of the band",
    },
    {
        "name": "size_kpc", "requires": ["radius", "redshift"], "unit": "kpc", "ucd": "phys.size.smajAxis",
        "expression": "radius / 206.264806 arcsec * comoving(redshift) / (1 + redshift) * 1 kpc / 1 Mpc",
        "description": "semi-major axis of the ellipse with half of the light",
    },
)  # fmt: skip


# -- the same by hand ----------------------------------------------------------------------------------------------------


def _galaxies_by_hand(catalogs: Path) -> dict[str, Any]:
    """Read everything, join, compute for all: what one writes without thinking of the order of work."""
    from astropy.table import Table

    photometry = Table.read(catalogs / simulate.PHOTOMETRY)
    spectra = Table.read(catalogs / simulate.SPECTROSCOPY, format="ascii.csv")
    table = _joined(photometry, photometry.colnames, spectra, ["redshift", "redshift_error"])
    distance = _comoving(table["redshift"]) * (1 + table["redshift"])
    table["absmag_r"] = table["mag_r"] - (5 * np.log10(distance) + 25)
    return table


def _resolved_by_hand(catalogs: Path) -> dict[str, Any]:
    from astropy.table import Table

    galaxies = _galaxies_by_hand(catalogs)
    table = _joined(galaxies, list(galaxies), Table.read(catalogs / simulate.SHAPES), ["radius"])
    distance = _comoving(table["redshift"]) / (1 + table["redshift"])
    table["size_kpc"] = np.radians(table["radius"] / 3600) * distance * 1000
    return table


def _joined(left: Any, of_left: list[str], right: Any, of_right: list[str]) -> dict[str, Any]:
    """Columns of both for the sources in both; NaN where there is no value."""
    ids, first, second = np.intersect1d(
        np.asarray(left["source_id"]), np.asarray(right["source_id"]), assume_unique=True, return_indices=True
    )
    table = {name: _filled(left[name])[first] for name in of_left if name != "source_id"}
    return {"source_id": ids} | table | {name: _filled(right[name])[second] for name in of_right}


def _filled(column: Any) -> Any:
    return np.asarray(column.filled(np.nan) if hasattr(column, "filled") else column)


def _comoving(redshift: Any) -> Any:
    """Comoving distance [Mpc] for H0 = 70 km/s/Mpc, Om0 = 0.3: trapezoids on a fine grid."""
    grid = np.linspace(0, np.nanmax(redshift), 50_001)
    slope = 1 / np.sqrt(0.3 * (1 + grid) ** 3 + 0.7)
    steps = (slope[1:] + slope[:-1]) / 2 * np.diff(grid)
    return 299_792.458 / 70 * np.interp(redshift, grid, np.concatenate([[0.0], np.cumsum(steps)]))


def _where(
    make: Callable[[Path], dict[str, Any]], keep: Callable[[dict[str, Any]], Any]
) -> Callable[[Path], dict[str, Any]]:
    def done(catalogs: Path) -> dict[str, Any]:
        table = make(catalogs)
        kept = keep(table)
        return {name: values[kept] for name, values in table.items()}

    return done


PULLS = (
    Asked(
        "Something new",
        "No catalog has an absolute magnitude; a calculator provides it from attributes of two. In the graph it is applied "
        "to all galaxies, so that every later request can use it; in processing only to those that are asked for.",
        "galaxies", ("source_id", "redshift", "mag_r", "absmag_r"), "redshift < 0.1 and mag_r < 18", "nearby",
        _where(_galaxies_by_hand, lambda t: (t["redshift"] < 0.1) & (t["mag_r"] < 18)),
    ),
    Asked(
        "A part of it",
        "A stricter criterion. The absolute magnitudes that are stored serve again: none is calculated.",
        "galaxies", ("source_id", "redshift", "mag_r", "absmag_r"), "redshift < 0.06 and mag_r < 17", "very nearby",
        _where(_galaxies_by_hand, lambda t: (t["redshift"] < 0.06) & (t["mag_r"] < 17)),
    ),
    Asked(
        "A derived attribute on another catalog",
        "The criterion itself needs the absolute magnitude, for sources of a third catalog: the calculation of the first "
        "pull represents it for these too, and what is stored of it is used. The size in kpc is new, and calculated for "
        "what the criterion leaves over.",
        "resolved galaxies", ("source_id", "redshift", "absmag_r", "size_kpc"), "redshift < 0.15 and absmag_r < -22", "giants",
        _where(_resolved_by_hand, lambda t: (t["redshift"] < 0.15) & (t["absmag_r"] < -22)),
    ),
)  # fmt: skip


# -- pulls ---------------------------------------------------------------------------------------------------------------


def _pull(survey: Survey, number: int, asked: Asked, catalogs: Path, out: Console) -> Told:
    from rich.padding import Padding
    from rich.syntax import Syntax

    _heading(out, f"Pull {number}: {asked.title}")
    out.print(asked.shows + "\n", highlight=False)
    if out.is_terminal:
        out.print(Padding(Syntax(asked.call, "python", background_color="default"), (0, 0, 1, 2)))
    else:
        out.print("\n".join("  " + line for line in asked.call.splitlines()) + "\n", highlight=False)
    began = perf_counter()
    pull = survey.pull(asked.start, asked.attributes, where=asked.where, name=asked.name)
    explanation = pull.explain()
    told = Told(asked, pull, {"explain": perf_counter() - began})
    _show_explanation(out, explanation, plans=number == 1)
    began = perf_counter()
    table = pull.data()
    told.seconds["process"] = perf_counter() - began
    _show_head(out, pull)
    _compare(out, told, table, catalogs)
    return told


def _show_explanation(out: Console, explanation: Any, *, plans: bool) -> None:
    """The decisions and, where wanted, both plans; each line cut to the width: `pull.explain()` prints all of it."""
    marks = {"found": "[green]found[/]  ", "created": "[yellow]created[/]"}
    for choice in explanation.choices:
        if choice.outcome in marks:
            out.print(f"  {marks[choice.outcome]}  {_plain(choice.what, WIDTH - 11)}", highlight=False)
            out.print(f"  {'':9}[dim]{_plain(choice.reason, WIDTH - 11)}[/]", highlight=False)
    rewrites = len(explanation.rewrites)
    if not plans:
        steps = f"{len(explanation.before)} steps as stored, {len(explanation.after)} as processed after {rewrites} rewrites"
        out.print(f"\n  [dim]{steps}; print(pull.explain()) shows them[/]\n", highlight=False)
        return
    out.print("\n  [dim]as stored, most general[/]")
    for line in explanation.plan_before():
        out.print(f"    {_plain(line, WIDTH - 4)}", highlight=False)
    out.print(f"\n  [dim]as processed, after {rewrites} rewrites[/]", highlight=False)
    for line in explanation.plan_after():
        notation, _, count = line.rpartition("  ")
        room = WIDTH - 4 - 2 - len(count)
        out.print(f"    {_plain(notation.rstrip(), room, pad=True)}  [cyan]{count}[/]", highlight=False)
    out.print()


def _show_head(out: Console, pull: Pull, n: int = 3) -> None:
    from rich.table import Table

    head = pull.table()[:n]
    shown = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for name in head.colnames:
        unit = head[name].unit
        shown.add_column(f"{name}\n[dim]{unit or ''}[/]", justify="right")
    for row in head:
        shown.add_row(*(f"{v:.4f}" if isinstance(v, np.floating) else str(v) for v in row))
    out.print(_indented(shown))
    out.print(f"  [dim]{len(pull):,} sources[/]\n", highlight=False)


def _compare(out: Console, told: Told, table: Any, catalogs: Path) -> None:
    """Do the same with numpy and astropy, and hold the values against each other."""
    began = perf_counter()
    by_hand = told.asked.by_hand(catalogs)
    told.seconds["by hand"] = perf_counter() - began
    same = len(by_hand["source_id"]) == len(table) and bool((np.sort(by_hand["source_id"]) == table.ids).all())
    order = np.argsort(by_hand["source_id"])
    calculated = [n for n in ("absmag_r", "size_kpc") if n in told.asked.attributes]
    off = max(
        (float(np.max(np.abs(table[n].values / by_hand[n][order] - 1), initial=0)) for n in calculated), default=0.0
    ) if same else float("nan")  # fmt: skip
    verdict = (
        f"the same sources, values within {off:.0e} of each other"
        if same and off < 1e-5
        else "[red]a different result[/]"
    )
    out.print(f"  By hand with numpy and astropy: {verdict}.", highlight=False)


def _timings(out: Console, told: list[Told]) -> None:
    from rich.table import Table

    _heading(out, "Timings")
    shown = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for column in (
        "pull",
        "sources",
        "filtered",
        "calculated",
        "explain\n[dim]ms[/]",
        "process, store\n[dim]ms[/]",
        "by hand\n[dim]ms[/]",
    ):
        shown.add_column(column, justify="left" if column == "pull" else "right")
    for one in told:
        measured = one.pull.measured
        assert measured is not None
        calculated = " + ".join(f"{n:,}" for n in measured.calculated.values()) or "0"
        shown.add_row(
            f"[bold]{one.asked.name}[/]", f"{len(one.pull):,}", f"{measured.filtered:,}", calculated,
            *(f"{one.seconds[part] * 1000:.0f}" for part in ("explain", "process", "by hand")),
        )  # fmt: skip
    out.print(shown)
    out.print(
        "\n[dim]filtered, calculated: sources on which a criterion or a calculator was evaluated.\n"
        "by hand: read the files, join, compute for all, filter, each time; provgraph read them at ingest.[/]", highlight=False,
    )  # fmt: skip


# -- lineage and pages -----------------------------------------------------------------------------------------------------


def _lineage(survey: Survey, pull: Pull, directory: Path, out: Console) -> None:
    _heading(out, "Lineage")
    lineage = survey.lineage(pull.result)
    for suffix, what in (
        (".svg", "the last pull as a picture"),
        (".prov.json", "as W3C PROV-JSON"),
    ):
        path = directory / f"{LINEAGE}{suffix}"
        lineage.write(path)
        out.print(f"  {what}: [bold]{path}[/]", highlight=False)


def _closing(out: Console, directory: Path, known: bool, seconds: float) -> None:
    again = (
        f"The survey was there from an earlier run, so nothing was new; remove {directory} to start from nothing."
        if known else "Run it again: the catalogs and all three pulls are found, and nothing is processed."
    )  # fmt: skip
    out.print(f"\n{again}\n[dim]{seconds:.1f} s[/]", highlight=False)


# -- the terminal ----------------------------------------------------------------------------------------------------------


def _console() -> Console:
    from rich.console import Console

    return Console(width=WIDTH, soft_wrap=False)


def _heading(out: Console, text: str) -> None:
    out.print()
    out.rule(f"[bold]{text}[/]", align="left", style="dim")
    out.print()


@contextmanager
def _working(out: Console, text: str) -> Iterator[None]:
    """A spinner where there is a terminal; nothing elsewhere."""
    if out.is_terminal:
        with out.status(text):
            yield
    else:
        yield


def _plain(text: str, width: int, *, pad: bool = False) -> str:
    """Text cut to `width`, with what the console would take for markup shown as it is."""
    from rich.markup import escape

    cut = text if len(text) <= width else text[: width - 1] + "…"
    return escape(cut.ljust(width) if pad else cut)


def _indented(content: Any) -> Any:
    from rich.padding import Padding

    return Padding(content, (0, 0, 0, 2))
