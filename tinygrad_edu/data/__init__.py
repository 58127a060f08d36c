"""Data: readers, splits, batches, and data sets that need no download.

Everything here is NumPy until the last step, where DataLoader hands out tensors.
"""

from tinygrad_edu.data.augment import RandomAffine as RandomAffine
from tinygrad_edu.data.augment import affine as affine
from tinygrad_edu.data.catalogue import NAMES as NAMES
from tinygrad_edu.data.catalogue import load as load
from tinygrad_edu.data.csv_file import read_csv as read_csv
from tinygrad_edu.data.csv_file import read_examples as read_examples
from tinygrad_edu.data.dataset import ArrayDataset as ArrayDataset
from tinygrad_edu.data.dataset import Dataset as Dataset
from tinygrad_edu.data.dataset import Subset as Subset
from tinygrad_edu.data.dataset import collate as collate
from tinygrad_edu.data.fingerprints import Fingerprints as Fingerprints
from tinygrad_edu.data.fingerprints import read_fp as read_fp
from tinygrad_edu.data.fingerprints import write_fp as write_fp
from tinygrad_edu.data.idx import read_idx as read_idx
from tinygrad_edu.data.idx import write_idx as write_idx
from tinygrad_edu.data.loader import DataLoader as DataLoader
from tinygrad_edu.data.preparation import Preparation as Preparation
from tinygrad_edu.data.real import compounds as compounds
from tinygrad_edu.data.real import digits as digits
from tinygrad_edu.data.real import mnist as mnist
from tinygrad_edu.data.real import tcga as tcga
from tinygrad_edu.data.source import DataError as DataError
from tinygrad_edu.data.split import kfold as kfold
from tinygrad_edu.data.split import train_test_split as train_test_split
from tinygrad_edu.data.synthetic import circle as circle
from tinygrad_edu.data.synthetic import gaussian as gaussian
from tinygrad_edu.data.synthetic import spiral as spiral
from tinygrad_edu.data.synthetic import xor as xor
from tinygrad_edu.data.table import Table as Table
from tinygrad_edu.words import missing_from

__all__ = [
    "NAMES", "ArrayDataset", "DataError", "DataLoader", "Dataset", "Fingerprints", "Preparation",
    "RandomAffine", "Subset", "Table", "affine", "circle", "collate", "compounds", "digits", "gaussian",
    "kfold", "load", "mnist", "read_csv", "read_examples", "read_fp", "read_idx", "spiral", "tcga",
    "train_test_split", "write_fp", "write_idx", "xor",
]  # fmt: skip
__getattr__ = missing_from(__name__)
