//! `nearsay verify`.

mod indexes;
mod jobs;
mod runs;

use std::path::Path;

use nearsay::score::run;
use nearsay::{Error, index};

use crate::arguments::VerifyArguments;
use crate::context::Context;

/// The kind of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Job,
    Index,
    Run,
}

impl Kind {
    fn of(folder: &Path) -> nearsay::Result<Self> {
        Ok(match (index::is_index(folder)?, run::is_run(folder)) {
            (true, _) => Self::Index,
            (false, true) => Self::Run,
            (false, false) => Self::Job,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Job => "a job's folder",
            Self::Index => "an index",
            Self::Run => "a run",
        }
    }
}

pub(crate) fn run(context: &Context, arguments: &VerifyArguments) -> anyhow::Result<u8> {
    let workers = context.workers(arguments.threads);
    let kinds = arguments.folders.iter().map(|folder| Kind::of(folder));
    let kinds = kinds.collect::<nearsay::Result<Vec<Kind>>>()?;
    let first = kinds.first().copied().unwrap_or(Kind::Job);
    if let Some((folder, other)) = arguments.folders.iter().zip(&kinds).find(|(_, kind)| **kind != first) {
        let message = format!(
            "{} is {}, and {} is {}",
            arguments.folders[0].display(),
            first.name(),
            folder.display(),
            other.name()
        );
        return Err(Error::Usage {
            message: message.into(),
            hint: Some("verify jobs, indexes and runs apart".into()),
        }
        .into());
    }
    match first {
        Kind::Job => jobs::run(context, arguments, &workers),
        Kind::Index => indexes::run(context, arguments, &workers),
        Kind::Run => runs::run(context, arguments),
    }
}
