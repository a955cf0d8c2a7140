"""Tracing of calls, the part that runs inside them: which survey is in use, which call is running, and the hooks around a method.

What is told of a call, and where that goes, is the business of the survey's tracer.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol

_home: ContextVar[Any] = ContextVar("provgraph_survey", default=None)
_call: ContextVar[Any] = ContextVar("provgraph_call", default=None)
_off: ContextVar[bool] = ContextVar("provgraph_untraced", default=False)
_told = False


class TraceWarning(UserWarning):
    """A call that nobody records."""


class Secret:
    """Annotation of an argument whose value is never recorded: ``def fetch(self, token: Secret)``."""


@dataclass(frozen=True)
class Function:
    """A traced function, as it was when its class was made.

    is_method : its first argument is the object, or the class, that it is called on.
    names : of its parameters in order; defaults : by name; first : how many are positional; spread, rest : names of ``*args`` and
    ``**kwargs``, '' for none; secrets : parameters that are not recorded.
    """

    class_name: str
    name: str
    call: Callable[..., Any]
    is_method: bool
    names: tuple[str, ...]
    defaults: dict[str, Any]
    first: int
    spread: str
    rest: str
    secrets: frozenset[str]

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """By name, defaults included; what the function would refuse is recorded as it was given."""
        found = dict(zip(self.names[: self.first], args, strict=False))
        if len(args) > self.first:
            found[self.spread or "*"] = args[self.first :]
        rest = {}
        for name, value in kwargs.items():
            if name in self.names:
                found[name] = value
            else:
                rest[name] = value
        for name, value in self.defaults.items():
            found.setdefault(name, value)
        if rest:
            found[self.rest or "**"] = rest
        return found


class Tracer(Protocol):
    """Where calls are told. A call is whatever `begin` returns; nothing here looks into it."""

    def begin(self, function: Function, parent: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...
    def end(self, call: Any, result: Any) -> None: ...
    def fail(self, call: Any, error: BaseException) -> None: ...
    def silent(self, call: Any) -> None:
        """Something inside this call was not traced, because somebody said so."""
        ...


# -- which survey, which call --------------------------------------------------------------------------------------------------


def survey_in_use() -> Any:
    """The survey that calls are recorded in, or None."""
    home = _home.get()
    return None if home is None or home.is_closed else home


def use(survey: Any) -> None:
    """From now on, in this context, where no other survey is in use."""
    if survey_in_use() is None:
        _home.set(survey)


def enter(survey: Any, call: Any = None) -> None:
    """From now on, in this context, whatever was in use. call : the one that all this happens in."""
    _home.set(survey)
    _call.set(call)


@contextmanager
def using(survey: Any) -> Iterator[None]:
    """Inside, calls are recorded in this survey."""
    token = _home.set(survey)
    try:
        yield
    finally:
        _home.reset(token)


def leave(survey: Any) -> None:
    """This survey is no longer in use here."""
    if _home.get() is survey:
        _home.set(None)


def running() -> Any:
    """The traced call that is running in this context, or None."""
    return _call.get()


@contextmanager
def inside(call: Any) -> Iterator[None]:
    """What is called here has `call` as its parent."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


@contextmanager
def untraced() -> Iterator[None]:
    """Calls in here are not recorded; the call around them says that there were some."""
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


# -- the hooks -----------------------------------------------------------------------------------------------------------------

UNTRACED: Final = "__provgraph_untraced__"
TRACED: Final = "__provgraph_traced__"


def not_traced(function: Any) -> Any:
    """Decorator: calls of this method are not recorded."""
    setattr(function, UNTRACED, True)
    return function


def hooked(function: Callable[..., Any], class_name: str, name: str, *, is_method: bool = True) -> Callable[..., Any]:
    """The function with tracing around it, of the same nature: plain, generator, coroutine, asynchronous generator."""
    told = function_of(function, class_name, name, is_method=is_method)
    if inspect.isasyncgenfunction(function):
        wrapper = _asynchronous_generator(function, told)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, told)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, told)
    else:
        wrapper = _plain(function, told)
    setattr(wrapper, TRACED, told)
    return functools.wraps(function)(wrapper)


def function_of(function: Callable[..., Any], class_name: str, name: str, *, is_method: bool = True) -> Function:
    """What is known of a function before it is called."""
    kinds = inspect.Parameter
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C
        parameters = []
    named = [p for p in parameters if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)]
    spread = [p.name for p in parameters if p.kind is kinds.VAR_POSITIONAL]
    rest = [p.name for p in parameters if p.kind is kinds.VAR_KEYWORD]
    return Function(
        class_name, name, function, is_method,
        tuple(p.name for p in named), {p.name: p.default for p in named if p.default is not kinds.empty},
        sum(p.kind is not kinds.KEYWORD_ONLY for p in named), "".join(spread), "".join(rest),
        frozenset(p.name for p in parameters if _is_secret(p.annotation)),
    )  # fmt: skip


