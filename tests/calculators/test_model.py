"""Trained models as calculators, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.calculators import model as models
from provgraph.calculators.method import Limits
from provgraph.errors import FileUnreadable, InvalidInput, MissingExtra, StorageError, UnitMismatch, UsageError
from tests.models import classifier, perceptron, value, write
from tests.surveys import catalog, galaxies, nearby, open_survey, survey  # noqa: F401

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
FEATURES = ("ra", "dec", "redshift")


def columns() -> dict[str, Any]:
    given = galaxies()
    order = np.argsort(given["id"])
    return {name: values[order] for name, values in given.items()}


def directly(path: Path, feed: dict[str, Any], output: str) -> Any:
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"]).run([output], feed)[0]


def test_a_model_gives_what_the_runtime_gives(nearby: Any, tmp_path: Path) -> None:
    path = perceptron(tmp_path / "star.onnx")
    made = nearby.define_calculator("p_star", model=path, requires=FEATURES, unit="")
    assert (made.kind, list(made.requires), list(made.model_inputs), list(made.model_outputs)) == (
        "model", list(FEATURES), ["X", "X", "X"], ["p"]
    )  # fmt: skip
    assert made.model == models.digest(path.read_bytes())
    assert made.batch == models.BATCH
    assert nearby.define_calculator("p_star", model=path, requires=FEATURES, unit="").object_id == made.object_id
    path.unlink()  # the survey has its own copy
    pull = nearby.pull("A", ["id", "redshift", "p_star"], where="redshift < 0.5")
    table = pull.data()
    attribute = pull.result.attributes()["p_star"]
    assert (attribute.dtype, attribute.shape, attribute.unit) == ("f4", (), "")
    perceptron(path)
    given = columns()
    keep = given["redshift"] < 0.5
    features = np.stack([given[n][keep] for n in FEATURES], axis=1).astype("f4")
    np.testing.assert_allclose(table.columns["p_star"].values, directly(path, {"X": features}, "p")[:, 0], rtol=1e-5)
    assert list(pull.measured.calculated.values()) == [int(keep.sum())]
    null = nearby.pull("A", ["p_star"]).data().columns["p_star"].null
    assert np.array_equal(null, np.isnan(given["redshift"]))


def test_one_row_alone_gives_the_same_bits(nearby: Any, tmp_path: Path) -> None:
    nearby.define_calculator("p_star", model=perceptron(tmp_path / "star.onnx", hidden=77), requires=FEATURES)
    everything = nearby.pull("A", ["p_star"]).data().columns["p_star"].values
    given = columns()
    for row in np.flatnonzero(~np.isnan(given["redshift"]))[[0, 1, 17, 255, 256, 600, -1]]:
        one = nearby["A"].only_listed([given["id"][row]])
        definition = nearby.definition("p_star")
        applied = nearby.calculate(one, definition)
        table, _ = nearby.process(one.select(*FEATURES))
        alone = applied.definition.calculate(table.columns, {})["p_star"].values
        assert alone.tobytes() == everything[row].tobytes()
    assert nearby.check_calculator("p_star", "A").deviation == 0


def test_several_inputs_and_outputs_by_name(nearby: Any, tmp_path: Path) -> None:
    path = classifier(tmp_path / "class.onnx")
    made = nearby.define_calculator(
        "kind", model=path, inputs={"z": "redshift"}, outputs={"probabilities": ["p_far", "p_near"], "class": "kind"},
        units={"p_far": "", "p_near": "", "redshift": ""}, ucds={"p_far": "stat.probability"},
    )  # fmt: skip
    assert list(made.provides) == ["p_far", "p_near", "kind"]
    assert list(made.units) == ["", "", "?"]
    table = nearby.pull("A", ["redshift", "p_far", "p_near", "kind"], where="redshift > 0").data()
    far, near = table.columns["p_far"].values, table.columns["p_near"].values
    np.testing.assert_allclose(far + near, 1, rtol=1e-6)
    np.testing.assert_allclose(far, 1 / (1 + np.exp(-table.columns["redshift"].values)), rtol=1e-5)
    assert table.columns["kind"].values.dtype == np.dtype("i8")
    vector = nearby.define_calculator("both", model=path, inputs={"z": "redshift"}, outputs={"probabilities": "both"})
    assert list(vector.shapes) == ["2"]
    assert nearby.pull("A", ["both"], where="redshift > 0.9").data().columns["both"].values.shape[1:] == (2,)
    with pytest.raises(
        InvalidInput, match=r"The model has 2 outputs, probabilities, class; say which attributes"
    ) as caught:
        nearby.define_calculator("kind", model=path, inputs={"z": "redshift"}, provides=["a", "b", "c"])
    assert caught.value.code == "model_unfit"


def test_array_valued_attributes_and_fixed_batches(nearby: Any, tmp_path: Path) -> None:
    nearby.define_calculator("features", requires=FEATURES, expression="array(ra, dec, redshift)")
    path = perceptron(tmp_path / "eight.onnx", rows=8)
    made = nearby.define_calculator("p", model=path, inputs={"X": "features"})
    assert made.batch == 8
    given = columns()
    keep = given["redshift"] < 0.03
    found = nearby.pull("A", ["p"], where="redshift < 0.03").data().columns["p"].values
    features = np.stack([given[n][keep] for n in FEATURES], axis=1).astype("f4")
    padded = np.concatenate([features, np.repeat(features[-1:], -len(features) % 8, axis=0)])
    wanted = np.concatenate([directly(path, {"X": padded[i : i + 8]}, "p")[:, 0] for i in range(0, len(padded), 8)])
    np.testing.assert_allclose(found, wanted[: len(found)], rtol=1e-6)
    with pytest.raises(InvalidInput, match="The model takes 8 sources at once, not 16"):
        nearby.define_calculator("p", model=path, inputs={"X": "features"}, batch=16)


def test_text_goes_in_and_out(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = write(tmp_path / "text.onnx", [onnx.helper.make_node("Identity", ["t"], ["u"])],
                 [value("t", ["n", 1], "STRING")], [value("u", ["n", 1], "STRING")])  # fmt: skip
    fields = models.fields_of(path.read_bytes(), requires=["name"], provides=["same"])
    assert fields["dtypes"] == ["U"]
    from provgraph.calculators.method import Inputs, Method

    method = Method("model", "t", 1, ("name",), ("same",), dtypes=("U",), shapes=("",), model=fields["model"],
                    model_inputs=("t",), model_outputs=("u",), batch=4, directory=str(tmp_path))  # fmt: skip
    (tmp_path / models.file_name(fields["model"])).write_bytes(path.read_bytes())
    given = np.char.encode(np.array(["süd", "", "nord"]), "utf-8")
    values, null = models.KIND.calculate(method, Inputs(3, {"name": (given, None)}, {}))["same"]
    assert values.tolist() == given.tolist()
    assert null is None


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"requires": ["ra", "dec"]}, "takes 3 values for a source, not 2 attributes"),
        ({"inputs": {"Y": list(FEATURES)}}, "no input 'Y'; there are: X"),
        ({"inputs": {"X": list(FEATURES)}, "outputs": {"q": "p_star"}}, "no output 'q'; there are: p"),
        ({"requires": FEATURES, "outputs": {"p": ["a", "b"]}}, "is 1 values for a source, not 2 attributes"),
        ({"requires": ["ra", "dec", "ra"]}, "names 'ra' twice"),
        ({"requires": FEATURES, "units": {"rx": "deg"}}, "'rx'"),
    ],
)
def test_a_model_whose_inputs_do_not_fit(nearby: Any, tmp_path: Path, wish: dict[str, Any], says: str) -> None:
    path = perceptron(tmp_path / "star.onnx")
    with pytest.raises(InvalidInput) as caught:
        nearby.define_calculator("p_star", model=path, **wish)
    assert says in caught.value.message
    assert "p_star" not in [d.name for d in nearby.definitions()]


def test_inputs_are_checked_against_the_catalog_before_any_data(nearby: Any, tmp_path: Path) -> None:
    path = perceptron(tmp_path / "star.onnx")
    nearby.define_calculator("v", requires=["ra", "dec"], expression="array(ra, dec)")
    nearby.define_calculator("p", model=path, inputs={"X": "v"})
    with pytest.raises(InvalidInput, match="takes 3 values as 'X', and v has 2 values"):
        nearby.pull("A", ["p"])
    nearby.define_calculator("side", requires=["dec"], expression="where(dec > 0, 'n', 's')")
    nearby.define_calculator("q", model=classifier(tmp_path / "c.onnx"), inputs={"z": "side"}, outputs={"class": "q"})
    with pytest.raises(InvalidInput, match="takes values of type f4 as 'z', and side is of type U"):
        nearby.pull("A", ["q"])
    nearby.define_calculator("r", model=path, requires=FEATURES, units={"ra": "rad"}, provides="r")
    with pytest.raises(
        UnitMismatch, match=r"r@1 needs ra in \[rad\], and it has \[deg\]; it would have to be multiplied by"
    ):
        nearby.pull("A", ["r"])


def test_files_that_are_no_models(nearby: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileUnreadable, match="No such file"):
        nearby.define_calculator("p", model=tmp_path / "absent.onnx")
    (tmp_path / "no.onnx").write_bytes(b"no model at all")
    with pytest.raises(InvalidInput) as caught:
        nearby.define_calculator("p", model=tmp_path / "no.onnx")
    assert caught.value.code == "model_unreadable"
    with pytest.raises(UsageError, match="exclude each other"):
        nearby.define_calculator("p", model=tmp_path / "no.onnx", expression="ra")
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"pip install 'provgraph\[onnx\]'"):
        nearby.define_calculator("p", model=perceptron(tmp_path / "star.onnx"), requires=FEATURES)


def test_a_model_that_is_lost_or_changed(nearby: Any, tmp_path: Path) -> None:
    path = perceptron(tmp_path / "star.onnx")
    made = nearby.define_calculator("p_star", model=path, requires=FEATURES)
    near = nearby.pull("A", ["p_star"], where="redshift < 0.1")
    before = near.data().columns["p_star"].values.copy()
    kept = nearby.directory / "models" / models.file_name(made.model)
    assert kept.read_bytes() == path.read_bytes()
    kept.write_bytes(perceptron(tmp_path / "other.onnx", seed=2).read_bytes())
    with pytest.raises(StorageError) as caught:
        nearby.pull("A", ["p_star"]).data()
    assert caught.value.code == "model_changed"
    kept.unlink()
    with pytest.raises(StorageError, match="define it again from its file") as caught:
        nearby.pull("A", ["p_star"]).data()
    assert caught.value.code == "model_missing"
    assert np.array_equal(nearby.pull("A", ["p_star"], where="redshift < 0.1").data().columns["p_star"].values, before)
    assert nearby.define_calculator("p_star", model=path, requires=FEATURES).object_id == made.object_id
    assert len(nearby.pull("A", ["p_star"]).data()) == 1000


def test_lineage_reaches_the_training_sample(nearby: Any, tmp_path: Path) -> None:
    parts = nearby.split("A", train=0.8, test=0.2, seed=3)
    nearby.annotate(parts["train"], name="training")
    made = nearby.define_calculator(
        "p_star", model=perceptron(tmp_path / "star.onnx"), requires=FEATURES, trained_on="training"
    )
    assert made.training_sample.object_id == parts["train"].object_id
    result = nearby.pull(parts["test"], ["id", "p_star"], name="judged")
    assert 0 < len(result.data()) < 1000
    view = nearby.lineage("judged")
    assert parts["train"].object_id in {n.id for n in view.nodes}
    assert any(e.relation == "WAS_DERIVED_FROM" and e.properties.get("role") == "training_sample" for e in view.edges)
    below = {n.id for n in nearby.lineage("training", up=0, down=10).nodes}
    assert {made.object_id, result.result.object_id} <= below
    assert nearby.definition("p_star").training_sample.name == "training"


def test_a_model_within_limits(nearby: Any, tmp_path: Path) -> None:
    nearby.define_calculator("p_star", model=perceptron(tmp_path / "star.onnx"), requires=FEATURES)
    here = nearby.pull("A", ["p_star"], where="redshift < 0.1").data().columns["p_star"].values
    nearby.calculator_limits = Limits(seconds=60)
    apart = nearby.pull("A", ["redshift", "p_star"]).data()
    near = apart.columns["redshift"].values < 0.1
    assert apart.columns["p_star"].values[near].tobytes() == here.tobytes()
