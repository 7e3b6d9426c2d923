"""The tour: its stops, one run that holds all their conversations, and each of them told.

Owns the order and the words. What is run and judged is what a run does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from harness.errors import UsageError
from harness.model.trace import Step, Trace
from harness.pipeline import ROOT
from harness.report import ladder
from harness.report.journal import Entry
from harness.spec import yamlpos
from harness.suggest import did_you_mean

TOUR = ROOT / "demo" / "tour.yaml"
LANGUAGES = ("en", "es")
Language = Literal["en", "es"]
SEVEN = (
    (("create", "crear"), ("created",)),
    (("bind", "enlazar"), ("bound",)),
    (("listen", "escuchar"), ("listening",)),
    (("connect", "conectar"), ("connected",)),
    (("accept", "aceptar"), ("accepted",)),
    (("send and receive", "enviar y recibir"), ("sent", "received")),
    (("close", "cerrar"), ("closed",)),
)
"""The seven steps of a conversation through sockets, and the reported steps that show each."""
_HEADING = {"en": "The seven steps", "es": "Los siete pasos"}
_BOTH = {"en": {"client": "client", "server": "server"}, "es": {"client": "cliente", "server": "servidor"}}
_MISSING = {"en": "This conversation could not be held here", "es": "Aquí no se ha podido mantener esta conversación"}
_FAILED = {"en": "It was not as the standard says.", "es": "No ha ido como dice el estándar."}


class Text(BaseModel):
    """The same in each language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    es: str

    def words(self, language: Language) -> str:
        """In one of them."""
        return self.es if language == "es" else self.en


class Stop(BaseModel):
    """One mechanism."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    case: str
    seven: bool = False
    title: Text
    says: Text

    @property
    def peers(self) -> tuple[str, str]:
        """Client and server."""
        parts = dict(part.split("=", 1) for part in self.case.split("/") if part.startswith(("client=", "server=")))
        return parts["client"], parts["server"]


def stops(names: Sequence[str] = ()) -> list[Stop]:
    """Those of these names, or all. Raises ``UsageError``."""
    known = {stop.name: stop for stop in (Stop.model_validate(raw) for raw in yamlpos.read(TOUR).value["stops"])}
    for name in names:
        if name not in known:
            raise UsageError(f"demo {name}: there is no such stop{did_you_mean(name, known)}")
    return [known[name] for name in (names or known)]


def tell(console: Console, chosen: Sequence[Stop], entries: dict[str, Entry], language: Language, pause: Callable[[], None]) -> bool:
    """Each stop with its conversation; whether all of them went as they must."""
    well = True
    for number, stop in enumerate(chosen):
        if number:
            pause()
        well = _stop(console, stop, entries.get(stop.case), language, number + 1, len(chosen)) and well
    return well


def _stop(console: Console, stop: Stop, entry: Entry | None, language: Language, number: int, count: int) -> bool:
    client, server = stop.peers
    console.print()
    console.print(Panel(f"[bold]{escape(stop.title.words(language))}[/]", subtitle=f"{number}/{count}  {client} → {server}", expand=True))
    if entry is None or entry.trace is None or entry.result.verdict in ("unsupported", "error"):
        why = entry.result.reason if entry else ""
        console.print(f"[yellow]{_MISSING[language]}[/]" + (f": {escape(why)}" if why else "."), highlight=False)
    else:
        ladder.show(console, entry)
        if stop.seven:
            _seven(console, entry.trace, language)
    console.print()
    console.print(escape(stop.says.words(language)), highlight=False)
    if entry is not None and entry.result.verdict == "fail":
        console.print(f"[red]{_FAILED[language]}[/]")
        return False
    return True


def _seven(console: Console, trace: Trace, language: Language) -> None:
    console.print()
    console.print(f"[bold]{_HEADING[language]}[/]")
    for number, (names, steps) in enumerate(SEVEN, 1):
        found = [f"{_BOTH[language][role]}: {', '.join(told)}" for role, told in _told(trace, steps)]
        console.print(f"  {number} {names[LANGUAGES.index(language)]:<18} {'; '.join(found)}", highlight=False)


def _told(trace: Trace, names: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Of each side that reports such steps, their numbers as the ladder has them."""
    for role, side in (("client", trace.client), ("server", trace.server)):
        steps: Sequence[Step] = [*side.steps, *(s for c in side.connections for s in c.steps)]
        told = [f"{number} {step.step}" for number, step in enumerate(steps, 1) if step.step in names]
        if told:
            yield role, told
