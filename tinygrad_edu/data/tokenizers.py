"""Tokenizers: text as integers and back, by a vocabulary of characters or of words.

A vocabulary is learned from texts, has a token for padding and one for what it does not know, and is saved as
JSON. Tokens are sorted by falling count, and by their text where counts are equal, so the same texts
always give the same vocabulary.
"""

from __future__ import annotations

import collections
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tinygrad_edu import files
from tinygrad_edu.data.collating import as_array
from tinygrad_edu.data.source import PathLike, bad, place
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer

Ids = npt.NDArray[np.int64]
_WORD = re.compile(r"\w+(?:['’.,-]\w+)*|[^\w\s]")


def _is_mark(character: str) -> bool:
    """Whether it is a combining mark of Unicode, such as an accent or the vowel sign of a script."""
    return unicodedata.category(character).startswith("M")


class Tokenizer:
    """A vocabulary, and how a text is cut into its tokens: `CharTokenizer.learn(text)`, then `encode`.

    tokens   all of them, in the order of their ids; by default the first two are padding and unknown
    pad      the token for padding, which fills up shorter texts of a batch; None: none
    unknown  the token for what is not in the vocabulary; None: such text is an error
    """

    kind: ClassVar[str] = ""
    joined_by: ClassVar[str] = ""

    def __init__(
        self, tokens: Sequence[str], *, pad: str | None = "<pad>", unknown: str | None = "<unk>"
    ) -> None:
        name = type(self).__name__
        if isinstance(tokens, str):
            tokens = list(tokens)
        self.tokens = tuple(tokens)
        if not all(isinstance(token, str) for token in self.tokens):
            raise wrong(TypeError, name, "a token is not text", "pass strings")
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        if len(self.ids) != len(self.tokens):
            twice = [token for token, n in collections.Counter(self.tokens).items() if n > 1]
            raise wrong(ValueError, name, f"tokens occur twice: {twice!r:.80}", "leave out the second")
        for role, token in (("pad", pad), ("unknown", unknown)):
            if token is not None and token not in self.ids:
                raise wrong(
                    ValueError,
                    name,
                    f"{role}={token!r} is not among the tokens",
                    f"add it, or pass {role}=None",
                )
        if pad is not None and pad == unknown:
            raise wrong(ValueError, name, f"pad and unknown are the same token, {pad!r}")
        self.pad, self.unknown = pad, unknown

    @classmethod
    def learn(
        cls,
        texts: str | Iterable[str],
        *,
        size: int | None = None,
        least: int = 1,
        pad: str | None = "<pad>",
        unknown: str | None = "<unk>",
        **options: Any,
    ) -> Self:
        """The tokenizer of some texts, which may be a stream: one text, or an iterable of them.

        size   at most so many tokens, with padding and unknown: the most frequent ones
        least  leave out tokens that occur less often

        ValueError if the token for padding occurs in a text: `decode` would lose it.
        """
        least = integer(least, f"{cls.__name__}.learn: least", 1)
        special = [token for token in (pad, unknown) if token is not None]
        if size is not None:
            size = integer(size, f"{cls.__name__}.learn: size", len(special) + 1)
        cutter = cls(special, pad=pad, unknown=unknown, **options)
        counts: collections.Counter[str] = collections.Counter()
        if not isinstance(texts, Iterable):
            raise wrong(TypeError, f"{cls.__name__}.learn", f"texts is {texts!r:.60}, and no text",
                        "pass one string, or an iterable of strings")  # fmt: skip
        for text in [texts] if isinstance(texts, str) else texts:
            if not isinstance(text, str):
                raise wrong(
                    TypeError,
                    f"{cls.__name__}.learn",
                    f"a {type(text).__name__} is no text",
                    "pass one string, or an iterable of strings",
                )
            counts.update(cutter.cut(text))
        if pad is not None and pad in counts:
            raise wrong(
                ValueError,
                f"{cls.__name__}.learn",
                f"the text has the token for padding, pad={pad!r}, and decode leaves padding out",
                "pass a pad= that does not occur, or pad=None",
            )
        if unknown is not None:
            counts.pop(unknown, None)
        found = sorted((token for token, n in counts.items() if n >= least), key=lambda t: (-counts[t], t))
        kept = found if size is None else found[: size - len(special)]
        return cls([*special, *kept], pad=pad, unknown=unknown, **options)

    def cut(self, text: str) -> list[str]:
        """The tokens of a text; a subclass defines it."""
        raise TypeError(f"{type(self).__name__} is a Tokenizer, and defines no cut(text)")

    def settings(self) -> dict[str, Any]:
        """What `cut` depends on besides the text: saved with the tokens."""
        return {}

    @property
    def pad_id(self) -> int | None:
        """The id of padding."""
        return None if self.pad is None else self.ids[self.pad]

    @property
    def unknown_id(self) -> int | None:
        """The id of what is not in the vocabulary."""
        return None if self.unknown is None else self.ids[self.unknown]

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> Ids:
        """The ids of the tokens of a text, (tokens,). ValueError for an unknown one without `unknown`."""
        if not isinstance(text, str):
            raise wrong(
                TypeError,
                f"{type(self).__name__}.encode",
                f"a {type(text).__name__} is no text",
                "pass one string; for several use encode_batch",
            )
        cut, unknown = self.cut(text), self.unknown_id
        ids = [self.ids.get(token, unknown) for token in cut]
        if None in ids:
            raise wrong(
                ValueError,
                f"{type(self).__name__}.encode",
                f"{cut[ids.index(None)]!r} is not in the vocabulary",
                "learn it from more text, or with unknown='<unk>'",
            )
        return np.array(ids, np.int64)

    def encode_batch(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """The ids of several texts, padded at their ends, (texts, longest), and the lengths, (texts,)."""
        if isinstance(texts, str):
            raise wrong(TypeError, f"{type(self).__name__}.encode_batch", "this is one text", "pass a list")
        if self.pad_id is None:
            raise wrong(ValueError, f"{type(self).__name__}.encode_batch", "there is no padding", "pass pad=")
        rows = [self.encode(text) for text in texts]
        lengths = np.array([len(row) for row in rows], np.int64)
        out = np.full((len(rows), lengths.max(initial=0)), self.pad_id, np.int64)
        for row, ids in zip(out, rows, strict=True):
            row[: len(ids)] = ids
        return out, lengths

    def decode(self, ids: Any) -> str:
        """The text of some ids, (tokens,), a tensor, an array or a list; padding is left out.

        IndexError for an id that is none. Unknown text comes back as the token for it.
        """
        given = as_array(ids)
        if given.size == 0:
            return ""
        if given.ndim != 1 or given.dtype.kind not in "iu":
            raise wrong(
                TypeError,
                f"{type(self).__name__}.decode",
                f"ids must be one row of integers, not {given.dtype}{given.shape}",
                "for a batch decode each row",
            )
        if given.min() < 0 or given.max() >= len(self):
            raise wrong(
                IndexError,
                f"{type(self).__name__}.decode",
                f"ids from {given.min()} to {given.max()}, and {len(self)} tokens",
            )
        return self.joined_by.join(self.tokens[i] for i in given.tolist() if i != self.pad_id)

    def save(self, path: PathLike) -> None:
        """Write the vocabulary to a JSON file."""
        content = {"kind": self.kind, "pad": self.pad, "unknown": self.unknown, **self.settings(),
                   "tokens": self.tokens}  # fmt: skip
        text = json.dumps(content, ensure_ascii=False, indent=0)
        try:
            packed = text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8, and an escape in JSON
            packed = json.dumps(content, indent=0).encode()
        files.write(path, packed)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """The tokenizer that `save` wrote. DataError for another file, and for one of another kind."""
        try:
            content = json.loads(Path(path).read_bytes())
            kind, tokens = content.pop("kind"), content.pop("tokens")
        except (ValueError, KeyError, AttributeError, TypeError):
            raise bad(place(path), "this is no vocabulary", "pass a file that save() wrote") from None
        known = {sub.kind: sub for sub in (CharTokenizer, WordTokenizer)}
        found: Any = known.get(kind) if isinstance(kind, str) else None
        if found is None or not issubclass(found, cls):
            raise bad(place(path), f"this is a vocabulary of {kind!r}, not one of a {cls.__name__}")
        try:
            made: Self = found(tokens, **content)
        except (TypeError, ValueError) as error:
            raise bad(place(path), f"the vocabulary is damaged: {error}", "save it again") from error
        return made

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.tokens, self.pad, self.unknown, tuple(self.settings().items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} tokens)"


