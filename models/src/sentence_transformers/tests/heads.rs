//! Sparse encoders and late interaction.

use nearsay_kernels::Saturation;

use super::*;

const MASKED: &str = "sentence_transformers.sparse_encoder.models.MLMTransformer";
const SPLADE: &str = "sentence_transformers.sparse_encoder.models.SpladePooling";
const PYLATE: &str = "pylate.models.Dense.Dense";

fn splade(transformer: &str, files: &[(&str, &str)]) -> Result<SpladePooling> {
    let model = read(&[transformer, SPLADE], files)?.unwrap();
    assert!(model.steps.is_empty());
    Ok(model.splade().unwrap())
}

#[test]
fn sparse_encoders_are_read_as_both_versions_write_them() {
    let old = r#"{"pooling_strategy": "sum", "activation_function": "relu", "word_embedding_dimension": 9}"#;
    let pooling = splade(MASKED, &[("1_SpladePooling/config.json", old)]).unwrap();
    assert_eq!(pooling, SpladePooling { sums: true, saturation: Saturation::Log });
    assert_eq!(pooling.description(), "splade sum");
    let new = r#"{"pooling_strategy": "max", "activation_function": "log1p_relu", "embedding_dimension": 9}"#;
    let task = r#"{"transformer_task": "fill-mask", "module_output_name": "token_embeddings",
        "modality_config": {"text": {"method": "forward", "method_output_name": "logits"}}}"#;
    let files = [("1_SpladePooling/config.json", new), ("sentence_bert_config.json", task)];
    let pooling = splade("sentence_transformers.base.modules.transformer.Transformer", &files).unwrap();
    assert_eq!(pooling, SpladePooling { sums: false, saturation: Saturation::LogLog });
    assert_eq!(pooling.description(), "splade max log1p_relu");
    assert_eq!(splade(MASKED, &[("1_SpladePooling/config.json", "{}")]).unwrap(), SpladePooling::default());
}

#[test]
fn the_task_of_a_transformer_must_be_that_of_its_modules() {
    let task = r#"{"transformer_task": "feature-extraction"}"#;
    let files = [("1_SpladePooling/config.json", "{}"), ("sentence_bert_config.json", task)];
    let message = splade(MASKED, &files).unwrap_err().to_string();
    assert!(message.contains("transformer_task") && message.contains("fill-mask"), "{message}");
}

fn late_interaction(settings: &str) -> Result<SentenceTransformer> {
    let dense = r#"{"in_features": 4, "out_features": 2, "bias": false,
        "activation_function": "torch.nn.modules.linear.Identity"}"#;
    let files = [("1_Dense/config.json", dense), ("config_sentence_transformers.json", settings)];
    read(&[TRANSFORMER, PYLATE], &files).map(Option::unwrap)
}

fn colbert(settings: &str) -> Colbert {
    let TextPooling::Colbert(colbert) = late_interaction(settings).unwrap().pooling else {
        panic!("no ColBERT")
    };
    *colbert
}

#[test]
fn late_interaction_is_as_pylate_says() {
    let sides = |colbert: &Colbert| {
        [&colbert.query, &colbert.document].map(|side| (side.marker.clone(), side.length))
    };
    let side = |marker: Option<&str>, length| (marker.map(str::to_owned), Some(length));
    let usual = colbert("{}");
    assert_eq!(sides(&usual), [side(Some("[Q] "), 32), side(Some("[D] "), 180)]);
    assert!(usual.expands_queries && !usual.attends_to_expansion && usual.skiplist.len() == 32);
    let settings = r#"{"model_type": "ColBERT", "query_prefix": "", "document_prefix": "[P]", "query_length": 48,
        "document_length": 300, "attend_to_expansion_tokens": true, "do_query_expansion": true, "skiplist_words": []}"#;
    let stated = colbert(settings);
    assert_eq!(sides(&stated), [side(None, 48), side(Some("[P]"), 300)]);
    assert!(stated.attends_to_expansion && stated.skiplist.is_empty());
    // Without a fill there is nothing to attend to.
    let plain = colbert(r#"{"do_query_expansion": false, "attend_to_expansion_tokens": true}"#);
    assert!(!plain.expands_queries && !plain.attends_to_expansion);
    assert!(matches!(late_interaction("{}").unwrap().steps.as_slice(), [Module::Dense(_)]));
}

