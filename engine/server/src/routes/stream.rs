//! Answers that are sent as the vectors are ready, in any order: an Arrow stream, or a line of JSON per text.

use std::io;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use hyper::HeaderMap;
use hyper::header::ACCEPT;
use nearsay::Vectors;
use nearsay::vectors::OutputType;
use nearsay::vectors::rows::fixed_lists;

use super::{answer, reported};
use crate::errors::Refusal;
use crate::models::Model;
use crate::numbers::Rows;
use crate::shared::Shared;
use crate::work::{Job, VectorStream};

/// Vectors that are sent together, at most.
const TOGETHER: usize = 1024;

/// A form in which vectors are sent as they are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamFormat {
    /// An Arrow stream with the columns index and embedding.
    Arrow,
    /// A line of JSON per text.
    Lines,
}

impl StreamFormat {
    const ALL: [(&'static str, Self); 2] =
        [("application/vnd.apache.arrow.stream", Self::Arrow), ("application/x-ndjson", Self::Lines)];

    /// The one that a request asks for by `Accept`, if it prefers one to JSON.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let mut preferred: Option<(f32, Option<Self>)> = None;
        for range in lines.flat_map(|line| line.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok()).unwrap_or(1.0);
            let known =
                Self::ALL.iter().find(|(name, _)| media.eq_ignore_ascii_case(name)).map(|(_, it)| *it);
            let is_json = ["application/json", "application/*", "*/*"].contains(&media);
            let is_better = preferred.is_none_or(|(best, _)| quality > best);
            if quality > 0.0 && is_better && (known.is_some() || is_json) {
                preferred = Some((quality, known));
            }
        }
        preferred.and_then(|(_, format)| format)
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Arrow => Self::ALL[0].0,
            Self::Lines => Self::ALL[1].0,
        }
    }
}

/// What is streamed, and how.
pub(super) struct Streamed<'a> {
    pub(super) format: StreamFormat,
    pub(super) output_type: OutputType,
    /// The field with the texts.
    pub(super) inputs: &'a str,
    pub(super) id: Option<String>,
}

impl Streamed<'_> {
    /// The answer, from its first vector on. If the request fails later, the connection ends before the answer does.
    pub(super) async fn answer(
        self,
        shared: &Arc<Shared>,
        model: &Arc<Model>,
        job: Job,
    ) -> Result<Response, Refusal> {
        let Self { format, output_type, inputs, id } = self;
        let started = VectorStream::start(shared, model, job).await;
        let vectors = started.map_err(|failure| failure.refusal(inputs))?;
        let measured = vectors.measured;
        let encoder = Encoder { format, output_type, arrow: None };
        let next = |state: Option<(VectorStream, Encoder)>| async move {
            let (mut vectors, mut encoder) = state?;
            match vectors.next(TOGETHER).await {
                Ok(some) if some.is_empty() => Some((encoder.end(), None)),
                Ok(some) => match encoder.add(some) {
                    Ok(bytes) => Some((Ok(bytes), Some((vectors, encoder)))),
                    Err(error) => Some((Err(error), None)),
                },
                Err(failure) => {
                    let message = failure.refusal("the request").message;
                    tracing::warn!("an answer ended before its end: {message}");
                    Some((Err(io::Error::other(message)), None))
                }
            }
        };
        let body = Body::from_stream(stream::unfold(Some((vectors, encoder)), next));
        Ok(reported(answer(format.content_type(), body), model, measured, id))
    }
}

/// Turns vectors and their places into bytes.
struct Encoder {
    format: StreamFormat,
    output_type: OutputType,
    /// From the first vectors on.
    arrow: Option<StreamWriter<Vec<u8>>>,
}

impl Encoder {
    fn add(&mut self, some: Vec<(usize, Vec<f32>)>) -> io::Result<Bytes> {
        let dim = some.first().map_or(1, |(_, vector)| vector.len());
        let (places, values): (Vec<usize>, Vec<Vec<f32>>) = some.into_iter().unzip();
        let vectors = Vectors::new(values.concat(), dim).map_err(io::Error::other)?;
        match self.format {
            StreamFormat::Lines => self.lines(&places, vectors),
            StreamFormat::Arrow => self.batch(&places, vectors),
        }
    }

    fn lines(&self, places: &[usize], vectors: Vectors) -> io::Result<Bytes> {
        let rows = Rows::new(vectors, self.output_type).map_err(io::Error::other)?;
        let mut out = Vec::new();
        for (row, place) in places.iter().enumerate() {
            out.extend_from_slice(format!("{{\"index\":{place},\"embedding\":").as_bytes());
            rows.push_list(&mut out, row);
            out.extend_from_slice(b"}\n");
        }
        Ok(out.into())
    }

    fn batch(&mut self, places: &[usize], vectors: Vectors) -> io::Result<Bytes> {
        let lists = fixed_lists(self.output_type, vectors, None).map_err(io::Error::other)?;
        let index: UInt32Array = places.iter().map(|place| *place as u32).collect();
        let index_field = Field::new("index", DataType::UInt32, false);
        let lists_field = Field::new("embedding", lists.data_type().clone(), false);
        let schema = Arc::new(Schema::new(vec![index_field, lists_field]));
        let columns: Vec<ArrayRef> = vec![Arc::new(index), Arc::new(lists)];
        let batch = RecordBatch::try_new(schema.clone(), columns).map_err(io::Error::other)?;
        if self.arrow.is_none() {
            self.arrow = Some(StreamWriter::try_new(Vec::new(), &schema).map_err(io::Error::other)?);
        }
        let Some(writer) = &mut self.arrow else { return Ok(Bytes::new()) };
        writer.write(&batch).map_err(io::Error::other)?;
        Ok(std::mem::take(writer.get_mut()).into())
    }

    fn end(self) -> io::Result<Bytes> {
        let Some(mut writer) = self.arrow else { return Ok(Bytes::new()) };
        writer.finish().map_err(io::Error::other)?;
        Ok(writer.into_inner().map_err(io::Error::other)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_names_the_form() {
        let of = |accept: &str| StreamFormat::of(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]));
        assert_eq!(of("application/vnd.apache.arrow.stream"), Some(StreamFormat::Arrow));
        assert_eq!(of("text/html, application/x-ndjson;q=0.9"), Some(StreamFormat::Lines));
        assert_eq!(of("Application/X-NDJSON"), Some(StreamFormat::Lines));
        assert_eq!([of("*/*"), of("application/json"), StreamFormat::of(&HeaderMap::new())], [None; 3]);
        assert_eq!(
            [of("application/x-ndjson;q=0"), of("application/json, application/x-ndjson;q=0.1")],
            [None; 2]
        );
        assert_eq!(of("application/json;q=0.5, application/x-ndjson;q=0.9"), Some(StreamFormat::Lines));
    }
}
