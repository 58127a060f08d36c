"""Derive the data files that this package ships, from files inside two PyPI packages; no download of its own.

    pip install pymaftools==0.5.0 rdkit==2026.9.1 tables pandas numpy
    python tools/derive_datasets.py            # rewrite tinygrad_edu/data/files/
    python tools/derive_datasets.py --check    # write nothing, fail if the committed files differ

The gzip header holds no time and no name, so the bytes depend on the content and on zlib's compressor alone;
`--check` compares the content, which is what must not change. Nothing of pymaftools is imported (`--no-deps`
installs enough of it): pandas reads its HDF5 file, which holds pickles, so trust only the package's own copy.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the checkout this script belongs to, installed or not

from tinygrad_edu import files  # noqa: E402
from tinygrad_edu.data.fingerprints import Fingerprints, write_fp  # noqa: E402
from tinygrad_edu.data.source import read_bytes, write_bytes  # noqa: E402

FILES = ROOT / "tinygrad_edu" / "data" / "files"


def inside(package: str, path: str) -> Path:
    """The path of a file inside an installed package, found without importing the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"derive_datasets: {package} is not installed; see the head of this file")
    return Path(spec.submodule_search_locations[0], path)


def tcga(target: Path) -> None:
    """958 tumours x 62 genes: `sample,subtype,<gene>...`, 1 for any variant class, 0 for False."""
    import pandas

    source = inside("pymaftools", "data/example_tcga_lung_mutation_grouped.h5")
    calls = pandas.read_hdf(source, "data")  # (genes, samples): False, or the variant class
    subtype = pandas.read_hdf(source, "sample_metadata")["subtype"]
    if calls.shape != (62, 958) or list(subtype.index) != list(calls.columns):
        raise SystemExit(f"derive_datasets: {source.name} is not the file of pymaftools 0.5.0: {calls.shape}")
    mutated = np.array([[int(cell is not False) for cell in row] for row in calls.to_numpy().tolist()]).T
    lines = [",".join(["sample", "subtype", *calls.index])]
    for sample, kind, row in zip(calls.columns, subtype, mutated.tolist(), strict=True):
        lines.append(",".join([sample, kind, *map(str, row)]))
    write_bytes(target, "".join(f"{line}\n" for line in lines).encode())


def compounds(target: Path) -> None:
    """1017 molecules: `SMILES activity bits`, Morgan fingerprints of radius 2 folded to 1024 bits."""
    from rdkit import Chem
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    folder = inside("rdkit", "Contrib/FreeWilson/data")
    with open(folder / "CHEMBL2321810_act.csv", newline="") as stream:
        activity = {row["Name"]: float(row["Act"]) for row in csv.DictReader(stream)}
    pairs = [line.split() for line in (folder / "CHEMBL2321810.smi").read_text().splitlines()]
    morgan = GetMorganGenerator(radius=2, fpSize=1024)
    bits = np.stack([morgan.GetFingerprintAsNumPy(Chem.MolFromSmiles(smiles)) for smiles, _ in pairs])
    write_fp(
        target,
        Fingerprints(
            names=tuple(smiles for smiles, _ in pairs),
            labels=np.array([activity[name] for _, name in pairs]),
            bits=bits.astype(np.uint8),
        ),
    )


DERIVED = {"tcga_lung.csv.gz": tcga, "compounds.fp.gz": compounds}


def main() -> int:
    """Write or check every file; print its size and checksums; 1 if a check failed."""
    parser = argparse.ArgumentParser(description="derive the data files shipped in tinygrad_edu/data/files")
    parser.add_argument("--check", action="store_true", help="write nothing, compare with what is there")
    check = parser.parse_args().check
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for name, derive in DERIVED.items():
            fresh = Path(scratch, name)
            derive(fresh)
            content = read_bytes(fresh)
            if check:
                same = (FILES / name).is_file() and read_bytes(FILES / name) == content
                failed |= not same
                print(name, "same content" if same else "DIFFERS; without --check it is rewritten")
            else:
                files.write(FILES / name, fresh.read_bytes())
            for what, data in (("file", fresh.read_bytes()), ("content", content)):
                print(f"  {what:8}{len(data):>9} bytes  sha256 {hashlib.sha256(data).hexdigest()}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
