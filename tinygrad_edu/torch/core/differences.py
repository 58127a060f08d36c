"""Words of the face that do not do all that PyTorch's do: what differs, and why."""

from __future__ import annotations

DIFFERENCES = {
    "random numbers": "a seed gives other numbers than PyTorch's, on every device the same: they come from a "
    "counter-based generator (Philox4x64-10), as everywhere in the library",
    "error messages": "errors have PyTorch's types; their texts are the library's, and name the line of the "
    "program",
    "changes in place": "a value that backward needs may be overwritten by an op in place within the graph: "
    "PyTorch refuses at backward, here the gradient is the right one, because the old numbers are kept. "
    "Outside the graph, as under torch.no_grad(), memory itself is written, and a value that backward needs "
    "is an error as there; through .data it is none, there and here",
    "Tensor.numpy": "the array shares memory, and can be written, but for a detached tensor of a graph, "
    "whose array is read-only: PyTorch lets such a write make the gradients silently wrong",
    "Tensor.view": "x.view of memory that is not in rows copies, as reshape does; PyTorch refuses",
    "Tensor.is_contiguous": "it tells how NumPy's array lies, on a device always True; no function here "
    "needs contiguous memory",
    "Tensor.contiguous": "no memory format but rows: channels_last and others are accepted, and change "
    "nothing",
    "Tensor.grad_fn": "its name is that of the library's op, and its next_functions are the library's nodes",
    "Tensor.inner": "is the library's tensor that this one stands for; torch.inner(x, y) is the product",
    "Tensor.storage": "x.storage() has the numbers of the memory to read; nothing is written through it",
    "Tensor.pin_memory": "the tensor itself, without a GPU, too; PyTorch needs one",
    "Tensor.cuda": "one GPU is used, the first",
    "torch.cuda.Stream": "all work is one queue, in order; streams and events can be made, and waited for",
    "torch.cuda.is_available": "True under `tinygrad-edu torch --device simulator`, too, where the simulated "
    "GPU answers",
    "torch.autocast": "computes in float32, more exactly, and says so once: there is no float16 and no "
    "bfloat16",
    "torch.amp.GradScaler": "scales and skips steps by PyTorch's rule, which float32 does not need",
    "torch.compile": "returns the model or function itself, which runs as it is written",
    "torch.jit.script": "returns the function or module itself; nothing is compiled or saved as TorchScript",
    "torch.distributed": "a group of this one process; with WORLD_SIZE above 1 it is an error that names "
    "tinygrad_edu.distributed",
    "torch.nn.parallel.DistributedDataParallel": "a wrapper around the module of one process",
    "torch.multiprocessing.spawn": "tensors travel between processes as copies; no memory is shared",
    "torch.autograd.Function": "several outputs are one value inside the graph, so that a hook on one of "
    "them sees its part",
    "torch.autograd.grad": "a second derivative that is 0 everywhere, as that of a network of ReLUs with "
    "respect to its input, is None where PyTorch has zeros: pass allow_unused or materialize_grads",
    "Tensor.index_put_": "within the graph, where one place is named twice, the value that is kept gets the "
    "gradient; PyTorch gives it to all of them",
    "torch.autograd.gradcheck": "the slow mode always: each element by central differences; forward mode is "
    "not there",
    "torch.func.vmap": "computes one example after the other, so that it maps any function and saves no time",
    "torch.func.jacfwd": "the same numbers as jacrev; there is no forward mode",
    "torch.set_num_threads": "sets the threads of NumPy's matrix products",
    "torch.use_deterministic_algorithms": "changes nothing: equal programs give equal bits on every device "
    "here",
    "torch.load": "weights_only=False reads whole modules, too, of classes that the program has imported; "
    "nothing in a file is ever run, whatever is said",
    "torch.save": "files are PyTorch's zip files, which torch.load reads there; only what can be read "
    "without running anything is written",
    "torch.profiler.profile": "measures each op by the library's own profile; there are no traces for Chrome",
    "torch.distributions.Gamma": "samples have no gradient, nor have those of Beta, Dirichlet, Chi2 and "
    "StudentT",
    "torch.Tensor.half": "float16, bfloat16, int8, int16 and complex dtypes have names, for comparing; to "
    "make a tensor of one is a TypeError that says what to use",
}  # fmt: skip
