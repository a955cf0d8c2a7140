"""The served engine: Neo4j 5.26 LTS or newer, one server or a cluster, through the official driver."""

from __future__ import annotations

import re
import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, NoReturn

from provgraph.errors import GraphUnavailable, InvalidInput, ProvgraphError, needs_extra
from provgraph.graph import loading
from provgraph.graph.engine import EdgeRow, GraphEngine, NodeRow, Row, Rows, Run, T, nested, run_parts, statement_failed
from provgraph.graph.statements import Statement

OLDEST = (5, 26)
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0  # for a connection that speaks Bolt; the driver would wait 60
_ADDRESS = re.compile(r"(bolt|neo4j)(\+s|\+ssc)?://(\[[0-9a-fA-F:.]+\]|[^:/?#]+)(:[0-9]{1,5})?([/?].*)?")


class Neo4jEngine(GraphEngine):
    """A graph on a Neo4j server.

    Retries of transient failures, routing and bookmarks are the driver's; what one call wrote, the next call of this
    engine reads, on a cluster too.

    Parameters
    ----------
    uri : ``bolt://host:7687`` or ``neo4j://…`` (routing), with ``+s`` or ``+ssc`` for TLS.
    auth : user and password.
    database : the server's default one when None.

    Raises
    ------
    GraphUnavailable : ``graph_unreachable``, ``graph_auth_failed`` or ``graph_too_old``.
    MissingExtra : the driver is not installed.
    """

    name: ClassVar[str] = "neo4j"
    capabilities: ClassVar[frozenset[str]] = frozenset({"unique_constraint", "retries"})

    def __init__(self, uri: str, auth: tuple[str, str] | None = None, database: str | None = None) -> None:
        try:
            import neo4j
        except ImportError as error:
            raise needs_extra("neo4j", "A Neo4j server as the graph") from error
        self.uri = uri
        self._neo4j = neo4j
        self._inside = threading.local()
        if not _ADDRESS.fullmatch(uri):
            raise _no_address(uri, "its scheme is unknown or it has no host")
        try:
            self._driver = neo4j.GraphDatabase.driver(
                uri,
                auth=auth,
                connection_timeout=CONNECT_SECONDS,
                connection_acquisition_timeout=ANSWER_SECONDS,
                notifications_min_severity="OFF",
                user_agent="provgraph",
            )
        except (neo4j.exceptions.ConfigurationError, ValueError) as error:
            raise _no_address(uri, error) from error
        self._session: dict[str, Any] = {
            "database": database,
            "bookmark_manager": neo4j.GraphDatabase.bookmark_manager(),
        }
        try:
            with self._speaking():
                self.version = check_version(uri, self._driver.get_server_info().agent)
        except BaseException:
            self._driver.close()
            raise

    def read(self, statement: Statement, /, **parameters: Any) -> Rows:
        def work(run: Run) -> Rows:
            return run(_in_one_row(statement), **parameters)

        with self._speaking(), self._new_session() as session:
            rows: Rows = session.execute_read(self._work(work))
            columns = statement.columns
            return [dict(zip(columns, row, strict=True)) for row in rows[0]["rows"]] if columns else rows

    def write(self, work: Callable[[Run], T]) -> T:
        with self._speaking(), self._new_session() as session:
            result: T = session.execute_write(self._work(work))
            return result

    def scratch(self, work: Callable[[Run], T]) -> T:
        def undone(transaction: Any) -> NoReturn:
            raise _Undone(self._work(work)(transaction))  # what raises is rolled back

        with self._speaking(), self._new_session() as session:
            try:
                session.execute_write(undone)
            except _Undone as outcome:
                result: T = outcome.result
                return result
        raise AssertionError("a scratch transaction cannot end otherwise")

    def load(self, nodes: Iterable[NodeRow], edges: Iterable[EdgeRow]) -> None:
        loading.load_by_statements(self, nodes, edges)

    def close(self) -> None:
        self._driver.close()

    @contextmanager
    def _new_session(self) -> Iterator[Any]:
        if getattr(self._inside, "transaction", False):
            raise nested()
        self._inside.transaction = True
        interrupt: BaseException | None = None
        try:
            with self._driver.session(**self._session) as session:
                try:
                    yield session
                except (KeyboardInterrupt, SystemExit, BufferError) as error:
                    # An answer is half read, or still to be waited for: the driver would go on with it as if nothing had
                    # happened. After what it knows as a cancellation it drops the connection, and the server rolls back.
                    interrupt = error
                    raise CancelledError from error
        except CancelledError:
            if interrupt is None:
                raise
            raise interrupt from None
        finally:
            self._inside.transaction = False

    def _work(self, work: Callable[[Run], T]) -> Callable[[Any], T]:
        """`work` as the driver runs it: with its transaction, perhaps several times."""

        def in_transaction(transaction: Any) -> T:
            def run(statement: Statement, /, **parameters: Any) -> Rows:
                def run_text(text: str, values: dict[str, Any]) -> Rows:
                    # All rows are read here: a result does not outlive its transaction.
                    return [_plain_row(record) for record in transaction.run(text, values)]

                try:
                    return run_parts(statement, run_text, parameters)
                except (self._neo4j.exceptions.Neo4jError, self._neo4j.exceptions.ResultFailedError) as failure:
                    # What fails while rows arrive comes wrapped; the driver runs the work again for the reason only.
                    error = failure if isinstance(failure, self._neo4j.exceptions.Neo4jError) else failure.__cause__
                    if not isinstance(error, self._neo4j.exceptions.Neo4jError):
                        raise
                    if error.is_retryable() or _is_security(error):
                        raise error from None
                    raise statement_failed(statement, error.message, already_there=_is_constraint(error)) from error
                except (self._neo4j.exceptions.DriverError, OSError):
                    raise
                except (TypeError, ValueError, OverflowError) as error:  # a value that Neo4j has no type for
                    raise statement_failed(statement, error) from error

            return work(run)

        return in_transaction

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """The driver's errors in our words."""
        exceptions = self._neo4j.exceptions
        try:
            yield
        except ProvgraphError:
            raise
        except BufferError as error:  # what the driver makes of Ctrl-C while it reads
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            raise error.__context__ from None
        except exceptions.Neo4jError as error:
            if _is_security(error):
                raise GraphUnavailable(
                    f"Neo4j at {self.uri} refuses this user and password; set PROVGRAPH_GRAPH_AUTH=user:password.",
                    code="graph_auth_failed",
                ) from error
            raise ProvgraphError(f"Neo4j at {self.uri} failed: {error.message}.", code="statement_failed") from error
        except exceptions.IncompleteCommit as error:
            raise GraphUnavailable(
                f"The connection to Neo4j at {self.uri} ended while it committed: it is unknown whether it did; "
                "asking again is safe.",
                code="graph_unreachable",
            ) from error
        except (exceptions.ServiceUnavailable, exceptions.SessionExpired, OSError) as error:
            raise GraphUnavailable(
                f"Neo4j at {self.uri} cannot be reached: is it running, and is the address right? ({_reason(error)})",
                code="graph_unreachable",
            ) from error
        except exceptions.ResultFailedError as error:
            # The driver says so when it rolls back after a failure, and forgets the failure: it is the cause.
            cause = error.__cause__
            if isinstance(cause, exceptions.Neo4jError) and (_is_constraint(cause) or cause.is_retryable()):
                raise ProvgraphError(
                    f"Another writer was faster in Neo4j at {self.uri}: {cause.message}", code="key_taken"
                ) from error
            raise ProvgraphError(f"Neo4j at {self.uri} failed: {cause or error}.", code="statement_failed") from error
        except exceptions.DriverError as error:
            raise GraphUnavailable(f"The driver of Neo4j at {self.uri} says: {error}.", code="graph_closed") from error


