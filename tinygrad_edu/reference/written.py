"""Examples of compositions: matrices, pieces, selections, statistics of order, distances, and losses."""

from __future__ import annotations

_BACK = "\nloss\nloss.backward()\n"
_LOGITS = "z = te.tensor([[2.0, 0.0], [0.0, 1.0]], requires_grad=True)\n"
_PAIR = "x, y = te.tensor([[1.0, 0.0], [3.0, 4.0]]), te.tensor([[0.0, 2.0], [3.0, 4.0]])\n"
_SQUARE = "x = te.reshape(te.arange(9.0), (3, 3))\n"
_MASK = "x = te.tensor([1.0, -2.0, 3.0])\n"
_LINE = "x = te.tensor([-4.0, -0.25, 0.0, 0.25, 2.0, 7.0])\n"
_MANY = "x = te.tensor([3, 1, 3])\n"

# fmt: off
WRITTEN: dict[str, dict[str, tuple[str, str]]] = {
    "Losses": {
        "smooth_l1": (
            r"\operatorname{mean} \begin{cases} d^2 / (2 \beta) & |d| \le \beta \\ |d| - \beta / 2 & |d| > "
            r"\beta \end{cases}, \quad d = y - t",
            "y = te.tensor([1.0, 4.0], requires_grad=True)\nloss = te.smooth_l1(y, [1.5, 1.5])" + _BACK
            + "y.grad"),
        "kl_div": (r"\operatorname{mean}\, t \,(\ln t - y)",
                   "te.kl_div([-1.0, -2.0], [1.0, 1.0])"),
        "poisson_nll": (r"\operatorname{mean}\,(e^y - t\,y)", "te.poisson_nll([0.0, 0.0], [1.0, 3.0])"),
        "gaussian_nll": (r"\operatorname{mean}\, \tfrac{1}{2}\,(\ln v + (y - t)^2 / v)",
                         "te.gaussian_nll([1.0, 4.0], [1.0, 2.0], te.ones(2))"),
        "margin_ranking": (r"\operatorname{mean}\,\max(0, m - t\,(x - y))",
                           "te.margin_ranking([2.0, 1.0], [1.0, 3.0], [1.0, 1.0], margin=0.5)"),
        "cosine_embedding": (
            r"\operatorname{mean} \begin{cases} 1 - \cos(x, y) & t = 1 \\ \max(0, \cos(x, y) - m) & t = -1 "
            r"\end{cases}", "te.cosine_embedding([[1.0, 0.0]], [[0.0, 2.0]], [1.0])"),
        "triplet_margin": (r"\operatorname{mean}\,\max(0, m + \|a - p\| - \|a - n\|)",
                           "te.triplet_margin([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 0.0]], eps=0.0)"),
        "multi_margin": (r"\operatorname{mean}\, \frac{1}{C} \sum_{j \ne t} \max(0, m - x_t + x_j)^p",
                         "te.multi_margin([[2.0, 1.5]], [0])"),
        "hinge_embedding": (
            r"\operatorname{mean} \begin{cases} x & t = 1 \\ \max(0, m - x) & t = -1 \end{cases}",
            "te.hinge_embedding([0.5, 0.25], [1.0, -1.0])"),
        "multilabel_soft_margin": (
            r"\operatorname{mean}_i \frac{1}{C} \sum_c (\ln(1 + e^{z_{ic}}) - t_{ic}\, z_{ic})",
            "te.multilabel_soft_margin([[0.0, 0.0]], [[1.0, 0.0]])"),
        "ctc": (r"-\ln \sum_{\text{alignments}} \prod_s p_{s, a_s}",
                "p = te.log(te.full((2, 1, 2), 0.5))\nte.round(4 * te.exp(-te.ctc(p, [[1]], [2], [1])))"),
    },
    "Matrices": {
        "tril": ("", _SQUARE + "te.tril(x)"),
        "triu": ("", _SQUARE + "te.triu(x, 1)"),
        "diag": ("", "te.diag([1.0, 2.0])\nte.diag([[1.0, 2.0], [3.0, 4.0]])"),
        "diagonal": ("", _SQUARE + "te.diagonal(x, 1)"),
        "tril_indices": ("", "te.tril_indices(2, 3)"),
        "triu_indices": ("", _SQUARE + "x[te.triu_indices(3, k=1)]"),
        "kron": ("", "te.kron([[1.0, 2.0]], [[1.0], [10.0]])"),
        "bmm": (r"z_{bij} = \sum_k x_{bik}\, y_{bkj}", "te.bmm(te.ones(2, 1, 3), te.ones(2, 3, 1))"),
        "baddbmm": (r"\beta\, c_{bij} + \alpha \sum_k x_{bik}\, y_{bkj}",
                    "te.baddbmm(1.0, te.ones(2, 1, 3), te.ones(2, 3, 1), alpha=2.0)"),
    },
    "Shapes": {
        "moveaxis": ("", "te.moveaxis(te.ones(2, 3, 4), 0, -1).shape"),
        "diff": (r"x_{i+1} - x_i", "te.diff([1.0, 4.0, 9.0, 16.0])\nte.diff([1.0, 4.0, 9.0, 16.0], n=2)"),
        "chunk": ("", "te.chunk(te.arange(5), 2)"),
        "unbind": ("", "te.unbind(te.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)"),
        "meshgrid": ("", "x, y = te.meshgrid(te.arange(2), te.arange(3), indexing='ij')\nx\ny"),
    },
    "Places": {
        "masked_fill": ("", _MASK + "te.masked_fill(x, x < 0, 0.0)"),
        "masked_select": ("", _MASK + "te.masked_select(x, x > 0)"),
        "nonzero": ("", "te.nonzero([[0, 3], [5, 0]])"),
        "unique_values": ("", _MANY + "te.unique_values(x)"),
        "unique_counts": ("", _MANY + "values, counts = te.unique_counts(x)\nvalues\ncounts"),
        "unique_inverse": ("", _MANY + "values, places = te.unique_inverse(x)\nvalues[places]"),
        "unique_all": ("", _MANY + "found = te.unique_all(x)\nfound.indices\nfound.counts"),
        "searchsorted": ("", "te.searchsorted([1.0, 3.0, 3.0], [0.0, 3.0])\n"
                             "te.searchsorted([1.0, 3.0, 3.0], 3.0, side='right')"),
        "count_nonzero": ("", "te.count_nonzero([[0, 3], [5, 0]], axis=0)"),
        "bincount": ("", "te.bincount([0, 2, 2])\nte.bincount([0, 2, 2], [0.5, 1.0, 2.0])"),
        "histogram": ("", "counts, edges = te.histogram([0.0, 0.5, 3.0, 4.0], 2)\ncounts\nedges"),
    },
    "Statistics": {
        "isclose": (r"|x - y| \le a + r\,|y|", "te.isclose([1.0, 2.0], [1.0, 2.5], rtol=0.125)"),
        "nan_to_num": ("", "te.nan_to_num([float('nan'), 1.0, float('inf')], posinf=9.0)"),
        "nansum": ("", "te.nansum([float('nan'), 1.0, 2.0])"),
        "nanmean": ("", "te.nanmean([float('nan'), 1.0, 2.0])"),
        "median": ("", "te.median([1.0, 5.0, 2.0])"),
        "quantile": ("", "te.quantile([1.0, 2.0, 4.0], [0.5, 0.75])"),
        "cummax": ("", "values, places = te.cummax([1.0, 3.0, 2.0, 3.0])\nvalues\nplaces"),
        "cummin": ("", "values, places = te.cummin([2.0, 3.0, 1.0])\nvalues\nplaces"),
        "logaddexp": (r"\ln(e^x + e^y)", "te.round(te.exp(te.logaddexp(te.log([1.0, 2.0]), te.log(2.0))))"),
        "lerp": (r"x + w\,(y - x)", "te.lerp([0.0, 4.0], [1.0, 8.0], 0.25)"),
    },
    "Distances": {
        "normalize": (r"\frac{x}{\max(\|x\|, \varepsilon)}", "te.normalize([[1.0, 3.0]], 1)"),
        "cosine_similarity": (r"\frac{x \cdot y}{\|x\| \, \|y\|}", _PAIR + "te.cosine_similarity(x, y)"),
        "pairwise_distance": (r"\|x - y + \varepsilon\|", _PAIR + "te.pairwise_distance(x, y, 1, eps=0.0)"),
        "cdist": (r"z_{ij} = \|x_i - y_j\|", _PAIR + "te.cdist(x, y, 1)"),
    },
    "Activations": {
        **{name: (formula, _LINE + f"te.{name}(x)") for name, formula in {
            "relu6": r"\min(\max(x, 0), 6)",
            "hardtanh": r"\min(\max(x, -1), 1)",
            "hardsigmoid": r"\min(\max((x + 3) / 6, 0), 1)",
            "hardswish": r"x \cdot \min(\max((x + 3) / 6, 0), 1)",
            "hardshrink": r"\begin{cases} 0 & |x| \le \lambda \\ x & |x| > \lambda \end{cases}",
            "softshrink": r"\operatorname{sign}(x) \max(|x| - \lambda, 0)",
            "tanhshrink": r"x - \tanh x",
            "softsign": r"\frac{x}{1 + |x|}",
            "celu": r"\max(0, x) + \min(0, \alpha (e^{x / \alpha} - 1))",
            "selu": r"\lambda \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & x \le 0 \end{cases}",
            "mish": r"x \tanh \ln(1 + e^x)",
        }.items()},
        "softmin": (r"\frac{e^{-x_i}}{\sum_j e^{-x_j}}", "te.softmin([2.0, 2.0])"),
        "threshold": (r"\begin{cases} x & x > t \\ v & x \le t \end{cases}",
                      _LINE + "te.threshold(x, 1.0, 9.0)"),
        "prelu": (r"\max(0, x) + w \min(0, x)", _LINE + "te.prelu(x, te.tensor([0.5]))"),
        "glu": (r"a \, \sigma(b), \quad x = (a, b)", "te.glu([1.0, 2.0, 0.0, 0.0])"),
    },
    "Attention": {
        "scaled_dot_product_attention": (
            r"\operatorname{softmax}\left(\frac{Q K^\mathsf{T}}{\sqrt d}\right) V",
            "q, k, v = te.eye(2), te.eye(2), te.tensor([[1.0, 0.0], [0.0, 1.0]])\n"
            "te.scaled_dot_product_attention(q, k, v)\n"
            "te.scaled_dot_product_attention(q, k, v, is_causal=True)"),
        "causal_mask": ("", "te.causal_mask(3)"),
        "dropout": ("", "te.manual_seed(0)\nte.dropout(te.ones(6), 0.5)\n"
                        "te.dropout(te.ones(6), 0.5, training=False)"),
    },
}
# fmt: on
