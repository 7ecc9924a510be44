//! The lines of models that shapes are of, and their configurations.

use serde_json::{Value, json};

use super::{Shape, Widths};

/// The family and the other fields of a shape's config.json.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Line {
    Bert,
    DistilBert,
    Roberta,
    Albert,
    Mpnet,
    Deberta,
    DebertaV3,
    ModernBert,
    Gte,
    Nomic,
    NomicExperts,
    Jina,
    JinaV3,
    Bart,
    T5,
    Longformer,
    ConvBert,
    SqueezeBert,
    XlNet,
    EuroBert,
    NeoBert,
    Qwen3,
    Gemma3,
}

impl Line {
    /// The fields of the config.json of this shape that matter.
    pub(super) fn config(self, shape: &Shape) -> Value {
        let Shape { vocab_size, num_layers, widths: Widths { hidden_dim, num_heads }, .. } = shape;
        let intermediate_dim = 4 * hidden_dim;
        match self {
            Line::DistilBert => json!({
                "model_type": "distilbert",
                "vocab_size": vocab_size,
                "dim": hidden_dim,
                "n_layers": num_layers,
                "n_heads": num_heads,
                "hidden_dim": intermediate_dim,
                "max_position_embeddings": 512,
            }),
            Line::Bert => shape.with_names(json!({"model_type": "bert", "max_position_embeddings": 512})),
            Line::Roberta => shape.with_names(json!({
                "model_type": "roberta",
                "max_position_embeddings": 514,
                "type_vocab_size": 1,
                "layer_norm_eps": 1e-5,
            })),
            Line::Albert => shape.with_names(json!({"model_type": "albert", "max_position_embeddings": 512})),
            Line::Mpnet => shape.with_names(json!({"model_type": "mpnet", "max_position_embeddings": 514})),
            Line::Deberta => shape.with_names(json!({
                "model_type": "deberta",
                "relative_attention": true,
                "pos_att_type": "c2p|p2c",
                "position_biased_input": false,
            })),
            Line::DebertaV3 => shape.with_names(json!({
                "model_type": "deberta-v2",
                "relative_attention": true,
                "position_buckets": 256,
                "share_att_key": true,
                "norm_rel_ebd": "layer_norm",
                "pos_att_type": "p2c|c2p",
                "position_biased_input": false,
            })),
            Line::ModernBert => {
                let mut config = shape.with_names(json!({"model_type": "modernbert"}));
                config["intermediate_size"] = 1152.into();
                config
            }
            Line::Gte => shape.with_names(json!({
                "model_type": "new",
                "rope_theta": 500_000,
                "rope_scaling": {"type": "ntk", "factor": 2.0},
                "type_vocab_size": 0,
            })),
            Line::Nomic => shape.with_names(json!({"model_type": "nomic_bert"})),
            // Experts of the usual width in every other layer.
            Line::NomicExperts => json!({
                "model_type": "nomic_bert",
                "vocab_size": vocab_size,
                "n_embd": hidden_dim,
                "n_layer": num_layers,
                "n_head": num_heads,
                "n_inner": intermediate_dim,
                "n_positions": 2048,
                "activation_function": "gelu",
                "mlp_fc1_bias": true,
                "mlp_fc2_bias": true,
                "qkv_proj_bias": true,
                "rotary_emb_fraction": 1.0,
                "moe_every_n_layers": 2,
                "moe_top_k": 2,
                "num_experts": 8,
            }),
            Line::Jina => shape.with_names(json!({
                "model_type": "bert",
                "position_embedding_type": "alibi",
                "feed_forward_type": "geglu",
                "max_position_embeddings": 8192,
            })),
            Line::JinaV3 => shape.with_names(json!({
                "model_type": "xlm-roberta",
                "position_embedding_type": "rotary",
                "rotary_emb_base": 20_000,
                "max_position_embeddings": 8194,
                "lora_adaptations": ["retrieval.query", "retrieval.passage"],
                "lora_rank": 4,
                "lora_alpha": 1,
                "task_instructions": {"retrieval.query": "", "retrieval.passage": ""},
            })),
            Line::Longformer => shape.with_names(json!({
                "model_type": "longformer",
                "attention_window": 512,
                "max_position_embeddings": 4098,
                "type_vocab_size": 1,
            })),
            Line::ConvBert => shape.with_names(json!({
                "model_type": "convbert",
                "embedding_size": hidden_dim,
                "head_ratio": 2,
                "conv_kernel_size": 9,
                "num_groups": 1,
                "max_position_embeddings": 512,
            })),
            Line::SqueezeBert => shape.with_names(json!({
                "model_type": "squeezebert",
                "embedding_size": hidden_dim,
                "q_groups": 4,
                "k_groups": 4,
                "v_groups": 4,
                "post_attention_groups": 1,
                "intermediate_groups": 4,
                "output_groups": 4,
                "max_position_embeddings": 512,
            })),
            Line::XlNet => json!({
                "model_type": "xlnet",
                "vocab_size": vocab_size,
                "d_model": hidden_dim,
                "n_layer": num_layers,
                "n_head": num_heads,
                "d_inner": intermediate_dim,
            }),
            Line::EuroBert => shape.with_names(json!({
                "model_type": "eurobert",
                "num_key_value_heads": num_heads,
                "rope_theta": 250_000,
                "max_position_embeddings": 8192,
            })),
            Line::NeoBert => shape.with_names(json!({"model_type": "neobert", "max_length": 4096})),
            Line::Bart => json!({
                "model_type": "bart",
                "vocab_size": vocab_size,
                "d_model": hidden_dim,
                "encoder_layers": num_layers,
                "encoder_attention_heads": num_heads,
                "encoder_ffn_dim": intermediate_dim,
                "max_position_embeddings": 1024,
            }),
            Line::T5 => json!({
                "model_type": "t5",
                "vocab_size": vocab_size,
                "d_model": hidden_dim,
                "num_layers": num_layers,
                "num_heads": num_heads,
                "d_ff": intermediate_dim,
            }),
            Line::Qwen3 => {
                let mut config = shape.with_names(json!({
                    "model_type": "qwen3",
                    "num_key_value_heads": 8,
                    "head_dim": 128,
                    "rope_theta": 1e6,
                    "max_position_embeddings": 32_768,
                }));
                config["intermediate_size"] = 3072.into();
                config
            }
            Line::Gemma3 => {
                let mut config = shape.with_names(json!({
                    "model_type": "gemma3_text",
                    "num_key_value_heads": 1,
                    "head_dim": 256,
                    "sliding_window": 512,
                    "use_bidirectional_attention": true,
                    "max_position_embeddings": 2048,
                }));
                config["intermediate_size"] = 1152.into();
                config
            }
        }
    }
}

impl Shape {
    /// `config` and the sizes under BERT's names.
    fn with_names(&self, mut config: Value) -> Value {
        config["vocab_size"] = self.vocab_size.into();
        config["num_hidden_layers"] = self.num_layers.into();
        config["hidden_size"] = self.widths.hidden_dim.into();
        config["num_attention_heads"] = self.widths.num_heads.into();
        config["intermediate_size"] = (4 * self.widths.hidden_dim).into();
        config
    }
}
