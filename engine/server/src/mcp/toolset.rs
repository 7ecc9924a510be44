//! What agents can use.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rmcp::model::Tool;

use super::corpora::Corpora;
use super::tools::{Needs, SEARCH, TOOLS};
use crate::models::usage;

/// A corpus to search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusSource {
    /// The name that agents use: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// An index, a job's folder or a file of vectors.
    pub path: PathBuf,
}

/// The description of a tool, in place of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolDescription {
    /// The tool.
    pub tool: String,
    /// What agents read about it.
    pub text: String,
}

/// What agents get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolsetOptions {
    /// The corpora, in the order in which they are listed.
    pub corpora: Vec<CorpusSource>,
    /// The most characters of text that one answer may have.
    pub max_characters: usize,
    /// Descriptions of tools.
    pub descriptions: Vec<ToolDescription>,
    /// Whether there are models; without them, corpora can be read and not searched in words.
    pub has_models: bool,
}

impl ToolsetOptions {
    /// [`ToolsetOptions::max_characters`], unless it is set.
    pub const MAX_CHARACTERS: usize = 50_000;
}

/// Corpora that are open, and tools that agents can use. Cloning shares them.
#[derive(Clone)]
pub struct Toolset(pub(super) Arc<Opened>);

/// A toolset's parts.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) corpora: Corpora,
    pub(super) max_characters: usize,
    /// The definitions of the tools that can be used, in their order.
    pub(super) tools: Vec<Tool>,
}

impl Toolset {
    /// Opens the corpora.
    ///
    /// # Errors
    /// If a corpus cannot be opened or two have the same name, there is no tool of a description's name, or the characters
    /// of an answer are none.
    pub fn open(options: &ToolsetOptions) -> nearsay::Result<Self> {
        let corpora = Corpora::open(&options.corpora)?;
        if options.max_characters == 0 {
            return Err(usage("an answer must have at least 1 character, got 0"));
        }
        let has = |needs: Needs| match needs {
            Needs::Models => options.has_models,
            Needs::Corpora => !options.corpora.is_empty(),
            Needs::Both => options.has_models && !options.corpora.is_empty(),
        };
        let mut tools: Vec<Tool> =
            TOOLS.iter().filter(|tool| has(tool.needs)).map(|tool| tool.definition()).collect();
        for ToolDescription { tool, text } in &options.descriptions {
            let Some(found) = tools.iter_mut().find(|known| known.name == *tool) else {
                let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
                return Err(usage(&format!(
                    "a description must be of one of the tools {}, got {tool:?}",
                    names.join(", ")
                )));
            };
            found.description = Some(text.clone().into());
        }
        Ok(Self(Arc::new(Opened { corpora, max_characters: options.max_characters, tools })))
    }
}

impl Opened {
    /// Whether there is something to search in words.
    pub(super) fn searches(&self) -> bool {
        self.tools.iter().any(|tool| tool.name == SEARCH)
    }
}

impl fmt::Debug for Toolset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools: Vec<&str> = self.0.tools.iter().map(|tool| &*tool.name).collect();
        formatter.debug_struct("Toolset").field("tools", &tools).finish_non_exhaustive()
    }
}
