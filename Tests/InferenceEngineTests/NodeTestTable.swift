/// Which of ONNX's tests the engine passes, and why it refuses the others.
enum NodeTestTable {
  /// `nil` for a test that is in neither list.
  static func expectation(for name: String) -> NodeTestCase.Outcome? { expectations[name] }

  private static let expectations: [String: NodeTestCase.Outcome] = {
    var expectations: [String: NodeTestCase.Outcome] = [:]
    for name in passing.split(whereSeparator: \.isWhitespace) { expectations[String(name)] = .passes }
    for (reason, names) in refused {
      for name in names.split(whereSeparator: \.isWhitespace) { expectations[String(name)] = .refused(reason) }
    }
    return expectations
  }()

  /// Expected outputs of ONNX 1.16 that are wrong: ONNX 1.23's reference and ONNX Runtime give what we give.
  static let superseded: Set<String> = [
    "node/test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True"
  ]

  private static let passing = """
    node/test_abs node/test_acos node/test_acos_example node/test_acosh node/test_acosh_example node/test_add
    node/test_add_bcast node/test_add_uint8 node/test_and2d node/test_and3d node/test_and4d node/test_and_bcast3v1d
    node/test_and_bcast3v2d node/test_and_bcast4v2d node/test_and_bcast4v3d node/test_and_bcast4v4d
    node/test_argmax_default_axis_example node/test_argmax_default_axis_example_select_last_index
    node/test_argmax_default_axis_random node/test_argmax_default_axis_random_select_last_index
    node/test_argmax_keepdims_example node/test_argmax_keepdims_example_select_last_index
    node/test_argmax_keepdims_random node/test_argmax_keepdims_random_select_last_index
    node/test_argmax_negative_axis_keepdims_example node/test_argmax_negative_axis_keepdims_example_select_last_index
    node/test_argmax_negative_axis_keepdims_random node/test_argmax_negative_axis_keepdims_random_select_last_index
    node/test_argmax_no_keepdims_example node/test_argmax_no_keepdims_example_select_last_index
    node/test_argmax_no_keepdims_random node/test_argmax_no_keepdims_random_select_last_index
    node/test_argmin_default_axis_example node/test_argmin_default_axis_example_select_last_index
    node/test_argmin_default_axis_random node/test_argmin_default_axis_random_select_last_index
    node/test_argmin_keepdims_example node/test_argmin_keepdims_example_select_last_index
    node/test_argmin_keepdims_random node/test_argmin_keepdims_random_select_last_index
    node/test_argmin_negative_axis_keepdims_example node/test_argmin_negative_axis_keepdims_example_select_last_index
    node/test_argmin_negative_axis_keepdims_random node/test_argmin_negative_axis_keepdims_random_select_last_index
    node/test_argmin_no_keepdims_example node/test_argmin_no_keepdims_example_select_last_index
    node/test_argmin_no_keepdims_random node/test_argmin_no_keepdims_random_select_last_index node/test_asin
    node/test_asin_example node/test_asinh node/test_asinh_example node/test_atan node/test_atan_example
    node/test_atanh node/test_atanh_example node/test_averagepool_1d_default node/test_averagepool_2d_ceil
    node/test_averagepool_2d_default node/test_averagepool_2d_dilations node/test_averagepool_2d_pads
    node/test_averagepool_2d_pads_count_include_pad node/test_averagepool_2d_precomputed_pads
    node/test_averagepool_2d_precomputed_pads_count_include_pad node/test_averagepool_2d_precomputed_same_upper
    node/test_averagepool_2d_precomputed_strides node/test_averagepool_2d_same_lower
    node/test_averagepool_2d_same_upper node/test_averagepool_2d_strides node/test_averagepool_3d_default
    node/test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False
    node/test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True
    node/test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False
    node/test_averagepool_3d_dilations_small node/test_basic_conv_with_padding node/test_basic_conv_without_padding
    node/test_batchnorm_epsilon node/test_batchnorm_example node/test_bitshift_left_uint16
    node/test_bitshift_left_uint32 node/test_bitshift_left_uint64 node/test_bitshift_left_uint8
    node/test_bitshift_right_uint16 node/test_bitshift_right_uint32 node/test_bitshift_right_uint64
    node/test_bitshift_right_uint8 node/test_bitwise_and_i16_3d node/test_bitwise_and_i32_2d
    node/test_bitwise_and_ui64_bcast_3v1d node/test_bitwise_and_ui8_bcast_4v3d node/test_bitwise_not_2d
    node/test_bitwise_not_3d node/test_bitwise_not_4d node/test_bitwise_or_i16_4d node/test_bitwise_or_i32_2d
    node/test_bitwise_or_ui64_bcast_3v1d node/test_bitwise_or_ui8_bcast_4v3d node/test_bitwise_xor_i16_3d
    node/test_bitwise_xor_i32_2d node/test_bitwise_xor_ui64_bcast_3v1d node/test_bitwise_xor_ui8_bcast_4v3d
    node/test_blackmanwindow_expanded node/test_blackmanwindow_symmetric_expanded node/test_cast_DOUBLE_to_FLOAT
    node/test_cast_DOUBLE_to_FLOAT16 node/test_cast_FLOAT16_to_DOUBLE node/test_cast_FLOAT16_to_FLOAT
    node/test_cast_FLOAT_to_DOUBLE node/test_cast_FLOAT_to_FLOAT16 node/test_castlike_DOUBLE_to_FLOAT
    node/test_castlike_DOUBLE_to_FLOAT16 node/test_castlike_DOUBLE_to_FLOAT16_expanded
    node/test_castlike_DOUBLE_to_FLOAT_expanded node/test_castlike_FLOAT16_to_DOUBLE
    node/test_castlike_FLOAT16_to_DOUBLE_expanded node/test_castlike_FLOAT16_to_FLOAT
    node/test_castlike_FLOAT16_to_FLOAT_expanded node/test_castlike_FLOAT_to_DOUBLE
    node/test_castlike_FLOAT_to_DOUBLE_expanded node/test_castlike_FLOAT_to_FLOAT16
    node/test_castlike_FLOAT_to_FLOAT16_expanded node/test_ceil node/test_ceil_example node/test_celu
    node/test_celu_expanded node/test_center_crop_pad_crop_and_pad_expanded
    node/test_center_crop_pad_crop_axes_chw_expanded node/test_center_crop_pad_crop_axes_hwc_expanded
    node/test_center_crop_pad_crop_expanded node/test_center_crop_pad_crop_negative_axes_hwc_expanded
    node/test_center_crop_pad_pad_expanded node/test_clip node/test_clip_default_inbounds
    node/test_clip_default_inbounds_expanded node/test_clip_default_int8_inbounds
    node/test_clip_default_int8_inbounds_expanded node/test_clip_default_int8_max
    node/test_clip_default_int8_max_expanded node/test_clip_default_int8_min node/test_clip_default_int8_min_expanded
    node/test_clip_default_max node/test_clip_default_max_expanded node/test_clip_default_min
    node/test_clip_default_min_expanded node/test_clip_example node/test_clip_example_expanded node/test_clip_expanded
    node/test_clip_inbounds node/test_clip_inbounds_expanded node/test_clip_outbounds
    node/test_clip_outbounds_expanded node/test_clip_splitbounds node/test_clip_splitbounds_expanded
    node/test_concat_1d_axis_0 node/test_concat_1d_axis_negative_1 node/test_concat_2d_axis_0
    node/test_concat_2d_axis_1 node/test_concat_2d_axis_negative_1 node/test_concat_2d_axis_negative_2
    node/test_concat_3d_axis_0 node/test_concat_3d_axis_1 node/test_concat_3d_axis_2
    node/test_concat_3d_axis_negative_1 node/test_concat_3d_axis_negative_2 node/test_concat_3d_axis_negative_3
    node/test_constant node/test_constant_pad node/test_constant_pad_axes node/test_constant_pad_negative_axes
    node/test_constantofshape_float_ones node/test_constantofshape_int_shape_zero node/test_constantofshape_int_zeros
    node/test_conv_with_autopad_same node/test_conv_with_strides_and_asymmetric_padding
    node/test_conv_with_strides_no_padding node/test_conv_with_strides_padding node/test_cos node/test_cos_example
    node/test_cosh node/test_cosh_example node/test_cumsum_1d node/test_cumsum_1d_exclusive
    node/test_cumsum_1d_reverse node/test_cumsum_1d_reverse_exclusive node/test_cumsum_2d_axis_0
    node/test_cumsum_2d_axis_1 node/test_cumsum_2d_negative_axis node/test_depthtospace_crd_mode_example
    node/test_depthtospace_example node/test_div node/test_div_bcast node/test_div_example node/test_div_uint8
    node/test_dropout_default node/test_dropout_default_mask node/test_dropout_default_mask_ratio
    node/test_dropout_default_old node/test_dropout_default_ratio node/test_dropout_random_old node/test_edge_pad
    node/test_elu_default_expanded_ver18 node/test_elu_example_expanded_ver18 node/test_elu_expanded_ver18
    node/test_equal node/test_equal_bcast node/test_erf node/test_exp node/test_exp_example
    node/test_expand_dim_changed node/test_expand_dim_unchanged node/test_flatten_axis0 node/test_flatten_axis1
    node/test_flatten_axis2 node/test_flatten_axis3 node/test_flatten_default_axis node/test_flatten_negative_axis1
    node/test_flatten_negative_axis2 node/test_flatten_negative_axis3 node/test_flatten_negative_axis4 node/test_floor
    node/test_floor_example node/test_gather_0 node/test_gather_1 node/test_gather_2d_indices
    node/test_gather_elements_0 node/test_gather_elements_1 node/test_gather_elements_negative_indices
    node/test_gather_negative_indices node/test_gathernd_example_float32 node/test_gathernd_example_int32
    node/test_gathernd_example_int32_batch_dim1 node/test_gelu_default_1 node/test_gelu_default_1_expanded
    node/test_gelu_default_2 node/test_gelu_default_2_expanded node/test_gelu_tanh_1 node/test_gelu_tanh_1_expanded
    node/test_gelu_tanh_2 node/test_gelu_tanh_2_expanded node/test_gemm_all_attributes node/test_gemm_alpha
    node/test_gemm_beta node/test_gemm_default_matrix_bias node/test_gemm_default_no_bias
    node/test_gemm_default_scalar_bias node/test_gemm_default_single_elem_vector_bias
    node/test_gemm_default_vector_bias node/test_gemm_default_zero_bias node/test_gemm_transposeA
    node/test_gemm_transposeB node/test_greater node/test_greater_bcast node/test_greater_equal
    node/test_greater_equal_bcast node/test_greater_equal_bcast_expanded node/test_greater_equal_expanded
    node/test_group_normalization_epsilon node/test_group_normalization_epsilon_expanded
    node/test_group_normalization_example node/test_group_normalization_example_expanded
    node/test_hammingwindow_expanded node/test_hammingwindow_symmetric_expanded node/test_hannwindow_expanded
    node/test_hannwindow_symmetric_expanded node/test_hardsigmoid_default_expanded_ver18
    node/test_hardsigmoid_example_expanded_ver18 node/test_hardsigmoid_expanded_ver18 node/test_hardswish
    node/test_hardswish_expanded node/test_identity node/test_isinf node/test_isinf_float16 node/test_isinf_negative
    node/test_isinf_positive node/test_isnan node/test_isnan_float16 node/test_layer_normalization_2d_axis0_expanded
    node/test_layer_normalization_2d_axis0_expanded_ver18 node/test_layer_normalization_2d_axis1_expanded
    node/test_layer_normalization_2d_axis1_expanded_ver18 node/test_layer_normalization_2d_axis_negative_1_expanded
    node/test_layer_normalization_2d_axis_negative_1_expanded_ver18
    node/test_layer_normalization_2d_axis_negative_2_expanded
    node/test_layer_normalization_2d_axis_negative_2_expanded_ver18
    node/test_layer_normalization_3d_axis0_epsilon_expanded
    node/test_layer_normalization_3d_axis0_epsilon_expanded_ver18
    node/test_layer_normalization_3d_axis1_epsilon_expanded
    node/test_layer_normalization_3d_axis1_epsilon_expanded_ver18
    node/test_layer_normalization_3d_axis2_epsilon_expanded
    node/test_layer_normalization_3d_axis2_epsilon_expanded_ver18
    node/test_layer_normalization_3d_axis_negative_1_epsilon_expanded
    node/test_layer_normalization_3d_axis_negative_1_epsilon_expanded_ver18
    node/test_layer_normalization_3d_axis_negative_2_epsilon_expanded
    node/test_layer_normalization_3d_axis_negative_2_epsilon_expanded_ver18
    node/test_layer_normalization_3d_axis_negative_3_epsilon_expanded
    node/test_layer_normalization_3d_axis_negative_3_epsilon_expanded_ver18
    node/test_layer_normalization_4d_axis0_expanded node/test_layer_normalization_4d_axis0_expanded_ver18
    node/test_layer_normalization_4d_axis1_expanded node/test_layer_normalization_4d_axis1_expanded_ver18
    node/test_layer_normalization_4d_axis2_expanded node/test_layer_normalization_4d_axis2_expanded_ver18
    node/test_layer_normalization_4d_axis3_expanded node/test_layer_normalization_4d_axis3_expanded_ver18
    node/test_layer_normalization_4d_axis_negative_1_expanded
    node/test_layer_normalization_4d_axis_negative_1_expanded_ver18
    node/test_layer_normalization_4d_axis_negative_2_expanded
    node/test_layer_normalization_4d_axis_negative_2_expanded_ver18
    node/test_layer_normalization_4d_axis_negative_3_expanded
    node/test_layer_normalization_4d_axis_negative_3_expanded_ver18
    node/test_layer_normalization_4d_axis_negative_4_expanded
    node/test_layer_normalization_4d_axis_negative_4_expanded_ver18
    node/test_layer_normalization_default_axis_expanded node/test_layer_normalization_default_axis_expanded_ver18
    node/test_leakyrelu node/test_leakyrelu_default node/test_leakyrelu_default_expanded node/test_leakyrelu_example
    node/test_leakyrelu_example_expanded node/test_leakyrelu_expanded node/test_less node/test_less_bcast
    node/test_less_equal node/test_less_equal_bcast node/test_less_equal_bcast_expanded node/test_less_equal_expanded
    node/test_log node/test_log_example node/test_logsoftmax_axis_0 node/test_logsoftmax_axis_0_expanded
    node/test_logsoftmax_axis_0_expanded_ver18 node/test_logsoftmax_axis_1 node/test_logsoftmax_axis_1_expanded
    node/test_logsoftmax_axis_1_expanded_ver18 node/test_logsoftmax_axis_2 node/test_logsoftmax_axis_2_expanded
    node/test_logsoftmax_axis_2_expanded_ver18 node/test_logsoftmax_default_axis
    node/test_logsoftmax_default_axis_expanded node/test_logsoftmax_default_axis_expanded_ver18
    node/test_logsoftmax_example_1 node/test_logsoftmax_example_1_expanded
    node/test_logsoftmax_example_1_expanded_ver18 node/test_logsoftmax_large_number
    node/test_logsoftmax_large_number_expanded node/test_logsoftmax_large_number_expanded_ver18
    node/test_logsoftmax_negative_axis node/test_logsoftmax_negative_axis_expanded
    node/test_logsoftmax_negative_axis_expanded_ver18 node/test_lrn node/test_lrn_default node/test_matmul_2d
    node/test_matmul_3d node/test_matmul_4d node/test_max_example node/test_max_float16 node/test_max_float32
    node/test_max_float64 node/test_max_int16 node/test_max_int32 node/test_max_int64 node/test_max_int8
    node/test_max_one_input node/test_max_two_inputs node/test_max_uint16 node/test_max_uint32 node/test_max_uint64
    node/test_max_uint8 node/test_maxpool_1d_default node/test_maxpool_2d_ceil
    node/test_maxpool_2d_ceil_output_size_reduce_by_one node/test_maxpool_2d_default node/test_maxpool_2d_dilations
    node/test_maxpool_2d_pads node/test_maxpool_2d_precomputed_pads node/test_maxpool_2d_precomputed_same_upper
    node/test_maxpool_2d_precomputed_strides node/test_maxpool_2d_same_lower node/test_maxpool_2d_same_upper
    node/test_maxpool_2d_strides node/test_maxpool_2d_uint8 node/test_maxpool_3d_default
    node/test_maxpool_3d_dilations node/test_maxpool_3d_dilations_use_ref_impl
    node/test_maxpool_3d_dilations_use_ref_impl_large node/test_mean_example node/test_mean_one_input
    node/test_mean_two_inputs node/test_min_example node/test_min_float16 node/test_min_float32 node/test_min_float64
    node/test_min_int16 node/test_min_int32 node/test_min_int64 node/test_min_int8 node/test_min_one_input
    node/test_min_two_inputs node/test_min_uint16 node/test_min_uint32 node/test_min_uint64 node/test_min_uint8
    node/test_mish node/test_mish_expanded node/test_mod_broadcast node/test_mod_int64_fmod
    node/test_mod_mixed_sign_float16 node/test_mod_mixed_sign_float32 node/test_mod_mixed_sign_float64
    node/test_mod_mixed_sign_int16 node/test_mod_mixed_sign_int32 node/test_mod_mixed_sign_int64
    node/test_mod_mixed_sign_int8 node/test_mod_uint16 node/test_mod_uint32 node/test_mod_uint64 node/test_mod_uint8
    node/test_mul node/test_mul_bcast node/test_mul_example node/test_mul_uint8 node/test_mvn_expanded
    node/test_mvn_expanded_ver18 node/test_neg node/test_neg_example node/test_nllloss_NC_expanded
    node/test_nllloss_NCd1_expanded node/test_nllloss_NCd1_ii_expanded
    node/test_nllloss_NCd1_mean_weight_negative_ii_expanded node/test_nllloss_NCd1_weight_expanded
    node/test_nllloss_NCd1_weight_ii_expanded node/test_nllloss_NCd1d2_expanded
    node/test_nllloss_NCd1d2_no_weight_reduction_mean_ii_expanded node/test_nllloss_NCd1d2_reduction_mean_expanded
    node/test_nllloss_NCd1d2_reduction_sum_expanded node/test_nllloss_NCd1d2_with_weight_expanded
    node/test_nllloss_NCd1d2_with_weight_reduction_mean_expanded
    node/test_nllloss_NCd1d2_with_weight_reduction_sum_expanded
    node/test_nllloss_NCd1d2_with_weight_reduction_sum_ii_expanded
    node/test_nllloss_NCd1d2d3_none_no_weight_negative_ii_expanded
    node/test_nllloss_NCd1d2d3_sum_weight_high_ii_expanded node/test_nllloss_NCd1d2d3d4d5_mean_weight_expanded
    node/test_nllloss_NCd1d2d3d4d5_none_no_weight_expanded node/test_or2d node/test_or3d node/test_or4d
    node/test_or_bcast3v1d node/test_or_bcast3v2d node/test_or_bcast4v2d node/test_or_bcast4v3d node/test_or_bcast4v4d
    node/test_pow node/test_pow_bcast_array node/test_pow_bcast_scalar node/test_pow_example
    node/test_pow_types_float32_int32 node/test_pow_types_float32_int64 node/test_pow_types_float32_uint32
    node/test_pow_types_float32_uint64 node/test_pow_types_int32_float32 node/test_pow_types_int32_int32
    node/test_pow_types_int64_float32 node/test_pow_types_int64_int64 node/test_prelu_broadcast
    node/test_prelu_broadcast_expanded node/test_prelu_example node/test_prelu_example_expanded
    node/test_range_float_type_positive_delta node/test_range_int32_type_negative_delta node/test_reciprocal
    node/test_reciprocal_example node/test_reduce_l1_default_axes_keepdims_example
    node/test_reduce_l1_default_axes_keepdims_example_expanded node/test_reduce_l1_default_axes_keepdims_random
    node/test_reduce_l1_default_axes_keepdims_random_expanded node/test_reduce_l1_do_not_keepdims_example
    node/test_reduce_l1_do_not_keepdims_example_expanded node/test_reduce_l1_do_not_keepdims_random
    node/test_reduce_l1_do_not_keepdims_random_expanded node/test_reduce_l1_empty_set
    node/test_reduce_l1_empty_set_expanded node/test_reduce_l1_keep_dims_example
    node/test_reduce_l1_keep_dims_example_expanded node/test_reduce_l1_keep_dims_random
    node/test_reduce_l1_keep_dims_random_expanded node/test_reduce_l1_negative_axes_keep_dims_example
    node/test_reduce_l1_negative_axes_keep_dims_example_expanded node/test_reduce_l1_negative_axes_keep_dims_random
    node/test_reduce_l1_negative_axes_keep_dims_random_expanded node/test_reduce_l2_default_axes_keepdims_example
    node/test_reduce_l2_default_axes_keepdims_example_expanded node/test_reduce_l2_default_axes_keepdims_random
    node/test_reduce_l2_default_axes_keepdims_random_expanded node/test_reduce_l2_do_not_keepdims_example
    node/test_reduce_l2_do_not_keepdims_example_expanded node/test_reduce_l2_do_not_keepdims_random
    node/test_reduce_l2_do_not_keepdims_random_expanded node/test_reduce_l2_empty_set
    node/test_reduce_l2_empty_set_expanded node/test_reduce_l2_keep_dims_example
    node/test_reduce_l2_keep_dims_example_expanded node/test_reduce_l2_keep_dims_random
    node/test_reduce_l2_keep_dims_random_expanded node/test_reduce_l2_negative_axes_keep_dims_example
    node/test_reduce_l2_negative_axes_keep_dims_example_expanded node/test_reduce_l2_negative_axes_keep_dims_random
    node/test_reduce_l2_negative_axes_keep_dims_random_expanded node/test_reduce_log_sum_asc_axes
    node/test_reduce_log_sum_asc_axes_expanded node/test_reduce_log_sum_default
    node/test_reduce_log_sum_default_expanded node/test_reduce_log_sum_desc_axes
    node/test_reduce_log_sum_desc_axes_expanded node/test_reduce_log_sum_empty_set
    node/test_reduce_log_sum_empty_set_expanded node/test_reduce_log_sum_exp_default_axes_keepdims_example
    node/test_reduce_log_sum_exp_default_axes_keepdims_example_expanded
    node/test_reduce_log_sum_exp_default_axes_keepdims_random
    node/test_reduce_log_sum_exp_default_axes_keepdims_random_expanded
    node/test_reduce_log_sum_exp_do_not_keepdims_example node/test_reduce_log_sum_exp_do_not_keepdims_example_expanded
    node/test_reduce_log_sum_exp_do_not_keepdims_random node/test_reduce_log_sum_exp_do_not_keepdims_random_expanded
    node/test_reduce_log_sum_exp_empty_set node/test_reduce_log_sum_exp_empty_set_expanded
    node/test_reduce_log_sum_exp_keepdims_example node/test_reduce_log_sum_exp_keepdims_example_expanded
    node/test_reduce_log_sum_exp_keepdims_random node/test_reduce_log_sum_exp_keepdims_random_expanded
    node/test_reduce_log_sum_exp_negative_axes_keepdims_example
    node/test_reduce_log_sum_exp_negative_axes_keepdims_example_expanded
    node/test_reduce_log_sum_exp_negative_axes_keepdims_random
    node/test_reduce_log_sum_exp_negative_axes_keepdims_random_expanded node/test_reduce_log_sum_negative_axes
    node/test_reduce_log_sum_negative_axes_expanded node/test_reduce_max_bool_inputs
    node/test_reduce_max_default_axes_keepdim_example node/test_reduce_max_default_axes_keepdims_random
    node/test_reduce_max_do_not_keepdims_example node/test_reduce_max_do_not_keepdims_random
    node/test_reduce_max_keepdims_example node/test_reduce_max_keepdims_random
    node/test_reduce_max_negative_axes_keepdims_example node/test_reduce_max_negative_axes_keepdims_random
    node/test_reduce_mean_default_axes_keepdims_example node/test_reduce_mean_default_axes_keepdims_random
    node/test_reduce_mean_do_not_keepdims_example node/test_reduce_mean_do_not_keepdims_random
    node/test_reduce_mean_keepdims_example node/test_reduce_mean_keepdims_random
    node/test_reduce_mean_negative_axes_keepdims_example node/test_reduce_mean_negative_axes_keepdims_random
    node/test_reduce_min_bool_inputs node/test_reduce_min_default_axes_keepdims_example
    node/test_reduce_min_default_axes_keepdims_random node/test_reduce_min_do_not_keepdims_example
    node/test_reduce_min_do_not_keepdims_random node/test_reduce_min_empty_set node/test_reduce_min_keepdims_example
    node/test_reduce_min_keepdims_random node/test_reduce_min_negative_axes_keepdims_example
    node/test_reduce_min_negative_axes_keepdims_random node/test_reduce_prod_default_axes_keepdims_example
    node/test_reduce_prod_default_axes_keepdims_random node/test_reduce_prod_do_not_keepdims_example
    node/test_reduce_prod_do_not_keepdims_random node/test_reduce_prod_empty_set
    node/test_reduce_prod_keepdims_example node/test_reduce_prod_keepdims_random
    node/test_reduce_prod_negative_axes_keepdims_example node/test_reduce_prod_negative_axes_keepdims_random
    node/test_reduce_sum_default_axes_keepdims_example node/test_reduce_sum_default_axes_keepdims_random
    node/test_reduce_sum_do_not_keepdims_example node/test_reduce_sum_do_not_keepdims_random
    node/test_reduce_sum_empty_axes_input_noop_example node/test_reduce_sum_empty_set
    node/test_reduce_sum_empty_set_non_reduced_axis_zero node/test_reduce_sum_keepdims_example
    node/test_reduce_sum_keepdims_random node/test_reduce_sum_negative_axes_keepdims_example
    node/test_reduce_sum_negative_axes_keepdims_random node/test_reduce_sum_square_default_axes_keepdims_example
    node/test_reduce_sum_square_default_axes_keepdims_example_expanded
    node/test_reduce_sum_square_default_axes_keepdims_random
    node/test_reduce_sum_square_default_axes_keepdims_random_expanded
    node/test_reduce_sum_square_do_not_keepdims_example node/test_reduce_sum_square_do_not_keepdims_example_expanded
    node/test_reduce_sum_square_do_not_keepdims_random node/test_reduce_sum_square_do_not_keepdims_random_expanded
    node/test_reduce_sum_square_empty_set node/test_reduce_sum_square_empty_set_expanded
    node/test_reduce_sum_square_keepdims_example node/test_reduce_sum_square_keepdims_example_expanded
    node/test_reduce_sum_square_keepdims_random node/test_reduce_sum_square_keepdims_random_expanded
    node/test_reduce_sum_square_negative_axes_keepdims_example
    node/test_reduce_sum_square_negative_axes_keepdims_example_expanded
    node/test_reduce_sum_square_negative_axes_keepdims_random
    node/test_reduce_sum_square_negative_axes_keepdims_random_expanded node/test_reflect_pad node/test_relu
    node/test_relu_expanded_ver18 node/test_reshape_allowzero_reordered node/test_reshape_extended_dims
    node/test_reshape_negative_dim node/test_reshape_negative_extended_dims node/test_reshape_one_dim
    node/test_reshape_reduced_dims node/test_reshape_reordered_all_dims node/test_reshape_reordered_last_dims
    node/test_reshape_zero_and_negative_dim node/test_reshape_zero_dim node/test_resize_downsample_scales_cubic
    node/test_resize_downsample_scales_cubic_A_n0p5_exclude_outside
    node/test_resize_downsample_scales_cubic_align_corners node/test_resize_downsample_scales_cubic_antialias
    node/test_resize_downsample_scales_linear node/test_resize_downsample_scales_linear_align_corners
    node/test_resize_downsample_scales_linear_antialias node/test_resize_downsample_scales_linear_half_pixel_symmetric
    node/test_resize_downsample_scales_nearest node/test_resize_downsample_sizes_cubic
    node/test_resize_downsample_sizes_cubic_antialias node/test_resize_downsample_sizes_linear_antialias
    node/test_resize_downsample_sizes_linear_pytorch_half_pixel node/test_resize_downsample_sizes_nearest
    node/test_resize_downsample_sizes_nearest_not_larger node/test_resize_downsample_sizes_nearest_not_smaller
    node/test_resize_tf_crop_and_resize node/test_resize_tf_crop_and_resize_axes_2_3
    node/test_resize_tf_crop_and_resize_axes_3_2 node/test_resize_upsample_scales_cubic
    node/test_resize_upsample_scales_cubic_A_n0p5_exclude_outside node/test_resize_upsample_scales_cubic_align_corners
    node/test_resize_upsample_scales_cubic_asymmetric node/test_resize_upsample_scales_linear
    node/test_resize_upsample_scales_linear_align_corners node/test_resize_upsample_scales_linear_half_pixel_symmetric
    node/test_resize_upsample_scales_nearest node/test_resize_upsample_scales_nearest_axes_2_3
    node/test_resize_upsample_scales_nearest_axes_3_2 node/test_resize_upsample_sizes_cubic
    node/test_resize_upsample_sizes_nearest node/test_resize_upsample_sizes_nearest_axes_2_3
    node/test_resize_upsample_sizes_nearest_axes_3_2 node/test_resize_upsample_sizes_nearest_ceil_half_pixel
    node/test_resize_upsample_sizes_nearest_floor_align_corners node/test_resize_upsample_sizes_nearest_not_larger
    node/test_resize_upsample_sizes_nearest_round_prefer_ceil_asymmetric node/test_round
    node/test_selu_default_expanded_ver18 node/test_selu_example_expanded_ver18 node/test_selu_expanded_ver18
    node/test_shape node/test_shape_clip_end node/test_shape_clip_start node/test_shape_end_1
    node/test_shape_end_negative_1 node/test_shape_example node/test_shape_start_1 node/test_shape_start_1_end_2
    node/test_shape_start_1_end_negative_1 node/test_shape_start_negative_1 node/test_shrink_hard_expanded_ver18
    node/test_shrink_soft_expanded_ver18 node/test_sigmoid node/test_sigmoid_example node/test_sign node/test_sin
    node/test_sin_example node/test_sinh node/test_sinh_example node/test_size node/test_size_example node/test_slice
    node/test_slice_default_axes node/test_slice_default_steps node/test_slice_end_out_of_bounds node/test_slice_neg
    node/test_slice_neg_steps node/test_slice_negative_axes node/test_slice_start_out_of_bounds
    node/test_softmax_axis_0 node/test_softmax_axis_0_expanded node/test_softmax_axis_0_expanded_ver18
    node/test_softmax_axis_1 node/test_softmax_axis_1_expanded node/test_softmax_axis_1_expanded_ver18
    node/test_softmax_axis_2 node/test_softmax_axis_2_expanded node/test_softmax_axis_2_expanded_ver18
    node/test_softmax_default_axis node/test_softmax_default_axis_expanded
    node/test_softmax_default_axis_expanded_ver18 node/test_softmax_example node/test_softmax_example_expanded
    node/test_softmax_example_expanded_ver18 node/test_softmax_large_number node/test_softmax_large_number_expanded
    node/test_softmax_large_number_expanded_ver18 node/test_softmax_negative_axis
    node/test_softmax_negative_axis_expanded node/test_softmax_negative_axis_expanded_ver18
    node/test_softplus_example_expanded_ver18 node/test_softplus_expanded_ver18
    node/test_softsign_example_expanded_ver18 node/test_softsign_expanded_ver18 node/test_spacetodepth
    node/test_spacetodepth_example node/test_split_1d_uneven_split_opset18 node/test_split_2d_uneven_split_opset18
    node/test_split_equal_parts_1d_opset13 node/test_split_equal_parts_1d_opset18 node/test_split_equal_parts_2d
    node/test_split_equal_parts_2d_opset13 node/test_split_equal_parts_default_axis_opset13
    node/test_split_equal_parts_default_axis_opset18 node/test_split_variable_parts_1d_opset13
    node/test_split_variable_parts_1d_opset18 node/test_split_variable_parts_2d_opset13
    node/test_split_variable_parts_2d_opset18 node/test_split_variable_parts_default_axis_opset13
    node/test_split_variable_parts_default_axis_opset18 node/test_split_zero_size_splits_opset13
    node/test_split_zero_size_splits_opset18 node/test_sqrt node/test_sqrt_example node/test_squeeze
    node/test_squeeze_negative_axes node/test_sub node/test_sub_bcast node/test_sub_example node/test_sub_uint8
    node/test_sum_example node/test_sum_one_input node/test_sum_two_inputs node/test_tan node/test_tan_example
    node/test_tanh node/test_tanh_example node/test_thresholdedrelu node/test_thresholdedrelu_default
    node/test_thresholdedrelu_default_expanded_ver18 node/test_thresholdedrelu_example
    node/test_thresholdedrelu_example_expanded_ver18 node/test_thresholdedrelu_expanded_ver18 node/test_tile
    node/test_tile_precomputed node/test_top_k node/test_top_k_negative_axis node/test_top_k_smallest
    node/test_transpose_all_permutations_0 node/test_transpose_all_permutations_1
    node/test_transpose_all_permutations_2 node/test_transpose_all_permutations_3
    node/test_transpose_all_permutations_4 node/test_transpose_all_permutations_5 node/test_transpose_default
    node/test_tril node/test_tril_neg node/test_tril_one_row_neg node/test_tril_out_neg node/test_tril_out_pos
    node/test_tril_pos node/test_tril_square node/test_tril_square_neg node/test_tril_zero node/test_triu
    node/test_triu_neg node/test_triu_one_row node/test_triu_out_neg_out node/test_triu_out_pos node/test_triu_pos
    node/test_triu_square node/test_triu_square_neg node/test_triu_zero node/test_unsqueeze_axis_0
    node/test_unsqueeze_axis_1 node/test_unsqueeze_axis_2 node/test_unsqueeze_negative_axes
    node/test_unsqueeze_three_axes node/test_unsqueeze_two_axes node/test_unsqueeze_unsorted_axes
    node/test_upsample_nearest node/test_where_example node/test_where_long_example node/test_wrap_pad node/test_xor2d
    node/test_xor3d node/test_xor4d node/test_xor_bcast3v1d node/test_xor_bcast3v2d node/test_xor_bcast4v2d
    node/test_xor_bcast4v3d node/test_xor_bcast4v4d simple/test_expand_shape_model1 simple/test_expand_shape_model2
    simple/test_expand_shape_model3 simple/test_expand_shape_model4 simple/test_sign_model
    simple/test_single_relu_model
    """

