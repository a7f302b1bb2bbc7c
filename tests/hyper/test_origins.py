"""Where a materialized program came from, told and saved."""

from __future__ import annotations

import json

import pytest

from keras_glove import algorithms
from keras_glove.algorithms import Evolution, Top, Tournament, Uniform, UniformCrossover
from keras_glove.errors import SerializationError
from keras_glove.hyper import (
    DNA,
    SearchSpace,
    Template,
    constrain,
    delete,
    evolve,
    forbid,
    insert,
    intv,
    oneof,
    only,
    satisfies,
    trace,
)
from keras_glove.search import sample
from keras_glove.symbolic import from_json, lineage, program, rebind, symbolize, to_json


@symbolize(name="tests.hyper.origins.layer")
class layer:  # noqa: N801 # as it stands in lineages
    def __init__(self, width, kernel=3):
        self.width, self.kernel = width, kernel


def space():
    return program(layer, oneof([16, 32]), kernel=intv(1, 5))


SPACE = "a152bbae9016345f7e3d350be68061f7"


def child():
    return Template(space()).materialize(DNA((1, 4)))


def test_fingerprint_is_that_of_equal_spaces_only():
    assert SearchSpace(space()).fingerprint == SPACE, "the same in every process and version"
    assert SearchSpace.from_json(SearchSpace(space()).to_json()).fingerprint == SPACE
    others = [
        SearchSpace(program(layer, oneof([16, 33]), kernel=intv(1, 5))),
        SearchSpace(program(layer, oneof([16, 32]), kernel=intv(1, 6))),
        SearchSpace(space()).hint({"width": "w"}),
        constrain(space(), forbid(width=16, kernel=1)).space,
        constrain(space(), only(width=[16])).space,
    ]
    assert len({SPACE, *(other.fingerprint for other in others)}) == 6


def test_lineage_names_the_space_the_dna_and_later_changes():
    assert lineage(rebind(child(), width=64)).splitlines() == [
        "layer(width=64, kernel=4)",
        "  by rebind: width=64",
        f"  by materialize of space {SPACE} of 2 decision points: 1,4",
    ]


def test_a_space_that_cannot_be_saved_is_told_without_its_fingerprint():
    view = constrain(space(), satisfies(lambda width: width > 16, "width"))
    assert "of a space of 2 decision points: 1,4" in lineage(view.materialize(DNA((1, 4))))


@pytest.mark.parametrize("constraint", [forbid(width=16, kernel=1), only(width=[32])])
def test_a_view_tells_its_own_space(constraint):
    view = constrain(space(), constraint)
    dna = view.encode(child())
    steps = lineage(view.materialize(dna)).splitlines()[1:]
    assert steps == [
        f"  by materialize of space {view.space.fingerprint} of 2 decision points: {dna}"
    ]


def test_a_traced_function_tells_its_space():
    traced = trace(lambda: program(layer, oneof([16, 32], name="width")))
    assert traced.space.fingerprint in lineage(traced.materialize(DNA((1,))))


def test_what_was_opened_by_hand_is_told_below():
    opened = rebind(program(layer, 8), width=oneof([16, 32], name="w"))
    steps = lineage(Template(opened).materialize(DNA((1,)))).splitlines()[1:]
    assert [step.split()[1] for step in steps] == ["materialize", "rebind:"]


def test_evolution_tells_its_mutations():
    search = algorithms.RegularizedEvolution(4, 2, seed=0)
    made, known = [], set()
    for found, feedback in sample(space(), search, num_examples=12):
        made.append(lineage(found).splitlines()[1:])
        known.add(str(program(found).__origin__.detail))
        feedback(float(found.kernel))
    assert all(len(steps) == 1 for steps in made[:4]), "drawn at random"
    for mutated in made[4:]:
        assert "materialize of space" in mutated[0] and "by mutate of" in mutated[1]
        parent = mutated[1].split("mutate of ")[1].split(":")[0]
        assert parent in known and "->" in mutated[1]
        assert len(mutated) == 2, "how the parent was made is told by the parent"


def test_crossover_tells_both_parents():
    operators = Tournament(2, count=2) >> UniformCrossover() >> Uniform()
    search = Evolution(operators, Top(4), 4, seed=0)
    *_, last = (lineage_after(found, feedback) for found, feedback in sample(space(), search, 6))
    assert [step.split()[1] for step in last] == ["materialize", "mutate", "recombine"]
    assert " and " in last[2]


def lineage_after(found, feedback):
    feedback(float(found.kernel))
    return lineage(found).splitlines()[1:]


@pytest.mark.parametrize("name", ["HillClimb", "LocalSearch", "NSGA2", "Bananas"])
def test_other_algorithms_that_mutate(name):
    settings = {"NSGA2": {"population_size": 4}, "LocalSearch": {"initial": 2}}
    settings["Bananas"] = {"initial": 4, "candidates": 4, "predictor": "trees"}
    search = getattr(algorithms, name)(**settings.get(name, {}), seed=0)
    last = [lineage_after(found, feedback) for found, feedback in sample(space(), search, 9)][-1]
    assert "mutate of" in last[1] and len(last) <= 4


def test_a_program_that_evolves_tells_how():
    cell = evolve(["conv"], [insert(["pool"], at_most=4), delete(str, at_least=1)], name="cell")
    search = algorithms.RegularizedEvolution(3, 2, seed=1)
    program_ = program(layer, cell)
    *_, last = (found for found, feedback in sample(program_, search, 8) if not feedback(1.0))
    assert "mutate of" in lineage(last) and "cell=[" in lineage(last) and "->" in lineage(last)


def test_a_dna_forgets_its_parents_where_it_is_saved():
    search = algorithms.RegularizedEvolution(1, 1, seed=0)
    search.setup(SearchSpace(space()))
    search.feedback(search.propose(), 1.0)
    dna = search.propose()
    assert dna.origin.operation == "mutate"
    read = DNA.from_json(dna.to_json())
    assert read == dna and read.origin is None and hash(read) == hash(dna)


def test_a_saved_lineage_is_read_back():
    read = from_json(json.loads(json.dumps(to_json(child(), origin=True))))
    assert read == child() and read.__origin__ == child().__origin__


def test_a_bad_dna_in_a_lineage_is_told():
    document = to_json(child(), origin=True)
    document["value"]["$origin"][0]["detail"]["$value"]["values"] = "x"
    with pytest.raises(SerializationError):
        from_json(document)
