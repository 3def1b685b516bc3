"""The data sets, defined: load("nsl-kdd", "train") gives (x, y) as float32, int32.

This file is the reference for the C readers in datasets/. Both must produce the
same bytes; GOLDEN.json holds the hashes and test_data.py checks them. Arithmetic
is in double and each value is rounded to float32 once, at the end.

Files are looked for, plain or gzipped, in $PARTITA_DATA, in ../shared/datasets
beside the repository, and in datasets/ itself (which has the MNIST test set).
"""
import gzip
import math
import os
from collections import namedtuple
from pathlib import Path

import numpy as np

DATASETS = Path(__file__).resolve().parents[1]

# A numeric column: its name, its place in the file (from 0), whether log1p comes
# first, and the smallest and largest value over the training rows, after log1p.
Column = namedtuple("Column", "name index log1p min max")
# A nominal column: one value a word, and whether the last word stands for the rest.
Nominal = namedtuple("Nominal", "name index has_other words")

# ---------------------------------------------------------------- files


class Missing(SystemExit):
    """A file that is not there; the message says where to put it."""


def roots():
    """Folders that may hold <set>/<file>, in order of preference."""
    found = [DATASETS.parents[1] / "shared" / "datasets", DATASETS]
    if "PARTITA_DATA" in os.environ:
        found.insert(0, Path(os.environ["PARTITA_DATA"]))
    return found


def find(folder, *names):
    """Path of the first of `names` found, plain or gzipped, else None."""
    tries = (root / folder / (name + end)
             for root in roots() for name in names for end in ("", ".gz"))
    return next((path for path in tries if path.is_file()), None)


def read(folder, name):
    """Uncompressed bytes of <folder>/<name>[.gz]."""
    path = find(folder, name)
    if path is None:
        raise Missing(
            f"{folder}: {name}[.gz] is missing. Looked in:\n"
            + "".join(f"  {root / folder}\n" for root in roots())
            + "Put the file into one of these, or set PARTITA_DATA to the folder "
              f"that holds {folder}/.")
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def read_csv(folder, name):
    """Rows of a comma-separated file as lists of text."""
    text = read(folder, name).decode("utf-8-sig")
    return [line.split(",") for line in text.splitlines()]

# ---------------------------------------------------------------- MNIST


