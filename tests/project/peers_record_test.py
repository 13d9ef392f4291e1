"""What bench/peers.py writes and is asked: the record, the chart, the options."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from peers_fakes import ROOT, canned_record, fake_program

import chart
import peers
from comparison import record, targets


class RecordTest(unittest.TestCase):
    def test_a_cpu_is_named_for_people(self):
        amd = "vendor_id : AuthenticAMD\ncpu family : {}\nmodel\t\t: {}\nmodel name : AMD EPYC 7B13 64-Core Processor\n"
        self.assertEqual(record.cpu_name(amd.format(25, 1)), "AMD EPYC 7B13, Zen 3")
        self.assertEqual(record.cpu_name(amd.format(25, 17)), "AMD EPYC 7B13, Zen 4")
        self.assertEqual(record.cpu_name(amd.format(26, 2)), "AMD EPYC 7B13, Zen 5")
        self.assertEqual(record.cpu_name("model name\t: Intel(R) Xeon(R) Gold 6430 CPU @ 2.10GHz\n"), "Intel Xeon Gold 6430")

    def test_records_are_not_overwritten(self):
        name = record.stem({"machine": {"cpu": "AMD EPYC, Zen 3"}, "commit": "0123456789ab"})
        self.assertEqual(name, "cpu-amd-epyc-zen-3-0123456789ab")
        with tempfile.TemporaryDirectory() as folder:
            for expected in (f"{name}.json", f"{name}-2.json", f"{name}-3.json"):
                path = record.free_path(folder, name)
                self.assertEqual(path.name, expected)
                record.write_whole(path, expected)
            self.assertEqual({path.name: path.read_text() == path.name for path in Path(folder).iterdir()},
                             {f"{name}.json": True, f"{name}-2.json": True, f"{name}-3.json": True})

    def test_a_build_with_changes_is_no_commit(self):
        self.assertEqual(record.built_from({"commit": "0123-dirty"}), {"commit": "0123", "dirty": True})
        self.assertEqual(record.built_from({"commit": "0123"}), {"commit": "0123", "dirty": False})
        self.assertEqual(record.built_from({"commit": "unknown"}), {"commit": None, "dirty": None})

    def test_numbers_stand_on_one_line(self):
        one = {"rounds": [1.5, 2], "names": ["[a,\n b]"], "none": []}
        self.assertIn('"rounds": [1.5, 2]', record.to_json(one))
        self.assertEqual(json.loads(record.to_json(one)), one)


class ChartTest(unittest.TestCase):
    SVG = "{http://www.w3.org/2000/svg}"

    def test_it_has_a_bar_for_each_row_that_was_measured(self):
        drawn = ElementTree.fromstring(chart.draw(canned_record()))
        bars = [(one.get("class"), float(one.get("width"))) for one in drawn.iter(self.SVG + "rect") if one.get("class") != "page"]
        self.assertEqual([kind for kind, _ in bars], ["limit", "ours", "limit", "peer", "peer", "ours", "peer", "peer", "ours"])
        self.assertAlmostEqual(bars[4][1] / bars[1][1], 2.9, delta=0.01)
        words = [one.text for one in drawn.iter(self.SVG + "text")]
        for name in (targets.EAGER, targets.JAX, targets.PRODUCTS, targets.FLOOR, targets.ONNX_FLOATS):
            self.assertIn(name, words)
        self.assertNotIn(targets.OURS_BF16, words)
        self.assertIn("2.90 s  (2.9x ours)", words)

    def test_it_tells_machine_commit_and_versions_whatever_they_hold(self):
        words = " ".join(one.text for one in ElementTree.fromstring(chart.draw(canned_record())).iter(self.SVG + "text"))
        self.assertIn("AMD EPYC, Zen 3, 2 threads", words)
        self.assertIn("commit 0123456789ab with changes, PyTorch 2.15.0, onnxruntime <&1.32>", words)

    def test_another_file_is_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write("{}")
            file.flush()
            for arguments, code, said in (([file.name], 3, "is no record of bench/peers.py"), (["gone.json"], 3, "cannot be read"), ([], 2, "usage")):
                done = subprocess.run([sys.executable, ROOT / "bench/chart.py", *arguments], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertIn(said, done.stderr)


class OptionsTest(unittest.TestCase):
    def refused(self, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as caught:
            peers.read_arguments(arguments)
        self.assertEqual(caught.exception.code, 2)
        return said.getvalue().splitlines()[-1]

    def test_wrong_ones_are_named(self):
        self.assertIn("--peers: there is no 'pytroch': pytorch, jax, onnxruntime", self.refused("--peers", "pytroch"))
        self.assertIn("--rounds: needs a number above 0, but was given 0", self.refused("--rounds", "0"))
        self.assertIn("--seconds: invalid number value: 'long'", self.refused("--seconds", "long"))
        self.assertIn("not allowed with argument", self.refused("--no-peers", "--peers", "jax"))
        self.assertIn("99999 were asked for, but there are", self.refused("--threads", "99999"))
        self.assertIn("--out: /dev/null/a cannot be made", self.refused("--out", "/dev/null/a"))

    def test_quick_is_shorter_and_gives_way(self):
        with tempfile.TemporaryDirectory() as folder:
            quick = peers.read_arguments(["--quick", "--rounds", "5", "--out", folder])
            usual = peers.read_arguments(["--out", folder])
        self.assertEqual((quick.rounds, usual.rounds), (5, 7))
        self.assertLess(quick.seconds, usual.seconds)

    def test_a_run_without_peers_leaves_record_and_chart(self):
        with tempfile.TemporaryDirectory() as folder:
            program, out = fake_program(folder), Path(folder, "new", "out")
            words = ["--program", program, "--no-peers", "--rounds", "2", "--threads", "1", "--out", out]
            done = subprocess.run([sys.executable, ROOT / "bench/peers.py", *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            path, drawing = (Path(line) for line in done.stdout.splitlines()[-2:])
            told = json.loads(path.read_text())
            self.assertEqual(sorted(os.listdir(out)), sorted([path.name, drawing.name]))
        self.assertEqual((told["commit"], told["dirty"], told["program"]["compiler"]), ("0123456789ab", True, "GNU 12"))
        self.assertEqual(len(told["targets"]), len(targets.TARGETS))
        self.assertEqual(told["targets"][10]["reason"], "there is one thread")

    def test_a_program_that_is_not_there_is_named(self):
        done = subprocess.run([sys.executable, ROOT / "bench/peers.py", "--program", "gone"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("gone does not start: No such file or directory; build it", done.stderr)


if __name__ == "__main__":
    unittest.main()
