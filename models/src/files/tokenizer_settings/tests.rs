//! Settings and added tokens of each file, and fields that are refused, known or reported.

use super::*;
use crate::files::HubOptions;

/// The settings of a BERT with these files.
fn read_files(files: &[(&str, &str)]) -> Result<TokenizerSettings> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let folder = ModelFolder::resolve(directory.path().to_str().unwrap(), &HubOptions::default())?;
    TokenizerSettings::read(&folder, "bert", None)
}

fn read(config: &str, map: &str) -> Result<TokenizerSettings> {
    read_files(&[(CONFIG, config), (SPECIAL_TOKENS, map)])
}

fn tokens(settings: &TokenizerSettings) -> Vec<(&str, Option<u32>)> {
    settings.added_tokens.iter().map(|token| (token.content.as_str(), token.id)).collect()
}

#[test]
fn both_files_are_read_and_the_map_wins_unless_added_tokens_are_listed() {
    let config = r#"{"model_max_length": 512, "cls_token": {"content": "<s>", "lstrip": false},
        "do_lower_case": true, "strip_accents": null, "add_prefix_space": false"#;
    let map = r#"{"cls_token": "[CLS]", "sep_token": "[SEP]"}"#;
    let settings = read(&format!("{config}}}"), map).unwrap();
    assert_eq!(settings.model_max_length, Some(512));
    assert_eq!(
        (settings.cls_token.as_deref(), settings.sep_token.as_deref()),
        (Some("[CLS]"), Some("[SEP]"))
    );
    assert_eq!(settings.do_lower_case, Some(true));
    assert_eq!((settings.strip_accents, settings.add_prefix_space), (None, Some(false)));
    assert_eq!(tokens(&settings), [("[SEP]", None), ("[CLS]", None)]);
    let settings = read(&format!(r#"{config}, "added_tokens_decoder": {{}}}}"#), map).unwrap();
    assert_eq!((settings.cls_token.as_deref(), settings.sep_token.as_deref()), (Some("<s>"), Some("[SEP]")));
}

#[test]
fn a_class_has_its_own_start_and_end_unless_a_file_names_others() {
    let ends = |config: &str| {
        let settings = read(config, "{}").unwrap();
        (settings.cls_token, settings.sep_token)
    };
    let both = |cls: &str, sep: &str| (Some(cls.to_owned()), Some(sep.to_owned()));
    assert_eq!(ends("{}"), both("[CLS]", "[SEP]"), "the model's type is bert");
    assert_eq!(ends(r#"{"tokenizer_class": "RobertaTokenizerFast"}"#), both("<s>", "</s>"));
    assert_eq!(
        ends(r#"{"tokenizer_class": "BlenderbotTokenizer", "cls_token": "<c>"}"#),
        both("<c>", "</s>")
    );
    for class in ["T5TokenizerFast", "PegasusTokenizer", "PreTrainedTokenizerFast", "GemmaTokenizer"] {
        assert_eq!(ends(&format!(r#"{{"tokenizer_class": "{class}"}}"#)), (None, None), "{class}");
    }
    let named_null = r#"{"tokenizer_class": "BertTokenizer", "sep_token": null}"#;
    assert_eq!(ends(named_null), (Some("[CLS]".to_owned()), None));
}

#[test]
fn a_length_without_end_is_none() {
    for text in ["1000000000000000019884624838656", "1e30", "null", "0", "-1"] {
        let settings = read(&format!(r#"{{"model_max_length": {text}}}"#), "{}").unwrap();
        assert_eq!(settings.model_max_length, None, "{text}");
    }
    assert!(read(r#"{"model_max_length": "512"}"#, "{}").is_err());
    assert_eq!(read(r#"{"max_len": 75}"#, "{}").unwrap().model_max_length, Some(75));
}

#[test]
fn added_tokens_come_by_id_then_special_ones_by_name() {
    let config = r#"{"added_tokens_decoder": {
            "101": {"content": "[CLS]", "lstrip": true, "special": true},
            "7": {"content": "river", "single_word": true, "normalized": true, "special": false}},
        "mask_token": "[MASK]", "cls_token": "[CLS]", "image_token": "[IMAGE]",
        "additional_special_tokens": ["a", {"content": "b", "rstrip": true}],
        "model_specific_special_tokens": {"boi_token": "c"}}"#;
    let settings = read(config, r#"{"mask_token": "<other>"}"#).unwrap();
    let expected = [
        ("river", Some(7)),
        ("[CLS]", Some(101)),
        ("[MASK]", None),
        ("[IMAGE]", None),
        ("a", None),
        ("b", None),
        ("c", None),
    ];
    assert_eq!(tokens(&settings), expected);
    let [river, cls, mask, _, _, b, _] = &settings.added_tokens[..] else { unreachable!() };
    assert!(river.single_word && river.normalized && !river.special);
    assert!(cls.lstrip && !cls.normalized && cls.special);
    assert!(mask.special && !mask.normalized && b.rstrip && b.special);
}

#[test]
fn the_old_file_of_added_tokens_is_read_if_the_settings_list_none() {
    let file = ("added_tokens.json", r#"{"river": 12, "[CLS]": 3}"#);
    let settings = read_files(&[file, (CONFIG, r#"{"cls_token": "[CLS]"}"#)]).unwrap();
    assert_eq!(tokens(&settings), [("[CLS]", Some(3)), ("river", Some(12))]);
    assert!(settings.added_tokens[0].special && !settings.added_tokens[0].normalized);
    assert!(!settings.added_tokens[1].special && settings.added_tokens[1].normalized);
    let settings = read_files(&[file, (CONFIG, r#"{"added_tokens_decoder": {}}"#)]).unwrap();
    assert_eq!(tokens(&settings), []);
}

#[test]
fn what_changes_token_ids_and_is_not_supported_is_refused_by_name() {
    for (field, value, shown) in [
        ("truncation_side", r#""left""#, "must be right, got left"),
        ("do_basic_tokenize", "false", "must be true, got false"),
        ("never_split", r#"["river"]"#, "must be [], got [\"river\"]"),
        ("clean_text", "false", "must be true, got false"),
        ("wordpieces_prefix", r#""@@""#, "must be ##, got @@"),
        ("sp_model_kwargs", r#"{"enable_sampling": true}"#, "got {\"enable_sampling\":true}"),
        ("tokenizer_class", r#""BertJapaneseTokenizer""#, "got BertJapaneseTokenizer"),
        (
            "auto_map",
            r#"{"AutoTokenizer": ["a.B", null]}"#,
            "AutoTokenizer: must not name the repository's own code",
        ),
        ("added_tokens_decoder", "5", "must be an object, got 5"),
        ("added_tokens_decoder", r#"{"x": {"content": "a"}}"#, "added_tokens_decoder.x"),
        ("added_tokens_decoder", r#"{"1": "a"}"#, "added_tokens_decoder.1"),
    ] {
        let error = read(&format!(r#"{{"{field}": {value}}}"#), "{}").unwrap_err().to_string();
        assert!(error.contains(CONFIG) && error.contains(field) && error.contains(shown), "{error}");
    }
    let config = r#"{"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": false}"#;
    assert!(read(config, "{}").unwrap_err().to_string().contains("add_bos_token"));
    // BERT's own class puts its special tokens around every text.
    assert!(
        read(r#"{"add_bos_token": false, "never_split": null, "do_basic_tokenize": null}"#, "{}").is_ok()
    );
}

#[test]
fn a_tokenizer_that_cuts_on_the_left_is_refused_unless_the_settings_say_right() {
    let file =
        ("tokenizer.json", r#"{"version": "1.0", "truncation": {"direction": "Left", "max_length": 8}}"#);
    let error = read_files(&[file]).unwrap_err().to_string();
    assert!(
        error.ends_with("tokenizer.json, field truncation.direction: must be Right, got Left"),
        "{error}"
    );
    assert!(read_files(&[file, (CONFIG, r#"{"truncation_side": "right"}"#)]).is_ok());
    for text in [r#"{"truncation": null}"#, r#"{"truncation": {"direction": "Right"}}"#, "[", "{}"] {
        assert!(read_files(&[("tokenizer.json", text)]).is_ok(), "{text}");
    }
}

#[test]
fn unknown_fields_are_reported_by_file() {
    let settings = read_files(&[
        (
            CONFIG,
            r#"{"wavelength": 5, "padding_side": "left", "tokenizer_class": "NewTokenizer", "a_token": 1}"#,
        ),
        (SPECIAL_TOKENS, r#"{"cls_token": "[CLS]", "colour": "red"}"#),
    ]);
    let found: Vec<String> = settings.unwrap().unknown.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].ends_with("special_tokens_map.json: the field colour is not known"), "{found:?}");
    let fields = "tokenizer_config.json: the fields a_token, tokenizer_class, wavelength are not known";
    assert!(found[1].ends_with(fields), "{found:?}");
}

#[test]
fn the_class_is_the_named_one_or_the_model_types() {
    use TokenizerClass::{AsInFile, Bert, Roberta, SentencePiece};
    for (named, model_type, class) in [
        (None, "bert", Bert),
        (None, "distilbert", Bert),
        (None, "roberta", Roberta),
        (None, "camembert", SentencePiece),
        (Some("XLMRobertaTokenizerFast"), "bert", SentencePiece),
        (Some("MPNetTokenizer"), "bert", Bert),
        (Some("PreTrainedTokenizerFast"), "bert", AsInFile),
        (Some("SomethingNew"), "roberta", AsInFile),
    ] {
        assert_eq!(TokenizerClass::find(named, model_type), class, "{named:?} {model_type}");
    }
}

#[test]
fn gemmas_class_puts_tokens_around_texts_and_qwens_does_not() {
    let around = |config: &str| read(config, "{}").unwrap().around;
    let some = |first: &str, last: Option<&str>| Some([Some(first.to_owned()), last.map(str::to_owned)]);
    assert_eq!(around(r#"{"tokenizer_class": "GemmaTokenizer"}"#), some("<bos>", None));
    let config = r#"{"tokenizer_class": "GemmaTokenizerFast", "add_bos_token": true, "bos_token": "<s>",
        "add_eos_token": true}"#;
    assert_eq!(around(config), some("<s>", Some("<eos>")));
    let config = r#"{"tokenizer_class": "GemmaTokenizer", "add_bos_token": false}"#;
    assert_eq!(around(config), Some([None, None]));
    assert_eq!(around(r#"{"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": false}"#), None);
}

#[test]
fn the_class_in_python_of_gpt2_and_roberta_is_known() {
    let is_one = class::is_gpt2_or_roberta;
    for (named, model_type, expected) in [
        (None, "roberta", true),
        (None, "opt", true),
        (None, "bart", false),
        (None, "xlm-roberta", false),
        (Some("RobertaTokenizer"), "bart", true),
        (Some("GPT2Tokenizer"), "bert", true),
        // transformers builds a class named with `Fast` whichever one is asked for.
        (Some("RobertaTokenizerFast"), "roberta", false),
        (Some("PreTrainedTokenizerFast"), "roberta", false),
        (Some("BertTokenizer"), "roberta", false),
    ] {
        assert_eq!(is_one(named, model_type), expected, "{named:?} {model_type}");
    }
}