def read_idx(name):
    """An IDX file of unsigned bytes as an array."""
    data = read("mnist", name)
    dims = np.frombuffer(data, ">i4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(dims)


def mnist_raw(split):
    stem = {"train": "train", "test": "t10k"}[split]
    return (read_idx(f"{stem}-images-idx3-ubyte"),
            read_idx(f"{stem}-labels-idx1-ubyte"))


def mnist(split):
    """28x28 pixels p, each p/255."""
    images, labels = mnist_raw(split)
    return images.reshape(-1, 784) / 255.0, labels


def mnist16(split):
    """16x16 area average: a pixel of 16 covers 7 quarter pixels of 28 per axis."""
    images, labels = mnist_raw(split)
    overlap = np.array([[max(0, min(7 * i + 7, 4 * j + 4) - max(7 * i, 4 * j))
                         for j in range(28)] for i in range(16)], float)
    sums = overlap @ images.astype(float) @ overlap.T  # integers, exact in double
    return sums.reshape(-1, 256) / (49.0 * 255.0), labels

# ---------------------------------------------------------------- tables


def numbers(rows, index, log1p):
    """One numeric column in double; log1p is the C library's, as in the readers."""
    values = map(float, (row[index] for row in rows))
    return np.array(list(map(math.log1p, values) if log1p else values))


def columns(rows, names, wants_log1p):
    """Columns {index: name}, with the constants of these (training) rows."""
    found = []
    for index, name in names.items():
        plain = numbers(rows, index, False)
        log1p = bool(wants_log1p(plain.min(), plain.max()))
        values = numbers(rows, index, log1p)
        found.append(Column(name, index, log1p, values.min(), values.max()))
    return found


def scale(rows, column):
    """(v - min) / (max - min), not clamped; a constant column gives 0."""
    if column.max == column.min:
        return np.zeros(len(rows))
    values = numbers(rows, column.index, column.log1p)
    return (values - column.min) / (column.max - column.min)


def one_hot(rows, column):
    """One column a word; a value not listed sets the last word, or else nothing."""
    place = {word: i for i, word in enumerate(column.words)}
    unlisted = len(place) - 1 if column.has_other else None
    hot = np.zeros((len(rows), len(place)))
    for i, row in enumerate(rows):
        j = place.get(row[column.index], unlisted)
        if j is not None:
            hot[i, j] = 1.0
    return hot


def table(rows, numeric, nominal, label, classes):
    """Rows to (x, y): numeric columns, then one-hot ones; class of the label."""
    x = np.column_stack([scale(rows, column) for column in numeric]
                        + [one_hot(rows, column) for column in nominal])
    return x, np.array([classes[row[label]] for row in rows])

# ---------------------------------------------------------------- NSL-KDD

NSL_NAMES = (
    "duration protocol_type service flag src_bytes dst_bytes land wrong_fragment "
    "urgent hot num_failed_logins logged_in num_compromised root_shell "
    "su_attempted num_root num_file_creations num_shells num_access_files "
    "num_outbound_cmds is_host_login is_guest_login count srv_count serror_rate "
    "srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate diff_srv_rate "
    "srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate "
    "dst_host_diff_srv_rate dst_host_same_src_port_rate "
    "dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate "
    "dst_host_rerror_rate dst_host_srv_rerror_rate").split()
NSL_NOMINAL = (1, 2, 3)
NSL_DROPPED = (19,)  # num_outbound_cmds is 0 in every row
NSL_LABEL = 41
NSL_CLASSES = ["normal", "DoS", "Probe", "R2L", "U2R"]
NSL_CLASS_OF = {label: i for i, labels in enumerate((
    "normal",
    "apache2 back land mailbomb neptune pod processtable smurf teardrop udpstorm "
    "worm",
    "ipsweep mscan nmap portsweep saint satan",
    "ftp_write guess_passwd httptunnel imap multihop named phf sendmail "
    "snmpgetattack snmpguess spy warezclient warezmaster xlock xsnoop",
    "buffer_overflow loadmodule perl ps rootkit sqlattack xterm",
)) for label in labels.split()}


def nsl_rows(split):
    return read_csv("nsl-kdd", {"train": "KDDTrain+.txt", "test": "KDDTest+.txt"}[split])


def nsl_tables(train):
    """(numeric columns, nominal columns), from the training rows."""
    names = {i: name for i, name in enumerate(NSL_NAMES)
             if i not in NSL_NOMINAL + NSL_DROPPED}
    return (columns(train, names, lambda low, high: high > 3),
            [Nominal(NSL_NAMES[i], i, False,
                     sorted({row[i] for row in train}, key=str.encode))
             for i in NSL_NOMINAL])


def nsl_kdd(split):
    """121 values: 37 numeric, protocol 3, service 70, flag 11."""
    train = nsl_rows("train")
    rows = train if split == "train" else nsl_rows(split)
    return table(rows, *nsl_tables(train), NSL_LABEL, NSL_CLASS_OF)

# ---------------------------------------------------------------- UNSW-NB15

UNSW_NOMINAL = [Nominal(name, index, True, words.split()) for name, index, words in (
    ("proto", 2, "tcp udp unas arp ospf sctp any other"),
    ("service", 3, "- dns http smtp ftp ftp-data pop3 ssh ssl snmp dhcp other"),
    ("state", 4, "FIN INT CON REQ other"))]
UNSW_LABEL = 43
UNSW_CLASSES = ("Normal Generic Exploits Fuzzers DoS Reconnaissance Analysis "
                "Backdoor Shellcode Worms").split()
UNSW_CLASS_OF = {label: i for i, label in enumerate(UNSW_CLASSES)}
UNSW_FILES = ["UNSW_NB15_testing-set.csv", "UNSW_NB15_training-set.csv"]
UNSW_TEST_ROWS, UNSW_TRAIN_ROWS = 82332, 175341  # copies swap the file names


def fnv1a64(data):
    key = 0xcbf29ce484222325
    for byte in data:
        key = (key ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return key


def unsw_files():
    """{number of rows: rows} of the files that are present, header included."""
    present = [name for name in UNSW_FILES if find("unsw-nb15", name)]
    files = [read_csv("unsw-nb15", name) for name in present or UNSW_FILES[:1]]
    by_rows = {len(rows) - 1: rows for rows in files}
    if UNSW_TEST_ROWS not in by_rows:
        raise Missing(f"unsw-nb15: no file of {UNSW_TEST_ROWS} rows among {present}")
    return by_rows


def unsw_part(rows, split):
    """Rows of a part; equal feature vectors (columns 2 to 43) stay together."""
    keys = {"train": range(0, 7), "validation": (7,), "test": (8, 9)}[split]
    return [row for row in rows
            if (fnv1a64(",".join(row[1:43]).encode()) >> 32) % 10 in keys]


def unsw_tables():
    """(numeric columns, nominal columns), always from the split's training part."""
    header, *rows = unsw_files()[UNSW_TEST_ROWS]
    nominal = [column.index for column in UNSW_NOMINAL]
    names = {i: header[i] for i in range(1, 43) if i not in nominal}
    return (columns(unsw_part(rows, "train"), names,
                    lambda low, high: high - low > 10), UNSW_NOMINAL)


def unsw_nb15(split):
    """64 values: 39 numeric, proto 8, service 12, state 5."""
    files = unsw_files()
    if UNSW_TRAIN_ROWS in files:  # the published pair: rows as its makers split them
        rows = files[UNSW_TRAIN_ROWS if split == "train" else UNSW_TEST_ROWS][1:]
    else:
        rows = unsw_part(files[UNSW_TEST_ROWS][1:], split)
    return table(rows, *unsw_tables(), UNSW_LABEL, UNSW_CLASS_OF)

# ---------------------------------------------------------------- interface

SETS = {"mnist": mnist, "mnist16": mnist16, "nsl-kdd": nsl_kdd,
        "unsw-nb15": unsw_nb15}


def load(name, split):
    """(x, y) of one split: float32 [rows, values] and int32 [rows], in file order."""
    x, y = SETS[name](split)
    return np.ascontiguousarray(x, "<f4"), np.ascontiguousarray(y, "<i4")
