//! The fields of config.json that transformers and sentence-transformers write, besides those that a family
//! reads.
//!
//! [`refuse_other_models`] refuses values that change the encoder's computation. The fields of [`COMMON`] have
//! no effect on hidden states: training, heads, text generation, number formats, names. Source:
//! configuration_utils.py of transformers 2 to 5.24, whose versions write different ones.

use serde_json::{Value, json};

use super::Family;
use super::fields::{self, refused};
use crate::Result;

/// Fields of every family.
const COMMON: [&str; 91] = [
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_attn_implementation_internal",
    "_commit_hash",
    "_name_or_path",
    "_num_labels",
    "adapters",
    "add_cross_attention",
    "architectures",
    "attn_implementation",
    "auto_map",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "chunk_size_feed_forward",
    "classifier_dropout",
    "cross_attention_hidden_size",
    "custom_pipelines",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "gradient_checkpointing",
    "id2label",
    "initializer_factor",
    "initializer_range",
    "is_decoder",
    "is_encoder_decoder",
    "label2id",
    "language",
    "length_penalty",
    "max_length",
    "max_position_embeddings",
    "min_length",
    "model_type",
    "name",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_labels",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "output_scores",
    "pad_token_id",
    "position_embedding_type",
    "prefix",
    "problem_type",
    "pruned_heads",
    "quantization_config",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "sbert_ce_default_activation_function",
    "sentence_transformers",
    "sep_token_id",
    "summary_activation",
    "summary_first_dropout",
    "summary_last_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tie_word_embeddings",
    "tie_weights_",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "type_vocab_size",
    "typical_p",
    "use_bfloat16",
    "use_cache",
    "vocab_size",
    "xla_device",
];

/// Fields of layers of BERT's kind.
pub(super) const LAYER: [&str; 8] = [
    "attention_probs_dropout_prob",
    "hidden_act",
    "hidden_dropout_prob",
    "hidden_size",
    "intermediate_size",
    "layer_norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
];

/// Fields of BERT and the RoBERTa family. The poolers' are those of Google's checkpoints.
pub(super) const BERT: [&str; 7] = [
    "directionality",
    "pooler_dropout",
    "pooler_fc_size",
    "pooler_num_attention_heads",
    "pooler_num_fc_layers",
    "pooler_size_per_head",
    "pooler_type",
];

/// ELECTRA's fields.
pub(super) const ELECTRA: [&str; 1] = ["embedding_size"];

/// ALBERT's fields. `net_structure_type`, `gap_size` and `num_memory_blocks` are those of Google's checkpoints.
pub(super) const ALBERT: [&str; 8] = [
    "classifier_dropout_prob",
    "down_scale_factor",
    "embedding_size",
    "gap_size",
    "inner_group_num",
    "net_structure_type",
    "num_hidden_groups",
    "num_memory_blocks",
];

/// DeBERTa's fields, of all versions.
pub(super) const DEBERTA: [&str; 18] = [
    "attention_head_size",
    "conv_act",
    "conv_groups",
    "conv_kernel_size",
    "embedding_size",
    "legacy",
    "max_relative_positions",
    "norm_rel_ebd",
    "padding_idx",
    "pooler_dropout",
    "pooler_hidden_act",
    "pooler_hidden_size",
    "pos_att_type",
    "position_biased_input",
    "position_buckets",
    "relative_attention",
    "share_att_key",
    "talking_head",
];

/// Fields of BART and its relatives; most are the decoder's.
pub(super) const BART: [&str; 26] = [
    "activation_dropout",
    "activation_function",
    "add_bias_logits",
    "add_final_layer_norm",
    "attention_dropout",
    "attention_window",
    "classif_dropout",
    "d_model",
    "decoder_attention_heads",
    "decoder_ffn_dim",
    "decoder_layerdrop",
    "decoder_layers",
    "dropout",
    "encoder_attention_heads",
    "encoder_ffn_dim",
    "encoder_layerdrop",
    "encoder_layers",
    "extra_pos_embeddings",
    "init_std",
    "max_decoder_position_embeddings",
    "max_encoder_position_embeddings",
    "normalize_before",
    "normalize_embedding",
    "num_hidden_layers",
    "scale_embedding",
    "static_position_embeddings",
];

/// ModernBERT's fields.
pub(super) const MODERNBERT: [&str; 32] = [
    "attention_bias",
    "attention_dropout",
    "classifier_activation",
    "classifier_bias",
    "classifier_pooling",
    "cls_token_id",
    "decoder_bias",
    "deterministic_flash_attn",
    "embedding_dropout",
    "global_attn_every_n_layers",
    "global_rope_theta",
    "hidden_activation",
    "hidden_size",
    "initializer_cutoff_factor",
    "intermediate_size",
    "layer_norm_eps",
    "layer_types",
    "local_attention",
    "local_rope_theta",
    "mlp_bias",
    "mlp_dropout",
    "norm_bias",
    "norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
    "reference_compile",
    "repad_logits_with_grad",
    "rope_parameters",
    "sparse_pred_ignore_index",
    "sparse_prediction",
    "sliding_window",
    "token_dropout",
];

