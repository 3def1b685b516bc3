"""Checks data.py against what is committed: the hashes of GOLDEN.json, the C
tables, and the ranges files. Sets that are not there are skipped by name.

    .venv/bin/python -m unittest -v test_data
"""
import hashlib
import json
import unittest

import data
import make_tables

GOLDEN = json.loads((data.DATASETS / "GOLDEN.json").read_text())


def made(function, *arguments):
    try:
        return function(*arguments)
    except data.Missing as missing:
        raise unittest.SkipTest(str(missing).splitlines()[0]) from None


class Data(unittest.TestCase):
    def test_golden(self):
        for key, expected in GOLDEN.items():
            with self.subTest(key):
                if key.startswith("unsw") and len(made(data.unsw_files)) > 1:
                    self.skipTest("the hashes are of the split, not the published pair")
                self.assertEqual(made(make_tables.golden, *key.split(":")), expected)

    def test_tables(self):
        for name, text in made(make_tables.headers).items():
            with self.subTest(name):
                self.assertEqual((data.DATASETS / name).read_text(), text)

    def test_area_average_keeps_the_ink(self):
        small, _ = made(data.mnist16, "test")
        large, _ = made(data.mnist, "test")
        # A value of 16x16 is a mean over 49/16 pixels.
        error = abs(small.sum(1) * 49 / 16 - large.sum(1)).max()
        self.assertLess(error, 1e-9)

    def test_log1p_and_unknown_words(self):
        column = data.Column("v", 0, True, 0.0, 2.0)
        self.assertEqual(data.scale([["0"], ["1e3"]], column)[1],
                         data.math.log1p(1000.0) / 2.0)
        constant = data.Column("v", 0, False, 7.0, 7.0)
        self.assertEqual(data.scale([["7"]], constant)[0], 0.0)
        words = data.Nominal("w", 0, False, ["a", "other"])
        self.assertEqual(data.one_hot([["b"]], words).tolist(), [[0.0, 0.0]])
        words = words._replace(has_other=True)
        self.assertEqual(data.one_hot([["b"]], words).tolist(), [[0.0, 1.0]])

    def test_ranges_files(self):
        for path in sorted(data.DATASETS.glob("*.ranges.json")):
            record = json.loads(path.read_text())
            model = (data.DATASETS / record["model"]).read_bytes()
            with self.subTest(path.name):
                self.assertEqual(record["model_sha256"],
                                 hashlib.sha256(model).hexdigest())
                self.assertIn((record["rows"], record["digest"]),
                              [(g["rows"], g["x_sha256"]) for key, g in GOLDEN.items()
                               if key.endswith(":train")])


if __name__ == "__main__":
    unittest.main()
