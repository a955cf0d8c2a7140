"""What the resolvers of one request share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import anyio
from strawberry.dataloader import DataLoader

from provgraph.api import loaders
from provgraph.jobs.runner import Runner
from provgraph.resolver.status import Status
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.survey import Survey

T = TypeVar("T")
THREADS = 8


class Service:
    """The survey that is served, its jobs, and the threads in which blocking work is done."""

    def __init__(self, survey: Survey, runner: Runner) -> None:
        self.survey = survey
        self.runner = runner
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, work: Callable[..., T], *args: Any, **named: Any) -> T:
        """Call something that blocks, off the event loop. A request that times out stops waiting for it."""
        if self._limiter is None:  # belongs to the event loop that runs
            self._limiter = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(
            partial(work, *args, **named), limiter=self._limiter, abandon_on_cancel=True
        )


class Context:
    """One request: loaders that answer for all objects of a page at once."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.survey = service.survey
        self.runner = service.runner
        self.run = service.run
        self.parents: DataLoader[DBObject, list[DBObject]] = self._loader(loaders.parents)
        self.notes: DataLoader[DBObject, list[dict[str, Any]]] = self._loader(loaders.notes)
        self.versions: DataLoader[DBObject, list[DBObject]] = self._loader(loaders.versions)
        self.status: DataLoader[SourceCollection, Status] = self._loader(loaders.statuses)
        self.rows: DataLoader[SourceCollection, int | None] = self._loader(loaders.known_rows)
        self.notation: DataLoader[SourceCollection, str] = self._loader(Survey.notations)
        self.names: DataLoader[DBObject, str] = self._loader(
            loaders.names, cache=False
        )  # a mutation may give another one

    def _loader(self, read: Callable[[Survey, Any], list[Any]], *, cache: bool = True) -> DataLoader[Any, Any]:
        async def load(keys: Sequence[Any]) -> list[Any]:
            return await self.run(read, self.survey, keys)

        return DataLoader(load_fn=load, cache=cache, cache_key_fn=lambda one: one.object_id)
