//! `--cache`: token vectors of texts that earlier runs encoded.

use nearsay::score::bertscore::{CacheCounts, CacheFolder, CacheReport};
use nearsay::{Error, ErrorKind, Result, Scorer};

use super::request::Requested;
use crate::arguments::CacheArguments;
use crate::context::Context;
use crate::print::plural;
use crate::table::visible;

/// The cache of a run, or none.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    folder: Option<CacheFolder>,
    is_required: bool,
}

impl Cache {
    /// Opens the folder that was asked for. If it cannot be written and is not required, there is a warning and no cache.
    pub(super) fn open(context: &Context, arguments: &CacheArguments) -> Result<Self> {
        let is_required = arguments.require_cache;
        let open = |path| CacheFolder::open(path, arguments.options());
        let opened = arguments.cache.as_deref().map(open).transpose();
        let folder = unless_required(context, is_required, opened)?.flatten();
        Ok(Self { folder, is_required })
    }

    /// The scorer with this cache.
    pub(super) fn with(&self, context: &Context, scorer: Scorer) -> Result<Scorer> {
        let Some(folder) = &self.folder else { return Ok(scorer) };
        Ok(unless_required(context, self.is_required, scorer.cached_in(folder))?.unwrap_or(scorer))
    }

    /// Writes what is not written yet; returns what the cache did, if there is one.
    pub(super) fn finish(&self) -> Result<Option<CacheReport>> {
        self.folder.as_ref().map(CacheFolder::finish).transpose()
    }
}

/// The result, or `None` after a warning if something cannot be created that is not required.
fn unless_required<T>(context: &Context, is_required: bool, result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if !is_required && error.kind() == ErrorKind::CannotCreate => {
            context.note(format_args!("warning: going on without a cache: {}", visible(&error.to_string())));
            Ok(None)
        }
        result => result.map(Some),
    }
}

/// Refuses two layers of one model, whose names `model_name` returns: one pass computes both, and the cache has texts
/// at one layer.
pub(super) fn check(
    requested: &[Requested],
    model_name: impl Fn(&Requested) -> Result<String>,
) -> Result<()> {
    let scores = requested.iter().filter(|requested| requested.spec.name() == "bertscore");
    let mut models = Vec::new();
    for requested in scores {
        let name = model_name(requested)?;
        if models.contains(&name) {
            return Err(Error::Usage {
                message: format!("--cache has texts at one layer of a model, and two are wanted of {name}")
                    .into(),
                hint: Some("score one layer at a time, or leave --cache out".into()),
            });
        }
        models.push(name);
    }
    Ok(())
}

/// Prints what the cache did.
pub(super) fn print(context: &Context, report: &CacheReport) {
    for pack in &report.damaged {
        let file = visible(&pack.file);
        match (pack.entries, &pack.rule) {
            (Some(entries), _) => context.note(format_args!(
                "warning: {} in {file}: not used, and encoded again if needed",
                plural(entries, "damaged entry", "damaged entries")
            )),
            (None, rule) => context.note(format_args!(
                "warning: {file} is damaged: {}; its texts are encoded again",
                rule.as_deref().unwrap_or("it cannot be read")
            )),
        }
    }
    if let Some(failure) = &report.failure {
        context.note(format_args!("warning: no more texts were added to the cache: {}", visible(failure)));
    }
    if report.not_kept > 0 {
        context.note(format_args!(
            "{} not added to the cache, which is full of texts that this run uses; --cache-size makes room",
            plural(report.not_kept, "text was", "texts were")
        ));
    }
    let counts = |what: &str, CacheCounts { cached, encoded, .. }: &CacheCounts| {
        let [cached, encoded] = [*cached, *encoded].map(indicatif::HumanCount);
        format!("{what}: {cached} from the cache, {encoded} encoded")
    };
    let (references, candidates) =
        (counts("references", &report.references), counts("candidates", &report.candidates));
    context.note(format_args!("{references}; {candidates}"));
}
