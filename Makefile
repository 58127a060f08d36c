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

$(DEMO):   EXTRAS = viz,sklearn
$(DEV):    EXTRAS = dev
$(ORACLE): EXTRAS = dev,oracle
$(NVCC):   EXTRAS = dev,kernels
$(DOCS):   EXTRAS = dev,docs

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test coverage device-tests oracle lint types simulator pycuda-tests kernels ladders gpu wheel-check bench \
        reference reference-check docs pictures clean

help:  ## show this list
	@echo "tinygrad_edu: start with 'make demo'"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO)  ## train two small models and draw what they learned, into build/demo
	@rm -rf build/demo
	@.venv/bin/tinygrad-edu train digits --out build/demo/digits
	@.venv/bin/tinygrad-edu train spiral --out build/demo/spiral
	@echo
	@echo "Pictures and checkpoints:"
	@find build/demo -type f | sort | sed 's/^/  /'
	@echo "Go on with '. .venv/bin/activate', then 'tinygrad-edu --help'."

# One BLAS thread for each worker: the workers already fill the cores. Tests of the simulator load hundreds of small
# libraries with thread-local variables into one process, for which glibc sets little memory aside unless asked.
TESTS := GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -n $(WORKERS)
test: $(DEV) simulator  ## run the test suite (without PyTorch)
	@echo "Tests marked 'oracle' need PyTorch and are left to 'make oracle'; all others run now."
	@$(TESTS) --dist worksteal -m "not oracle"

coverage: $(DEV) simulator  ## the same, and which lines of the library it did not reach (a third slower)
	@$(TESTS) --dist worksteal -m "not oracle" --cov --cov-report=term

# The tests that take any device; those that name one run in `make test`. Another: make DEVICE=cuda device-tests
DEVICE ?= simulator
device-tests: $(DEV) simulator  ## run the tests of ops, models and optimizers on the simulated GPU
	@$(TESTS) --dist worksteal -m "not oracle" --device $(DEVICE) \
	    --ignore tests/ops/test_device.py --ignore tests/ops/test_boxed.py \
	    tests/ops tests/nn tests/optim tests/public tests/functional

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

lint: $(DEV)  ## check style, imports and likely bugs
	@.venv/bin/python -m ruff check .

types: $(DEV)  ## check the types of the library
	@.venv/bin/python -m mypy

wheel-check: $(DEV)  ## build the wheel and use it from an empty environment elsewhere
	@.venv/bin/python tools/wheel_check.py

bench: $(ORACLE)  ## measure against PyTorch and rewrite the numbers in the docs
	@.venv-oracle/bin/python -m benchmarks

reference: $(DEV)  ## write docs/reference again from the declarations
	@.venv/bin/python -m tinygrad_edu.reference

reference-check: $(DEV)  ## fail if docs/reference is not what the declarations say
	@.venv/bin/python -m tinygrad_edu.reference --check

# Everything is executed anew, unless told otherwise: `make FRESH= docs` takes what has not changed from the last run.
FRESH ?= --fresh-env
docs: $(DOCS) simulator  ## build the site into build/docs, executing its pages; warnings are errors
	@OMP_NUM_THREADS=1 .venv/bin/python -m sphinx -q -W --keep-going -n -j $(WORKERS) $(FRESH) docs build/docs
	@echo "The site: build/docs/index.html"

pictures: $(DEV)  ## draw the pictures of the READMEs again
	@.venv/bin/python tools/pictures.py
	@.venv/bin/python tools/simulator_pictures.py

clean:  ## remove all that make made, the environments included
	@rm -rf .venv .venv-oracle build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment holds an editable install, so only a change of the requirements calls for a new one.
$(DEMO) $(DEV) $(ORACLE) $(NVCC) $(DOCS): setup.py
	@command -v "$(PYTHON)" > /dev/null || \
	    { echo "make: no '$(PYTHON)' here. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python ..."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "make: Python 3.11 or newer is needed, '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1). Name another: make PYTHON=python3.12 ..."; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null || \
	    { echo "make: '$(PYTHON)' lacks its venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@test -x $(@D)/bin/python || "$(PYTHON)" -m venv $(@D)
	@echo "Installing tinygrad_edu[$(EXTRAS)] into $(@D) (the first time takes a minute or more)"
	@$(@D)/bin/python -m pip install -qq --no-input --disable-pip-version-check -e ".[$(EXTRAS)]"
	@touch $@
