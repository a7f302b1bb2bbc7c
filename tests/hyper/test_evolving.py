"""Custom decision points, and `evolve`, which is one."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from keras_glove.algorithms import HillClimb, Random, RegularizedEvolution
from keras_glove.errors import (
    DNAError,
    EncodeError,
    HyperValueError,
    SerializationError,
    SpaceError,
)
from keras_glove.hyper import (
    DNA,
    CustomValue,
    Rule,
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
    opened,
    replace,
    satisfies,
    trace,
)
from keras_glove.search import search
from keras_glove.symbolic import (
    Program,
    equal,
    from_json,
    is_open,
    program,
    register_node_kind,
    symbolize,
    to_json,
)
from tests.hyper.samples import Layer, Net


@register_node_kind
class Word(CustomValue):
    """A word of three letters; a mutation changes one."""

    letters: str

    def __init__(self, letters: str, *, name: str | None = None, hints: Any = None) -> None:
        super().__init__(letters=letters, name=name, hints=hints)

    def first(self) -> str:
        return self.letters[0] * 3

    def draw(self, rng: np.random.Generator) -> str:
        return "".join(self.letters[int(i)] for i in rng.integers(len(self.letters), size=3))

    def mutate(self, text: str, rng: np.random.Generator) -> str:
        place = int(rng.integers(3))
        other = [c for c in self.letters if c != text[place]]
        return text[:place] + other[int(rng.integers(len(other)))] + text[place + 1 :]

    def decode(self, text: str) -> Any:
        return list(text)

    def encode(self, concrete: Any) -> str | None:
        return "".join(concrete) if isinstance(concrete, list) else None

    def problem(self, text: str) -> str | None:
        fits = len(text) == 3 and set(text) <= set(self.letters)
        return None if fits else f"three of the letters {self.letters}"


def word(letters: str, **options: Any) -> Any:
    return opened(Word(letters, **options))


#: Letters that any carelessness about commas, quotes and the word None would trip over.
AWKWARD = ',"\\N-oné '


# -- custom decision points --------------------------------------------------------------------


def mixed() -> Any:
    return {"width": oneof([16, 32]), "word": word(AWKWARD), "more": oneof([[word("xy")], "none"])}


@given(st.integers(0, 2**31))
def test_spaces_with_texts(seed: int) -> None:
    template = Template(mixed())
    space = template.space
    rng = np.random.default_rng(seed)
    dna = space.validate(space.random(rng))
    assert DNA.from_string(str(dna)) == dna
    assert DNA.from_json(json.loads(json.dumps(dna.to_json()))) == dna
    assert pickle.loads(pickle.dumps(dna)) == dna and hash(DNA(dna.values)) == hash(dna)
    assert space.from_tree(json.loads(json.dumps(space.tree(dna)))) == dna
    assert template.encode(template.materialize(dna)) == dna
    assert space.complete(dna, rng) == dna
    for index, value in enumerate(dna):
        if value is not None:
            changed = space.validate(space.mutate_point(dna, index, rng))
            assert changed != dna and DNA.from_string(str(changed)) == changed
    assert space.sample(3, seed) == [space.random(g) for g in [np.random.default_rng(seed)] * 3]
    assert SearchSpace.from_json(json.loads(json.dumps(space.to_json()))) == space


@given(
    st.lists(
        st.one_of(
            st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
        )
    )
)
def test_any_text_is_written_and_read(values: list[Any]) -> None:
    dna = DNA(values)
    assert DNA.from_string(str(dna)) == dna
    assert DNA.from_json(json.loads(json.dumps(dna.to_json()))) == dna


def test_golden_forms() -> None:
    dna = DNA((1, 'a,"None"', None))
    assert str(dna) == '1,"a,\\"\\u004eone\\"",-'
    assert repr(dna) == "DNA((1, 'a,\"None\"', None))"
    space = SearchSpace([word("ab", name="w")])
    assert space.to_json()["points"] == [
        {
            "name": "w",
            "path": "[0]",
            "kind": "custom",
            "custom": to_json(Word("ab", name="w")),
        }
    ]


@pytest.mark.parametrize(
    "text", ['"a', '"a""b"', '"a",', ',"a"', '"a" ,1', "'a'", '"\\x"', 'a"b"', '1,"a"b']
)
def test_texts_that_cannot_be_read(text: str) -> None:
    with pytest.raises(DNAError):
        DNA.from_string(text)


def test_spaces_with_texts_are_no_arrays() -> None:
    space = SearchSpace(mixed())
    dna = space.first()
    for use in (
        lambda: space.vector(dna),
        lambda: space.from_vector([0.0] * 4),
        lambda: space.sample_array(2),
        lambda: list(space),
    ):
        with pytest.raises(SpaceError, match="received 'word', a Word"):
            use()
    assert space.size == float("inf")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, "ab", 1, None), "three of the letters"),
        ((0, 3, 1, None), "expected for the decision 'word' .* a text, received 3"),
        (("0", '"""', 1, None), "index of one of 2 candidates .*received '0'"),
        ((0, '"""', 1, "xxx"), "inactive"),
    ],
)
def test_texts_that_do_not_fit(values: Any, message: str) -> None:
    with pytest.raises(DNAError, match=message):
        SearchSpace(mixed()).validate(DNA(values))


