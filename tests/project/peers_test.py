"""The comparison with peers, where no peer is: workers, turns, targets and tables, from what fakes answer."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from peers_fakes import FAKE_PROGRAM, FakePeer, canned_record, fake_program, row

from comparison import contest, report, rounds, targets, worker
from comparison.processes import PeerFailed, Worker, cpu_seconds
from comparison.program import Program

# A worker's process that answers as it is asked to, and keeps a core busy meanwhile.
FAKE_WORKER = """
import json, sys, threading, time
def spin():
    while True: pass
threading.Thread(target=spin, daemon=True).start()
print(json.dumps({"versions": {"fake": "1.0"}}), flush=True)
for line in sys.stdin:
    case = json.loads(line)["case"]
    if case == "dies": sys.exit("out of memory")
    if case == "is silent": time.sleep(60)
    print(json.dumps({"error": "no such case"} if case == "fails" else {"seconds": 0.25}), flush=True)
"""

MISSING_FRAMEWORK = """
import importlib, sys
from comparison import worker
class Missing:
    def __init__(self, threads): importlib.import_module("no_such_framework")
worker.FRAMEWORKS["fake"] = Missing
sys.argv = ["worker", "fake", "1"]
worker.main()
"""


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.worker = Worker("fake", 1, [sys.executable, "-c", FAKE_WORKER])
        self.addCleanup(self.worker.close)

    def failure(self, case, patience=20):
        with self.assertRaises(PeerFailed) as caught:
            self.worker.ask(patience, do="round", case=case)
        return str(caught.exception)

    def test_it_stands_still_between_its_turns(self):
        self.assertEqual(self.worker.ask(20, do="round", case="any"), {"seconds": 0.25})
        self.assertEqual(self.worker.versions, {"fake": "1.0"})
        state = Path(f"/proc/{self.worker.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        before = cpu_seconds(self.worker.process.pid)
        subprocess.run(["sleep", "0.2"], check=True)
        self.assertEqual((state, cpu_seconds(self.worker.process.pid)), ("T", before))
        self.worker.ask(20, do="round", case="any")
        self.assertEqual(self.worker.idle_cpu_seconds, 0)

    def test_an_error_is_told_and_it_lives_on(self):
        self.assertEqual(self.failure("fails"), "no such case")
        self.assertEqual(self.worker.ask(20, do="round", case="any"), {"seconds": 0.25})

    def test_its_death_and_last_words_are_told_each_time(self):
        self.assertEqual(self.failure("dies"), "its process ended with status 1: out of memory")
        self.assertIn("out of memory", self.failure("any"))

    def test_silence_ends_it(self):
        self.assertEqual(self.failure("is silent", 0.2), "no answer within 0.2 s")
        self.assertIn("its process ended", self.failure("any"))

    def test_what_cannot_be_imported_is_told(self):
        with self.assertRaisesRegex(PeerFailed, "ModuleNotFoundError: No module named 'no_such_framework'"):
            Worker("fake", 1, [sys.executable, "-c", MISSING_FRAMEWORK])

    def test_requests_are_served_through_failures(self):
        class Framework:
            def prepare(self, case):
                return lambda count, rows: count / rows

        answers = []
        requests = [{"do": "prepare", "case": "a", "count": 1, "rows": 0}, {"do": "prepare", "case": "a", "count": 6, "rows": 2},
                    {"do": "round", "case": "a", "count": 8, "rows": 2}]
        with contextlib.redirect_stderr(io.StringIO()):
            worker.serve(Framework(), [json.dumps(one) for one in requests], answers.append)
        self.assertEqual(answers, [{"error": "ZeroDivisionError: division by zero"}, {}, {"seconds": 4}])


class RoundsTest(unittest.TestCase):
    def test_ratios_are_taken_round_by_round(self):
        self.assertEqual(row("peer", 2, 6, 12, ours=(1, 2, 3))["times_ours"], {"median": 3, "min": 2, "max": 4})
        self.assertEqual(row("peer", 2, 6, 12)["seconds"], {"median": 6, "min": 2, "max": 12})

    def test_who_begins_changes_and_who_fails_drops_out(self):
        turns = []

        def runner(name, fails_in=9):
            def run():
                turns.append(name)
                if turns.count(name) == fails_in:
                    raise PeerFailed("it fell over")
                return 1.0

            return run

        some = [rounds.Contestant("a", runner("a")), rounds.Contestant("b", runner("b", 2)), rounds.Contestant("c", runner("c"))]
        rounds.take_turns(some, 3)
        self.assertEqual("".join(turns), "abc" + "bca" + "ca")
        fallen = some[1].row(some[0])
        self.assertEqual((fallen["status"], fallen["reason"], fallen["seconds"]), ("failed", "it fell over", None))


class TargetsTest(unittest.TestCase):
    def rows(self, **changes):
        return [target.row(canned_record(**changes)) for target in targets.TARGETS]

    def test_each_is_judged_by_the_median(self):
        found = [(one["here"] and round(one["here"], 2), one["reached"]) for one in self.rows()]
        self.assertEqual(found, [
            (0.91, "at least"), (0.73, "stretch"), (2.9, "stretch"), (1.3, "no"), (None, None), (0.8, "at least"),
            (None, None), (0.91, "at least"), (0.3, "at least"), (None, None), (0.9, "at least"),
        ])

    def test_what_is_missing_has_its_reason(self):
        reasons = [one["reason"] for one in self.rows(training=[row(targets.OURS, status="failed", reason="it broke")])]
        self.assertEqual(reasons[2], f"{targets.EAGER} was left out")
        self.assertEqual(reasons[4], f"{targets.OURS_BF16} was left out")
        self.assertEqual(reasons[6], f"no memory; {targets.ONNX_FLOATS} was left out")
        self.assertEqual(reasons[9], "there is no data")

    def test_ours_that_failed_leaves_no_ratio(self):
        broken = rounds.Contestant(targets.OURS, status="failed", reason="it broke")
        eager = rounds.Contestant(targets.EAGER, seconds=[2, 2]).row(broken)
        one_thread = rounds.Contestant(targets.ONE_THREAD, seconds=[2, 2]).row(broken)
        found = self.rows(training=[broken.row(broken), eager, one_thread])
        self.assertEqual([found[2]["reason"], found[10]["reason"]], ["ours was not measured", "ours was not measured"])

    def test_they_are_printed_with_reasons_below(self):
        text = report.markdown(canned_record())
        self.assertRegex(text, r"\| lab epoch: faster than PyTorch eager +\| 2.30x +\| 2.80x +\| 2.90x +\| yes, stretch")
        self.assertRegex(text, r"\| peak memory of the lab's training, MB +\| 200 +\| 150 +\| not measured +\|")
        self.assertIn("- peak memory of the lab's training, MB: there is no data", text)
        self.assertRegex(text, r"\| Rushlight, bf16 +\| skipped +\| +\|\n")
        self.assertIn("- Rushlight, bf16: skipped: this CPU lacks bf16", text)
        self.assertIn("commit 0123456789ab with changes", text)
        self.assertRegex(text, r"\| bias_relu_dropout_forward +\| 0.91 \(0.81 to 1.01\) +\|")
        self.assertIn("- not measured: no vectors", report.markdown(canned_record(kernels={"reason": "no vectors"})))


class ContestTest(unittest.TestCase):
    def compare(self, text=FAKE_PROGRAM):
        with tempfile.TemporaryDirectory() as folder:
            program = Program(fake_program(folder, text), 2)
            workers = contest.start_workers(["pytorch", "jax"], 2, str, FakePeer)
            return contest.compare(program, workers, 2, 1, 150, str)

    def test_each_table_has_each_contestant(self):
        told = self.compare()
        found = {one["name"]: (one["status"], one["times_ours"] and one["times_ours"]["median"]) for one in told["training"]}
        self.assertEqual(found, {
            targets.OURS: ("measured", 1), targets.OURS_BF16: ("skipped", None), targets.ONE_THREAD: ("measured", 2),
            targets.EAGER: ("measured", 4), targets.COMPILED: ("failed", None), targets.JAX: ("skipped", None),
            targets.PRODUCTS: ("measured", 4 / 3), targets.FLOOR: ("measured", 2 / 3),
        })
        self.assertEqual(told["training"][1]["reason"], "rushlight bench ended with status 1: "
                         "--precision bf16 takes AVX512-BF16, which this CPU lacks")
        self.assertEqual([one["times_ours"] and one["times_ours"]["median"] for one in told["inference_1"]], [1, 2, None, None])
        self.assertEqual([one["reason"] for one in told["inference_10000"]], ["", "", *["onnxruntime was left out"] * 2])
        self.assertEqual(told["kernels"]["adam_to_copy"]["median"], 0.9)
        self.assertLess(told["start"]["seconds"]["median"], told["start"]["whole_seconds"]["median"])
        self.assertGreater(told["memory"]["megabytes"]["median"], 1)

    def test_a_program_that_fails_is_told_row_by_row(self):
        told = self.compare("#!/bin/sh\necho rushlight: no memory >&2\nexit 4\n")
        self.assertEqual(told["training"][0]["reason"], "rushlight bench ended with status 4: no memory")
        self.assertEqual(told["training"][-1]["reason"], "rushlight bench ended with status 4: no memory")
        self.assertIn("Rushlight was not measured", told["training"][3]["reason"])
        self.assertEqual(told["inference_10000"][0]["reason"], "rushlight bench ended with status 4: no memory")
        self.assertEqual(told["inference_10000"][1]["status"], "measured")
        self.assertEqual(told["start"], {"reason": "rushlight train ended with status 4: no memory"})

    def test_other_json_than_known_is_told(self):
        told = self.compare("#!/bin/sh\necho '{\"case\": \"lab\"}'\n")
        self.assertIn("the JSON of rushlight bench lab has another shape than this script knows: KeyError('results')",
                      told["training"][0]["reason"])


if __name__ == "__main__":
    unittest.main()