def _is_secret(annotation: Any) -> bool:
    return annotation is Secret or (isinstance(annotation, str) and annotation.rpartition(".")[2] == "Secret")


def _begin(told: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tracer, Any] | None:
    home = _home.get()
    if home is None or home.is_closed:
        # An object that was read from a survey brings it along.
        home = getattr(args[0], "_home", None) if args else None
        if home is None or home.is_closed:
            _warn(told)
            return None
    if _off.get():
        if (around := _call.get()) is not None:
            home.tracer.silent(around)
        return None
    return home.tracer, home.tracer.begin(told, _call.get(), args, kwargs)


def _warn(told: Function) -> None:
    global _told
    if _told or told.name == "__init__":  # an object that is not stored in a survey leaves no trace anyway
        return
    _told = True
    warnings.warn(
        f"{told.class_name}.{told.name} was called while no survey is in use, so the call is not recorded; call it inside "
        "'with survey:'. This is said once.", TraceWarning, stacklevel=4,
    )  # fmt: skip


def _plain(function: Callable[..., Any], told: Function) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        begun = _begin(told, args, kwargs)
        if begun is None:
            return function(*args, **kwargs)
        tracer, call = begun
        token = _call.set(call)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            tracer.fail(call, error)
            raise
        finally:
            _call.reset(token)
        tracer.end(call, result)
        return result

    return wrapper


def _coroutine(function: Callable[..., Any], told: Function) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        begun = _begin(told, args, kwargs)
        if begun is None:
            return await function(*args, **kwargs)
        tracer, call = begun
        token = _call.set(call)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            tracer.fail(call, error)
            raise
        finally:
            _call.reset(token)
        tracer.end(call, result)
        return result

    return wrapper


def _generator(function: Callable[..., Any], told: Function) -> Callable[..., Any]:
    """The call lasts from the first item to the last; between items the running call is that of whoever takes them."""

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        begun = _begin(told, args, kwargs)
        if begun is None:
            return (yield from function(*args, **kwargs))
        tracer, call = begun
        steps = function(*args, **kwargs)
        go: Callable[[], Any] = functools.partial(next, steps)
        items = 0
        while True:
            token = _call.set(call)
            try:
                item = go()
            except StopIteration as stop:
                tracer.end(call, Items(items, stop.value))
                return stop.value
            except BaseException as error:
                tracer.fail(call, error)
                raise
            finally:
                _call.reset(token)
            items += 1
            try:
                go = functools.partial(steps.send, (yield item))
            except GeneratorExit:
                steps.close()
                tracer.end(call, Items(items, None, complete=False))
                raise
            except BaseException as error:
                go = functools.partial(steps.throw, error)

    return wrapper


def _asynchronous_generator(function: Callable[..., Any], told: Function) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        begun = _begin(told, args, kwargs)
        steps = function(*args, **kwargs)
        tracer, call = begun or (None, None)
        go: Callable[[], Any] = steps.__anext__
        items = 0
        while True:
            token = _call.set(call if tracer is not None else _call.get())
            try:
                item = await go()
            except StopAsyncIteration:
                if tracer is not None:
                    tracer.end(call, Items(items, None))
                return
            except BaseException as error:
                if tracer is not None:
                    tracer.fail(call, error)
                raise
            finally:
                _call.reset(token)
            items += 1
            try:
                go = functools.partial(steps.asend, (yield item))
            except GeneratorExit:
                await steps.aclose()
                if tracer is not None:
                    tracer.end(call, Items(items, None, complete=False))
                raise
            except BaseException as error:
                go = functools.partial(steps.athrow, error)

    return wrapper


@dataclass(frozen=True)
class Items:
    """What a generator gave: how many items, whether all were taken, and its return value."""

    number: int
    value: Any
    complete: bool = True


def hook_class(namespace: dict[str, Any], class_name: str) -> None:
    """Put tracing around the public methods in the body of a class, and around its ``__init__``."""
    for name, value in list(namespace.items()):
        if (name.startswith("_") and name != "__init__") or hasattr(value, UNTRACED) or hasattr(value, TRACED):
            continue
        if inspect.isfunction(value):
            namespace[name] = hooked(value, class_name, name)
        elif isinstance(value, classmethod | staticmethod):
            inner, is_method = value.__func__, isinstance(value, classmethod)
            if inspect.isfunction(inner) and not hasattr(inner, UNTRACED):
                namespace[name] = type(value)(hooked(inner, class_name, name, is_method=is_method))
