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
