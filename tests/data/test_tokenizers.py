"""Tokenizers: text to ids and back, vocabularies of the most frequent tokens, and their files."""

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.data import CharTokenizer, DataError, TextLines, Tokenizer, WordTokenizer

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXT)
def test_known_characters_come_back(text):
    tokenizer = CharTokenizer.learn(text)
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int64 and ids.shape == (len(text),)
    assert tokenizer.decode(ids) == text and tokenizer.decode(ids.tolist()) == text
    assert len(tokenizer) == 2 + len(set(text))


@given(st.lists(TEXT, max_size=4), st.integers(3, 9), st.integers(1, 3))
def test_a_vocabulary_has_the_most_frequent_tokens(texts, size, least):
    tokenizer = CharTokenizer.learn(iter(texts), size=size, least=least)
    assert tokenizer.tokens[:2] == ("<pad>", "<unk>") and len(tokenizer) <= size
    joined = "".join(texts)
    kept, left = tokenizer.tokens[2:], set(joined) - set(tokenizer.tokens)
    counts = [joined.count(token) for token in kept]
    assert counts == sorted(counts, reverse=True) and min(counts, default=least) >= least
    most = max((joined.count(token) for token in left), default=0)
    assert most < least or (len(tokenizer) == size and most <= min(counts))
    for text in texts:
        known = [token if token in kept else "<unk>" for token in text]
        assert [tokenizer.tokens[i] for i in tokenizer.encode(text)] == known


def test_words_and_signs():
    tokenizer = WordTokenizer.learn("It's 3.5 km, well-known!  It's", lower=True)
    assert tokenizer.tokens == ("<pad>", "<unk>", "it's", "!", ",", "3.5", "km", "well-known")
    assert tokenizer.decode(tokenizer.encode("km it's 3.5 miles")) == "km it's 3.5 <unk>"
    assert WordTokenizer.learn(["Ä ß", "中文 x"]).cut("a_b Ä中.\n") == ["a_b", "Ä中", "."]


def test_batches_are_padded():
    tokenizer = CharTokenizer.learn("abc")
    ids, lengths = tokenizer.encode_batch(["ab", "", "cab"])
    assert ids.shape == (3, 3) and lengths.tolist() == [2, 0, 3]
    assert ids[1].tolist() == [tokenizer.pad_id] * 3
    assert [tokenizer.decode(row) for row in ids] == ["ab", "", "cab"]
    assert tokenizer.decode(te.tensor(ids[2])) == "cab"
    assert tokenizer.encode_batch([])[0].shape == (0, 0)


@given(TEXT, st.booleans(), st.sampled_from([None, "<pad>"]), st.sampled_from([None, "<unk>"]))
def test_a_saved_tokenizer_is_the_same(tmp_path_factory, text, lower, pad, unknown):
    path = tmp_path_factory.mktemp("v") / "vocabulary.json"
    for made in (
        CharTokenizer.learn(text, pad=pad, unknown=unknown),
        WordTokenizer.learn(text, lower=lower, pad=pad, unknown=unknown),
    ):
        made.save(path)
        for kind in (type(made), Tokenizer):
            loaded = kind.load(path)
            assert loaded == made and hash(loaded) == hash(made) and type(loaded) is type(made)
            assert (loaded.encode(text) == made.encode(text)).all()


def test_a_vocabulary_is_learned_from_a_stream(file):
    path = file("a b\nb c\n")
    assert WordTokenizer.learn(TextLines(path)).tokens == ("<pad>", "<unk>", "b", "a", "c")


