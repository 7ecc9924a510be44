//! The language codes of mBART's classes: special tokens, one of which is put next to every text.

use super::{VocabularyClass, VocabularyFiles, special_tokens};
use crate::Result;

/// mBART's codes, in the order of their ids.
pub(super) const MBART: [&str; 25] = [
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN", "hi_IN", "it_IT",
    "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO", "ru_RU", "si_LK",
    "tr_TR", "vi_VN", "zh_CN",
];

/// The codes that mBART-50 has after these.
const LATER: [&str; 27] = [
    "af_ZA", "az_AZ", "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE", "km_KH", "mk_MK", "ml_IN",
    "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN", "te_IN", "th_TH", "tl_XX",
    "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI",
];

/// mBART-50's codes, in the order of their ids.
pub(super) fn mbart50() -> Vec<&'static str> {
    [&MBART[..], &LATER].concat()
}

/// The code of the language that texts are in: `src_lang`, else English.
pub(super) fn source(files: &VocabularyFiles) -> Result<String> {
    let codes = if files.class == VocabularyClass::MBart { MBART.to_vec() } else { mbart50() };
    let code = match files.settings.get("src_lang").filter(|value| !value.is_null()) {
        None => return Ok("en_XX".to_owned()),
        Some(value) => special_tokens::special(files, "src_lang", value)?.content,
    };
    if codes.contains(&code.as_str()) {
        return Ok(code);
    }
    let rule = format!("must be one of the language codes {}, got `{code}`", codes.join(", "));
    Err(files.settings.refuse("src_lang", rule))
}
