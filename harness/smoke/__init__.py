"""``parley smoke``: one peer held against each rule of the contract, each miss explained.

Owns the order of the probes and what is told of them. The probes themselves stand beside, by what they speak.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from harness.errors import ContractError, ParleyError
from harness.peer import manifest
from harness.peer.build import Builder, Built
from harness.peer.tools import Toolbox
from harness.pipeline import STATE
from harness.smoke import control, datagrams, http, streams
from harness.smoke.patient import Broken, Patient, Probe, Trial

PROBE_SECONDS = 20.0
Tell = Callable[[Probe], None]


async def smoke_peer(folder: Path, tell: Tell, say: Callable[[str], None] = print) -> list[Probe]:
    """Builds and probes the peer in ``folder``; returns and tells every probe. Raises what building raises."""
    built = await asyncio.to_thread(Builder(STATE / "build", Toolbox(STATE / "tools", say), say).build, manifest.load(folder))
    return await probe_all(built, tell)


async def probe_all(built: Built, tell: Tell, only: str = "") -> list[Probe]:
    """Probes a peer that is built already; after the handshake only the rules with ``only`` in their words."""
    ward = _Ward(built, tell)
    for trial in control.FIRST:
        await ward.one(trial)
    if ward.greeted:
        for trial in (*control.TRIALS, *streams.TRIALS, *datagrams.TRIALS, *http.TRIALS, *control.LAST):
            if only in trial.rule:
                await ward.one(trial)
    await ward.close()
    return ward.probes


class _Ward:
    """The peer from probe to probe: the same process as long as it lives, a new one after it broke."""

    def __init__(self, built: Built, tell: Tell) -> None:
        self._built = built
        self._tell = tell
        self._patient: Patient | None = None
        self._can: frozenset[str] = frozenset()
        self.greeted = False
        self.probes: list[Probe] = []

    async def one(self, trial: Trial) -> None:
        """One probe, bounded in time, whatever the peer does."""
        if trial.needs and trial.needs not in self._can:
            self._add(Probe(trial.rule, "skipped", f"it does not declare '{trial.needs}'"))
            return
        patient = Patient(self._built) if trial.alone else await self._living()
        try:
            if trial.alone:
                await patient.start(greet=trial.greet)
            await asyncio.wait_for(trial.work(patient), PROBE_SECONDS)
        except TimeoutError:
            self._broken(trial, patient, f"this was not over after {PROBE_SECONDS:.0f} s")
        except (Broken, ParleyError, OSError) as problem:
            self._broken(trial, patient, str(problem))
        else:
            self._learn(patient)
            problems = patient.take_problems()
            self._add(Probe(trial.rule, "broken" if problems else "held", problems[0] if problems else ""))
        if trial.alone or (not patient.alive and self._patient is patient):
            await patient.close()
            self._patient = None if self._patient is patient else self._patient

    async def _living(self) -> Patient:
        if self._patient is None or not self._patient.alive:
            self._patient = Patient(self._built)
            try:
                await self._patient.start()
            except (Broken, ContractError):
                await self._patient.close()
        return self._patient

    def _learn(self, patient: Patient) -> None:
        if patient.hello is not None:
            self.greeted = True
            self._can = frozenset(patient.hello.get("can", ())) | self._can

    def _broken(self, trial: Trial, patient: Patient, says: str) -> None:
        ended = f" It ended meanwhile ({patient.status})." if patient.status else ""
        self._add(Probe(trial.rule, "broken", says + ended))

    def _add(self, probe: Probe) -> None:
        self.probes.append(probe)
        self._tell(probe)

    async def close(self) -> None:
        """Ends the peer."""
        if self._patient is not None:
            await self._patient.close()


__all__ = ["Probe", "probe_all", "smoke_peer"]