#[test]
fn late_interaction_is_as_stanfords_artifact_says() {
    let artifact = r#"{"query_token_id": "[unused0]", "doc_token_id": "[unused1]", "query_maxlen": 12, "dim": 128,
        "mask_punctuation": false, "attend_to_mask_tokens": true, "nbits": 2}"#;
    let (_directory, folder) = model_folder(&[("artifact.metadata", artifact.as_bytes())]);
    let model =
        SentenceTransformer::read(&folder, &encoder(), &TokenizerSettings::default()).unwrap().unwrap();
    let TextPooling::Colbert(colbert) = model.pooling else { panic!("no ColBERT") };
    assert_eq!((colbert.query.length, colbert.document.length), (Some(12), Some(180)));
    assert!(colbert.attends_to_expansion && colbert.skiplist.is_empty());
    assert_eq!((colbert.projection, colbert.dim), (Projection::Linear, Some(128)));
    assert_eq!(colbert.unknown, None);
}

fn stanford(artifact: &str) -> Result<Colbert> {
    let (_directory, folder) = model_folder(&[("artifact.metadata", artifact.as_bytes())]);
    let model = SentenceTransformer::read(&folder, &encoder(), &TokenizerSettings::default())?.unwrap();
    let TextPooling::Colbert(colbert) = model.pooling else { panic!("no ColBERT") };
    Ok(*colbert)
}

/// All that colbert/infra/config/settings.py names, as colbert-ir/colbertv2.0 has it.
#[test]
fn fields_of_stanfords_training_are_known_and_others_are_not() {
    let published = r#"{"query_token_id": "[unused0]", "doc_token_id": "[unused1]", "query_token": "[Q]",
        "doc_token": "[D]", "ncells": null, "centroid_score_threshold": null, "ndocs": null, "index_path": null,
        "nbits": 1, "kmeans_niters": 20, "resume": false, "similarity": "cosine", "bsize": 32, "accumsteps": 1,
        "lr": 1e-5, "maxsteps": 400000, "save_every": null, "warmup": 20000, "warmup_bert": null, "relu": false,
        "nway": 64, "use_ib_negatives": true, "reranker": false, "distillation_alpha": 1.0, "ignore_scores": false,
        "model_name": null, "query_maxlen": 32, "attend_to_mask_tokens": false, "interaction": "colbert", "dim": 128,
        "doc_maxlen": 180, "mask_punctuation": true, "checkpoint": "bert", "triples": "t", "collection": "c",
        "queries": "q", "index_name": null, "overwrite": false, "root": "r", "experiment": "e", "index_root": null,
        "name": "n", "rank": 0, "nranks": 4, "amp": true, "gpus": 8, "meta": {"hostname": "h"}}"#;
    assert_eq!(stanford(published).unwrap().unknown, None);
    let unknown = stanford(r#"{"dim": 128, "query_maxlenn": 32, "bsize": 32}"#).unwrap().unknown.unwrap();
    assert!(unknown.path.ends_with("artifact.metadata"));
    assert_eq!(unknown.fields, ["query_maxlenn"]);
}

#[test]
fn a_query_cannot_be_filled_beyond_the_positions() {
    let most = Colbert::longest_query(&encoder());
    assert_eq!(Some(most), encoder().max_tokens());
    for length in [3, most + 1, 1 << 20] {
        let rule = format!("must be 4 to {most}, as queries are filled up to it, got {length}");
        for (field, error) in [
            ("query_maxlen", stanford(&format!(r#"{{"query_maxlen": {length}}}"#)).unwrap_err()),
            ("query_length", late_interaction(&format!(r#"{{"query_length": {length}}}"#)).unwrap_err()),
        ] {
            let message = error.to_string();
            assert!(message.contains(field) && message.contains(&rule), "{message}");
        }
    }
    // Not filled, and cut like other texts.
    let plain =
        colbert(r#"{"do_query_expansion": false, "query_length": 100000, "document_length": 100000}"#);
    assert_eq!(plain.query.length, Some(100_000));
    let mut unlimited = encoder();
    unlimited.max_tokens = None;
    assert_eq!(Colbert::longest_query(&unlimited), 8192);
}
