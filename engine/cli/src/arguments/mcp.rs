//! The arguments of `nearsay mcp`, and those of `nearsay serve` for agents.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;
use nearsay_server::CorpusSource;

use super::RunningArguments;

const EXAMPLES: &str = "\
Examples:
  # an index of a folder of notes
  nearsay index build notes/ -m ./minilm -o notes.index
  # tools to search it, for a client that starts this command
  nearsay mcp --corpus notes=notes.index
  # tools to compare, rank and score texts, without a corpus
  nearsay mcp -m sentence-transformers/all-MiniLM-L6-v2

The client writes messages to stdin and reads answers from stdout; everything else is on stderr. It ends with its \
input. docs/mcp.md has the configuration of clients; `nearsay serve --mcp` has the same tools over HTTP.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct McpArguments {
    /// A folder, or a name on the Hugging Face hub; NAME= sets the name in answers. Repeat for several, such as a
    /// cross-encoder for ranking [default: those of the corpora, else NEARSAY_MODEL]
    #[arg(short, long, value_name = "[NAME=]NAME_OR_DIR")]
    pub(crate) model: Vec<String>,
    /// An index, a job's folder or a file of vectors to search, and its name; repeatable
    #[arg(long, value_name = "NAME=PATH", display_order = 2, value_parser = corpus)]
    pub(crate) corpus: Vec<CorpusSource>,
    /// Most characters of text that a call may ask for
    #[arg(long, value_name = "N", display_order = 2, default_value = "50000")]
    pub(crate) max_characters: NonZero<usize>,
    /// Replace what agents read about a tool by the text in a file; repeatable
    #[arg(long, value_name = "TOOL=FILE", display_order = 2, value_parser = description)]
    pub(crate) tool_description: Vec<(String, PathBuf)>,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// Tools for agents, of a server.
#[cfg(feature = "serve")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Agents")]
pub(crate) struct ToolArguments {
    /// Serve tools for agents at /mcp
    #[arg(long)]
    pub(crate) mcp: bool,
    /// A corpus for them to search, and its name; repeatable
    #[arg(long, value_name = "NAME=PATH", value_parser = corpus)]
    pub(crate) corpus: Vec<CorpusSource>,
}

fn corpus(text: &str) -> Result<CorpusSource, String> {
    let (name, path) = pair(text, "NAME=PATH")?;
    Ok(CorpusSource { name: name.to_owned(), path: path.into() })
}

fn description(text: &str) -> Result<(String, PathBuf), String> {
    let (tool, file) = pair(text, "TOOL=FILE")?;
    Ok((tool.to_owned(), file.into()))
}

fn pair<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str), String> {
    let pair = text.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty());
    pair.ok_or_else(|| format!("must be {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corpus_has_a_name_and_a_path() {
        let expected = CorpusSource { name: "notes".to_owned(), path: "a=b.index".into() };
        assert_eq!(corpus("notes=a=b.index"), Ok(expected));
        for bad in ["notes", "=a.index", "notes=", ""] {
            assert_eq!(corpus(bad), Err("must be NAME=PATH".to_owned()), "{bad}");
        }
    }
}