class CharTokenizer(Tokenizer):
    """A token for each character. Text of known characters comes back from `decode` as it was."""

    kind = "characters"

    def cut(self, text: str) -> list[str]:
        """The characters."""
        return list(text)


class WordTokenizer(Tokenizer):
    """A token for each word and each sign: "It's 3.5 km!" has It's, 3.5, km and !

    lower  treat capital letters as small ones

    Words are runs of letters and digits with their combining marks, and with apostrophes, hyphens, points and
    commas inside; every other character but blanks is a token. `decode` puts a blank between two tokens.
    """

    kind = "words"
    joined_by = " "

    def __init__(
        self,
        tokens: Sequence[str],
        *,
        pad: str | None = "<pad>",
        unknown: str | None = "<unk>",
        lower: bool = False,
    ) -> None:
        super().__init__(tokens, pad=pad, unknown=unknown)
        self.lower = bool(lower)

    def cut(self, text: str) -> list[str]:
        """The words and signs."""
        text = text.lower() if self.lower else text
        if text.isascii():
            return _WORD.findall(text)
        # The pattern sees a mark after a letter as a letter; the token has the mark itself.
        seen: list[str] = []
        for c in text:
            in_word = bool(seen) and (seen[-1].isalnum() or seen[-1] == "_")
            seen.append("a" if in_word and _is_mark(c) else c)
        return [text[found.start() : found.end()] for found in _WORD.finditer("".join(seen))]

    def settings(self) -> dict[str, Any]:
        """Whether text is made of small letters first."""
        return {"lower": self.lower}
