//! The fields of config.json that transformers and sentence-transformers write, besides those that a family
//! reads.
//!
//! [`refuse_other_models`] refuses values that change the encoder's computation. The fields of [`COMMON`] have
//! no effect on hidden states: training, heads, text generation, number formats, names. Source:
//! configuration_utils.py of transformers 2 to 5.24, whose versions write different ones.

use serde_json::{Value, json};

use super::{Family, fields};
use crate::Result;
use crate::config::refused;

/// Fields of every family.
const COMMON: [&str; 89] = [
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
    "sentence_transformers",
    "sep_token_id",
    "summary_activation",
    "summary_first_dropout",
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

/// Fields of BERT and the RoBERTa family. The poolers' are those of Google's checkpoints.
pub(super) const BERT: [&str; 15] = [
    "attention_probs_dropout_prob",
    "directionality",
    "hidden_act",
    "hidden_dropout_prob",
    "hidden_size",
    "intermediate_size",
    "layer_norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
    "pooler_dropout",
    "pooler_fc_size",
    "pooler_num_attention_heads",
    "pooler_num_fc_layers",
    "pooler_size_per_head",
    "pooler_type",
];

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
        COMMON.contains(&field) || self.fields.contains(&field)
    }
}

/// Refuses values that make transformers compute something else, in any family.
pub(super) fn refuse_other_models(config: &Value) -> Result<()> {
    fields::only(config, "position_embedding_type", &json!("absolute"))?;
    for field in ["is_decoder", "is_encoder_decoder", "add_cross_attention"] {
        fields::only(config, field, &json!(false))?;
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
