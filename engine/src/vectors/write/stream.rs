//! Standard output.

use std::io::{self, BufWriter, Write};

use crate::{Error, Result};

/// Buffered bytes to standard output, or in tests to any writer.
///
/// A reader that went away is [`Error::Io`] with [`io::ErrorKind::BrokenPipe`], so that the program can exit
/// quietly.
pub(super) struct StreamWriter {
    stream: BufWriter<Box<dyn Write + Send>>,
}

impl StreamWriter {
    pub(super) fn stdout() -> Self {
        Self::new(Box::new(io::stdout()))
    }

    pub(super) fn new(stream: Box<dyn Write + Send>) -> Self {
        Self { stream: BufWriter::new(stream) }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).map_err(writing_failed)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.stream.flush().map_err(writing_failed)
    }

    /// Flushes the buffer: a drop would lose its error.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()
    }
}

fn writing_failed(source: io::Error) -> Error {
    Error::Io { action: "writing", target: "standard output".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::StreamWriter;
    use crate::Error;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn failure(stream: Box<dyn Write + Send>) -> Error {
        let mut writer = StreamWriter::new(stream);
        writer.write(b"a line\n").expect("buffered");
        writer.finish().expect_err("must fail")
    }

    #[test]
    fn broken_pipe_can_be_told() {
        let error = failure(Box::new(Failing(io::ErrorKind::BrokenPipe)));
        assert!(matches!(&error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn full_device_is_an_output_error() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("there");
        let error = failure(Box::new(full));
        assert_eq!(error.kind(), crate::ErrorKind::Io);
        assert!(error.to_string().starts_with("writing standard output failed: No space left"), "{error}");
    }
}
