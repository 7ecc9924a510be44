"""The tests that are not run, by name, and those that are run in part, each with the reason."""

#: The files, relative to the checkout's tests/sentence_transformer.
FILES = ("test_model.py", "test_multi_process.py", "test_compute_embeddings.py", "evaluation")

_WRITES = "writes a model"
_TORCH = "is about torch modules"
_HUB = "downloads from the hub"
_GPU = "needs a GPU"

LEFT_OUT = {
    "test_clip": "is about images",
    "test_conversion_ignores_source_prompts_and_default_prompt_name": _WRITES,
    "test_conversion_ignores_source_similarity_fn_name": _WRITES,
    "test_default_pooling_mode": _HUB,
    "test_default_pooling_mode_causal_lm_with_is_causal_false": _HUB,
    "test_encode_fp16": _GPU,
    "test_encode_per_call_processing_kwargs": "processing_kwargs is refused",
    "test_encode_routes_through_module_call": "is about hooks",
    "test_get_model_kwargs": _TORCH,
    "test_LabelAccuracyEvaluator": "skipped by its authors",
    "test_load_adapter_with_revision": "is about adapters",
    "test_load_checkpoint_with_peft_and_lora": "is about adapters",
    "test_load_local_without_normalize_directory": _WRITES,
    "test_load_with_model_kwargs": _TORCH,
    "test_load_with_pytorch_bin": _HUB,
    "test_load_with_revision": _HUB,
    "test_load_with_safetensors": _HUB,
    "test_load_with_torch_dtype": _GPU,
    "test_model_card_save_update_model_id": _WRITES,
    "test_multi_process_output_tensors_two_devices": _GPU,
    "test_multiple_adapters": "is about adapters",
    "test_nanobeir_evaluator": _HUB,
    "test_nanobeir_evaluator_custom_dataset_id": _HUB,
    "test_parse_model_config_ignores_multi_vector_similarity": "is about a private method",
    "test_prompt_length_calculation": _TORCH,
    "test_prompt_output_value_None": "names the outputs of torch modules",
    "test_prompts": "compares the words of messages",
    "test_push_to_hub": _WRITES,
    "test_router_transformers_model_property": _TORCH,
    "test_safe_serialization": _WRITES,
    "test_safetensors": _WRITES,
    "test_save_load_prompts": _WRITES,
    "test_similarity_fn_name_constructor_overrides_saved": _WRITES,
    "test_similarity_score_save": _WRITES,
    "test_to": _GPU,
    "test_torch_dtype": _WRITES,
    "test_transformers_model_property": _TORCH,
}

#: Of these, the class of an error is compared and not its words, which are nearsay's own.
OWN_WORDS = ("test_encode_quantization", "test_similarity_fn_name_rejects_multi_vector_names")
