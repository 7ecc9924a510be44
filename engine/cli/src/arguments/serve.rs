//! The arguments of `nearsay serve`.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nearsay_server::{Limits, Listen, LogFormat};

use super::{RunningArguments, named};

const EXAMPLES: &str = "\
Examples:
  # on http://127.0.0.1:8080, for programs of this machine
  nearsay serve -m sentence-transformers/all-MiniLM-L6-v2
  # for other machines, which need a key
  nearsay serve -m ./minilm --listen 0.0.0.0:8080 --api-key-file keys.txt
  # two models by their own names, on a Unix socket
  nearsay serve -m small=./minilm -m large=./bge --listen unix:embed.sock

Each option can be set in the environment, too: --max-body as NEARSAY_MAX_BODY, options that may be repeated as a \
list with commas. The key is in NEARSAY_API_KEY or a file, never on the command line.

When the models are loaded (with --lazy: at once), a line of JSON on stdout has the addresses: {\"listening\": [..]}. SIGTERM and SIGINT let \
the requests in flight finish; a second signal ends at once. SIGHUP reads keys and models again. docs/serving.md has \
the routes.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    /// A folder, or a name on the Hugging Face hub; NAME= sets the name that clients use. Repeat for several models;
    /// requests that name none get the first
    #[arg(short, long, value_name = "[NAME=]NAME_OR_DIR")]
    pub(crate) model: Vec<String>,
    /// Another name of a model
    #[arg(long, value_name = "ALIAS=NAME", display_order = 2)]
    pub(crate) alias: Vec<String>,
    /// IP:PORT or unix:PATH to listen on; port 0 chooses one; repeatable
    #[arg(long, value_name = "ADDRESS", display_order = 2, default_value = "127.0.0.1:8080")]
    pub(crate) listen: Vec<Listen>,
    /// Load each model at its first request
    #[arg(long, display_order = 2)]
    pub(crate) lazy: bool,
    /// Free a model that has had no request for this time, such as 90s, 10m or 1.5h; it is loaded again at the next
    /// request
    #[arg(long, value_name = "TIME", display_order = 2, value_parser = time)]
    pub(crate) unload_after: Option<Duration>,
    /// Put one of the model's prompts before each text, unless a request names another
    #[arg(long, value_name = "NAME", display_order = 2)]
    pub(crate) prompt_name: Option<String>,
    /// Print the routes as an OpenAPI document, and end
    #[arg(long, display_order = 2)]
    pub(crate) openapi: bool,
    #[cfg(feature = "mcp")]
    #[command(flatten)]
    pub(crate) tools: super::ToolArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

/// Who may use the server, and what a request may have.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct AccessArguments {
    /// A file with the keys of clients, one per line
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Allow a non-loopback address without a key
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Show the list of models without a key
    #[arg(long)]
    pub(crate) open_models: bool,
    /// Let web pages of this origin use the server; repeatable
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors_origin: Vec<String>,
    /// Also accept this `Host` name; `*` accepts any; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Take lists of token ids in place of texts
    #[arg(long)]
    pub(crate) token_ids: bool,
    /// Refuse empty texts
    #[arg(long)]
    pub(crate) refuse_empty: bool,
    /// Format of the request log on stderr
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogArgument::Text)]
    pub(crate) log: LogArgument,
}

/// Sizes and times.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArguments {
    /// Largest request body in bytes
    #[arg(long, value_name = "BYTES", default_value = "8388608")]
    max_body: NonZero<usize>,
    /// Largest bodies of all open requests together, in bytes [default: 64 times --max-body]
    #[arg(long, value_name = "BYTES")]
    max_body_memory: Option<NonZero<usize>>,
    /// Most texts per request
    #[arg(long, value_name = "N", default_value = "2048")]
    max_inputs: NonZero<usize>,
    /// Most tokens per request
    #[arg(long, value_name = "N", default_value = "300000")]
    max_tokens_per_request: NonZero<u64>,
    /// Largest answer in bytes
    #[arg(long, value_name = "BYTES", default_value = "268435456")]
    max_response_bytes: NonZero<u64>,
    /// Open connections; others wait to be accepted
    #[arg(long, value_name = "N", default_value = "1024")]
    max_connections: NonZero<usize>,
    /// Most tokens that may wait [default: twice what --max-wait seconds encode, at least twice
    /// --max-tokens-per-request]
    #[arg(long, value_name = "N")]
    max_queued_tokens: Option<NonZero<u64>>,
    /// Reject requests (429) whose predicted wait is longer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    max_wait: Duration,
    /// Size of the vector cache in bytes [default: no cache]
    #[arg(long, value_name = "BYTES")]
    pub(crate) vector_cache: Option<NonZero<usize>>,
    /// Request timeout in seconds
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    request_timeout: Duration,
    /// Keep accepting connections for this many seconds after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    drain_delay: Duration,
    /// Then wait this many seconds for open requests
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    drain: Duration,
}

impl LimitArguments {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            body_bytes: self.max_body.get(),
            body_memory: self.max_body_memory.map(NonZero::get),
            inputs: self.max_inputs.get(),
            tokens_per_request: self.max_tokens_per_request.get(),
            response_bytes: self.max_response_bytes.get(),
            connections: self.max_connections.get(),
            queued_tokens: self.max_queued_tokens.map(NonZero::get),
            wait: self.max_wait,
            request: self.request_timeout,
            drain_delay: self.drain_delay,
            drain: self.drain,
            ..Limits::default()
        }
    }
}

/// `--log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogArgument {
    /// A line of text per request
    Text,
    /// An object per request
    Json,
}

impl From<LogArgument> for LogFormat {
    fn from(argument: LogArgument) -> Self {
        match argument {
            LogArgument::Text => Self::Text,
            LogArgument::Json => Self::Json,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let rule = || "must be seconds from 0 to 86400".to_owned();
    let seconds: f64 = text.parse().map_err(|_| rule())?;
    match seconds {
        0.0..=86_400.0 => Duration::try_from_secs_f64(seconds).map_err(|_| rule()),
        _ => Err(rule()),
    }
}

/// A time with its unit.
fn time(text: &str) -> Result<Duration, String> {
    let rule = || "must be a number with s, m or h, such as 10m, from 1s to 8760h".to_owned();
    let units = [('s', 1.0), ('m', 60.0), ('h', 3600.0)];
    let of_unit = |(unit, seconds)| text.strip_suffix(unit).map(|number| (number, seconds));
    let (number, seconds) = units.into_iter().find_map(of_unit).ok_or_else(rule)?;
    let number: f64 = number.parse().map_err(|_| rule())?;
    match number * seconds {
        seconds @ 1.0..=31_536_000.0 => Duration::try_from_secs_f64(seconds).map_err(|_| rule()),
        _ => Err(rule()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_library() {
        let program = crate::help::program();
        let matches = program.get_matches_from(["nearsay", "serve", "-m", "m"]);
        let matches = matches.subcommand_matches("serve").unwrap().clone();
        let arguments = <LimitArguments as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        assert_eq!(arguments.limits(), Limits::default());
    }

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1.5h", 5400), ("8760h", 31_536_000)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "m", "0s", "0.5s", "-1m", "NaNs", "infh", "8761h", "10 m", "10ms", "1d", "1ss"]
        {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_are_not_negative_and_at_most_a_day() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["-1", "86401", "inf", "NaN", "", "1s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
