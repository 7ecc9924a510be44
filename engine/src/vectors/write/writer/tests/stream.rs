//! Outputs that are not files.

use super::*;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn destination(shared: &Shared) -> Destination {
    Destination(Sink::Stream(StreamWriter::new(Box::new(shared.clone()))))
}

#[test]
fn jsonl_is_written_through() {
    let shared = Shared::default();
    let mut writer =
        row_writer(destination(&shared), OutputFormat::Jsonl, &schema(1), &metadata()).expect("a writer");
    writer.write(&batch(&["1"], &[0.5], 1)).expect("written");
    writer.finish().expect("finished");
    assert_eq!(
        String::from_utf8_lossy(&shared.0.lock().expect("not poisoned")),
        "{\"id\":1,\"title\":null,\"embedding\":[0.5]}\n"
    );
}

#[test]
fn files_with_a_header_are_not() {
    for format in OutputFormat::ALL.into_iter().filter(|format| *format != OutputFormat::Jsonl) {
        let writer = row_writer(destination(&Shared::default()), format, &schema(1), &metadata());
        let error = writer.map(|_| ()).expect_err("needs a file");
        let message = format!("{format} cannot be written to standard output; only jsonl can");
        assert_eq!((error.to_string(), error.kind()), (message, crate::ErrorKind::Usage));
    }
}