def test_other_files_are_refused(tmp_path, file):
    path = tmp_path / "v.json"
    CharTokenizer.learn("ab").save(path)
    with pytest.raises(DataError, match=r"v.json: this is a vocabulary of 'characters', not one of a Word"):
        WordTokenizer.load(path)
    for content in ("[]", "no json", '{"kind": "words"}'):
        with pytest.raises(DataError, match="this is no vocabulary"):
            Tokenizer.load(file(content))
    damaged = json.loads(path.read_text()) | {"tokens": ["a", "a"]}
    with pytest.raises(DataError, match="the vocabulary is damaged"):
        Tokenizer.load(file(json.dumps(damaged)))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CharTokenizer(["a"]), ValueError, "pad='<pad>' is not among the tokens"),
        (lambda: CharTokenizer("aa", pad=None, unknown=None), ValueError, r"occur twice: \['a'\]"),
        (lambda: CharTokenizer([1], pad=None, unknown=None), TypeError, "a token is not text"),
        (lambda: CharTokenizer("a", pad="a", unknown="a"), ValueError, "the same token"),
        (lambda: CharTokenizer("a", pad=None, unknown=None).encode("b"), ValueError, "'b' is not in the voc"),
        (lambda: CharTokenizer("a", pad=None, unknown=None).encode_batch(["a"]), ValueError, "no padding"),
        (lambda: CharTokenizer.learn("a").encode(["a"]), TypeError, "a list is no text"),
        (lambda: CharTokenizer.learn("a").encode_batch("a"), TypeError, "this is one text"),
        (lambda: CharTokenizer.learn("a").decode([3]), IndexError, "ids from 3 to 3, and 3 tokens"),
        (lambda: CharTokenizer.learn("a").decode([[1]]), TypeError, "decode each row"),
        (lambda: CharTokenizer.learn("a").decode([0.5]), TypeError, "one row of integers"),
        (lambda: CharTokenizer.learn("a", size=2), ValueError, "size=2"),
        (lambda: Tokenizer.learn("a"), TypeError, "defines no cut"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_word_keeps_its_combining_marks():
    """Composed and decomposed text is cut at the same places."""
    text = "Café naïve, Å-b çé! x"
    cut = WordTokenizer.learn(text).cut
    assert cut(text) == ["Café", "naïve", ",", "Å-b", "çé", "!", "x"]
    assert cut(unicodedata.normalize("NFD", text)) == [unicodedata.normalize("NFD", t) for t in cut(text)]
    assert cut("हिन्दी में") == ["हिन्दी", "में"]
    assert cut("\u2764\ufe0fabc") == ["\u2764", "\ufe0f", "abc"]  # a mark of a sign is in no word


def test_padding_that_occurs_in_the_text_is_refused():
    for make in (
        lambda: CharTokenizer.learn("a b", pad=" "),
        lambda: WordTokenizer.learn(["a", "b a"], pad="b"),
    ):
        with pytest.raises(ValueError, match=r"learn: the text has the token for padding.*decode leaves"):
            make()
    assert CharTokenizer.learn("a b", pad="_", unknown=" ").tokens == ("_", " ", "a", "b")


def test_texts_that_are_none_and_files_that_are_damaged(tmp_path):
    for texts in ([None], ["a", b"b"], [3]):
        with pytest.raises(TypeError, match=r"CharTokenizer.learn: a (NoneType|bytes|int) is no text"):
            CharTokenizer.learn(texts)
    path = tmp_path / "v.json"
    half = CharTokenizer.learn("\ud800a")
    half.save(path)
    assert CharTokenizer.load(path) == half
    for kind in (["words"], {}, None, 3):
        path.write_text(json.dumps({"kind": kind, "tokens": []}))
        with pytest.raises(DataError, match="this is a vocabulary of"):
            Tokenizer.load(path)
    for tokens in (None, 3, [["a"]], [{}]):
        path.write_text(json.dumps({"kind": "words", "pad": None, "unknown": None, "tokens": tokens}))
        with pytest.raises(DataError, match="the vocabulary is damaged"):
            Tokenizer.load(path)


@pytest.mark.parametrize("kind", [CharTokenizer, WordTokenizer])
@pytest.mark.parametrize("texts", [None, 3])
def test_what_is_no_text_is_not_learned(kind, texts):
    with pytest.raises(
        TypeError, match=rf"{kind.__name__}.learn: texts is {texts}, and no text.*iterable of strings"
    ):
        kind.learn(texts)