class _Undone(Exception):
    """Carries the result out of a transaction that is to be rolled back."""

    def __init__(self, result: Any) -> None:
        self.result = result


def check_version(uri: str, agent: str) -> tuple[int, int]:
    """The version in a server's agent text (``Neo4j/5.26.30``, ``Neo4j/2026.08.1``), when it is new enough."""
    match = re.match(r"Neo4j/(\d+)\.(\d+)", agent)
    version = (int(match[1]), int(match[2])) if match else None
    if version is None or version < OLDEST:
        raise GraphUnavailable(
            f"The server at {uri} is {agent}; provgraph needs Neo4j {OLDEST[0]}.{OLDEST[1]} or newer.",
            code="graph_too_old",
            version=agent,
        )
    return version


def _is_constraint(error: Any) -> bool:
    """Whether a key that is there already was written again, as by somebody who was faster."""
    return str(error.code).endswith(".ConstraintValidationFailed")


def _no_address(uri: str, why: object) -> InvalidInput:
    return InvalidInput(
        f"{uri!r} is not the address of a graph: {why}; use bolt://host:7687 or neo4j://host:7687 (+s, +ssc for TLS).",
        code="graph_address",
    )


def _reason(error: BaseException) -> str:
    """Why there is no connection, in one line: the system's words where the driver quotes them."""
    text = " ".join(str(error).split())
    found = re.findall(r"\[Errno -?\d+\] ([^()\[\]]+)", text)
    return found[-1].strip() if found else text


def _is_security(error: Any) -> bool:
    return str(error.code or "").startswith("Neo.ClientError.Security.")


_SCALARS = frozenset({str, int, float, bool, type(None)})


def _in_one_row(statement: Statement) -> Statement:
    """The same, with all rows in one: the driver takes longer for a row than for what is in it."""
    if not statement.columns:
        return statement
    return replace(statement, parts=(_gathered(statement.parts[0], statement.columns), *statement.parts[1:]))


@lru_cache(maxsize=256)
def _gathered(text: str, columns: tuple[str, ...]) -> str:
    return f"CALL {{\n{text}\n}}\nRETURN collect([{', '.join(columns)}]) AS rows"


def _plain_row(record: Any) -> Row:
    return {key: value if type(value) in _SCALARS else _plain(value) for key, value in record.items()}


def _plain(value: Any) -> Any:
    """Lists and maps of scalars; temporal values as ISO text."""
    if type(value) in _SCALARS:
        return value
    if type(value) is list:
        return [_plain(v) for v in value]
    if type(value) is dict:
        return {k: _plain(v) for k, v in value.items()}
    if hasattr(value, "iso_format"):
        return value.iso_format()
    raise TypeError(f"a {type(value).__name__} does not leave the graph; return its properties")
