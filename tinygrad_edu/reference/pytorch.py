"""What PyTorch 2.13.0 calls its functions; written by tools/pytorch_names.py."""

NAMES = {
    "torch": """
        abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr adjoint all allclose amax amin
        aminmax angle any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort
        argwhere as_strided as_strided_scatter asin asinh atan atan2 atanh baddbmm bernoulli bincount
        bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm
        broadcast_to ceil cholesky cholesky_inverse cholesky_solve chunk clamp clamp_max clamp_min clip
        clone conj conj_physical copysign corrcoef cos cosh count_nonzero cov cross cummax cummin cumprod
        cumsum deg2rad dequantize det detach diag diag_embed diagflat diagonal diagonal_scatter diff digamma
        dist div divide dot dsplit eig eq equal erf erfc erfinv exp exp2 expm1 fix flatten flip fliplr
        flipud float_power floor floor_divide fmax fmin fmod frac frexp gather gcd ge geqrf ger get_device
        greater greater_equal gt hardshrink hash_tensor heaviside histc histogram hsplit hypot i0 igamma
        igammac index_add index_copy index_fill index_put index_reduce index_select inner int_repr inverse
        is_complex is_conj is_distributed is_floating_point is_inference is_neg is_nonzero is_same_size
        is_signed isclose isfinite isinf isnan isneginf isposinf isreal istft kron kthvalue lcm ldexp le
        lerp less less_equal lgamma log log10 log1p log2 log_softmax logaddexp logaddexp2 logcumsumexp
        logdet logical_and logical_not logical_or logical_xor logit logsumexp lstsq lt lu lu_solve
        masked_fill masked_scatter masked_select matmul matrix_exp matrix_power max maximum mean median min
        minimum mm mode moveaxis movedim msort mul multinomial multiply mv mvlgamma nan_to_num nanmean
        nanmedian nanquantile nansum narrow narrow_copy ne neg negative nextafter nonzero nonzero_static
        norm not_equal numel orgqr ormqr outer permute pinverse polygamma positive pow prelu prod put
        q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qr quantile
        rad2deg ravel reciprocal relu remainder renorm repeat_interleave reshape resolve_conj resolve_neg
        roll rot90 round rsqrt scatter scatter_add scatter_reduce select select_scatter sgn sigmoid sign
        signbit sin sinc sinh slice_inverse slice_scatter slogdet smm softmax solve sort split
        split_with_sizes sqrt square squeeze sspaddmm std stft sub subtract sum svd swapaxes swapdims symeig
        t take take_along_dim tan tanh tensor_split tile topk trace transpose triangular_solve tril triu
        true_divide trunc unbind unflatten unique unique_consecutive unsafe_chunk unsafe_split
        unsafe_split_with_sizes unsqueeze var vdot vsplit where xlogy
    """,
    "torch.nn.functional": """
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
        adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices
        adaptive_max_pool3d adaptive_max_pool3d_with_indices affine_grid alpha_dropout assert_int_or_pair
        avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear binary_cross_entropy
        binary_cross_entropy_with_logits boolean_dispatch celu channel_shuffle conv1d conv2d conv3d conv_tbc
        conv_transpose1d conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity
        cross_entropy ctc_loss dropout dropout1d dropout2d dropout3d elu embedding embedding_bag
        feature_alpha_dropout fold fractional_max_pool2d fractional_max_pool2d_with_indices
        fractional_max_pool3d fractional_max_pool3d_with_indices gaussian_nll_loss gelu glu grid_sample
        group_norm grouped_mm gumbel_softmax hardshrink hardsigmoid hardswish hardtanh hinge_embedding_loss
        huber_loss instance_norm interpolate kl_div l1_loss layer_norm leaky_relu linear
        linear_cross_entropy local_response_norm log_softmax logsigmoid lp_pool1d lp_pool2d lp_pool3d
        margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
        max_pool3d_with_indices max_unpool1d max_unpool2d max_unpool3d mish mse_loss
        multi_head_attention_forward multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss
        native_channel_shuffle nll_loss normalize one_hot pad pairwise_distance pdist pixel_shuffle
        pixel_unshuffle poisson_nll_loss prelu relu relu6 rms_norm rrelu scaled_dot_product_attention
        scaled_grouped_mm scaled_mm selu sigmoid silu smooth_l1_loss soft_margin_loss softmax softmin
        softplus softshrink softsign tanh tanhshrink threshold triplet_margin_loss
        triplet_margin_with_distance_loss unfold upsample upsample_bilinear upsample_nearest
    """,
    "torch.special": """
        airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 chebyshev_polynomial_t chebyshev_polynomial_u
        chebyshev_polynomial_v chebyshev_polynomial_w digamma entr erf erfc erfcx erfinv exp2 expit expm1
        gammainc gammaincc gammaln hermite_polynomial_h hermite_polynomial_he i0 i0e i1 i1e
        laguerre_polynomial_l legendre_polynomial_p log1p log_ndtr log_softmax logit logsumexp
        modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 multigammaln ndtr ndtri
        polygamma psi round scaled_modified_bessel_k0 scaled_modified_bessel_k1
        shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v
        shifted_chebyshev_polynomial_w sinc softmax spherical_bessel_j0 xlog1py xlogy zeta
    """,
}