def test_texts_are_completed() -> None:
    space = SearchSpace([word("ab"), oneof([1, 2])])
    rng = np.random.default_rng(0)
    assert space.complete(["aba", 1], rng) == DNA(("aba", 1))
    assert space.complete(["abc", 7], rng)[0] in {"".join(w) for w in np.ndindex(())} | {
        a + b + c for a in "ab" for b in "ab" for c in "ab"
    }
    with pytest.raises(DNAError, match="index 1, received 'b'"):
        space.complete(["aba", "b"], rng)


def test_a_custom_value_is_a_node() -> None:
    value = word("ab", hints=["h"])
    assert repr(value) == "word(letters='ab', hints=['h'])"
    assert value == Word("ab", hints=["h"]) and value != Word("ba")
    assert hash(value) == hash(Word("ab", hints=["h"]))
    assert equal(from_json(to_json(value)), value) and is_open([value])
    with pytest.raises(AttributeError, match="immutable"):
        value.letters = "x"


def test_custom_values_inside_traced_functions() -> None:
    traced = trace(lambda: [word("ab", name="w"), oneof([1, 2])])
    assert traced.materialize(DNA(("aba", 1))) == [["a", "b", "a"], 2]
    assert [point.kind for point in traced.space.points] == ["custom", "categorical"]


def test_custom_values_under_constraints() -> None:
    view = constrain(mixed(), satisfies(lambda w: w[0] == ",", "word"), only(width=16))
    assert view.space.allows(DNA((0, ',""', 1, None)))
    assert not view.space.allows(DNA((0, '","', 1, None)))
    with pytest.raises(SpaceError, match="one of its values"):
        constrain(mixed(), forbid(word="abc"))


def test_a_custom_value_that_is_no_text() -> None:
    @register_node_kind
    class Broken(Word):
        def draw(self, rng: np.random.Generator) -> Any:
            return 3

    with pytest.raises(DNAError, match="Expected of Broken a value that is a text, received 3"):
        SearchSpace([Broken("ab")]).random(np.random.default_rng(0))


# -- evolve ------------------------------------------------------------------------------------


def cell() -> Any:
    return evolve(
        program(Net, program(Layer, 8), program(Layer, 16)),
        [
            insert([program(Layer, oneof([8, 16, 32])), program(Net)], beside=Layer, at_most=5),
            delete(Layer, at_least=1),
            replace(Layer, [program(Layer, intv(1, 64)), program(Net)], weight=2),
            replace(int, [3, 5], within="parts[*].units"),
        ],
        name="cell",
    )


def layers(made: Any) -> list[Any]:
    return [part for part in made.parts if part.__target__ is Layer]


@given(st.integers(0, 2**31))
def test_programs_evolve(seed: int) -> None:
    template = Template([cell()])
    space = template.space
    rng = np.random.default_rng(seed)
    dna = space.random(rng)
    for _ in range(10):
        changed = space.validate(space.mutate_point(dna, 0, rng))
        assert changed != dna
        [made] = template.materialize(changed)
        assert isinstance(made, Program) and not is_open(made)
        assert 1 <= len(made.parts) <= 5
        assert template.encode([made]) == changed
        assert DNA.from_string(str(changed)) == changed
        dna = changed


def test_children_differ_by_one_step() -> None:
    space = SearchSpace([cell()])
    template = Template([cell()])
    first = space.first()
    [made] = template.materialize(first)
    assert equal(made, program(Net, program(Layer, 8), program(Layer, 16)))
    rng = np.random.default_rng(0)
    lengths = Counter(
        len(template.materialize(space.mutate_point(first, 0, rng))[0].parts) for _ in range(200)
    )
    assert set(lengths) == {1, 2, 3} and lengths[2] > lengths[1] and lengths[2] > lengths[3]


def test_random_draws_spread() -> None:
    value = evolve([1], [insert([1], at_most=50)], spread=3)
    template = Template(value)
    lengths = {len(template.materialize(dna)) for dna in template.space.sample(60, 0)}
    assert lengths == {1, 2, 3, 4}


def test_any_program_of_the_kind_is_a_member() -> None:
    template = Template([cell()])
    made = program(Net, program(Layer, 7))
    assert equal(template.materialize(template.encode([made])), [made])
    with pytest.raises(EncodeError, match="what evolve.* can be"):
        template.encode([object()])


def test_each_child_is_its_own() -> None:
    template = Template([cell()])
    [one], [two] = (template.materialize(template.space.first()) for _ in range(2))
    one.parts[0].units = 99
    assert two.parts[0].units == 8
    assert template.materialize(template.space.first())[0].parts[0].units == 8


