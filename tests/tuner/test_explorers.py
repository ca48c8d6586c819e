"""Explorers: what they propose, in which order, and that a search can be resumed."""

import numpy as np
import pytest
from replay_tables import made_up

from analysis.errors import UserError
from analysis.extensions import entries
from tuner.explorers.autotvm import AutoTVM
from tuner.explorers.explorer import GROUP, find_explorer, next_trials
from tuner.explorers.learned import Learned
from tuner.explorers.simple import ByPrior, Exhaustive
from tuner.history import Trial, best, scores
from tuner.models import AnalyticPrior, BoostedTrees, ExtraTrees, RandomScores
from tuner.replay import search

NAMES = ["autotvm", "exhaustive", "learned", "prior", "random"]
DRAWING = ["autotvm", "random"]
"""Those whose first trials depend on the seed."""

FAST = {
    "learned": lambda seed: Learned(seed, model=ExtraTrees(trees=5)),
    "autotvm": lambda seed: AutoTVM(seed, model=BoostedTrees(trees=5)),
}


def explorer(name, seed=0):
    return FAST.get(name, find_explorer(name))(seed)


def numbers(history):
    return [trial.candidate for trial in history]


def test_there_are_these():
    assert sorted(entries(GROUP)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_trials_and_none_twice(name):
    table = made_up()
    first, again = (search(table, explorer(name), 100) for _ in range(2))
    assert numbers(first) == numbers(again)
    assert len(set(numbers(first))) == 100
    assert any(trial.cost is None for trial in first)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_other_trials(name):
    table = made_up()
    first, other = (search(table, explorer(name, seed), 100) for seed in (0, 1))
    assert (numbers(first)[:8] != numbers(other)[:8]) == (name in DRAWING)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("killed", [0, 5, 8, 70])
def test_resumed_anywhere_it_goes_on_as_before(name, killed):
    table = made_up()
    whole = search(table, explorer(name), 96)
    history = whole[:killed]
    while len(history) < 96:
        found = next_trials(explorer(name), table.candidates, history)
        history = [*history, *(table.trial(i) for i in found)]
    assert numbers(history)[:96] == numbers(whole)


def test_records_of_another_search_are_refused():
    table = made_up()
    history = search(table, explorer("prior"), 3)
    strange = [history[0], table.trial(history[2].candidate)]
    with pytest.raises(UserError, match=r"trial 1 of these records is candidate \d+"):
        next_trials(explorer("prior"), table.candidates, strange)


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_when_all_are_tried(name):
    table = made_up()
    history = search(table, explorer(name), 10_000)
    assert sorted(numbers(history)) == list(range(len(table.candidates)))
    assert next_trials(explorer(name), table.candidates, history) == []


def test_failures_count_and_have_the_label_nothing():
    history = [Trial(4, None), Trial(1, 2.0), Trial(7, 8.0), Trial(2, 2.0)]
    assert scores(history).tolist() == [0, 1, 0.25, 1]
    assert best(history, 3) == [1, 2, 7]
    assert scores(history[:1]).tolist() == [0] and best(history[:1], 3) == []


def test_a_search_of_failures_alone_goes_on():
    candidates = made_up().candidates
    failures = [Trial(i, None) for i in explorer("prior").propose(candidates, [], 8)]
    for name in ("learned", "autotvm"):
        one = explorer(name)
        history = [] if name == "autotvm" else failures
        while len(history) < 3 * one.batch:
            proposed = next_trials(one, candidates, history)
            history = [*history, *(Trial(i, None) for i in proposed)]
        assert len(set(numbers(history))) == len(history)


def test_exhaustive_is_in_order_and_the_prior_by_cost():
    candidates = made_up().candidates
    assert Exhaustive(0).propose(candidates, [], 5) == [0, 1, 2, 3, 4]
    chosen = ByPrior(0).propose(candidates, [], 5)
    assert candidates.prior[chosen].tolist() == sorted(candidates.prior)[:5]


def test_half_of_a_learned_batch_are_neighbours_of_the_best():
    table = made_up()
    history = search(table, explorer("learned"), 8)
    near = {n for p in best(history, 3) for n in table.candidates.neighbours(p)}
    assert set(explorer("learned").propose(table.candidates, history, 8)[:4]) <= near


def test_learning_comes_closer_than_chance():
    table = made_up()

    def mean(name):
        return np.mean([best_cost(search(table, explorer(name, s), 64)) for s in range(4)])

    assert mean("learned") < 0.9 * mean("random")


def best_cost(history):
    return min(trial.cost for trial in history if trial.cost is not None)


@pytest.mark.parametrize("model", [ExtraTrees(20), BoostedTrees(20)])
def test_models_learn_an_order(model):
    rows = np.random.default_rng(0).random((80, 3))
    labels = rows[:, 1]
    predict = model.fit(rows[:60], labels[:60], 3)
    assert np.corrcoef(predict(rows[60:]), labels[60:])[0, 1] > 0.9
    assert np.array_equal(predict(rows), model.fit(rows[:60], labels[:60], 3)(rows))


def test_models_without_learning():
    features = made_up().candidates.features
    prior = AnalyticPrior().fit(features[:0], features[:0, 0], 0)(features)
    assert prior.argmax() == made_up().candidates.prior.argmin()
    drawn = RandomScores().fit(features[:0], features[:0, 0], 1)
    assert len(set(drawn(features).tolist())) == len(features)


def test_an_unknown_explorer():
    with pytest.raises(UserError, match="no explorer is called 'lerned': did you mean learned"):
        find_explorer("lerned")
