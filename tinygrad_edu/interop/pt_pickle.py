"""An interpreter of the part of pickle's language that weights need. It runs nothing of a file's own.

A pickle is a program for a machine with a stack. Python's own machine calls whatever function the program
names. This one knows the instructions that push numbers and texts and fill lists, tuples, dicts and sets; a
function is named to the caller of `interpret`, who decides what it means, and only functions that came from
there are ever called. `pickletools`, of Python's library, splits the program into its instructions.

The work and the memory are proportional to the length of the program: an index of the memo is a key of a
dict, a length in front of a text is compared with the bytes that are there, and the parts of a key are
counted before it is hashed.
"""

from __future__ import annotations

import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

from tinygrad_edu.interop.pt_errors import PTError, refuse

_PARTS = 1000  # of one key: tuples of tuples can be short to write and take for ever to hash
_SIMPLE = (str, bytes, int, float, complex, type(None))
_SAME = {"LONG_BINPUT": "BINPUT", "PUT": "BINPUT", "LONG_BINGET": "BINGET", "GET": "BINGET"}
# instructions whose argument is the value that they push
_PUSH = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING",
    "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES",
    "SHORT_BINBYTES", "BINBYTES8",
})  # fmt: skip
_EMPTY: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}


def interpret(
    program: BinaryIO,
    find: Callable[[str, str], Any],
    persistent: Callable[[Any], Any],
    build: Callable[[Any, Any], Any],
) -> Any:
    """What the pickle at the position of `program` describes; the position is then behind it.

    find        (module, name) -> the object that stands for this global; the file may call it, unless it is
                in `Named`
    persistent  what the file's reference to something outside of the pickle stands for
    build       (object, state) -> the object with this state

    Raises PTError for a program that is damaged, or uses another instruction of pickle.
    """
    machine = _Machine(find, persistent, build)
    try:
        for code, argument, _ in pickletools.genops(program):
            machine.step(code.name, argument)
        (result,) = machine.stack
        return result
    except PTError:
        raise
    except _DAMAGE as error:
        raise refuse(f"its pickle is damaged: {type(error).__name__}: {error!s:.200}") from error


_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class Named:
    """What `find` returns for a value that a file may have, and not call: a function among its data."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Made(Named):
    """What `find` returns for a class of which a file may make objects: without `__init__`, with a state."""


class _Machine:
    """The stack, the memo, and the functions that the file may call."""

    def __init__(
        self,
        find: Callable[[str, str], Any],
        persistent: Callable[[Any], Any],
        build: Callable[[Any, Any], Any],
    ) -> None:
        self.find, self.persistent, self.build = find, persistent, build
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memo: dict[int, Any] = {}
        self.found: dict[int, Any] = {}  # by id(), the objects that `find` returned

    def step(self, name: str, argument: Any) -> None:
        """Execute one instruction."""
        if name in _PUSH:
            self.stack.append(argument)
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name not in ("PROTO", "FRAME", "STOP"):
            method = getattr(self, "do_" + _SAME.get(name, name).lower(), None)
            if method is None:
                raise refuse(
                    f"its pickle has the instruction {name}, which weights do not need",
                    "save the state_dict() with torch.save and its default pickle protocol",
                )
            method(argument)

    def _marked(self) -> list[Any]:
        items = self.stack
        self.stack = self.below.pop()
        return items

    def _push(self, value: Any) -> None:
        """Append to the stack that is the current one after `value` was computed."""
        self.stack.append(value)

    def do_mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def do_pop(self, _: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._marked()

    def do_pop_mark(self, _: Any) -> None:
        self._marked()

    def do_dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def do_binput(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_binget(self, index: int) -> None:
        self.stack.append(self.memo[index])

    # -- containers ------------------------------------------------------------------------------------------

    def do_tuple(self, _: Any) -> None:
        self._push(tuple(self._marked()))

    def do_tuple1(self, _: Any) -> None:
        self._tuple_of(1)

    def do_tuple2(self, _: Any) -> None:
        self._tuple_of(2)

    def do_tuple3(self, _: Any) -> None:
        self._tuple_of(3)

    def _tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError("a tuple of more than there is")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def do_list(self, _: Any) -> None:
        self._push(self._marked())

    def do_dict(self, _: Any) -> None:
        items = self._marked()
        self.stack.append({})
        self._set(items)

    def do_frozenset(self, _: Any) -> None:
        self._push(frozenset(map(hashable, self._marked())))

    def do_append(self, _: Any) -> None:
        item = self.stack.pop()
        self._top(list).append(item)

    def do_appends(self, _: Any) -> None:
        items = self._marked()
        self._top(list).extend(items)

    def do_additems(self, _: Any) -> None:
        items = self._marked()
        self._top(set).update(map(hashable, items))

    def do_setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def do_setitems(self, _: Any) -> None:
        self._set(self._marked())

    def _set(self, items: list[Any]) -> None:
        target = self._top(dict, OrderedDict, Counter)
        if len(items) % 2:
            raise ValueError("a key without a value")
        for key, value in zip(items[::2], items[1::2]):
            target[hashable(key)] = value

    def _top(self, *kinds: type) -> Any:
        """The top of the stack, which must be of one of these types exactly: no other has its own methods."""
        if type(self.stack[-1]) not in kinds:
            raise TypeError(f"items for a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    # -- what the caller decides -----------------------------------------------------------------------------

    def do_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")  # as pickletools joins them
        self._find(module, name)

    def do_stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise TypeError("a global whose name is no text")
        self._find(module, name)

    def _find(self, module: str, name: str) -> None:
        found = self.find(module, name)
        value = found.value if isinstance(found, Named) else found
        self.found[id(value)] = found
        self.stack.append(value)

    def _function(self, value: Any, is_made: bool = False) -> Any:
        found = self.found.get(id(value), self)
        if is_made and isinstance(found, Made) and found.value is value:
            return value
        if found is not value or not callable(value):
            raise refuse(f"its pickle calls a {type(value).__name__}, which is no function that it may call")
        return value

    def do_reduce(self, _: Any) -> None:
        arguments = self._arguments()
        self.stack[-1] = self._function(self.stack[-1])(*arguments)

    def do_newobj(self, _: Any) -> None:
        arguments = self._arguments()
        made = self._function(self.stack[-1], is_made=True)
        # a class makes its object without __init__, as Python's own machine does
        self.stack[-1] = made.__new__(made, *arguments) if isinstance(made, type) else made(*arguments)

    def _arguments(self) -> tuple[Any, ...]:
        arguments = self.stack.pop()
        if type(arguments) is not tuple:
            raise TypeError("arguments that are no tuple")
        return arguments

    def do_build(self, _: Any) -> None:
        state = self.stack.pop()
        self.stack[-1] = self.build(self.stack[-1], state)

    def do_binpersid(self, _: Any) -> None:
        self.stack[-1] = self.persistent(self.stack[-1])


def hashable(key: Any) -> Any:
    """`key`, if it is a number or a text, or a tuple of not too many of these. TypeError for another."""
    parts, count = [key], 0
    while parts:
        part = parts.pop()
        count += 1
        if type(part) in (tuple, frozenset) and count + len(part) <= _PARTS:
            parts.extend(part)
        elif not isinstance(part, _SIMPLE):
            raise TypeError(f"a {type(part).__name__} as a key")
    return key
