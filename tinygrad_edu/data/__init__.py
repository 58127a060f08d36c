"""Data: readers, splits, batches, and data sets that need no download.

Everything here is NumPy until the last step, where DataLoader hands out tensors.
"""

from tinygrad_edu.data.augment import RandomAffine as RandomAffine
from tinygrad_edu.data.augment import affine as affine
from tinygrad_edu.data.catalogue import NAMES as NAMES
from tinygrad_edu.data.catalogue import load as load
from tinygrad_edu.data.collating import PadCollate as PadCollate
from tinygrad_edu.data.collating import collate as collate
from tinygrad_edu.data.collating import pad_sequence as pad_sequence
from tinygrad_edu.data.combining import ConcatDataset as ConcatDataset
from tinygrad_edu.data.combining import IterableDataset as IterableDataset
from tinygrad_edu.data.combining import ShuffleBuffer as ShuffleBuffer
from tinygrad_edu.data.combining import StackDataset as StackDataset
from tinygrad_edu.data.combining import TensorDataset as TensorDataset
from tinygrad_edu.data.csv_file import read_csv as read_csv
from tinygrad_edu.data.csv_file import read_examples as read_examples
from tinygrad_edu.data.dataset import ArrayDataset as ArrayDataset
from tinygrad_edu.data.dataset import Dataset as Dataset
from tinygrad_edu.data.dataset import Subset as Subset
from tinygrad_edu.data.fingerprints import Fingerprints as Fingerprints
from tinygrad_edu.data.fingerprints import read_fp as read_fp
from tinygrad_edu.data.fingerprints import write_fp as write_fp
from tinygrad_edu.data.idx import read_idx as read_idx
from tinygrad_edu.data.idx import write_idx as write_idx
from tinygrad_edu.data.images import ColorJitter as ColorJitter
from tinygrad_edu.data.images import Compose as Compose
from tinygrad_edu.data.images import Normalize as Normalize
from tinygrad_edu.data.images import RandomCrop as RandomCrop
from tinygrad_edu.data.images import RandomHorizontalFlip as RandomHorizontalFlip
from tinygrad_edu.data.images import RandomVerticalFlip as RandomVerticalFlip
from tinygrad_edu.data.images import Resize as Resize
from tinygrad_edu.data.loader import DataLoader as DataLoader
from tinygrad_edu.data.preparation import Preparation as Preparation
from tinygrad_edu.data.real import compounds as compounds
from tinygrad_edu.data.real import digits as digits
from tinygrad_edu.data.real import mnist as mnist
from tinygrad_edu.data.real import tcga as tcga
from tinygrad_edu.data.rows import WorkerInfo as WorkerInfo
from tinygrad_edu.data.rows import get_worker_info as get_worker_info
from tinygrad_edu.data.rows import sample_generator as sample_generator
from tinygrad_edu.data.sampling import BatchSampler as BatchSampler
from tinygrad_edu.data.sampling import DistributedSampler as DistributedSampler
from tinygrad_edu.data.sampling import RandomSampler as RandomSampler
from tinygrad_edu.data.sampling import Sampler as Sampler
from tinygrad_edu.data.sampling import SequentialSampler as SequentialSampler
from tinygrad_edu.data.sampling import SubsetRandomSampler as SubsetRandomSampler
from tinygrad_edu.data.sampling import WeightedRandomSampler as WeightedRandomSampler
from tinygrad_edu.data.source import DataError as DataError
from tinygrad_edu.data.split import kfold as kfold
from tinygrad_edu.data.split import random_split as random_split
from tinygrad_edu.data.split import train_test_split as train_test_split
from tinygrad_edu.data.streaming import ArrayFile as ArrayFile
from tinygrad_edu.data.streaming import CSVRows as CSVRows
from tinygrad_edu.data.streaming import TextLines as TextLines
from tinygrad_edu.data.synthetic import circle as circle
from tinygrad_edu.data.synthetic import gaussian as gaussian
from tinygrad_edu.data.synthetic import spiral as spiral
from tinygrad_edu.data.synthetic import xor as xor
from tinygrad_edu.data.table import Table as Table
from tinygrad_edu.data.tokenizers import CharTokenizer as CharTokenizer
from tinygrad_edu.data.tokenizers import Tokenizer as Tokenizer
from tinygrad_edu.data.tokenizers import WordTokenizer as WordTokenizer
from tinygrad_edu.data.workers import WorkerError as WorkerError
from tinygrad_edu.words import explain_classes, missing_from

__all__ = [
    "ArrayDataset", "ArrayFile", "BatchSampler", "CSVRows", "CharTokenizer", "ColorJitter", "Compose",
    "ConcatDataset", "DataError", "DataLoader", "Dataset", "DistributedSampler", "Fingerprints",
    "IterableDataset", "NAMES", "Normalize", "PadCollate", "Preparation", "RandomAffine", "RandomCrop",
    "RandomHorizontalFlip", "RandomSampler", "RandomVerticalFlip", "Resize", "Sampler",
    "SequentialSampler", "ShuffleBuffer", "StackDataset", "Subset", "SubsetRandomSampler", "Table",
    "TensorDataset", "TextLines", "Tokenizer", "WeightedRandomSampler", "WordTokenizer", "WorkerError",
    "WorkerInfo", "affine", "circle", "collate", "compounds", "digits", "gaussian", "get_worker_info",
    "kfold", "load", "mnist", "pad_sequence", "random_split", "read_csv", "read_examples", "read_fp",
    "read_idx", "sample_generator", "spiral", "tcga", "train_test_split", "write_fp", "write_idx", "xor",
]  # fmt: skip
explain_classes(globals(), __name__)
__getattr__ = missing_from(__name__)