def test_weights() -> None:
    value = evolve([], [insert(["a"], weight=3), insert(["b"])])
    template = Template(value)
    rng = np.random.default_rng(0)
    first = template.space.first()
    made = Counter(template.materialize(template.space.mutate_point(first, 0, rng))[0]
                   for _ in range(2000))  # fmt: skip
    assert abs(made["a"] / 2000 - 0.75) < 0.03


def test_where_rules_hold() -> None:
    value = evolve({"a": [1], "b": [1]}, [insert([2], within="a"), delete(int, within="b")])
    template = Template(value)
    rng = np.random.default_rng(0)
    seen = {repr(template.materialize(template.space.mutate_point(template.space.first(), 0, rng)))
            for _ in range(50)}  # fmt: skip
    assert seen == {"{'a': [1, 2], 'b': [1]}", "{'a': [2, 1], 'b': [1]}", "{'a': [1], 'b': []}"}


def test_the_root_can_be_replaced() -> None:
    template = Template(evolve(program(Layer, 1), [replace(Layer, [program(Net)])]))
    made = template.materialize(
        template.space.mutate_point(template.space.first(), 0, np.random.default_rng(0))
    )
    assert equal(made, program(Net))


def test_where_nothing_can_change_the_program_stays() -> None:
    space = SearchSpace(evolve([1], [delete(int, at_least=1)]))
    assert space.mutate_point(space.first(), 0, np.random.default_rng(0)) == space.first()


@symbolize(name="tests.hyper.double")
def double(made: Any, rng: np.random.Generator) -> Any:
    return made * 2 if len(made) < 8 else None


@register_node_kind
@dataclass(frozen=True, repr=False, eq=False)
class Rotate(Rule):
    by: int

    def apply(self, program: Any, rng: np.random.Generator) -> Any:
        return program[self.by :] + program[: self.by]


def test_rules_of_ones_own() -> None:
    template = Template(evolve([1, 2], [double, Rotate(1)]))
    rng = np.random.default_rng(0)
    seen = {repr(template.materialize(template.space.mutate_point(template.space.first(), 0, rng)))
            for _ in range(20)}  # fmt: skip
    assert seen == {"[1, 2, 1, 2]", "[2, 1]"}
    assert SearchSpace.from_json(json.loads(json.dumps(template.space.to_json()))) == template.space
    with pytest.raises(SerializationError, match="kg.symbolize"):
        SearchSpace(evolve([1], [lambda made, rng: [2]])).to_json()


@pytest.mark.parametrize("algorithm", [
    Random(seed=1), RegularizedEvolution(10, 4, seed=1), HillClimb(seed=1)])  # fmt: skip
def test_algorithms_run_over_programs(algorithm: Any) -> None:
    study = search({"net": cell(), "rate": oneof([1, 2])}, reward, algorithm, num_trials=300)
    assert study.best_value >= 3
    if not isinstance(algorithm, Random):
        assert study.best_value >= 5


def reward(made: Any) -> float:
    return len(layers(made["net"])) + made["rate"] / 2


def test_seeds_fix_what_evolves() -> None:
    space = SearchSpace([cell()])
    one, two = (space.sample(20, 7) for _ in range(2))
    assert one == two and len(set(one)) > 5


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: evolve([oneof([1, 2])], [insert([1])]), "a concrete program to begin with"),
        (lambda: evolve([1], []), "at least one rule"),
        (lambda: evolve([1], insert([1])), "at least one rule"),  # type: ignore[arg-type]
        (lambda: evolve([1], [3]), "rules made by"),  # type: ignore[list-item]
        (lambda: evolve([1], [insert([1])], spread=-1), "spread"),
        (lambda: evolve([object()], [insert([1])]), "that can be saved"),
        (lambda: insert([]), "at least one candidate"),
        (lambda: replace(Layer, []), "at least one candidate"),
        (lambda: replace(Layer, Layer), "at least one candidate"),  # type: ignore[arg-type]
        (lambda: replace("Layer", [1]), "a class or function"),
        (lambda: delete(()), "a class or function"),
        (lambda: delete(Layer, weight=0), "weight above 0"),
        (lambda: insert([1], weight=True), "weight above 0"),
    ],
)
def test_bad_rules(make: Any, message: str) -> None:
    with pytest.raises(HyperValueError, match=message):
        make()


def test_rules_make_concrete_programs() -> None:
    space = SearchSpace(evolve([1], [lambda made, rng: [oneof([1, 2])]]))
    with pytest.raises(HyperValueError, match="rules to make concrete programs"):
        space.mutate_point(space.first(), 0, np.random.default_rng(0))


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", '{"format":"keras_glove","version":1,"value":{"$program":"os.system"}}'],
)
def test_hostile_texts(text: str) -> None:
    space = SearchSpace([cell()])
    with pytest.raises(DNAError, match="the text of a program"):
        space.validate(DNA([text]))


def test_hostile_documents() -> None:
    document = SearchSpace([cell()]).to_json()
    for custom in (None, "Word", to_json(oneof([1, 2])), to_json(3)):
        document["points"][0]["custom"] = custom
        with pytest.raises(SerializationError):
            SearchSpace.from_json(document)
