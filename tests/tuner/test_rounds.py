"""When a time is known: batches and races on clocks that are made up."""

from dataclasses import dataclass, field

import pytest

from tuner.measuring.rounds import REFERENCE, Batch, Policy, Race

POLICY = Policy(rounds=3, most_rounds=8, repeats=4)


@dataclass
class Machine:
    """Kernels that take what is said; `slow` is how much longer, at the visit of that number."""

    seconds: dict
    slow: dict = field(default_factory=dict)
    noise: tuple = (1.0,)
    visits: list = field(default_factory=list)
    runs: int = 0

    def __call__(self, number, repeats, limit):
        factor = self.slow.get(len(self.visits), self.slow.get("rest", 1.0))
        self.visits.append(number)
        found = []
        for _ in range(repeats):
            taken = self.seconds[number] * factor * self.noise[self.runs % len(self.noise)]
            self.runs += 1
            found.append((2 * taken, taken))
            if limit is not None and len(found) == 2 and min(s for _, s in found) > limit:
                break
        return found


def visits_of(machine, number):
    return machine.visits.count(number)


def test_kernels_take_turns_and_stop_when_their_best_repeats_agree():
    machine = Machine({REFERENCE: 10, 0: 20, 1: 8})
    found = Batch(machine, [0, 1], 1, POLICY).run()
    assert machine.visits == [REFERENCE, 0, 1, REFERENCE, 0, 1, REFERENCE]
    assert (found[0].cost, found[1].cost, found[1].reference) == (20, 8, 10)
    assert len(found[0].samples) == 8 and found[0].samples[0] == (40, 20)


def test_wall_clock_counts_for_several_threads():
    found = Batch(Machine({REFERENCE: 10, 0: 20}), [0], 2, POLICY).run()
    assert found[0].cost == 40


def test_repeats_that_never_agree_take_all_rounds():
    machine = Machine({REFERENCE: 10, 0: 20}, noise=(1.0, 1.2, 1.5, 1.1))
    found = Batch(machine, [0], 1, Policy(rounds=3, agree=-1)).run()
    assert visits_of(machine, 0) == 3 and found[0].cost == 20


def test_a_hopeless_kernel_is_given_up():
    machine = Machine({REFERENCE: 10, 0: 31, 1: 29})
    found = Batch(machine, [0, 1], 1, POLICY).run()
    assert len(found[0].samples) == 2 and visits_of(machine, 0) == 1
    assert len(found[1].samples) == 8
    assert found[0].cost == 31


def test_the_best_of_earlier_batches_makes_others_hopeless():
    found = Batch(Machine({REFERENCE: 10, 0: 20}), [0], 1, POLICY, best=5).run()
    assert len(found[0].samples) == 2


def test_rounds_in_which_the_reference_is_slow_are_measured_again():
    """The second visit of the reference is slow: neither round beside it counts."""
    machine = Machine({REFERENCE: 10, 0: 20}, slow={2: 1.2})
    found = Batch(machine, [0], 1, POLICY).run()
    assert visits_of(machine, 0) == 4 and found[0].cost == 20


def test_what_is_measured_in_a_slow_round_does_not_count():
    """All is slow until the fourth visit of the kernel."""
    slow = dict.fromkeys(range(6), 1.3)
    machine = Machine({REFERENCE: 10, 0: 20}, slow=slow)
    batch = Batch(machine, [0], 1, POLICY)
    found = batch.run()
    assert [batch.counts(i) for i in range(len(batch.rounds))] == [True] * 2
    slow = dict.fromkeys(range(5), 1.3)
    machine = Machine({REFERENCE: 10, 0: 20}, slow=slow)
    batch = Batch(machine, [0], 1, Policy(rounds=3, agree=-1))
    found = batch.run()
    assert [batch.counts(i) for i in range(len(batch.rounds))] == [False] * 3 + [True] * 3
    assert found[0].cost == 20 and found[0].reference == 10


def test_a_machine_that_stays_slow_is_measured_all_the_same():
    """The reference was faster in an earlier batch, and is not any more."""
    machine = Machine({REFERENCE: 10, 0: 20})
    found = Batch(machine, [0], 1, POLICY, known=9).run()
    assert visits_of(machine, 0) == POLICY.most_rounds
    assert (found[0].cost, found[0].reference) == (20, 10)


def test_a_race_compares_with_the_reference_beside_it():
    """The machine is slower from the middle on: ratios stay, the cost is that of a fast machine."""
    rounds = 12
    slow = dict.fromkeys(range(25, 49), 1.5)
    machine = Machine({REFERENCE: 10, 0: 8, 1: 12}, slow=slow)
    found = Race(machine, [0, 1], 1, Policy(race_rounds=rounds)).run()
    assert len(machine.visits) == 1 + 2 * 2 * rounds
    assert visits_of(machine, REFERENCE) == 2 * rounds + 1
    assert found[0].cost == pytest.approx(8) and found[1].cost == pytest.approx(12)
    assert found[0].reference == 10 and len(found[0].samples) == 3 * rounds


def test_pairs_with_an_unsteady_reference_do_not_count():
    """Every fourth visit of the reference is disturbed."""
    slow = dict.fromkeys(range(0, 25, 8), 3.0)
    machine = Machine({REFERENCE: 10, 0: 8}, slow=slow)
    assert Race(machine, [0], 1, Policy()).run()[0].cost == pytest.approx(8)
