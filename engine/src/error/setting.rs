//! The settings that a message can name.

/// A setting that a message names. Each face of the library spells it its own way: the library `max_length`,
/// the command line `--max-length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// Whether systems or metrics are added to a run.
    AddToRun,
    /// Whether pairs are formed by row or by id.
    Align,
    /// Whether the rows by which a finished job's input has grown are embedded.
    Append,
    /// A baseline file to rescale with.
    BaselinePath,
    /// Whether candidates are found by the signs of vectors.
    Bits,
    /// Rows that are found by their signs, or the best hits that are ordered by difference.
    Candidates,
    /// Tokens that chunks share.
    ChunkOverlap,
    /// The longest chunk in tokens.
    ChunkTokens,
    /// Characters around a hit's chunk.
    Context,
    /// Texts for calibrating the byte output types.
    Calibration,
    /// The columns that hits have.
    Columns,
    /// Where the encoder runs.
    Device,
    /// Number of values of a vector that are kept.
    Dimensions,
    /// How much hits must differ from better ones.
    Diversity,
    /// Whether hits show which of their tokens the query's tokens match.
    Explain,
    /// Whether links that leave a model's folder are followed.
    FollowLinks,
    /// The format of an input.
    Format,
    /// Weights by inverse document frequency.
    Idf,
    /// Columns that are written as JSON text.
    JsonColumn,
    /// Columns that are kept next to the vectors.
    Keep,
    /// Whether chunks keep the whole text's field.
    KeepDocument,
    /// The language of the texts.
    Lang,
    /// The layer whose hidden states are used.
    Layer,
    /// The text lengths that are measured.
    Lengths,
    /// One vector per text, or one per token.
    Level,
    /// A column that marks texts that were cut.
    MarkTruncated,
    /// The longest text in tokens.
    MaxLength,
    /// How the vectors of chunks are merged into one.
    Merge,
    /// The least score of a hit.
    MinScore,
    /// The model.
    Model,
    /// Whether rows are numbered instead of named by an id.
    NoId,
    /// Whether vectors have length 1.
    Normalize,
    /// Whether the hub is never contacted.
    Offline,
    /// The treatment of long texts.
    OnLong,
    /// Where the result goes.
    Output,
    /// The number type that vectors are written in.
    OutputType,
    /// Whether an existing output is replaced.
    Overwrite,
    /// How a text's tokens become one vector.
    Pooling,
    /// The number format of the encoder's arithmetic.
    Precision,
    /// Whether texts that are gone are removed from an index.
    Prune,
    /// The queries, or how many of them are searched together.
    Queries,
    /// Whether separated fields may be quoted.
    Quotes,
    /// Whether NUL characters are replaced in texts for databases that cannot store them.
    ReplaceNul,
    /// Whether a job is resumed.
    Resume,
    /// The number of random rows that are measured.
    Rows,
    /// The character between two fields.
    Separator,
    /// Whether rows without text are left out.
    SkipEmpty,
    /// Whether each row is answered as soon as it is read.
    Stream,
    /// The task that texts are embedded for.
    Task,
    /// Hits per query.
    Top,
    /// The types of rows that are measured.
    Types,
    /// Whether BERTScore puts no space before texts for models of RoBERTa and GPT-2.
    UseFastTokenizer,
    /// Whether a file is one text.
    WholeFiles,
}

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 53] = [
        Self::AddToRun,
        Self::Align,
        Self::Append,
        Self::BaselinePath,
        Self::Bits,
        Self::Candidates,
        Self::ChunkOverlap,
        Self::ChunkTokens,
        Self::Calibration,
        Self::Context,
        Self::Columns,
        Self::Device,
        Self::Dimensions,
        Self::Diversity,
        Self::Explain,
        Self::FollowLinks,
        Self::Format,
        Self::Idf,
        Self::JsonColumn,
        Self::Keep,
        Self::KeepDocument,
        Self::Lang,
        Self::Layer,
        Self::Lengths,
        Self::Level,
        Self::MarkTruncated,
        Self::MaxLength,
        Self::Merge,
        Self::MinScore,
        Self::Model,
        Self::NoId,
        Self::Normalize,
        Self::Offline,
        Self::OnLong,
        Self::Output,
        Self::OutputType,
        Self::Overwrite,
        Self::Pooling,
        Self::Precision,
        Self::Prune,
        Self::Queries,
        Self::Quotes,
        Self::ReplaceNul,
        Self::Resume,
        Self::Rows,
        Self::Separator,
        Self::SkipEmpty,
        Self::Stream,
        Self::Task,
        Self::Top,
        Self::Types,
        Self::UseFastTokenizer,
        Self::WholeFiles,
    ];

    /// The name in snake case, as in the library's options.
    pub fn name(self) -> &'static str {
        match self {
            Self::AddToRun => "add",
            Self::Align => "align",
            Self::Append => "append",
            Self::BaselinePath => "baseline_path",
            Self::Bits => "bits",
            Self::Candidates => "candidates",
            Self::ChunkOverlap => "chunk_overlap",
            Self::ChunkTokens => "chunk_tokens",
            Self::Calibration => "calibration",
            Self::Context => "context",
            Self::Columns => "columns",
            Self::Device => "device",
            Self::Dimensions => "dimensions",
            Self::Diversity => "diversity",
            Self::Explain => "explain",
            Self::FollowLinks => "follow_links",
            Self::Format => "format",
            Self::Idf => "idf",
            Self::JsonColumn => "json_column",
            Self::Keep => "keep",
            Self::KeepDocument => "keep_document",
            Self::Lang => "lang",
            Self::Layer => "layer",
            Self::Lengths => "lengths",
            Self::Level => "level",
            Self::MarkTruncated => "mark_truncated",
            Self::MaxLength => "max_length",
            Self::Merge => "merge",
            Self::MinScore => "min_score",
            Self::Model => "model",
            Self::NoId => "no_id",
            Self::Normalize => "normalize",
            Self::Offline => "offline",
            Self::OnLong => "on_long",
            Self::Output => "output",
            Self::OutputType => "output_type",
            Self::Overwrite => "overwrite",
            Self::Pooling => "pooling",
            Self::Precision => "precision",
            Self::Prune => "prune",
            Self::Queries => "queries",
            Self::Quotes => "quotes",
            Self::ReplaceNul => "replace_nul",
            Self::Resume => "resume",
            Self::Rows => "rows",
            Self::Separator => "separator",
            Self::SkipEmpty => "skip_empty",
            Self::Stream => "stream",
            Self::Task => "task",
            Self::Top => "top",
            Self::Types => "types",
            Self::UseFastTokenizer => "use_fast_tokenizer",
            Self::WholeFiles => "whole_files",
        }
    }
}
