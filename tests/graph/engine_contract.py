"""What every graph engine does; `test_engines.py` subclasses this for each."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from provgraph.errors import ProvgraphError
from provgraph.graph import statements
from provgraph.graph.engine import EdgeRow, GraphEngine, NodeRow, Run
from provgraph.graph.statements import Statement
from tests.graph.statement_parameters import DECLARED, FOR_STATEMENTS


def cypher(*parts: str) -> Statement:
    return Statement("test", parts)


COUNT = cypher("MATCH (n:Entity) RETURN count(n) AS n")
CREATE = cypher("CREATE (n:Entity {object_id: $id}) RETURN n.object_id AS id")


def count(engine: GraphEngine) -> int:
    return int(engine.read(COUNT)[0]["n"])


class GraphEngineTests:
    """Subclasses give a fixture `engine`: an empty graph that is set up."""

    def test_write_returns_what_the_work_returns_and_read_sees_it(self, engine: GraphEngine) -> None:
        assert engine.write(lambda run: run(CREATE, id="a")) == [{"id": "a"}]
        assert engine.read(cypher("MATCH (n:Entity {object_id: $id}) RETURN n.object_id AS id"), id="a") == [
            {"id": "a"}
        ]

    def test_parts_run_in_order_and_give_the_rows_of_the_first(self, engine: GraphEngine) -> None:
        parts = cypher(
            "CREATE (n:Entity {object_id: $id}) RETURN 'first' AS said",
            "MATCH (n:Entity {object_id: $id}) SET n.step = 1 RETURN 'second' AS said",
            "MATCH (n:Entity {object_id: $id}) WHERE n.step = 1 SET n.step = 2",
        )
        assert engine.write(lambda run: run(parts, id="a")) == [{"said": "first"}]
        assert engine.read(cypher("MATCH (n:Entity) RETURN n.step AS step")) == [{"step": 2}]

    def test_an_exception_undoes_the_whole_transaction(self, engine: GraphEngine) -> None:
        def work(run: Run) -> None:
            run(CREATE, id="a")
            run(cypher("CREATE (n:Entity:NeverSeen {object_id: 'b'})-[:NEVER_SEEN]->(:Entity {object_id: 'c'})"))
            raise KeyError("b")

        with pytest.raises(KeyError, match="b"):
            engine.write(work)
        assert count(engine) == 0
        engine.write(lambda run: run(CREATE, id="a"))
        assert count(engine) == 1

    def test_keyboard_interrupt_undoes_too(self, engine: GraphEngine) -> None:
        def work(run: Run) -> None:
            run(CREATE, id="a")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            engine.write(work)
        engine.write(lambda run: run(CREATE, id="b"))
        assert count(engine) == 1

    def test_a_failed_statement_undoes_the_transaction_even_if_the_work_goes_on(self, engine: GraphEngine) -> None:
        went_on = []

        def work(run: Run) -> None:
            run(CREATE, id="a")
            with contextlib.suppress(ProvgraphError):
                run(cypher("CREATE (n:Entity {object_id: 'half'}) WITH n RETURN 1 / 0 AS no"))
            went_on.append(True)

        with pytest.raises(ProvgraphError):
            engine.write(work)
        assert went_on == [True]
        assert count(engine) == 0

    @pytest.mark.parametrize("text", ["MATCH (n RETURN 1", "RETURN $absent AS x", "RETURN unknown_function(1) AS x"])
    def test_a_refused_statement_is_named(self, engine: GraphEngine, text: str) -> None:
        with pytest.raises(ProvgraphError, match="'test'") as caught:
            engine.read(cypher(text))
        assert caught.value.code == "statement_failed"

    def test_read_refuses_to_write(self, engine: GraphEngine) -> None:
        with pytest.raises(ProvgraphError):
            engine.read(CREATE, id="a")
        assert count(engine) == 0

    def test_what_is_not_committed_is_not_seen(self, engine: GraphEngine) -> None:
        seen: list[int] = []

        def work(run: Run) -> list[dict[str, Any]]:
            run(CREATE, id="a")
            other = threading.Thread(target=lambda: seen.append(count(engine)))
            other.start()
            other.join(20)
            return run(COUNT)

        assert engine.write(work) == [{"n": 1}]
        assert seen == [0]

    def test_scratch_sees_its_work_and_leaves_nothing(self, engine: GraphEngine) -> None:
        engine.write(lambda run: run(CREATE, id="a"))

        def work(run: Run) -> list[dict[str, Any]]:
            run(cypher("CREATE (:Step {plan: 'p', id: 'x'})-[:PARENT {index: 0}]->(:Step {plan: 'p', id: 'y'})"))
            run(cypher("MATCH (n:Entity {object_id: 'a'}) SET n.changed = true"))
            return run(cypher("MATCH (n:Step {plan: 'p'})-[:PARENT]->(m:Step) RETURN n.id AS n, m.id AS m"))

        assert engine.scratch(work) == [{"n": "x", "m": "y"}]
        assert engine.read(cypher("MATCH (n:Step) RETURN count(n) AS n")) == [{"n": 0}]
        assert engine.read(cypher("MATCH (n:Entity) RETURN n.changed AS changed")) == [{"changed": None}]

    def test_scratch_passes_exceptions_on(self, engine: GraphEngine) -> None:
        def work(run: Run) -> None:
            run(CREATE, id="a")
            raise LookupError("no rule")

        with pytest.raises(LookupError, match="no rule"):
            engine.scratch(work)
        assert count(engine) == 0

    @pytest.mark.parametrize("inner", ["read", "write", "scratch"])
    def test_an_engine_is_not_used_inside_its_transaction(self, engine: GraphEngine, inner: str) -> None:
        uses: dict[str, Callable[[], Any]] = {
            "read": lambda: engine.read(COUNT),
            "write": lambda: engine.write(lambda run: run(COUNT)),
            "scratch": lambda: engine.scratch(lambda run: run(COUNT)),
        }
        with pytest.raises(ProvgraphError) as caught:
            engine.write(lambda run: uses[inner]())
        assert caught.value.code == "nested_transaction"
        assert count(engine) == 0

    @pytest.mark.parametrize(
        "value",
        [
            2**63 - 1, -(2**63), 2**53 + 1, 0, 0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), True, False,
            "", "é𝔘\u2028 'quoted' \"twice\" `ticks` $p {x} \\ ; // no comment", "x" * 100_000,
            [], [1, 2, 3], ["a", "b"], [0.5, -1.5], [True, False],
        ],
        ids=lambda v: repr(v)[:20],
    )  # fmt: skip
    def test_values_come_back_as_they_went(self, engine: GraphEngine, value: Any) -> None:
        store = cypher("CREATE (n:Entity {object_id: 'a', value: $value}) RETURN n.value AS value")
        assert engine.write(lambda run: run(store, value=value)) == [{"value": value}]
        [row] = engine.read(cypher("MATCH (n:Entity {object_id: 'a'}) RETURN n.value AS value, properties(n) AS all"))
        assert row == {"value": value, "all": {"object_id": "a", "value": value}}
        assert type(row["value"]) is type(value)
        assert repr(row["value"]) == repr(value)

    def test_maps_and_nested_lists_pass_but_are_not_stored(self, engine: GraphEngine) -> None:
        value = {"a": [1, None, {"b": [[], [0.5]]}], "c": None}
        assert engine.read(cypher("RETURN $value AS value"), value=value) == [{"value": value}]

    def test_nan_is_kept(self, engine: GraphEngine) -> None:
        engine.write(lambda run: run(cypher("CREATE (n:Entity {object_id: 'a', v: $v})"), v=float("nan")))
        [row] = engine.read(cypher("MATCH (n:Entity) RETURN n.v AS v"))
        assert row["v"] != row["v"]

    def test_none_stores_no_property(self, engine: GraphEngine) -> None:
        store = cypher("UNWIND $rows AS row CREATE (n:Entity) SET n += row")
        engine.write(lambda run: run(store, rows=[{"object_id": "a", "v": None}]))
        [row] = engine.read(cypher("MATCH (n:Entity) RETURN properties(n) AS all, n.v AS v"))
        assert row == {"all": {"object_id": "a"}, "v": None}

    def test_integers_beyond_64_bits_are_refused(self, engine: GraphEngine) -> None:
        with pytest.raises(ProvgraphError):
            engine.read(cypher("RETURN $v AS v"), v=2**63)

    def test_nodes_do_not_leave_the_graph(self, engine: GraphEngine) -> None:
        engine.write(lambda run: run(CREATE, id="a"))
        with pytest.raises(ProvgraphError, match=r"Entity|Node"):
            engine.read(cypher("MATCH (n:Entity) RETURN n AS n"))

    def test_many_rows_in_and_out(self, engine: GraphEngine) -> None:
        rows = [{"object_id": f"n{i:05}", "place": i, "names": ["a", f"b{i}"]} for i in range(10_000)]
        engine.write(lambda run: run(cypher("UNWIND $rows AS row CREATE (n:Entity) SET n += row"), rows=rows))
        found = engine.read(cypher("MATCH (n:Entity) RETURN properties(n) AS p ORDER BY n.object_id"))
        assert [row["p"] for row in found] == rows

    def test_threads_racing_to_merge_make_no_twins(self, engine: GraphEngine) -> None:
        merge = cypher("MERGE (n:Entity {object_id: $id}) ON CREATE SET n.by = $by")
        failures: list[BaseException] = []
        start = threading.Barrier(8)

        def race(by: int) -> None:
            try:
                start.wait(20)
                for i in range(25):
                    engine.write(lambda run: run(merge, id=f"n{i}", by=by))  # noqa: B023
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=race, args=(by,)) for by in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failures == []
        assert count(engine) == 25

    def test_a_bulk_load_is_there_with_its_edges(self, engine: GraphEngine) -> None:
        statements.declare("DBObject", "Frame")
        engine.write(lambda run: run(CREATE, id="before"))
        nodes = [
            NodeRow(("Entity", "DBObject", "Frame"), {"object_id": f"f{i}", "names": ["u", "g"], "gone": None})
            for i in range(50)
        ]
        nodes.append(NodeRow(("Activity",), {"activity_id": "made"}))
        edges = [
            EdgeRow(("Entity", f"f{i + 1}"), ("Entity", f"f{i}"), "WAS_DERIVED_FROM", {"role": "parent", "index": 0})
            for i in range(49)
        ]
        edges.append(EdgeRow(("Entity", "f0"), ("Entity", "before"), "WAS_DERIVED_FROM"))
        edges.append(EdgeRow(("Entity", "f0"), ("Activity", "made"), "WAS_GENERATED_BY"))
        engine.load(iter(nodes), iter(edges))
        up = cypher(
            "MATCH (n:Entity {object_id: 'f49'})-[:WAS_DERIVED_FROM*1..60]->(m:Entity) "
            "RETURN DISTINCT m.object_id AS id"
        )
        assert {row["id"] for row in engine.read(up)} == {"before", *(f"f{i}" for i in range(49))}
        one = cypher(
            "MATCH (n:Entity {object_id: 'f7'})-[r]->(m:Entity) "
            "RETURN labels(n) AS labels, n.names AS names, properties(r) AS edge, m.object_id AS parent"
        )
        [row] = engine.read(one)
        assert set(row.pop("labels")) == {"Entity", "DBObject", "Frame"}
        assert row == {"names": ["u", "g"], "edge": {"role": "parent", "index": 0}, "parent": "f6"}
        keys = engine.read(cypher("MATCH (n:Entity {object_id: 'f7'}) RETURN keys(n) AS keys"))[0]["keys"]
        assert sorted(keys) == ["import_id", "names", "object_id"]
        down = cypher(
            "MATCH (n:Activity {activity_id: 'made'})<-[:WAS_GENERATED_BY]-(m:Entity) RETURN m.object_id AS id"
        )
        assert engine.read(down) == [{"id": "f0"}]
        assert engine.read(statements.load("load/unfinished")) == []

    def test_a_bulk_load_that_fails_leaves_nothing(self, engine: GraphEngine) -> None:
        engine.write(lambda run: run(CREATE, id="before"))
        nodes = [NodeRow(("Entity",), {"object_id": f"n{i}"}) for i in range(10)]
        with pytest.raises(ProvgraphError) as caught:
            engine.load(nodes, [EdgeRow(("Entity", "n1"), ("Entity", "nowhere"), "WAS_DERIVED_FROM")])
        assert caught.value.code == "dependency_missing"
        assert count(engine) == 1
        assert engine.read(statements.load("load/unfinished")) == []

    def test_every_statement_runs(self, engine: GraphEngine, name: str) -> None:
        """A statement without parameters in `statement_parameters.py` fails here: add them."""
        slots, parameters = FOR_STATEMENTS[name]
        statements.declare(*DECLARED)
        statement = statements.load(name, **slots)
        if "reads" in statement.header:
            rows = engine.read(statement, **parameters)
            assert all(tuple(row) == statement.columns for row in rows) or not statement.columns
        else:
            assert engine.write(lambda run: run(statement, **parameters)) is not None

    def test_rows_that_come_in_one_are_the_same(self, engine: GraphEngine) -> None:
        engine.write(lambda run: [run(CREATE, id=id) for id in "cab"])
        text = "MATCH (n:Entity) RETURN n.object_id AS id, size($words) AS n, [{of: properties(n)}] AS said ORDER BY id"
        for shown in (text, text.replace("(n:Entity)", "(n:Nothing)"), f"{text} LIMIT 2"):
            one_by_one = engine.read(cypher(shown), words=["x", "y"])
            together = engine.read(Statement("test", (shown,), {"columns": "id, n, said"}), words=["x", "y"])
            assert together == one_by_one
            assert [row["id"] for row in together] == sorted(row["id"] for row in together)
        text = "RETURN 1 AS n UNION ALL MATCH (n:Entity) RETURN 2 AS n"
        assert engine.read(Statement("test", (text,), {"columns": "n"})) == [{"n": n} for n in (1, 2, 2, 2)]

    def test_a_closed_engine_says_so(self, engine: GraphEngine) -> None:
        engine.close()
        engine.close()
        with pytest.raises(ProvgraphError) as caught:
            engine.read(COUNT)
        assert caught.value.code == "graph_closed"


def statements_for(engine: str) -> list[str]:
    """Every statement but those that say they are another engine's."""
    folder = statements.folder()
    texts = {name: (folder / f"{name}.cypher").read_text(encoding="utf-8") for name in statements.all_statements()}
    others = {
        name
        for name, text in texts.items()
        if (m := re.search(r"^// engine: *(\w+)", text, re.M)) and m[1] not in (engine, "every")
    }
    return [name for name in texts if name not in others]
