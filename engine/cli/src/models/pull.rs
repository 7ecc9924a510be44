//! `nearsay models pull`.

use nearsay::{Error, Model};
use nearsay_models::files::Source;
use serde_json::json;

use crate::context::Context;
use crate::print::{print_json, print_line};

pub(super) fn run(context: &Context, name: &str) -> anyhow::Result<()> {
    let mut hub = context.hub();
    hub.refresh = true;
    let strict = context.global.strict;
    let is_known = |model: &Model| if strict { model.report_unknown_fields(true) } else { Ok(()) };
    let model = Model::open_if(name, &hub, is_known).map_err(Error::from)?;
    model.report_unknown_fields(strict).map_err(Error::from)?;
    let folder = model.folder();
    let Source::Cache { repository, revision, commit } = folder.source() else {
        anyhow::bail!(Error::Usage {
            message: format!("{name} is a folder; pull downloads a model of the hub by its name").into(),
            hint: None,
        });
    };
    let path = folder.root().display().to_string();
    if context.global.json {
        let facts = json!({
            "name": repository, "revision": revision, "commit": commit, "folder": path, "family": model.family().name,
        });
        return Ok(print_json(&facts)?);
    }
    Ok(print_line(&path)?)
}
