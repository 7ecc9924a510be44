//! `N_Normalize/config.json`: which feature is divided by its Euclidean norm.
//!
//! Source: sentence_transformers/base/modules/normalize.py. Versions before 6 write no file.

use serde::Deserialize;

use super::features::{VECTOR, check_features};
use crate::Result;
use crate::files::{CONFIG_LIMIT, ModelFolder, join};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    module_input_name: Option<String>,
    module_output_name: Option<String>,
}

/// Refuses a configuration of anything but a text's vector.
pub(super) fn check(folder: &ModelFolder, subfolder: &str) -> Result<()> {
    // Without a folder, the file would be the transformer's.
    if subfolder.is_empty() {
        return Ok(());
    }
    let relative = join(subfolder, "config.json");
    let config: Config = folder.read_json(&relative, CONFIG_LIMIT)?.unwrap_or_default();
    let names = [config.module_input_name, config.module_output_name];
    check_features(&folder.root().join(relative), [VECTOR, VECTOR], names)
}