  private static let refused: [(reason: String, names: String)] = [
    (
      "Adagrad: the operator is not supported",
      """
      node/test_adagrad node/test_adagrad_multiple
      """
    ),
    (
      "Adam: the operator is not supported",
      """
      node/test_adam node/test_adam_multiple
      """
    ),
    (
      "AffineGrid: the operator is not supported",
      """
      node/test_affine_grid_2d node/test_affine_grid_2d_align_corners node/test_affine_grid_3d
      node/test_affine_grid_3d_align_corners
      """
    ),
    (
      "ArrayFeatureExtractor: the operator is not supported",
      """
      node/test_ai_onnx_ml_array_feature_extractor
      """
    ),
    (
      "BatchNormalization: expected 1 outputs, got 3",
      """
      node/test_batchnorm_epsilon_training_mode node/test_batchnorm_example_training_mode
      """
    ),
    (
      "Bernoulli: the operator is not supported",
      """
      node/test_bernoulli node/test_bernoulli_double node/test_bernoulli_seed
      """
    ),
    (
      "Binarizer: the operator is not supported",
      """
      node/test_ai_onnx_ml_binarizer
      """
    ),
    (
      "BlackmanWindow: the operator is not supported",
      """
      node/test_blackmanwindow node/test_blackmanwindow_symmetric
      """
    ),
    (
      "CenterCropPad: the operator is not supported",
      """
      node/test_center_crop_pad_crop node/test_center_crop_pad_crop_and_pad node/test_center_crop_pad_crop_axes_chw
      node/test_center_crop_pad_crop_axes_hwc node/test_center_crop_pad_crop_negative_axes_hwc
      node/test_center_crop_pad_pad
      """
    ),
    (
      "Col2Im: the operator is not supported",
      """
      node/test_col2im node/test_col2im_5d node/test_col2im_dilations node/test_col2im_pads node/test_col2im_strides
      """
    ),
    (
      "Compress: the operator is not supported",
      """
      node/test_compress_0 node/test_compress_1 node/test_compress_default_axis node/test_compress_negative_axis
      """
    ),
    (
      "ConcatFromSequence: the operator is not supported; SequenceConstruct: the operator is not supported",
      """
      simple/test_sequence_model4 simple/test_sequence_model5
      """
    ),
    (
      "ConvInteger: the operator is not supported",
      """
      node/test_convinteger_with_padding node/test_convinteger_without_padding
      """
    ),
    (
      "ConvTranspose: the operator is not supported",
      """
      node/test_convtranspose node/test_convtranspose_1d node/test_convtranspose_3d
      node/test_convtranspose_autopad_same node/test_convtranspose_dilations node/test_convtranspose_kernel_shape
      node/test_convtranspose_output_shape node/test_convtranspose_pad node/test_convtranspose_pads
      """
    ),
    (
      "DFT: the operator is not supported",
      """
      node/test_dft node/test_dft_axis node/test_dft_axis_opset19 node/test_dft_inverse node/test_dft_inverse_opset19
      node/test_dft_opset19
      """
    ),
    (
      "DeformConv: the operator is not supported",
      """
      node/test_basic_deform_conv_with_padding node/test_basic_deform_conv_without_padding
      node/test_deform_conv_with_mask_bias node/test_deform_conv_with_multiple_offset_groups
      """
    ),
    (
      "DequantizeLinear: the operator is not supported",
      """
      node/test_dequantizelinear node/test_dequantizelinear_axis node/test_dequantizelinear_blocked
      node/test_dequantizelinear_e4m3fn node/test_dequantizelinear_e4m3fn_float16
      node/test_dequantizelinear_e4m3fn_zero_point node/test_dequantizelinear_e5m2 node/test_dequantizelinear_int16
      node/test_dequantizelinear_int4 node/test_dequantizelinear_uint16 node/test_dequantizelinear_uint4
      """
    ),
    (
      "Det: the operator is not supported",
      """
      node/test_det_2d node/test_det_nd
      """
    ),
    (
      "Dropout: its training mode is not a constant",
      """
      node/test_training_dropout node/test_training_dropout_default node/test_training_dropout_default_mask
      node/test_training_dropout_mask node/test_training_dropout_zero_ratio node/test_training_dropout_zero_ratio_mask
      """
    ),
    (
      "DynamicQuantizeLinear: the operator is not supported",
      """
      node/test_dynamicquantizelinear node/test_dynamicquantizelinear_max_adjusted
      node/test_dynamicquantizelinear_min_adjusted
      """
    ),
    (
      "Einsum: the operator is not supported",
      """
      node/test_einsum_batch_diagonal node/test_einsum_batch_matmul node/test_einsum_inner_prod node/test_einsum_sum
      node/test_einsum_transpose
      """
    ),
    (
      "EyeLike: the operator is not supported",
      """
      node/test_eyelike_populate_off_main_diagonal node/test_eyelike_with_dtype node/test_eyelike_without_dtype
      """
    ),
    (
      "GRU: the operator is not supported",
      """
      node/test_gru_batchwise node/test_gru_defaults node/test_gru_seq_length node/test_gru_with_initial_bias
      """
    ),
    (
      "Gradient: the operator is not supported",
      """
      simple/test_gradient_of_add simple/test_gradient_of_add_and_mul
      """
    ),
    (
      "GridSample: the operator is not supported",
      """
      node/test_gridsample node/test_gridsample_aligncorners_true node/test_gridsample_bicubic
      node/test_gridsample_bicubic_align_corners_0_additional_1
      node/test_gridsample_bicubic_align_corners_1_additional_1 node/test_gridsample_bilinear
      node/test_gridsample_bilinear_align_corners_0_additional_1
      node/test_gridsample_bilinear_align_corners_1_additional_1 node/test_gridsample_border_padding
      node/test_gridsample_nearest node/test_gridsample_nearest_align_corners_0_additional_1
      node/test_gridsample_nearest_align_corners_1_additional_1 node/test_gridsample_reflection_padding
      node/test_gridsample_volumetric_bilinear_align_corners_0
      node/test_gridsample_volumetric_bilinear_align_corners_1 node/test_gridsample_volumetric_nearest_align_corners_0
      node/test_gridsample_volumetric_nearest_align_corners_1 node/test_gridsample_zeros_padding
      """
    ),
    (
      "HammingWindow: the operator is not supported",
      """
      node/test_hammingwindow node/test_hammingwindow_symmetric
      """
    ),
    (
      "HannWindow: the operator is not supported",
      """
      node/test_hannwindow node/test_hannwindow_symmetric
      """
    ),
    (
      "Hardmax: the operator is not supported",
      """
      node/test_hardmax_axis_0 node/test_hardmax_axis_1 node/test_hardmax_axis_2 node/test_hardmax_default_axis
      node/test_hardmax_example node/test_hardmax_negative_axis node/test_hardmax_one_hot
      """
    ),
    (
      "If: the operator is not supported",
      """
      node/test_affine_grid_2d_align_corners_expanded node/test_affine_grid_2d_expanded
      node/test_affine_grid_3d_align_corners_expanded node/test_affine_grid_3d_expanded node/test_if node/test_if_opt
      node/test_if_seq
      """
    ),
    (
      "ImageDecoder: the operator is not supported",
      """
      node/test_image_decoder_decode_bmp_rgb node/test_image_decoder_decode_jpeg2k_rgb
      node/test_image_decoder_decode_jpeg_bgr node/test_image_decoder_decode_jpeg_grayscale
      node/test_image_decoder_decode_jpeg_rgb node/test_image_decoder_decode_png_rgb
      node/test_image_decoder_decode_pnm_rgb node/test_image_decoder_decode_tiff_rgb
      node/test_image_decoder_decode_webp_rgb
      """
    ),
    (
      "LSTM: the operator is not supported",
      """
      node/test_lstm_batchwise node/test_lstm_defaults node/test_lstm_with_initial_bias node/test_lstm_with_peepholes
      """
    ),
    (
      "LabelEncoder: the operator is not supported",
      """
      node/test_ai_onnx_ml_label_encoder_string_int node/test_ai_onnx_ml_label_encoder_string_int_no_default
      node/test_ai_onnx_ml_label_encoder_tensor_mapping node/test_ai_onnx_ml_label_encoder_tensor_value_only_mapping
      """
    ),
    (
      "LayerNormalization: expected 1 outputs, got 3",
      """
      node/test_layer_normalization_2d_axis0 node/test_layer_normalization_2d_axis1
      node/test_layer_normalization_2d_axis_negative_1 node/test_layer_normalization_2d_axis_negative_2
      node/test_layer_normalization_3d_axis0_epsilon node/test_layer_normalization_3d_axis1_epsilon
      node/test_layer_normalization_3d_axis2_epsilon node/test_layer_normalization_3d_axis_negative_1_epsilon
      node/test_layer_normalization_3d_axis_negative_2_epsilon
      node/test_layer_normalization_3d_axis_negative_3_epsilon node/test_layer_normalization_4d_axis0
      node/test_layer_normalization_4d_axis1 node/test_layer_normalization_4d_axis2
      node/test_layer_normalization_4d_axis3 node/test_layer_normalization_4d_axis_negative_1
      node/test_layer_normalization_4d_axis_negative_2 node/test_layer_normalization_4d_axis_negative_3
      node/test_layer_normalization_4d_axis_negative_4 node/test_layer_normalization_default_axis
      """
    ),
    (
      "Loop: the operator is not supported",
      """
      node/test_loop11 node/test_loop13_seq node/test_loop16_seq_none
      node/test_range_float_type_positive_delta_expanded node/test_range_int32_type_negative_delta_expanded
      """
    ),
    (
      "Loop: the operator is not supported; SequenceEmpty: the operator "
        + "is not supported; SequenceLength: the operator is not supported",
      """
      node/test_sequence_map_add_1_sequence_1_tensor_expanded node/test_sequence_map_add_2_sequences_expanded
      node/test_sequence_map_extract_shapes_expanded node/test_sequence_map_identity_1_sequence_1_tensor_expanded
      node/test_sequence_map_identity_1_sequence_expanded node/test_sequence_map_identity_2_sequences_expanded
      """
    ),
    (
      "LpPool: the operator is not supported",
      """
      node/test_lppool_1d_default node/test_lppool_2d_default node/test_lppool_2d_dilations node/test_lppool_2d_pads
      node/test_lppool_2d_same_lower node/test_lppool_2d_same_upper node/test_lppool_2d_strides
      node/test_lppool_3d_default
      """
    ),
    (
      "MatMulInteger: the operator is not supported",
      """
      node/test_matmulinteger
      """
    ),
    (
      "MaxPool: expected 1 outputs, got 2",
      """
      node/test_maxpool_with_argmax_2d_precomputed_pads node/test_maxpool_with_argmax_2d_precomputed_strides
      """
    ),
    (
      "MaxUnpool: the operator is not supported",
      """
      node/test_maxunpool_export_with_output_shape node/test_maxunpool_export_without_output_shape
      """
    ),
    (
      "MeanVarianceNormalization: the operator is not supported",
      """
      node/test_mvn
      """
    ),
    (
      "MelWeightMatrix: the operator is not supported",
      """
      node/test_melweightmatrix
      """
    ),
    (
      "Momentum: the operator is not supported",
      """
      node/test_momentum node/test_momentum_multiple node/test_nesterov_momentum
      """
    ),
    (
      "NegativeLogLikelihoodLoss: the operator is not supported",
      """
      node/test_nllloss_NC node/test_nllloss_NCd1 node/test_nllloss_NCd1_ii
      node/test_nllloss_NCd1_mean_weight_negative_ii node/test_nllloss_NCd1_weight node/test_nllloss_NCd1_weight_ii
      node/test_nllloss_NCd1d2 node/test_nllloss_NCd1d2_no_weight_reduction_mean_ii
      node/test_nllloss_NCd1d2_reduction_mean node/test_nllloss_NCd1d2_reduction_sum
      node/test_nllloss_NCd1d2_with_weight node/test_nllloss_NCd1d2_with_weight_reduction_mean
      node/test_nllloss_NCd1d2_with_weight_reduction_sum node/test_nllloss_NCd1d2_with_weight_reduction_sum_ii
      node/test_nllloss_NCd1d2d3_none_no_weight_negative_ii node/test_nllloss_NCd1d2d3_sum_weight_high_ii
      node/test_nllloss_NCd1d2d3d4d5_mean_weight node/test_nllloss_NCd1d2d3d4d5_none_no_weight
      node/test_sce_NCd1_mean_weight_negative_ii_expanded node/test_sce_NCd1_mean_weight_negative_ii_log_prob_expanded
      node/test_sce_NCd1d2d3_none_no_weight_negative_ii_expanded
      node/test_sce_NCd1d2d3_none_no_weight_negative_ii_log_prob_expanded
      node/test_sce_NCd1d2d3_sum_weight_high_ii_expanded node/test_sce_NCd1d2d3_sum_weight_high_ii_log_prob_expanded
      node/test_sce_NCd1d2d3d4d5_mean_weight_expanded node/test_sce_NCd1d2d3d4d5_mean_weight_log_prob_expanded
      node/test_sce_NCd1d2d3d4d5_none_no_weight_expanded node/test_sce_NCd1d2d3d4d5_none_no_weight_log_prob_expanded
      node/test_sce_mean_3d_expanded node/test_sce_mean_3d_log_prob_expanded node/test_sce_mean_expanded
      node/test_sce_mean_log_prob_expanded node/test_sce_mean_no_weight_ii_3d_expanded
      node/test_sce_mean_no_weight_ii_3d_log_prob_expanded node/test_sce_mean_no_weight_ii_4d_expanded
      node/test_sce_mean_no_weight_ii_4d_log_prob_expanded node/test_sce_mean_no_weight_ii_expanded
      node/test_sce_mean_no_weight_ii_log_prob_expanded node/test_sce_mean_weight_expanded
      node/test_sce_mean_weight_ii_3d_expanded node/test_sce_mean_weight_ii_3d_log_prob_expanded
      node/test_sce_mean_weight_ii_4d_expanded node/test_sce_mean_weight_ii_4d_log_prob_expanded
      node/test_sce_mean_weight_ii_expanded node/test_sce_mean_weight_ii_log_prob_expanded
      node/test_sce_mean_weight_log_prob_expanded node/test_sce_none_expanded node/test_sce_none_log_prob_expanded
      node/test_sce_none_weights_expanded node/test_sce_none_weights_log_prob_expanded node/test_sce_sum_expanded
      node/test_sce_sum_log_prob_expanded
      """
    ),
    (
      "NonMaxSuppression: the operator is not supported",
      """
      node/test_nonmaxsuppression_center_point_box_format node/test_nonmaxsuppression_flipped_coordinates
      node/test_nonmaxsuppression_identical_boxes node/test_nonmaxsuppression_limit_output_size
      node/test_nonmaxsuppression_single_box node/test_nonmaxsuppression_suppress_by_IOU
      node/test_nonmaxsuppression_suppress_by_IOU_and_scores node/test_nonmaxsuppression_two_batches
      node/test_nonmaxsuppression_two_classes
      """
    ),
    (
      "NonZero: the operator is not supported",
      """
      node/test_nonzero_example
      """
    ),
    (
      "OneHot: the operator is not supported",
      """
      node/test_onehot_negative_indices node/test_onehot_with_axis node/test_onehot_with_negative_axis
      node/test_onehot_without_axis
      """
    ),
    (
      "OptionalGetElement: the operator is not supported",
      """
      node/test_optional_get_element_optional_sequence node/test_optional_get_element_optional_tensor
      node/test_optional_get_element_sequence node/test_optional_get_element_tensor
      """
    ),
    (
      "OptionalHasElement: the operator is not supported",
      """
      node/test_optional_has_element_empty_no_input_name_optional_input
      node/test_optional_has_element_empty_no_input_name_tensor_input
      node/test_optional_has_element_empty_no_input_optional_input
      node/test_optional_has_element_empty_no_input_tensor_input node/test_optional_has_element_empty_optional_input
      node/test_optional_has_element_optional_input node/test_optional_has_element_tensor_input
      """
    ),
    (
      "QLinearConv: the operator is not supported",
      """
      node/test_qlinearconv
      """
    ),
    (
      "QLinearMatMul: the operator is not supported",
      """
      node/test_qlinearmatmul_2D_int8_float16 node/test_qlinearmatmul_2D_int8_float32
      node/test_qlinearmatmul_2D_uint8_float16 node/test_qlinearmatmul_2D_uint8_float32
      node/test_qlinearmatmul_3D_int8_float16 node/test_qlinearmatmul_3D_int8_float32
      node/test_qlinearmatmul_3D_uint8_float16 node/test_qlinearmatmul_3D_uint8_float32
      """
    ),
    (
      "QuantizeLinear: the operator is not supported",
      """
      node/test_dynamicquantizelinear_expanded node/test_dynamicquantizelinear_max_adjusted_expanded
      node/test_dynamicquantizelinear_min_adjusted_expanded node/test_quantizelinear node/test_quantizelinear_axis
      node/test_quantizelinear_blocked_asymmetric node/test_quantizelinear_blocked_symmetric
      node/test_quantizelinear_e4m3fn node/test_quantizelinear_e5m2 node/test_quantizelinear_int16
      node/test_quantizelinear_int4 node/test_quantizelinear_uint16 node/test_quantizelinear_uint4
      """
    ),
    (
      "RNN: the operator is not supported",
      """
      node/test_rnn_seq_length node/test_simple_rnn_batchwise node/test_simple_rnn_defaults
      node/test_simple_rnn_with_initial_bias
      """
    ),
    (
      "RandomUniformLike: the operator is not supported",
      """
      node/test_bernoulli_double_expanded node/test_bernoulli_expanded node/test_bernoulli_seed_expanded
      """
    ),
    (
      "RegexFullMatch: the operator is not supported",
      """
      node/test_regex_full_match_basic node/test_regex_full_match_email_domain node/test_regex_full_match_empty
      """
    ),
    (
      "ReverseSequence: the operator is not supported",
      """
      node/test_reversesequence_batch node/test_reversesequence_time
      """
    ),
    (
      "RoiAlign: the operator is not supported",
      """
      node/test_roialign_aligned_false node/test_roialign_aligned_true node/test_roialign_mode_max
      """
    ),
    (
      "STFT: the operator is not supported",
      """
      node/test_stft node/test_stft_with_window
      """
    ),
    (
      "Scan: the operator is not supported",
      """
      node/test_scan9_sum node/test_scan_sum
      """
    ),
    (
      "Scatter: the operator is not supported",
      """
      node/test_scatter_with_axis node/test_scatter_without_axis
      """
    ),
    (
      "ScatterElements: the operator is not supported",
      """
      node/test_scatter_elements_with_axis node/test_scatter_elements_with_duplicate_indices
      node/test_scatter_elements_with_negative_indices node/test_scatter_elements_with_reduction_max
      node/test_scatter_elements_with_reduction_min node/test_scatter_elements_without_axis
      """
    ),
    (
      "ScatterND: the operator is not supported",
      """
      node/test_scatternd node/test_scatternd_add node/test_scatternd_max node/test_scatternd_min
      node/test_scatternd_multiply
      """
    ),
    (
      "SequenceAt: the operator is not supported; SequenceConstruct: the operator "
        + "is not supported; SequenceErase: the operator is not supported",
      """
      simple/test_sequence_model2
      """
    ),
    (
      "SequenceAt: the operator is not supported; SequenceConstruct: the operator is not supported; "
        + "SequenceErase: the operator is not supported; SequenceInsert: the operator is not supported",
      """
      simple/test_sequence_model3
      """
    ),
    (
      "SequenceAt: the operator is not supported; SequenceEmpty: the operator "
        + "is not supported; SequenceInsert: the operator is not supported",
      """
      simple/test_sequence_model1
      """
    ),
    (
      "SequenceAt: the operator is not supported; SplitToSequence: the operator is not supported",
      """
      simple/test_sequence_model7
      """
    ),
    (
      "SequenceInsert: the operator is not supported",
      """
      node/test_sequence_insert_at_back node/test_sequence_insert_at_front
      """
    ),
    (
      "SequenceLength: the operator is not supported; SplitToSequence: the operator is not supported",
      """
      simple/test_sequence_model6 simple/test_sequence_model8
      """
    ),
    (
      "SequenceMap: the operator is not supported",
      """
      node/test_sequence_map_add_1_sequence_1_tensor node/test_sequence_map_add_2_sequences
      node/test_sequence_map_extract_shapes node/test_sequence_map_identity_1_sequence
      node/test_sequence_map_identity_1_sequence_1_tensor node/test_sequence_map_identity_2_sequences
      """
    ),
    (
      "Shrink: the operator is not supported",
      """
      node/test_shrink_hard node/test_shrink_soft simple/test_shrink
      """
    ),
    (
      "SoftmaxCrossEntropyLoss: the operator is not supported",
      """
      node/test_sce_NCd1_mean_weight_negative_ii node/test_sce_NCd1_mean_weight_negative_ii_log_prob
      node/test_sce_NCd1d2d3_none_no_weight_negative_ii node/test_sce_NCd1d2d3_none_no_weight_negative_ii_log_prob
      node/test_sce_NCd1d2d3_sum_weight_high_ii node/test_sce_NCd1d2d3_sum_weight_high_ii_log_prob
      node/test_sce_NCd1d2d3d4d5_mean_weight node/test_sce_NCd1d2d3d4d5_mean_weight_log_prob
      node/test_sce_NCd1d2d3d4d5_none_no_weight node/test_sce_NCd1d2d3d4d5_none_no_weight_log_prob node/test_sce_mean
      node/test_sce_mean_3d node/test_sce_mean_3d_log_prob node/test_sce_mean_log_prob node/test_sce_mean_no_weight_ii
      node/test_sce_mean_no_weight_ii_3d node/test_sce_mean_no_weight_ii_3d_log_prob
      node/test_sce_mean_no_weight_ii_4d node/test_sce_mean_no_weight_ii_4d_log_prob
      node/test_sce_mean_no_weight_ii_log_prob node/test_sce_mean_weight node/test_sce_mean_weight_ii
      node/test_sce_mean_weight_ii_3d node/test_sce_mean_weight_ii_3d_log_prob node/test_sce_mean_weight_ii_4d
      node/test_sce_mean_weight_ii_4d_log_prob node/test_sce_mean_weight_ii_log_prob
      node/test_sce_mean_weight_log_prob node/test_sce_none node/test_sce_none_log_prob node/test_sce_none_weights
      node/test_sce_none_weights_log_prob node/test_sce_sum node/test_sce_sum_log_prob
      """
    ),
    (
      "SplitToSequence: the operator is not supported",
      """
      node/test_split_to_sequence_1 node/test_split_to_sequence_2 node/test_split_to_sequence_nokeepdims
      """
    ),
    (
      "StringConcat: the operator is not supported",
      """
      node/test_string_concat node/test_string_concat_broadcasting node/test_string_concat_empty_string
      node/test_string_concat_utf8 node/test_string_concat_zero_dimensional
      """
    ),
    (
      "StringNormalizer: the operator is not supported",
      """
      node/test_strnormalizer_export_monday_casesensintive_lower
      node/test_strnormalizer_export_monday_casesensintive_nochangecase
      node/test_strnormalizer_export_monday_casesensintive_upper node/test_strnormalizer_export_monday_empty_output
      node/test_strnormalizer_export_monday_insensintive_upper_twodim node/test_strnormalizer_nostopwords_nochangecase
      simple/test_strnorm_model_monday_casesensintive_lower
      simple/test_strnorm_model_monday_casesensintive_nochangecase
      simple/test_strnorm_model_monday_casesensintive_upper simple/test_strnorm_model_monday_empty_output
      simple/test_strnorm_model_monday_insensintive_upper_twodim simple/test_strnorm_model_nostopwords_nochangecase
      """
    ),
    (
      "StringSplit: the operator is not supported",
      """
      node/test_string_split_basic node/test_string_split_consecutive_delimiters
      node/test_string_split_empty_string_delimiter node/test_string_split_empty_tensor
      node/test_string_split_maxsplit node/test_string_split_no_delimiter
      """
    ),
    (
      "TfIdfVectorizer: the operator is not supported",
      """
      node/test_tfidfvectorizer_tf_batch_onlybigrams_skip0 node/test_tfidfvectorizer_tf_batch_onlybigrams_skip5
      node/test_tfidfvectorizer_tf_batch_uniandbigrams_skip5 node/test_tfidfvectorizer_tf_only_bigrams_skip0
      node/test_tfidfvectorizer_tf_onlybigrams_levelempty node/test_tfidfvectorizer_tf_onlybigrams_skip5
      node/test_tfidfvectorizer_tf_uniandbigrams_skip5
      """
    ),
    (
      "TreeEnsemble: the operator is not supported",
      """
      node/test_ai_onnx_ml_tree_ensemble_set_membership node/test_ai_onnx_ml_tree_ensemble_single_tree
      """
    ),
    (
      "Unique: the operator is not supported",
      """
      node/test_unique_not_sorted_without_axis node/test_unique_sorted_with_axis node/test_unique_sorted_with_axis_3d
      node/test_unique_sorted_with_negative_axis node/test_unique_sorted_without_axis
      """
    ),
    (
      "\"input\" has elements of type bfloat16, which is not supported",
      """
      node/test_cast_BFLOAT16_to_FLOAT node/test_castlike_BFLOAT16_to_FLOAT
      node/test_castlike_BFLOAT16_to_FLOAT_expanded
      """
    ),
    (
      "\"input\" has elements of type float8e4m3fn, which is not supported",
      """
      node/test_cast_FLOAT8E4M3FN_to_FLOAT node/test_cast_FLOAT8E4M3FN_to_FLOAT16
      """
    ),
    (
      "\"input\" has elements of type float8e4m3fnuz, which is not supported",
      """
      node/test_cast_FLOAT8E4M3FNUZ_to_FLOAT node/test_cast_FLOAT8E4M3FNUZ_to_FLOAT16
      node/test_castlike_FLOAT8E4M3FNUZ_to_FLOAT node/test_castlike_FLOAT8E4M3FNUZ_to_FLOAT_expanded
      node/test_castlike_FLOAT8E4M3FN_to_FLOAT node/test_castlike_FLOAT8E4M3FN_to_FLOAT_expanded
      """
    ),
    (
      "\"input\" has elements of type float8e5m2, which is not supported",
      """
      node/test_cast_FLOAT8E5M2_to_FLOAT node/test_cast_FLOAT8E5M2_to_FLOAT16
      """
    ),
    (
      "\"input\" has elements of type float8e5m2fnuz, which is not supported",
      """
      node/test_cast_FLOAT8E5M2FNUZ_to_FLOAT node/test_cast_FLOAT8E5M2FNUZ_to_FLOAT16
      node/test_castlike_FLOAT8E5M2FNUZ_to_FLOAT node/test_castlike_FLOAT8E5M2FNUZ_to_FLOAT_expanded
      node/test_castlike_FLOAT8E5M2_to_FLOAT node/test_castlike_FLOAT8E5M2_to_FLOAT_expanded
      """
    ),
    (
      "\"input\" has elements of type int4, which is not supported",
      """
      node/test_cast_INT4_to_FLOAT node/test_cast_INT4_to_FLOAT16 node/test_cast_INT4_to_INT8
      """
    ),
    (
      "\"input\" has elements of type string, which is not supported",
      """
      node/test_cast_STRING_to_FLOAT node/test_castlike_STRING_to_FLOAT node/test_castlike_STRING_to_FLOAT_expanded
      """
    ),
    (
      "\"input\" has elements of type uint4, which is not supported",
      """
      node/test_cast_UINT4_to_FLOAT node/test_cast_UINT4_to_FLOAT16 node/test_cast_UINT4_to_UINT8
      """
    ),
    (
      "\"like\" has elements of type bfloat16, which is not supported",
      """
      node/test_castlike_FLOAT_to_BFLOAT16 node/test_castlike_FLOAT_to_BFLOAT16_expanded
      """
    ),
    (
      "\"like\" has elements of type float8e4m3fn, which is not supported",
      """
      node/test_castlike_FLOAT_to_FLOAT8E4M3FN node/test_castlike_FLOAT_to_FLOAT8E4M3FN_expanded
      """
    ),
    (
      "\"like\" has elements of type float8e4m3fnuz, which is not supported",
      """
      node/test_castlike_FLOAT_to_FLOAT8E4M3FNUZ node/test_castlike_FLOAT_to_FLOAT8E4M3FNUZ_expanded
      """
    ),
    (
      "\"like\" has elements of type float8e5m2, which is not supported",
      """
      node/test_castlike_FLOAT_to_FLOAT8E5M2 node/test_castlike_FLOAT_to_FLOAT8E5M2_expanded
      """
    ),
    (
      "\"like\" has elements of type float8e5m2fnuz, which is not supported",
      """
      node/test_castlike_FLOAT_to_FLOAT8E5M2FNUZ node/test_castlike_FLOAT_to_FLOAT8E5M2FNUZ_expanded
      """
    ),
    (
      "\"like\" has elements of type string, which is not supported",
      """
      node/test_castlike_FLOAT_to_STRING node/test_castlike_FLOAT_to_STRING_expanded
      """
    ),
    (
      "\"output\" has elements of type bfloat16, which is not supported",
      """
      node/test_cast_FLOAT_to_BFLOAT16
      """
    ),
    (
      "\"output\" has elements of type float8e4m3fn, which is not supported",
      """
      node/test_cast_FLOAT16_to_FLOAT8E4M3FN node/test_cast_FLOAT_to_FLOAT8E4M3FN
      node/test_cast_no_saturate_FLOAT16_to_FLOAT8E4M3FN node/test_cast_no_saturate_FLOAT_to_FLOAT8E4M3FN
      """
    ),
    (
      "\"output\" has elements of type float8e4m3fnuz, which is not supported",
      """
      node/test_cast_FLOAT16_to_FLOAT8E4M3FNUZ node/test_cast_FLOAT_to_FLOAT8E4M3FNUZ
      node/test_cast_no_saturate_FLOAT16_to_FLOAT8E4M3FNUZ node/test_cast_no_saturate_FLOAT_to_FLOAT8E4M3FNUZ
      """
    ),
    (
      "\"output\" has elements of type float8e5m2, which is not supported",
      """
      node/test_cast_FLOAT16_to_FLOAT8E5M2 node/test_cast_FLOAT_to_FLOAT8E5M2
      node/test_cast_no_saturate_FLOAT16_to_FLOAT8E5M2 node/test_cast_no_saturate_FLOAT_to_FLOAT8E5M2
      """
    ),
    (
      "\"output\" has elements of type float8e5m2fnuz, which is not supported",
      """
      node/test_cast_FLOAT16_to_FLOAT8E5M2FNUZ node/test_cast_FLOAT_to_FLOAT8E5M2FNUZ
      node/test_cast_no_saturate_FLOAT16_to_FLOAT8E5M2FNUZ node/test_cast_no_saturate_FLOAT_to_FLOAT8E5M2FNUZ
      """
    ),
    (
      "\"output\" has elements of type int4, which is not supported",
      """
      node/test_cast_FLOAT16_to_INT4 node/test_cast_FLOAT_to_INT4
      """
    ),
    (
      "\"output\" has elements of type string, which is not supported",
      """
      node/test_cast_FLOAT_to_STRING
      """
    ),
    (
      "\"output\" has elements of type uint4, which is not supported",
      """
      node/test_cast_FLOAT16_to_UINT4 node/test_cast_FLOAT_to_UINT4
      """
    ),
    (
      "\"x\" has elements of type string, which is not supported",
      """
      node/test_equal_string node/test_equal_string_broadcast
      """
    ),
    (
      "input \"opt_in\" is not declared as a tensor",
      """
      node/test_identity_opt
      """
    ),
    (
      "input \"x\" is not declared as a tensor",
      """
      node/test_identity_sequence
      """
    ),
    (
      "the model uses version 1 of operator set \"ai.onnx\"; supported are 7 to 21",
      """
      node/test_globalaveragepool node/test_globalaveragepool_precomputed node/test_globalmaxpool
      node/test_globalmaxpool_precomputed node/test_not_2d node/test_not_3d node/test_not_4d node/test_softplus
      node/test_softplus_example node/test_softsign node/test_softsign_example
      """
    ),
    (
      "the model uses version 6 of operator set \"ai.onnx\"; supported are 7 to 21",
      """
      node/test_elu node/test_elu_default node/test_elu_example node/test_hardsigmoid node/test_hardsigmoid_default
      node/test_hardsigmoid_example node/test_instancenorm_epsilon node/test_instancenorm_example node/test_selu
      node/test_selu_default node/test_selu_example
      """
    ),
  ]
}