/// Jina's fields, besides BERT's.
pub(super) const JINA_BERT: [&str; 3] = ["emb_pooler", "feed_forward_type", "model_max_length"];

/// Fields of Jina's models with adapters, besides BERT's.
pub(super) const JINA_V3: [&str; 13] = [
    "emb_pooler",
    "load_trained_adapters",
    "lora_adaptations",
    "lora_alpha",
    "lora_dropout_p",
    "lora_main_params_trainable",
    "lora_rank",
    "matryoshka_dimensions",
    "rotary_emb_base",
    "task_instructions",
    "truncate_dim",
    "use_flash_attn",
    "use_reentrant",
];

/// GTE's fields, besides a layer's.
pub(super) const GTE: [&str; 9] = [
    "layer_norm_type",
    "logn_attention_clip1",
    "logn_attention_scale",
    "pack_qkv",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "unpad_inputs",
    "use_memory_efficient_attention",
];

/// Nomic's fields, many of them GPT-2's and without effect.
pub(super) const NOMIC_BERT: [&str; 39] = [
    "activation_function",
    "add_pooling_layer",
    "attn_pdrop",
    "causal",
    "dense_seq_output",
    "embd_pdrop",
    "fused_bias_fc",
    "fused_dropout_add_ln",
    "head_dim",
    "layer_norm_epsilon",
    "max_trained_positions",
    "mlp_fc1_bias",
    "mlp_fc2_bias",
    "n_embd",
    "n_head",
    "n_inner",
    "n_layer",
    "n_positions",
    "pad_vocab_size_multiple",
    "parallel_block",
    "parallel_block_tied_norm",
    "prenorm",
    "qkv_proj_bias",
    "reorder_and_upcast_attn",
    "resid_pdrop",
    "rope_parameters",
    "rope_theta",
    "rotary_emb_base",
    "rotary_emb_fraction",
    "rotary_emb_interleaved",
    "rotary_emb_scale_base",
    "rotary_scaling_factor",
    "scale_attn_by_inverse_layer_idx",
    "scale_attn_weights",
    "seq_len",
    "unpad_inputs",
    "use_flash_attn",
    "use_rms_norm",
    "use_xentropy",
];

/// Fields of Nomic's experts.
pub(super) const EXPERTS: [&str; 10] = [
    "expert_choice_router",
    "ffn_div",
    "moe_every_n_layers",
    "moe_impl",
    "moe_normalize_expert_weights",
    "moe_resid_pdrop",
    "moe_top_k",
    "num_experts",
    "num_shared_experts",
    "router_aux_loss_coef",
];

/// Fields of families with Llama's layers.
pub(super) const LLAMA: [&str; 17] = [
    "attention_bias",
    "attention_dropout",
    "head_dim",
    "hidden_act",
    "hidden_size",
    "intermediate_size",
    "layer_types",
    "mlp_bias",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "pretraining_tp",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "sliding_window",
];

/// EuroBERT's fields. The tokens repeat ids, and have no effect.
pub(super) const EUROBERT: [&str; 6] =
    ["bos_token", "classifier_pooling", "clf_pooling", "eos_token", "mask_token", "mask_token_id"];

/// Qwen3's fields.
pub(super) const QWEN3: [&str; 3] = ["is_causal", "max_window_layers", "use_sliding_window"];

/// Gemma 3's fields; the last logits' cap has no effect on states.
pub(super) const GEMMA3: [&str; 8] = [
    "_sliding_window_pattern",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "hidden_activation",
    "query_pre_attn_scalar",
    "rope_local_base_freq",
    "sliding_window_pattern",
    "use_bidirectional_attention",
];

/// NeoBERT's fields.
pub(super) const NEOBERT: [&str; 17] = [
    "classifier_init_range",
    "decoder_init_range",
    "dim_head",
    "dropout",
    "embedding_init_range",
    "flash_attention",
    "hidden_act",
    "hidden_size",
    "intermediate_size",
    "kwargs",
    "ngpt",
    "norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
    "rms_norm",
    "rope",
    "base_scale",
];

/// SqueezeBERT's fields.
pub(super) const SQUEEZEBERT: [&str; 7] = [
    "embedding_size",
    "intermediate_groups",
    "k_groups",
    "output_groups",
    "post_attention_groups",
    "q_groups",
    "v_groups",
];

/// ConvBERT's fields.
pub(super) const CONVBERT: [&str; 4] = ["conv_kernel_size", "embedding_size", "head_ratio", "num_groups"];

/// XLNet's fields; those of memories have no effect on a text alone.
pub(super) const XLNET: [&str; 25] = [
    "attn_type",
    "bi_data",
    "clamp_len",
    "d_head",
    "d_inner",
    "d_model",
    "dropatt",
    "dropout",
    "end_n_top",
    "ff_activation",
    "init",
    "init_range",
    "init_std",
    "layer_norm_eps",
    "mem_len",
    "n_head",
    "n_layer",
    "n_token",
    "reuse_len",
    "same_length",
    "start_n_top",
    "summary_last_dropout",
    "untie_r",
    "use_mems_eval",
    "use_mems_train",
];

/// XLM's fields.
pub(super) const XLM: [&str; 29] = [
    "asm",
    "attention_dropout",
    "bos_index",
    "causal",
    "dropout",
    "emb_dim",
    "embed_init_std",
    "end_n_top",
    "eos_index",
    "gelu_activation",
    "id2lang",
    "init_std",
    "is_encoder",
    "lang2id",
    "lang_id",
    "layer_norm_eps",
    "mask_index",
    "mask_token_id",
    "max_vocab",
    "min_count",
    "n_heads",
    "n_langs",
    "n_layers",
    "n_words",
    "pad_index",
    "sinusoidal_embeddings",
    "start_n_top",
    "unk_index",
    "use_lang_emb",
];

/// T5's fields; `n_positions` has no effect.
pub(super) const T5: [&str; 17] = [
    "d_ff",
    "d_kv",
    "d_model",
    "dense_act_fn",
    "dropout_rate",
    "feed_forward_proj",
    "is_gated_act",
    "layer_norm_epsilon",
    "n_positions",
    "num_decoder_layers",
    "num_heads",
    "num_layers",
    "output_past",
    "relative_attention_max_distance",
    "relative_attention_num_buckets",
    "scalable_attention",
    "scale_decoder_outputs",
];

/// Longformer's fields: BERT's and two of its own.
pub(super) const LONGFORMER: [&str; 3] = ["attention_window", "ignore_attention_mask", "onnx_export"];

/// BigBird's fields.
pub(super) const BIG_BIRD: [&str; 6] = [
    "attention_type",
    "block_size",
    "gradient_checkpointing",
    "num_random_blocks",
    "rescale_embeddings",
    "use_bias",
];

/// ProphetNet's fields; most are the decoder's.
pub(super) const PROPHETNET: [&str; 21] = [
    "activation_dropout",
    "activation_function",
    "attention_dropout",
    "decoder_ffn_dim",
    "decoder_layerdrop",
    "disable_ngram_loss",
    "dropout",
    "encoder_ffn_dim",
    "encoder_layerdrop",
    "eps",
    "hidden_size",
    "init_std",
    "ngram",
    "num_buckets",
    "num_decoder_attention_heads",
    "num_decoder_layers",
    "num_encoder_attention_heads",
    "num_encoder_layers",
    "num_hidden_layers",
    "relative_max_distance",
    "split_prophetnet",
];

/// MPNet's fields.
pub(super) const MPNET: [&str; 1] = ["relative_attention_num_buckets"];

/// DistilBERT's fields. The sinusoidal positions are in its weights.
pub(super) const DISTILBERT: [&str; 10] = [
    "activation",
    "attention_dropout",
    "dim",
    "dropout",
    "hidden_dim",
    "n_heads",
    "n_layers",
    "qa_dropout",
    "seq_classif_dropout",
    "sinusoidal_pos_embds",
];

impl Family {
    /// Whether a field of config.json is read, or known to have no effect.
    pub(crate) fn knows(&self, field: &str) -> bool {
        COMMON.contains(&field) || self.fields.iter().any(|fields| fields.contains(&field))
    }
}

/// Families of encoders with decoders, whose encoders are used.
const ENCODER_DECODERS: [&str; 11] = [
    "bart",
    "mbart",
    "t5",
    "mt5",
    "umt5",
    "led",
    "pegasus",
    "blenderbot",
    "blenderbot-small",
    "prophetnet",
    "xlm-prophetnet",
];

fn is_encoder_decoder(config: &Value) -> bool {
    let model_type = config.get("model_type").and_then(Value::as_str);
    model_type.is_some_and(|model_type| ENCODER_DECODERS.contains(&model_type))
}

/// Families whose own functions read `position_embedding_type`.
const WITH_POSITION_TYPES: [&str; 4] = ["bert", "gte", "jina_bert", "jina_v3"];

/// Refuses values that make transformers compute something else, in any family.
pub(super) fn refuse_other_models(config: &Value, family: &Family) -> Result<()> {
    if !WITH_POSITION_TYPES.contains(&family.name) {
        fields::only(config, "position_embedding_type", &json!("absolute"))?;
    }
    fields::only(config, "is_decoder", &json!(false))?;
    if !is_encoder_decoder(config) {
        fields::only(config, "add_cross_attention", &json!(false))?;
        fields::only(config, "is_encoder_decoder", &json!(false))?;
    }
    fields::only(config, "pruned_heads", &json!({}))?;
    fields::only(config, "quantization_config", &Value::Null)?;
    // AdapterHub's library writes this field into models without adapters, too.
    match config.pointer("/adapters/adapters").and_then(Value::as_object) {
        Some(adapters) if !adapters.is_empty() => {
            let names: Vec<&str> = adapters.keys().map(String::as_str).collect();
            Err(refused("adapters", format!("must name no adapters, got {}", names.join(", "))))
        }
        _ => Ok(()),
    }
}
